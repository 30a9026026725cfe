package modelspec

import (
	"bytes"
	"strconv"
	"time"
)

// empty reports whether v is what an immutable member may be before it is set:
// the JSON of the zero of its type.
func (c *checker) empty(s *Schema, v []byte) bool {
	s = s.inner(c.root)
	if s.Default != nil && string(s.Default) == string(v) {
		return true
	}
	switch v[0] {
	case 'n', 'f':
		return true
	case 't':
		return false
	case '"':
		text, _ := stringOf(v)
		if s.Format == "date-time" {
			t, err := time.Parse(time.RFC3339Nano, text)
			return text == "" || err == nil && t.IsZero()
		}
		return text == ""
	case '[':
		cur := open(v)
		_, ok := cur.element()
		return !ok
	case '{':
		for cur := open(v); ; {
			name, el, ok := cur.member()
			if !ok {
				return true
			}
			p := s.Properties[string(name)]
			if p == nil && s.Properties != nil {
				continue
			}
			if p == nil || !c.empty(p, el) {
				return false
			}
		}
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return err == nil && n == 0
}

// same compares two JSON values: objects without order, numbers and times by
// value.
func (c *checker) same(s *Schema, a, b []byte) bool {
	if s != nil {
		s = s.inner(c.root)
	}
	if bytes.Equal(a, b) {
		return true
	}
	switch {
	case isNumber(a) && isNumber(b):
		return sameNumber(a, b)
	case a[0] != b[0]:
		return false
	case a[0] == '"':
		x, _ := stringOf(a)
		y, _ := stringOf(b)
		if s != nil && s.Format == "date-time" {
			t, err := time.Parse(time.RFC3339Nano, x)
			u, err2 := time.Parse(time.RFC3339Nano, y)
			return err == nil && err2 == nil && t.Equal(u)
		}
		return x == y
	case a[0] == '[':
		var items *Schema
		if s != nil {
			items = s.Items
		}
		for x, y := open(a), open(b); ; {
			v, ok := x.element()
			w, ok2 := y.element()
			if !ok || !ok2 {
				return ok == ok2
			}
			if !c.same(items, v, w) {
				return false
			}
		}
	case a[0] == '{':
		return c.sameMembers(s, a, b)
	}
	return false
}

func (c *checker) sameMembers(s *Schema, a, b []byte) bool {
	n, other := 0, membersOf(b)
	for cur := open(a); ; n++ {
		name, v, ok := cur.member()
		if !ok {
			break
		}
		var p *Schema
		if s != nil {
			if p = s.Properties[string(name)]; p == nil {
				p = s.AdditionalProperties
			}
		}
		if w := other.get(name); w == nil || !c.same(p, v, w) {
			return false
		}
	}
	for cur := open(b); ; n-- {
		if _, _, ok := cur.member(); !ok {
			return n == 0
		}
	}
}

// sameNumber compares by value. Two different integers are never the same,
// however long they are.
func sameNumber(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, err := strconv.ParseFloat(string(a), 64)
	y, err2 := strconv.ParseFloat(string(b), 64)
	if err != nil || err2 != nil || x != y {
		return false
	}
	return bytes.ContainsAny(a, ".eE") || bytes.ContainsAny(b, ".eE") || x == 0
}
