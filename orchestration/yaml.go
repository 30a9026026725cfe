package orchestration

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v4"
)

// yaml reads YAML. JSON is YAML but for its escapes of surrogates: see json.
func (b *builder) yaml(data []byte) *node {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		b.wrong(nil, "", "", "the document is empty: write version: 1")
		return nil
	case err != nil:
		b.syntax(data, err)
		return nil
	}
	switch err := d.Decode(&second); {
	case err == nil:
		b.wrong(&node{line: second.Line, column: second.Column}, "", "", "a second document: one file has one")
		return nil
	case !errors.Is(err, io.EOF):
		b.syntax(data, err)
		return nil
	}
	if len(first.Content) != 1 {
		b.wrong(nil, "", "", "the document is empty: write version: 1")
		return nil
	}
	return b.convert(first.Content[0], 1)
}

// syntax tells an error of the parser, with its place where it has one.
func (b *builder) syntax(data []byte, err error) {
	at, what := (*node)(nil), err.Error()
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		what = e.Message
		if e.Mark.Line > 0 {
			lines := bytes.Count(data, []byte{'\n'}) + 1
			at = &node{line: min(e.Mark.Line, lines), column: max(e.Mark.Column, 1)}
		}
	}
	b.wrong(at, "", "", "not YAML: %s", what)
}

// convert makes a node, or nil after a mistake.
func (b *builder) convert(y *yaml.Node, depth int) *node {
	n := &node{line: max(y.Line, 1), column: max(y.Column, 1)}
	switch {
	case b.full(n), b.deep(n, depth):
		return nil
	case y.Kind == yaml.AliasNode || y.Anchor != "":
		b.wrong(n, "", "", "anchors and aliases are not understood: write the value out")
		return nil
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = object
		for i := 0; i+1 < len(y.Content); i += 2 {
			if !b.entry(n, y.Content[i], y.Content[i+1], depth) {
				return nil
			}
		}
	case yaml.SequenceNode:
		n.kind = list
		for _, c := range y.Content {
			item := b.convert(c, depth+1)
			if item == nil {
				return nil
			}
			n.items = append(n.items, item)
		}
	default:
		return b.scalar(n, y)
	}
	if y.Style&yaml.TaggedStyle != 0 {
		b.wrong(n, "", "", "tags are not understood: take %s out", clip(y.Tag, 64))
		return nil
	}
	return n
}

func (b *builder) entry(o *node, key, value *yaml.Node, depth int) bool {
	k := b.convert(key, depth+1)
	if k == nil {
		return false
	}
	if k.kind > text || key.ShortTag() == "!!merge" {
		b.wrong(k, "", "", "a key is text: write the members out")
		return false
	}
	v := b.convert(value, depth+1)
	if v == nil {
		return false
	}
	b.add(o, k, v)
	return true
}

func (b *builder) scalar(n *node, y *yaml.Node) *node {
	if y.Style&yaml.TaggedStyle != 0 {
		b.wrong(n, "", "", "tags are not understood: take %s out", clip(y.Tag, 64))
		return nil
	}
	n.kind, n.text = text, y.Value
	if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n
	}
	switch y.ShortTag() {
	case "!!null":
		n.kind = null
	case "!!bool":
		n.kind = boolean
	case "!!int", "!!float":
		n.kind = number
	}
	return n
}
