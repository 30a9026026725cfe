package modelspec

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// marked finds the parts of a schema that have a mark somewhere in them.
type marked map[*Schema]bool

// markedBy returns the schemas in root under which some member has the mark.
func markedBy(root *Schema, mark func(*Schema) bool) marked {
	m := marked{}
	for grown := true; grown; { // until nothing is added: schemas may go in circles
		grown = false
		seen := map[*Schema]bool{}
		m.visit(root, root, mark, seen, &grown)
	}
	return m
}

func (m marked) visit(root, s *Schema, mark func(*Schema) bool, seen map[*Schema]bool, grown *bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	has := false
	next := func(c *Schema) {
		m.visit(root, c, mark, seen, grown)
		has = has || m[c] || mark(c)
	}
	for _, c := range parts(s) {
		next(c)
	}
	if s.Ref != "" {
		next(s.resolve(root))
	}
	if has && !m[s] {
		m[s], *grown = true, true
	}
}

// parts are the schemas directly in s.
func parts(s *Schema) []*Schema {
	out := slices.Collect(maps.Values(s.Properties))
	out = append(out, s.AnyOf...)
	if s.Items != nil {
		out = append(out, s.Items)
	}
	if s.AdditionalProperties != nil {
		out = append(out, s.AdditionalProperties)
	}
	return out
}

// Outward returns doc as clients see it: without members that are writeOnly, at
// any depth. Where there are none it is doc.JSON(), which is shared.
func (s *Spec) Outward(doc *Value) (json.RawMessage, error) {
	raw, err := doc.JSON()
	if err != nil || !s.secret[s.desc.Schema] {
		return raw, err
	}
	return s.strip(make([]byte, 0, len(raw)), s.desc.Schema, raw), nil
}

// strip appends v without what its schema says is writeOnly.
func (s *Spec) strip(out []byte, schema *Schema, v []byte) []byte {
	v = bytes.TrimSpace(v)
	root := s.desc.Schema
	if schema == nil || !s.secret[schema] || len(v) == 0 {
		return append(out, v...)
	}
	schema = schema.inner(root)
	switch v[0] {
	case '{':
		out = append(out, '{')
		begun := false
		for c := open(v); ; {
			at := c.begin(c.i)
			name, el, ok := c.member()
			if !ok {
				return append(out, '}')
			}
			p := schema.Properties[string(name)]
			if p == nil {
				p = schema.AdditionalProperties
			}
			if p != nil && p.WriteOnly {
				continue
			}
			if begun {
				out = append(out, ',')
			}
			begun = true
			out = s.strip(append(out, v[at:c.i-len(el)]...), p, el)
		}
	case '[':
		out = append(out, '[')
		for c, n := open(v), 0; ; n++ {
			el, ok := c.element()
			if !ok {
				return append(out, ']')
			}
			if n > 0 {
				out = append(out, ',')
			}
			out = s.strip(out, schema.Items, el)
		}
	}
	return append(out, v...)
}

// Keep returns next, the body of a replacement, with the members that its
// sender cannot have given put back from prev: those that are readOnly, and
// those that are writeOnly and that next does not name. Without such members it
// is next. Members inside lists are not looked for.
func (s *Spec) Keep(prev *Value, next json.RawMessage) (json.RawMessage, error) {
	if !s.kept[s.desc.Schema] {
		return next, nil
	}
	was, err := prev.JSON()
	if err != nil {
		return nil, err
	}
	return s.keep(s.desc.Schema, bytes.TrimSpace(was), bytes.TrimSpace(next)), nil
}

func (s *Spec) keep(schema *Schema, was, is []byte) []byte {
	if schema == nil || !s.kept[schema] || len(was) == 0 || len(is) == 0 || was[0] != '{' || is[0] != '{' {
		return is
	}
	schema = schema.inner(s.desc.Schema)
	out, old := []byte{'{'}, membersOf(was)
	put := func(name, v []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		key, _ := json.Marshal(string(name))
		out = append(append(append(out, key...), ':'), v...)
	}
	for c := open(is); ; {
		name, v, ok := c.member()
		if !ok {
			break
		}
		p := schema.Properties[string(name)]
		if p == nil {
			p = schema.AdditionalProperties
		}
		if p != nil && p.ReadOnly {
			continue
		}
		put(name, s.keep(p, old.get(name), v))
	}
	now := membersOf(is)
	for c := open(was); ; {
		name, v, ok := c.member()
		if !ok {
			return append(out, '}')
		}
		if p := schema.Properties[string(name)]; p != nil && (p.ReadOnly || p.WriteOnly && now.get(name) == nil) {
			put(name, v)
		}
	}
}
