package modelspec

import (
	"reflect"
	"strings"
)

// carry is what a stored JSON object has beside the members that a Go type
// knows: written by a newer version of the type, and to be kept. Nil: nothing.
type carry struct {
	members []byte // whole members, each with a comma before it: ,"a":1,"b":2
	nested  []nested
}

// nested is what an object in a known member carries.
type nested struct {
	name string // of the member
	carry
}

// carryOf finds the members of raw that s's type does not know, at the top and
// in objects reached through struct fields.
func carryOf(raw []byte, s *shape) *carry {
	for s.typ.Kind() == reflect.Pointer && !s.opaque {
		s = s.elem
	}
	if s.opaque || s.typ.Kind() != reflect.Struct {
		return nil
	}
	var out carry
	hint := 0
	for c := open(raw); ; {
		before := c.i
		name, value, ok := c.member()
		if !ok {
			break
		}
		i := s.member(name, hint)
		hint = i + 1
		if i < 0 {
			out.members = append(append(out.members, ','), raw[c.begin(before):c.i]...)
			continue
		}
		if len(value) > 0 && value[0] == '{' {
			if inner := carryOf(value, s.parts[i]); inner != nil {
				out.nested = append(out.nested, nested{s.fields[i].name, *inner})
			}
		}
	}
	if out.members == nil && out.nested == nil {
		return nil
	}
	return &out
}

// member returns which field encoding/json would decode a member into, or -1.
// It looks at the field hint first: members mostly come in the fields' order.
func (s *shape) member(name []byte, hint int) int {
	if hint < len(s.fields) && s.fields[hint].name == string(name) {
		return hint
	}
	for i := range s.fields {
		if s.fields[i].name == string(name) {
			return i
		}
	}
	for i := range s.fields {
		if strings.EqualFold(s.fields[i].name, string(name)) {
			return i
		}
	}
	return -1
}

// splice returns the object b with what c carries put back into it.
func (c *carry) splice(b []byte) []byte {
	if c == nil || len(b) == 0 || b[0] != '{' {
		return b
	}
	out := make([]byte, 0, len(b)+len(c.members)+64)
	return c.append(out, b)
}

// append writes the object b, as encoding/json makes it, with c's members.
func (c *carry) append(out, b []byte) []byte {
	from := 0 // written up to here
	for cur := open(b); len(c.nested) > 0; {
		name, value, ok := cur.member()
		if !ok {
			break
		}
		for i := range c.nested {
			if n := &c.nested[i]; n.name == string(name) && value[0] == '{' {
				begin := cur.i - len(value)
				out = n.append(append(out, b[from:begin]...), value)
				from = cur.i
			}
		}
	}
	end := len(b) - 1 // the closing brace
	out = append(out, b[from:end]...)
	if len(c.members) == 0 {
		return append(out, '}')
	}
	if out[len(out)-1] == '{' {
		out = append(out, c.members[1:]...)
	} else {
		out = append(out, c.members...)
	}
	return append(out, '}')
}
