package query

import (
	"bytes"
	"encoding/json"

	"github.com/org/aegis/modelspec"
)

// node is a name in the paths of a query, with what follows it.
type node struct {
	name string
	kids []*node
	slot int // where its values go; -1: only kids are wanted
	by   map[string]int
}

// kid returns the node of that name, made if need be.
func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	k := &node{name: name, slot: -1}
	n.kids = append(n.kids, k)
	if len(n.kids) > fewKids {
		n.by = map[string]int{}
		for i, k := range n.kids {
			n.by[k.name] = i
		}
	}
	return k
}

// fewKids is up to how many names are compared one by one.
const fewKids = 8

func (n *node) index(name []byte) int {
	if n.by != nil {
		if i, ok := n.by[string(name)]; ok {
			return i
		}
		return -1
	}
	for i, k := range n.kids {
		if k.name == string(name) {
			return i
		}
	}
	return -1
}

// value is one JSON value that a path reaches, as it stands in the document: of
// a text what is between the quotes, with its escapes resolved.
type value struct {
	raw  []byte
	kind kind
	elem bool // it is an element of a list that the path ends at
}

// slot holds what a path reaches. Null stands for what is missing.
type slot struct {
	vals []value
	null bool
}

// reader takes the values of all paths of a query from a document, in one pass.
type reader struct {
	b     []byte
	slots []slot
	nest  int
}

// mostNest ends the recursion into lists; documents nest 64 deep at most.
const mostNest = 128

// bits marks which kids of a node were seen.
type bits [(MaxNodes + MaxSort + MaxBy + MaxTerms + 63) / 64]uint64

func (m *bits) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }
func (m *bits) set(i int)      { m[i/64] |= 1 << (i % 64) }

// read fills the slots from the document b. It expects what
// modelspec.CheckJSON accepts; of anything else it may take nonsense.
func (r *reader) read(b []byte, root *node) error {
	r.b, r.nest = b, 0
	for i := range r.slots {
		r.slots[i].vals, r.slots[i].null = r.slots[i].vals[:0], false
	}
	ok := true
	if i := r.space(0); i < len(b) && b[i] == '{' {
		ok = r.object(i, root, true) > 0
	}
	if !ok {
		return &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "query: read a document: it is no JSON"}
	}
	for i := range r.slots {
		if s := &r.slots[i]; len(s.vals) == 0 {
			s.null = true
		}
	}
	return nil
}

func (r *reader) space(i int) int {
	for i < len(r.b) && (r.b[i] == ' ' || r.b[i] == '\n' || r.b[i] == '\t' || r.b[i] == '\r') {
		i++
	}
	return i
}

// value reads the value at b[i], and returns where it ends; 0 if it does not.
func (r *reader) value(i int, n *node, elem bool) (end int) {
	if i >= len(r.b) {
		return 0
	}
	switch r.b[i] {
	case '{':
		if len(n.kids) == 0 {
			end = r.skip(i)
		} else {
			end = r.object(i, n, false)
		}
		if end > 0 && n.slot >= 0 {
			r.add(n.slot, value{r.b[i:end], kindObject, elem})
		}
		return end
	case '[':
		return r.list(i, n)
	}
	end = r.skip(i)
	if end == 0 {
		return 0
	}
	if n.slot >= 0 {
		r.scalar(n.slot, r.b[i:end], elem)
	}
	r.missing(n)
	return end
}

func (r *reader) list(i int, n *node) int {
	if r.nest++; r.nest > mostNest {
		return 0
	}
	defer func() { r.nest-- }()
	for i = r.space(i + 1); ; {
		if i < len(r.b) && r.b[i] == ']' {
			return i + 1
		}
		if i = r.value(i, n, true); i == 0 {
			return 0
		}
		if i = r.comma(i, ']'); i == 0 {
			return 0
		}
	}
}

// comma goes over the comma after a value, or to what closes the list.
func (r *reader) comma(i int, closing byte) int {
	i = r.space(i)
	switch {
	case i >= len(r.b):
		return 0
	case r.b[i] == ',':
		return r.space(i + 1)
	case r.b[i] == closing:
		return i
	}
	return 0
}

