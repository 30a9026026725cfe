package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
)

// member is one member of a JSON object, as it stands in the text.
type member struct {
	name  []byte // what the key spells
	key   []byte // with its quotes
	value []byte
}

var errObject = errors.New("not a json object")

// isObject reports whether JSON text is an object.
func isObject(b []byte) bool {
	i := space(b, 0)
	return i < len(b) && b[i] == '{'
}

// scanner walks over the members of a JSON object, without allocating. The
// text is valid JSON; of other text it makes an error or nonsense, but it
// never panics and always ends.
type scanner struct {
	b    []byte
	i    int // where the next member, or the end of the object, is
	done bool
	err  error
	member
}

func scan(b []byte) scanner {
	s := scanner{b: b, i: space(b, 0)}
	if s.i >= len(b) || b[s.i] != '{' {
		s.done, s.err = true, errObject
		return s
	}
	s.i = space(b, s.i+1)
	s.done = s.i < len(b) && b[s.i] == '}'
	return s
}

// next reads the next member, if there is one.
func (s *scanner) next() bool {
	if s.done {
		return false
	}
	if !s.read() {
		s.done, s.err = true, errObject
		return false
	}
	return true
}

func (s *scanner) read() bool {
	end := skipString(s.b, s.i)
	if end < 0 {
		return false
	}
	s.key = s.b[s.i:end]
	var ok bool
	if s.name, ok = memberName(s.key); !ok {
		return false
	}
	i := space(s.b, end)
	if i >= len(s.b) || s.b[i] != ':' {
		return false
	}
	i = space(s.b, i+1)
	if end = skipValue(s.b, i); end <= i {
		return false
	}
	s.value = s.b[i:end]
	i = space(s.b, end)
	if i >= len(s.b) {
		return false
	}
	s.done = s.b[i] == '}'
	s.i = space(s.b, i+1)
	return s.done || s.b[i] == ','
}

// members returns the members of the object b, in order.
func members(b []byte) ([]member, error) {
	var out []member
	s := scan(b)
	for s.next() {
		out = append(out, s.member)
	}
	return out, s.err
}

// memberName returns what a key spells.
func memberName(key []byte) ([]byte, bool) {
	if bytes.IndexByte(key, '\\') < 0 {
		return key[1 : len(key)-1], true
	}
	var s string
	err := json.Unmarshal(key, &s)
	return []byte(s), err == nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at i, or -1.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		escape := bytes.IndexByte(b[i:i+n], '\\')
		if escape < 0 {
			return i + n + 1
		}
		i += escape + 1
	}
	return -1
}

// skipValue returns the index after the value that begins at i, or -1.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] != ' ' && b[i] != '\t' && b[i] != '\n' && b[i] != '\r' {
		i++
	}
	return i
}

func skipNested(b []byte, i int) int {
	for depth := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			i--
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// index finds members by name. A few are found faster without a map.
type index struct {
	list  []member
	named map[string]int
}

func newIndex(list []member) index {
	x := index{list: list}
	if len(list) > 16 {
		x.named = make(map[string]int, len(list))
		for i, m := range list {
			x.named[string(m.name)] = i
		}
	}
	return x
}

func (x index) find(name []byte) (*member, bool) {
	if x.named != nil {
		i, ok := x.named[string(name)]
		if !ok {
			return nil, false
		}
		return &x.list[i], true
	}
	for i := range x.list {
		if bytes.Equal(x.list[i].name, name) {
			return &x.list[i], true
		}
	}
	return nil, false
}

// object writes members one after the other.
type object struct{ b []byte }

func newObject(size int) *object { return &object{b: append(make([]byte, 0, size+2), '{')} }

func (o *object) add(key, value []byte) {
	if len(o.b) > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, key...), ':'), value...)
}

func (o *object) end() []byte { return append(o.b, '}') }
