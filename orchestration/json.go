package orchestration

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// json reads what json.Valid accepts.
func (b *builder) json(data []byte) *node {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return (&jsonReader{builder: b, d: d, data: data, line: 1}).value(1)
}

// jsonReader knows where the decoder is.
type jsonReader struct {
	*builder
	d     *json.Decoder
	data  []byte
	at    int // up to here lines are counted
	line  int
	begin int // of the line
}

// token reads a token and says where it begins.
func (r *jsonReader) token() (json.Token, *node) {
	i := int(r.d.InputOffset())
	for i < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,:"), r.data[i]) >= 0 {
		i++
	}
	for ; r.at < i; r.at++ {
		if r.data[r.at] == '\n' {
			r.line, r.begin = r.line+1, r.at+1
		}
	}
	t, _ := r.d.Token() // the text is valid: there is one
	return t, &node{line: r.line, column: i - r.begin + 1}
}

func (r *jsonReader) value(depth int) *node {
	t, n := r.token()
	if r.full(n) || r.deep(n, depth) {
		return nil
	}
	switch t := t.(type) {
	case json.Delim:
		n.kind = object
		if t == '[' {
			n.kind = list
		}
		if !r.members(n, depth) {
			return nil
		}
	case string:
		n.kind, n.text = text, t
	case json.Number:
		n.kind, n.text = number, t.String()
	case bool:
		n.kind, n.text = boolean, strconv.FormatBool(t)
	}
	return n
}

func (r *jsonReader) members(n *node, depth int) bool {
	for r.d.More() {
		var k *node
		if n.kind == object {
			if k = r.value(depth + 1); k == nil {
				return false
			}
		}
		v := r.value(depth + 1)
		if v == nil {
			return false
		}
		if k != nil {
			r.add(n, k, v)
		} else {
			n.items = append(n.items, v)
		}
	}
	r.token()
	return true
}