// object reads the members that are kids of n. At the top it ends once it has
// them all.
func (r *reader) object(i int, n *node, top bool) int {
	if r.nest++; r.nest > mostNest {
		return 0
	}
	defer func() { r.nest-- }()
	var seen bits
	left := len(n.kids)
	for i = r.space(i + 1); ; {
		if i < len(r.b) && r.b[i] == '}' {
			i++
			break
		}
		name, at := r.name(i)
		if at == 0 {
			return 0
		}
		k := -1
		if left > 0 {
			k = n.index(name)
		}
		if k < 0 || seen.has(k) {
			i = r.skip(at)
		} else {
			seen.set(k)
			left--
			i = r.value(at, n.kids[k], false)
			if top && left == 0 && i > 0 {
				return i
			}
		}
		if i == 0 {
			return 0
		}
		if i = r.comma(i, '}'); i == 0 {
			return 0
		}
	}
	for k, kid := range n.kids {
		if left > 0 && !seen.has(k) {
			r.absent(kid)
		}
	}
	return i
}

// name reads the name of a member and the colon.
func (r *reader) name(i int) (name []byte, at int) {
	if i >= len(r.b) || r.b[i] != '"' {
		return nil, 0
	}
	end, escaped := r.text(i)
	if end == 0 {
		return nil, 0
	}
	name = r.b[i+1 : end-1]
	if escaped {
		name = unescape(r.b[i:end])
	}
	if i = r.space(end); i >= len(r.b) || r.b[i] != ':' {
		return nil, 0
	}
	return name, r.space(i + 1)
}

// text returns where the string at b[i] ends.
func (r *reader) text(i int) (end int, escaped bool) {
	for i++; ; {
		n := bytes.IndexByte(r.b[i:], '"')
		if n < 0 {
			return 0, escaped
		}
		e := bytes.IndexByte(r.b[i:i+n], '\\')
		if e < 0 {
			return i + n + 1, escaped
		}
		escaped = true
		if i += e + 2; i >= len(r.b) {
			return 0, escaped
		}
	}
}

// skip returns where the value at b[i] ends.
func (r *reader) skip(i int) int {
	for depth := 0; i < len(r.b); {
		switch c := r.b[i]; c {
		case '"':
			if i, _ = r.text(i); i == 0 {
				return 0
			}
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth--; depth < 0 {
				return 0
			}
			i++
		case ',', ':', ' ', '\n', '\t', '\r':
			if depth == 0 {
				return 0
			}
			i++
			continue
		default:
			for i++; i < len(r.b) && !delimits[r.b[i]]; i++ {
			}
		}
		if depth == 0 {
			return i
		}
	}
	return 0
}

// delimits are the bytes that end a number or a word.
var delimits = [256]bool{'"': true, '{': true, '[': true, '}': true, ']': true, ',': true, ':': true, ' ': true, '\n': true, '\t': true, '\r': true}

// scalar adds the text of a value that is neither object nor list.
func (r *reader) scalar(slot int, raw []byte, elem bool) {
	switch raw[0] {
	case 'n':
		r.slots[slot].null = true
	case 't', 'f':
		r.add(slot, value{raw, kindBool, elem})
	case '"':
		inside := raw[1 : len(raw)-1]
		if bytes.IndexByte(inside, '\\') >= 0 {
			inside = unescape(raw)
		}
		r.add(slot, value{inside, kindText, elem})
	default:
		r.add(slot, value{raw, kindNumber, elem})
	}
}

func (r *reader) add(slot int, v value) {
	s := &r.slots[slot]
	s.vals = append(s.vals, v)
}

// missing marks all kids of n, and absent n too, as reached without a value.
func (r *reader) missing(n *node) {
	for _, k := range n.kids {
		r.absent(k)
	}
}

func (r *reader) absent(n *node) {
	if n.slot >= 0 {
		r.slots[n.slot].null = true
	}
	r.missing(n)
}

// unescape resolves the escapes of a string with its quotes.
func unescape(raw []byte) []byte {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return raw[1 : len(raw)-1]
	}
	return []byte(s)
}
