package modelspec

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// cursor walks the members or elements of one object or array. It is for JSON
// that is known to be valid; on anything else it ends early, or yields
// nonsense, but never leaves the text.
type cursor struct {
	b []byte
	i int
}

// open returns a cursor into the object or array that b is, or one that is at
// its end if b is neither.
func open(b []byte) cursor {
	i := space(b, 0)
	if i < len(b) && (b[i] == '{' || b[i] == '[') {
		return cursor{b, i + 1}
	}
	return cursor{b, len(b)}
}

// member returns the next member: its name, with escapes resolved, and its
// value, without white space around it.
func (c *cursor) member() (name, value []byte, ok bool) {
	begin, end := c.next()
	if begin >= len(c.b) || c.b[begin] != '"' {
		return nil, nil, false
	}
	name = c.b[begin+1 : max(begin+1, end-1)]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(unescape(name))
	}
	i := space(c.b, end)
	if i >= len(c.b) || c.b[i] != ':' {
		return nil, nil, false
	}
	i = space(c.b, i+1)
	c.i = skip(c.b, i)
	return name, c.b[i:c.i], true
}

// element returns the next element of an array.
func (c *cursor) element() (value []byte, ok bool) {
	begin, end := c.next()
	return c.b[begin:end], end > begin
}

// begin returns where what comes after the place i begins.
func (c *cursor) begin(i int) int {
	i = space(c.b, i)
	if i < len(c.b) && c.b[i] == ',' {
		i = space(c.b, i+1)
	}
	return i
}

func (c *cursor) next() (begin, end int) {
	i := c.begin(c.i)
	if i >= len(c.b) || c.b[i] == '}' || c.b[i] == ']' {
		return len(c.b), len(c.b)
	}
	c.i = skip(c.b, i)
	return i, c.i
}

// skip returns where the value at b[i] ends.
func skip(b []byte, i int) int {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i, _, _ = text(b, i+1)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			for i++; i < len(b) && !delimits[b[i]]; i++ {
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(b)
}

// delimits are the bytes that end a number or a word.
var delimits = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true, ',': true, ':': true, ' ': true, '\t': true, '\n': true, '\r': true}

// unescape resolves the escapes of a string without its quotes.
func unescape(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	var s string
	if json.Unmarshal(append(append([]byte{'"'}, b...), '"'), &s) != nil {
		return string(b)
	}
	return s
}

// stringOf returns the string that the JSON value b is.
func stringOf(b []byte) (string, bool) {
	if len(b) < 2 || b[0] != '"' {
		return "", false
	}
	return unescape(b[1 : len(b)-1]), true
}

// find returns the value of the member of b with that name.
func find(b []byte, name string) ([]byte, bool) {
	for c := open(b); ; {
		k, v, ok := c.member()
		if !ok {
			return nil, false
		}
		if string(k) == name {
			return v, true
		}
	}
}

// members finds members of one object by name, without walking it for each of
// them where it is long.
type members struct {
	b     []byte
	index map[string][]byte
}

func membersOf(b []byte) members {
	m := members{b: b}
	if len(b) < 1024 {
		return m
	}
	m.index = map[string][]byte{}
	for c := open(b); ; {
		name, value, ok := c.member()
		if !ok {
			return m
		}
		m.index[string(name)] = value
	}
}

// get returns the value of the member, or nil.
func (m *members) get(name []byte) []byte {
	if m.index != nil {
		return m.index[string(name)]
	}
	for c := open(m.b); ; {
		k, v, ok := c.member()
		if !ok || string(k) == string(name) {
			return v
		}
	}
}

// pointerTo is a JSON Pointer's token (RFC 6901), with its slash.
func pointerTo(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	return "/" + strings.ToValidUTF8(name, "\uFFFD")
}

// pointerAt returns the JSON Pointer of the value in which b[at] stands. b need
// not be valid from there on.
func pointerAt(b []byte, at int) string {
	type level struct {
		object bool
		name   string
		n      int
	}
	var path []level
	b = b[:min(at, len(b))]
	for i := 0; i < len(b); {
		switch c := b[i]; c {
		case '{', '[':
			path = append(path, level{object: c == '{'})
		case '}', ']':
			if len(path) > 0 {
				path = path[:len(path)-1]
			}
		case ',':
			if len(path) > 0 {
				path[len(path)-1].n++
				path[len(path)-1].name = ""
			}
		case '"':
			end, _, what := text(b, i+1)
			if what == "" && len(path) > 0 && path[len(path)-1].object {
				if j := space(b, end); j < len(b) && b[j] == ':' {
					path[len(path)-1].name = pointerTo(unescape(b[i+1 : end-1]))
				}
			}
			i = max(end, i+1)
			continue
		}
		i++
	}
	var p strings.Builder
	for _, l := range path {
		if l.object {
			p.WriteString(l.name)
		} else {
			p.WriteString("/" + strconv.Itoa(l.n))
		}
	}
	return p.String()
}
