package modelspec

import (
	"encoding/json"
	"maps"
	"slices"
)

// document checks the schema of the model's documents.
func (c *describer) document() {
	s := c.d.Schema
	if !c.schema("schema", s) {
		return
	}
	if root := s.inner(s); len(root.Type) > 0 && !slices.Contains(root.Type, "object") {
		c.wrong("schema", "a document is an object, not %s", wanted(root.Type))
	}
	if id := s.inner(s).Properties["id"]; id != nil && !typedText(id.inner(s)) {
		c.wrong("field id", "is the document's id: make it a string")
	}
	c.places(s, s, "", false, map[place]bool{})
}

// place is a schema where it was met: in a list or not.
type place struct {
	schema *Schema
	list   bool
}

// places refuses rules where they cannot be kept: what is in a list has no
// identity of its own from one version of the document to the next. Each place
// is looked at once, however many ways lead to it.
func (c *describer) places(root, s *Schema, at string, list bool, seen map[place]bool) {
	if s == nil || seen[place{s, list}] {
		return
	}
	seen[place{s, list}] = true
	where := "field " + at
	if list && (s.Immutable || s.ReadOnly) {
		c.wrong(where, "immutable and readonly need to know which element was which: put the rule on the list itself")
	}
	if (s.Unique || s.Index) && (list || at == "" || !scalarTypes(s.inner(root))) {
		c.wrong(where, "unique and index are for strings, numbers and bools that are not in a list or map")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		c.places(root, s.Properties[name], at+pointerTo(name), list, seen)
	}
	for _, a := range s.AnyOf {
		c.places(root, a, at, list, seen)
	}
	c.places(root, s.Items, at+"/*", true, seen)
	if a := s.AdditionalProperties; a != nil {
		c.entries(root, a, at+"/*", list, seen)
	}
	if s.Ref != "" {
		c.places(root, s.resolve(root), at, list, seen)
	}
}

// entries is places for the values of a map, which have names but no indexes.
func (c *describer) entries(root, s *Schema, at string, list bool, seen map[place]bool) {
	if m := markedBy(root, func(p *Schema) bool { return p.Unique || p.Index }); m[s] || s.Unique || s.Index {
		c.wrong("field "+at, "unique and index are for strings, numbers and bools that are not in a list or map")
		return
	}
	c.places(root, s, at, list, seen)
}

func scalarTypes(s *Schema) bool {
	return !slices.Contains(s.Type, "object") && !slices.Contains(s.Type, "array") && len(s.Type) > 0
}

// schema checks the size, depth and references of a schema.
func (c *describer) schema(where string, s *Schema) bool {
	if s == nil {
		return true
	}
	if n := depthOf(s, 0); n > maxNesting {
		c.wrong(where, "the schema is nested deeper than %d: refer to $defs", maxNesting)
		return false
	}
	b, err := json.Marshal(s)
	switch {
	case err != nil:
		c.wrong(where, "the schema cannot be written as JSON: %v", err)
		return false
	case len(b) > maxSchema:
		c.wrong(where, "the schema has %d bytes of JSON: %d at most", len(b), maxSchema)
		return false
	}
	ok := true
	eachSchema(s, func(p *Schema) {
		if p == nil {
			c.wrong(where, "null is no schema: write {} or true to accept anything")
			ok = false
			return
		}
		if n := len(p.AnyOf); n > 0 && (n != 2 || p.AnyOf[0] == nil || p.AnyOf[0].null() == p.AnyOf[1].null()) {
			c.wrong(where, `anyOf is understood as [a schema, {"type":"null"}] only`)
			ok = false
		}
		if p.Ref != "" && p.resolve(s).Never && !s.Never {
			c.wrong(where, "$ref %q leads nowhere: write # or #/$defs/<name>", p.Ref)
			ok = false
		}
		for _, t := range p.Type {
			if !slices.Contains([]string{"null", "boolean", "integer", "number", "string", "array", "object"}, t) {
				c.wrong(where, "type %q is none of JSON's", t)
				ok = false
			}
		}
	})
	return ok
}

// depthOf stops one over the limit: schemas from Go code may go in circles.
func depthOf(s *Schema, depth int) int {
	if s == nil || depth > maxNesting {
		return depth
	}
	deepest := depth
	for _, p := range parts(s) {
		deepest = max(deepest, depthOf(p, depth+1))
	}
	for _, p := range s.Defs {
		deepest = max(deepest, depthOf(p, depth+1))
	}
	return deepest
}

func eachSchema(s *Schema, f func(*Schema)) {
	f(s)
	if s == nil {
		return
	}
	for _, p := range parts(s) {
		eachSchema(p, f)
	}
	for _, p := range s.Defs {
		eachSchema(p, f)
	}
}
