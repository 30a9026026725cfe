package orchestration

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// The limits of a document.
const (
	maxBytes = 1 << 20
	maxDepth = 32
	maxNodes = 20_000 // values and keys

	// maxMarks is how many bytes a document may have that could begin a value,
	// comments included: what has more is not worth parsing to count them.
	maxMarks = 5 * maxNodes
)

type kind uint8

const (
	null kind = iota
	boolean
	number // as it is written, or in hexadecimal, octal or binary
	text
	list
	object
)

func (k kind) String() string {
	return [...]string{"nothing", "a boolean", "a number", "text", "a list", "a mapping"}[k]
}

// node is a value of a document with its place, wherever it was read from.
type node struct {
	kind         kind
	text         string // of what is neither list nor object
	keys         []*node
	items        []*node // of a list, or of an object, beside its keys
	line, column int     // from 1
}

// get returns the value of a member, or nil.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for i, k := range n.keys {
		if k.text == key {
			return n.items[i]
		}
	}
	return nil
}

// key returns the name of a member, where it stands, or nil.
func (n *node) key(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.keys {
		if k.text == name {
			return k
		}
	}
	return nil
}

// builder makes nodes, within the limits.
type builder struct {
	*collector
	n int
}

// full reports whether there are too many nodes; it is said once.
func (b *builder) full(at *node) bool {
	if b.n++; b.n == maxNodes+1 {
		b.wrong(at, "", "", "more than %d values: split the document", maxNodes)
	}
	return b.n > maxNodes
}

func (b *builder) deep(at *node, depth int) bool {
	if depth <= maxDepth {
		return false
	}
	b.wrong(at, "", "", "nested deeper than %d", maxDepth)
	return true
}

// add gives an object a member.
func (b *builder) add(o, key, value *node) {
	if first := o.key(key.text); first != nil {
		b.wrong(key, "", "", "%s stands twice, first in line %d: take one out", clip(key.text, 64), first.line)
		return
	}
	o.keys, o.items = append(o.keys, key), append(o.items, value)
}

// read makes a node of a document in YAML or JSON, or nil.
func read(data []byte, c *collector) *node {
	switch {
	case len(data) > maxBytes:
		c.wrong(nil, "", "", "the document has %d bytes: at most %d", len(data), maxBytes)
		return nil
	case !utf8.Valid(data):
		c.wrong(&node{line: 1 + bytes.Count(data[:invalid(data)], []byte{'\n'}), column: 1}, "", "", "not UTF-8: write the document in UTF-8")
		return nil
	}
	b := &builder{collector: c}
	if marks(data) > maxMarks {
		c.wrong(nil, "", "", "more than %d values: split the document", maxNodes)
		return nil
	}
	if t := bytes.TrimLeft(data, " \t\r\n"); len(t) > 0 && t[0] == '{' && json.Valid(data) {
		return b.json(data)
	}
	return b.yaml(data)
}

func marks(data []byte) (n int) {
	for _, c := range data {
		switch c {
		case ',', ':', '-', '?', '[', '{', '\n':
			n++
		}
	}
	return n
}

// invalid is where data stops being UTF-8.
func invalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}
