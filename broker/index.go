package broker

import "strings"

// index finds the patterns that match a type by its tokens, so that what it
// costs depends on the tokens and on who matches, not on how many patterns
// there are. It does not change once it is built.
type index struct{ root node }

// node stands for the first tokens of a pattern.
type node struct {
	next map[string]*node
	any  *node     // after *
	here []*Handle // whose pattern ends here
	rest []*Handle // whose pattern goes on with > and ends
}

func buildIndex(all []*Handle) *index {
	x := &index{}
	for _, h := range all {
		x.add(h)
	}
	return x
}

func (x *index) add(h *Handle) {
	n := &x.root
	for _, token := range h.pattern.tokens {
		n = n.child(token)
	}
	if h.pattern.rest {
		n.rest = append(n.rest, h)
		return
	}
	n.here = append(n.here, h)
}

// child returns the node for one token more, and makes it if need be.
func (n *node) child(token string) *node {
	if token == "*" {
		if n.any == nil {
			n.any = &node{}
		}
		return n.any
	}
	c := n.next[token]
	if c == nil {
		c = &node{}
		if n.next == nil {
			n.next = make(map[string]*node)
		}
		n.next[token] = c
	}
	return c
}

// find appends who matches typ.
func (x *index) find(typ string, out []*Handle) []*Handle { return x.root.find(typ, true, out) }

// find goes on with the tokens of typ, if more says that there is any: the
// empty text is one empty token.
func (n *node) find(typ string, more bool, out []*Handle) []*Handle {
	if !more {
		return append(out, n.here...)
	}
	out = append(out, n.rest...)
	token, typ, more := strings.Cut(typ, ".")
	if c := n.next[token]; c != nil {
		out = c.find(typ, more, out)
	}
	if n.any != nil {
		out = n.any.find(typ, more, out)
	}
	return out
}
