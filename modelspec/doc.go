// Package modelspec says what a model is: a domain entity with its rules, as
// data, pure hooks and typed ports.
//
//	type Todo struct {
//		ID    string `json:"id"`
//		Title string `json:"title" aegis:"required"`
//		Done  bool   `json:"done"`
//	}
//
//	var Todos = modelspec.Model[Todo]{Name: "todo"}
//
// A [Model] is written in Go. Its method Spec compiles it to a [Spec], which is
// what a host runs; [New] makes one of a model whose code is elsewhere, in a
// WebAssembly guest, a process or on another host, from its [Descriptor]. The
// two behave alike: the same document gets the same verdict.
//
// # Documents
//
// The document of a model is its struct as encoding/json writes it, and
// whatever encoding/json can write and read back may be in it: times, decimals
// and UUIDs that write their own JSON, maps, embedded structs, types that
// contain themselves. A string field with the JSON name id is the document's
// id; it is the host's, and what a hook puts there is overwritten. Refused, with
// the mend in the error, are channels, functions, complex numbers, interfaces
// with methods, maps whose keys JSON cannot write, and embedded pointers to
// unexported structs.
//
// Hooks and handlers work on a deep copy. What JSON does not carry, such as
// unexported fields and those tagged json:"-", is empty in every copy, so that
// code sees the same natively and behind a boundary. An any holds a tree as
// encoding/json decodes it; anything else put there becomes one. Of types that
// write their own JSON the copy is that of an assignment, plus their own slices
// and maps: what they point to is shared.
//
// Members that a struct does not know, because a newer version of it wrote
// them, survive byte for byte, at the top and in nested structs, though not in
// lists and maps: see [Own].
//
// # Rules
//
// The tag aegis holds rules, divided by commas:
//
//	required     present in the JSON, not null, and not empty if it is a string, list or map
//	immutable    once it is not empty, it stays equal (by a method Equal, if there is one)
//	readonly     callers neither set nor change it; hooks and handlers may
//	writeonly    clients may send it and never see it
//	unique       no two documents have the same, the empty string aside; indexed
//	index        documents can be found and sorted by it
//	min=1 max=9  of numbers
//	minlen= maxlen=  characters of a string, bytes of a []byte, elements of a list, members of a map
//	oneof=a|b    of strings and numbers; the zero value too, unless it is required
//	format=email|uuid|uri|date-time   of strings that are not empty
//
// They hold at any depth, except that immutable and readonly cannot be in a
// list (its elements have no identity), and unique and index neither in a list
// nor in a map. They speak of the JSON: a number that is required is satisfied
// by a 0, unless omitempty leaves it out, and a typed caller cannot omit it. A
// word that is not known is an error of Spec that names the nearest.
//
// The same rules stand in the [Schema] of the model, in the words of JSON Schema
// 2020-12, where other languages, OpenAPI and hosts read them.
//
// # Handlers and effects
//
// Hooks are pure. The handler of an inbound port may act, through its context
// only, and all that it may do is one method, [Effects].Do: call a port, read a
// relation, publish an event, log. Ports (see package port), relations
// ([BelongsTo], [HasOne], [HasMany], [ContainsMany]) and events ([Event]) are
// typed values that wrap it. A test gives a handler effects of its own with
// [WithEffects].
//
// # Values
//
// Documents, requests and answers travel as [Value]: a Go value or its JSON,
// each made of the other when first asked for, and remembered. Between two
// components in one process no JSON is made.
//
// # Guarantees
//
//   - A Spec and a Value are safe for concurrent use. What As returns is shared
//     and must not be changed; what hooks, handlers and Own get is the caller's.
//   - [Spec.Handle] returns a document only if it keeps the rules. A panic of the
//     model's code is a [*Panic], never more.
//   - An error keeps its [Code] and its fields across every boundary, and
//     within a process its identity too.
//   - What a remote model answers is not believed: see Spec.Handle. Nesting
//     ends at 64; CheckJSON takes time by the length of the text, and checks
//     against a schema by its length times the nesting that the schema allows.
package modelspec
