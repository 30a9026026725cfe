package orchestration

import (
	"slices"

	"github.com/org/aegis/modelspec"
)

// Document is an orchestration as it was written: a value that is right in
// itself, and knows where each part of it stands. It never changes. Whether it
// fits the models of a host is for [Document.Compile].
type Document struct {
	file     string
	root     *node
	models   []*model
	bindings []bind
	flows    []*flow
}

// Name is the name of the document, as given to [Parse].
func (d *Document) Name() string { return d.file }

// model is what a document wants otherwise of one model.
type model struct {
	value // of its ports, flows apart
	name  string
	key   *node
	ports []*port
}

// port is what a document wants otherwise of one port.
type port struct {
	value
	name     string
	key      *node
	edits    []func(*modelspec.PortDescriptor)
	triggers []trigger // in on and await
	rewired  bool      // on or all are set
}

// bind says which service answers a port.
type bind struct {
	value
	key         *node
	model, port string
	service     value
	name        string
}

// Parse reads a document in YAML or JSON. name stands in errors: the name of
// its file. The error joins all that is wrong, at most 50 *[Error], by line; it
// is modelspec.ErrInvalid.
//
// A document has at most 1 MiB, 20,000 values, 32 deep. Anchors, aliases, tags,
// merge keys, a key that stands twice and a second document are refused.
func Parse(data []byte, name string) (*Document, error) {
	c := &collector{file: name}
	d := &Document{file: name, root: read(data, c)}
	if d.root != nil {
		d.read(value{d.root, "", c})
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Document) read(v value) {
	version := false
	known := v.fields(map[string]func(value){
		"version": func(v value) {
			version = true
			if v.kind != number || v.text != "1" {
				v.wrong("", "version %s is not known: write 1", clip(v.text, 64))
			}
		},
		"models":   d.readModels,
		"bindings": d.readBindings,
		"flows":    d.readFlows,
	})
	if known && !version {
		v.wrong("", "version is missing: write version: 1")
	}
}

func (d *Document) readModels(v value) {
	if !v.is(object, "a mapping of models") {
		return
	}
	v.members(func(v value, key *node) {
		m := &model{value: v, name: key.text, key: key}
		d.models = append(d.models, m)
		v.fields(map[string]func(value){"ports": func(v value) {
			if !v.is(object, "a mapping of ports") {
				return
			}
			v.members(func(v value, key *node) {
				p := &port{value: v, name: key.text, key: key}
				p.read()
				m.ports = append(m.ports, p)
			})
		}})
	})
}

func (d *Document) readBindings(v value) {
	if !v.is(object, "a mapping of ports, as model.port") {
		return
	}
	v.members(func(v value, key *node) {
		b := bind{value: v, key: key}
		i := slices.Index([]byte(key.text), '.')
		if i < 1 || i == len(key.text)-1 {
			value{key, v.path, v.c}.wrong("", "write the port as model.port")
			return
		}
		b.model, b.port = key.text[:i], key.text[i+1:]
		v.fields(map[string]func(value){"service": func(v value) { b.name, _ = v.word(); b.service = v }})
		if v.kind == object && v.get("service") == nil {
			v.wrong("", "service is missing: write the name of one")
		}
		d.bindings = append(d.bindings, b)
	})
}
