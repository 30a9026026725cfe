package federation

import (
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// implied are the events that the host publishes for every model, behind its
// name. Their data is the document, as is that of what ports produce.
func implied() []string { return []string{"created", "updated", "deleted", "undone", "attention"} }

// published returns the schema of an event's data, nil if it is not known, and
// whether the model publishes the event at all.
func published(s *modelspec.Spec, event string) (schema *modelspec.Schema, ok bool) {
	d := s.Descriptor()
	for i := range d.Publishes {
		if d.Publishes[i].Type == event {
			return d.Publishes[i].Schema, true
		}
	}
	verb, own := strings.CutPrefix(event, d.Name+".")
	if own && slices.Contains(implied(), verb) || slices.ContainsFunc(d.Ports, func(p modelspec.PortDescriptor) bool { return p.Produces == event }) {
		return d.Schema, true
	}
	return nil, false
}

// Events returns the types of all events that a model publishes: what its
// handlers may, what its ports produce, disabled ones included, and what the
// host says of its documents.
func Events(d *modelspec.Descriptor) []string {
	var out []string
	for _, e := range d.Publishes {
		out = append(out, e.Type)
	}
	for _, p := range d.Ports {
		if p.Produces != "" {
			out = append(out, p.Produces)
		}
	}
	for _, verb := range implied() {
		out = append(out, d.Name+"."+verb)
	}
	return out
}

// own checks an event of the document itself that runs a handler: its data is
// the request.
func (c *consumer) own(p *modelspec.PortDescriptor, event string) {
	c.at = Misfit{Model: c.d.Name, Port: p.Name, Event: event, Source: c.d.Name}
	if schema, ok := published(c.spec, event); ok {
		c.request(p, schema)
	}
}

func (c *consumer) request(p *modelspec.PortDescriptor, schema *modelspec.Schema) {
	if where, why := dataOf(schema).unfit(dataOf(p.Request), "", 0); why != "" {
		c.wrong("", "", "its data cannot be the port's request: %s %s", place(where), why)
	}
}

func place(pointer string) string {
	if pointer == "" {
		return "it"
	}
	return pointer
}

// cause checks an event of others against what is known of them.
func (c *consumer) cause(t *modelspec.Cause) {
	c.at = Misfit{Model: c.d.Name, Event: t.Event, Source: t.Origin()}
	if t.Port != nil {
		c.at.Port = t.Port.Name
	}
	if t.Field != "" && !c.spec.HasIndex(t.Field) {
		c.unindexed(t.Field)
	}
	r := c.s.models[t.Origin()]
	if r == nil {
		c.stranger(t)
		return
	}
	found := false
	for _, a := range r.arms {
		if schema, ok := published(a.what, t.Event); ok {
			found = true
			c.arrives(t, schema)
		}
	}
	if !found {
		c.unknown(t, r)
	}
}

// unindexed says that documents are not found by the field.
func (c *consumer) unindexed(field string) {
	detail := c.d.Name + " has no index on it"
	if _, err := c.spec.KeyFor(field, ""); err != nil {
		if e := modelspec.AsError(err); len(e.Fields) > 0 {
			detail = e.Fields[0].Detail // it names those that there are
		}
	}
	c.wrong("field", "", "field %s: %s", field, detail)
}

// stranger is an event of a model that nobody has. Where Source is written
// down it may be from outside.
func (c *consumer) stranger(t *modelspec.Cause) {
	if t.Source != "" || c.pending {
		return
	}
	c.wrong("event", nearest(t.Origin(), slices.Sorted(maps.Keys(c.s.models))),
		"no component has a model %s: load it together, prepare this one as Pending, or write in Source where the event comes from", t.Origin())
}

// unknown is an event that its model does not publish: it would never come.
func (c *consumer) unknown(t *modelspec.Cause, r *route[modelspec.Spec]) {
	var others []string
	for _, m := range c.s.list {
		if _, ok := published(m, t.Event); ok {
			others = append(others, m.Descriptor().Name)
		}
	}
	if len(others) > 0 {
		c.wrong("source", others[0], "model %s does not publish it, and model %s does: write that in Source", t.Origin(), others[0])
		return
	}
	var known []string
	for _, a := range r.arms {
		known = append(known, Events(a.what.Descriptor())...)
	}
	c.wrong("event", nearest(t.Event, known), "model %s does not publish it", t.Origin())
}

// arrives checks what an event brings, as far as its schema says it.
func (c *consumer) arrives(t *modelspec.Cause, schema *modelspec.Schema) {
	d := dataOf(schema)
	if rel := c.spec.Relation(t.Via); rel != nil && (rel.Cardinality == modelspec.OneToOne || rel.Cardinality == modelspec.OneToMany) {
		switch m, p := d.member(rel.Key); {
		case p == lacksIt:
			c.wrong("via", "", "via %s: the key stands in %s, and the event's data has no such member%s", t.Via, rel.Key, meant(rel.Key, d.names()))
		case !overlap(m.types(), []string{"string"}):
			c.wrong("via", "", "via %s: the key stands in %s, which is %s and must be string", t.Via, rel.Key, strings.Join(m.types(), " or "))
		}
	}
	if t.Key != "" && t.Key != modelspec.Subject {
		c.key(t, d)
	}
	switch {
	case t.Fails:
	case t.Answers:
		if where, why := d.unfit(dataOf(t.Port.Response), "", 0); why != "" {
			c.wrong("", "", "its data cannot be the port's answer: %s %s", place(where), why)
		}
	case t.Port == nil: // hooks may add what is missing
		if where, why := d.clash(dataOf(c.d.Schema), "", 0); why != "" {
			c.wrong("", "", "its data cannot be a %s: %s %s", c.d.Name, place(where), why)
		}
	case t.Port.Direction == modelspec.In:
		c.request(t.Port, schema)
	}
}

// key checks where the event has the value by which documents, or the call
// that waits, are found.
func (c *consumer) key(t *modelspec.Cause, d data) {
	m, p := d.lookup(t.Key)
	if p == lacksIt {
		c.wrong("key", "", "key %s: its data has no such member%s", t.Key, meant(strings.TrimPrefix(t.Key, "/"), d.names()))
		return
	}
	want := []string{"string", "number"}
	if t.Field != "" {
		f := dataOf(c.d.Schema)
		for name := range strings.SplitSeq(t.Field, ".") {
			f, _ = f.member(name)
		}
		if want = f.types(); len(want) == 0 {
			want = []string{"string", "number", "boolean"}
		}
	}
	if have := m.types(); !overlap(have, want) {
		c.wrong("key", "", "key %s: it is %s and must be %s", t.Key, strings.Join(have, " or "), strings.Join(want, " or "))
	}
}
