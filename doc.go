// Package aegis runs federated components inside a Go service: models with
// their rules, ports and relations, made and deployed by different teams, run
// together in one process at in-process speed, and replaced while requests are
// in flight.
//
// A [Host] is made of a [Config] and mounted as an http.Handler. For each model
// it gives a safe REST API, persistence, events, relations and durable flows:
//
//	host, err := aegis.New(aegis.Config{Models: aegis.Models{todos}})
//	...
//	mux.Handle("/aegis/", auth(host)) // behind the service's own middleware
//	err = host.Start(ctx)
//	defer host.Close()
//
// or, where there is no service yet, host.Run(ctx, "127.0.0.1:8080").
//
// # Where things are
//
//   - modelspec: what a model is: data, pure hooks, rules, events, relations
//   - port: how the world calls a model, and how a model calls the world
//   - adapter: what joins an outbound port to a service, or to another model
//   - broker: events, exact or by pattern, ordered per subject
//   - datasource: stores of documents; memory and badger; a conformance suite
//   - federation: components, manifests, grants, generations
//   - wasm: components as WebAssembly guests, and the kit to write them in Go
//   - aegistest: unit tests of components, natively and as guests
//
// # What is promised
//
// A replaced component never costs a request. [Host.Deploy] fetches, verifies,
// compiles, warms and probes, and then switches all that it was given in one
// step; a call goes on with the generation it began with. On any failure what
// served before serves on.
//
// No acknowledged write is lost: what a command changes, what follows from it
// and what is to be told of it are one conditional write of one document. After
// a crash the next host on the same store goes on. An effect on a service
// outside happens at most once per key, and not after its undo, if the service
// keeps keys and tombstones for a day (see adapter.Key); a port routed to
// another model (adapter.Route) needs no such help.
//
// Events that a subscription requires are delivered at least once, under
// stable ids, ordered per subject. Others see what happens while they run.
//
// No component can hurt the host: a panic, a trap, a loop or a lie fails the
// call it happens in; what a component may declare is in its grant, and what it
// may do is what it declared.
//
// # Commands and keys
//
// A command under a key ([WithKey], Idempotency-Key over HTTP) is carried out
// once and answered alike for a day. Handlers run again if their document
// changed under them before they acted; what they asked of others is not asked
// twice.
//
// A Host is safe for concurrent use. [New] starts no goroutine and opens no
// file; after [Host.Close] nothing is left.
package aegis
