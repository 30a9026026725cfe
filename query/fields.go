package query

import "github.com/org/aegis/modelspec"

// Select returns what Query.Fields leaves of the JSON of a document: the
// members that it names, with all that is in them, in the order of the
// document, and always its id. A path that goes through a list is taken from
// each element; what cannot have the member is null. Without Fields it is doc
// itself.
//
// It is for what may be shown: take members that are write-only out before, with
// modelspec.Spec.Outward.
func (c *Compiled) Select(doc []byte) ([]byte, error) {
	if c.shown == nil {
		return doc, nil
	}
	r := reader{b: doc}
	out, end := r.pick(make([]byte, 0, len(doc)), r.space(0), c.shown)
	if end == 0 {
		return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "query: select members: the document is no JSON"}
	}
	return out, nil
}

// shownBy makes the tree of what is shown. A slot marks what is shown whole.
func shownBy(fields []string) *node {
	if len(fields) == 0 {
		return nil
	}
	root := &node{slot: -1}
	root.kid(hostID).slot = 0
	for _, f := range fields {
		n := root
		for _, name := range namesOf(f) {
			n = n.kid(name)
		}
		n.slot = 0
	}
	return root
}

// pick appends what is shown of the value at b[i]; end is 0 if it does not end.
func (r *reader) pick(out []byte, i int, n *node) (_ []byte, end int) {
	if i >= len(r.b) {
		return out, 0
	}
	if n.slot >= 0 {
		if end = r.skip(i); end == 0 {
			return out, 0
		}
		return append(out, r.b[i:end]...), end
	}
	if r.nest++; r.nest > mostNest {
		return out, 0
	}
	defer func() { r.nest-- }()
	switch r.b[i] {
	case '{':
		return r.pickMembers(append(out, '{'), r.space(i+1), n)
	case '[':
		return r.pickElements(append(out, '['), r.space(i+1), n)
	}
	return append(out, "null"...), r.skip(i)
}

func (r *reader) pickMembers(out []byte, i int, n *node) ([]byte, int) {
	for first := true; i > 0; i = r.comma(i, '}') {
		if i < len(r.b) && r.b[i] == '}' {
			return append(out, '}'), i + 1
		}
		name, at := r.name(i)
		if at == 0 {
			return out, 0
		}
		k := n.index(name)
		if k < 0 {
			if i = r.skip(at); i == 0 {
				return out, 0
			}
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		if out, i = r.pick(append(out, r.b[i:at]...), at, n.kids[k]); i == 0 {
			return out, 0
		}
	}
	return out, 0
}

func (r *reader) pickElements(out []byte, i int, n *node) ([]byte, int) {
	for first := true; i > 0; i = r.comma(i, ']') {
		if i < len(r.b) && r.b[i] == ']' {
			return append(out, ']'), i + 1
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		if out, i = r.pick(out, i, n); i == 0 {
			return out, 0
		}
	}
	return out, 0
}
