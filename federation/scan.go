package federation

import (
	"bytes"
	"encoding/json"
	"strings"
	"unsafe"

	"github.com/org/aegis/modelspec"
)

// members walks the members of one JSON object, which should have passed
// modelspec.CheckJSON. On anything else it may find nonsense, but it neither
// panics nor leaves b.
type members struct {
	b   []byte
	i   int
	any bool // a member has been read
}

var errShape = invalid("not a JSON object of the right shape")

// open goes into the object.
func open(b []byte) (members, error) {
	m := members{b: b, i: space(b, 0)}
	if m.i >= len(b) || b[m.i] != '{' {
		return m, errShape
	}
	m.i++
	return m, nil
}

// next returns a member's name, without its quotes, and the text of its value.
// A nil name is the end.
func (m *members) next() (name, value []byte, err error) {
	i := space(m.b, m.i)
	if i < len(m.b) && m.b[i] == '}' {
		return nil, nil, nil
	}
	if m.any {
		if i >= len(m.b) || m.b[i] != ',' {
			return nil, nil, errShape
		}
		i = space(m.b, i+1)
	}
	m.any = true
	end, ok := pastString(m.b, i)
	if !ok {
		return nil, nil, errShape
	}
	name = m.b[i+1 : end-1 : end-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		s, err := text(m.b[i:end])
		if err != nil {
			return nil, nil, err
		}
		name = append([]byte{}, s...)
	}
	i = space(m.b, end)
	if i >= len(m.b) || m.b[i] != ':' {
		return nil, nil, errShape
	}
	i = space(m.b, i+1)
	if end, ok = pastValue(m.b, i); !ok {
		return nil, nil, errShape
	}
	m.i = end
	return name, m.b[i:end:end], nil
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// pastValue returns where the value that begins at i ends.
func pastValue(b []byte, i int) (int, bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return pastString(b, i)
	case '{', '[':
		return pastNested(b, i)
	}
	end := i
	for end < len(b) && !ends[b[end]] {
		end++
	}
	return end, end > i
}

// pastString finds the quote that ends the string at memory speed.
func pastString(b []byte, i int) (int, bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	for from := i + 1; ; {
		n := bytes.IndexByte(b[from:], '"')
		if n < 0 {
			return i, false
		}
		q := from + n
		slashes := 0
		for q-1-slashes > i && b[q-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return q + 1, true
		}
		from = q + 1
	}
}

func pastNested(b []byte, i int) (int, bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1, true
			}
		case '"':
			end, ok := pastString(b, i)
			if !ok {
				return i, false
			}
			i = end
			continue
		}
		i++
	}
	return i, false
}

// ends says which bytes end a number or a word.
var ends = [256]bool{',': true, ':': true, '{': true, '}': true, '[': true, ']': true, '"': true, ' ': true, '\n': true, '\r': true, '\t': true}

// text reads a string, or null as "".
func text(v []byte) (string, error) {
	if isNull(v) {
		return "", nil
	}
	if len(v) < 2 || v[0] != '"' {
		return "", errShape
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1]), nil
	}
	var s string
	if err := json.Unmarshal(v, &s); err != nil {
		return "", errShape
	}
	return s, nil
}

func isNull(v []byte) bool { return string(v) == "null" }

// value makes a Value of a part of a frame. Null is nil.
func value(v []byte) *modelspec.Value {
	if isNull(v) {
		return nil
	}
	return modelspec.FromJSON(v)
}

// stray accepts a member that this version does not know, unless its name is
// one that it does but for letter case: readers that do not tell letter cases
// apart would take it for that one.
func stray(name []byte, known ...string) error {
	s := unsafe.String(unsafe.SliceData(name), len(name))
	for _, k := range known {
		if strings.EqualFold(k, s) {
			return invalid("member %q: write %q", clip(string(name), 32), k)
		}
	}
	return nil
}
