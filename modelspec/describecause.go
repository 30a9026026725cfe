package modelspec

import (
	"slices"
	"strings"
)

// causes checks what runs a port.
func (c *describer) causes(where string, p *PortDescriptor) {
	if n := len(p.On) + len(p.From); n > maxCauses {
		c.wrong(where, "on: %d events: %d at most", n, maxCauses)
		return
	}
	for i, e := range p.On {
		if !isEventType(e) {
			c.wrong(where, "on %q: an event type is 1 to 128 of A-Z a-z 0-9 . _ -", e)
		}
		if e == c.d.Name+".deleted" {
			c.wrong(where, "on %s: a document that is gone runs no ports: let another model's port run on it", e)
		}
		if slices.Contains(p.On[:i], e) {
			c.wrong(where, "on %s: twice: take one out", e)
		}
	}
	for i, t := range p.From {
		c.trigger(where, t)
		if t.Via == "" && t.Key == "" {
			c.wrong(where+": from "+t.Event, "write via or key: how is the document found?")
		}
		for _, o := range p.From[:i] {
			if o.Event == t.Event && o.Origin() == t.Origin() {
				c.wrong(where, "from %s: twice: take one out", t.Event)
			}
		}
	}
	if p.All && (len(p.On) < 2 || len(p.From) > 0) {
		c.wrong(where, "all: the port needs two events or more of its own document, and no others: they meet in one flow")
	}
	if p.Delay < 0 || p.Delay > maxWait {
		c.wrong(where, "delay %v: write 0 to 8784h", p.Delay)
	}
	if p.Delay > 0 && len(p.On)+len(p.From) == 0 {
		c.wrong(where, "delay: no event runs the port: take it out")
	}
	if p.Repeats < 0 || p.Repeats > maxRepeats {
		c.wrong(where, "repeats %d: write 0 to %d", p.Repeats, maxRepeats)
	}
}

// trigger checks an event of others.
func (c *describer) trigger(where string, t Trigger) {
	if !isEventType(t.Event) {
		c.wrong(where, "from %q: an event type is 1 to 128 of A-Z a-z 0-9 . _ -", t.Event)
		return
	}
	where += ": from " + t.Event
	if len(t.Source) > 256 || strings.ContainsFunc(t.Source, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		c.wrong(where, "source %q: write the name of a model, or a CloudEvents source of up to 256 visible characters", t.Source)
	}
	if t.Key != "" && t.Key != Subject && !strings.HasPrefix(t.Key, "/") {
		c.wrong(where, "key %q: write a JSON Pointer into the event's data, such as /orderId, or %s", t.Key, Subject)
	}
	if t.Field != "" && t.Key == "" {
		c.wrong(where, "field %s: write in key where the event has its value", t.Field)
	}
	if t.Via == "" {
		return
	}
	if t.Key != "" {
		c.wrong(where, "via and key: one of them")
	}
	i := slices.IndexFunc(c.d.Relations, func(r RelationDescriptor) bool { return r.Name == t.Via })
	switch {
	case i < 0:
		c.wrong(where, "via %s: the model has no such relation", t.Via)
	case c.d.Relations[i].Model != t.Origin():
		c.wrong(where, "via %s: that relation leads to %s, and the event is of %s", t.Via, c.d.Relations[i].Model, t.Origin())
	case c.d.Relations[i].Cardinality == Contains:
		c.wrong(where, "via %s: documents are not found by the elements of a list: write key", t.Via)
	}
}

// intake checks the events that create or update documents.
func (c *describer) intake() {
	for _, x := range c.d.Intake {
		where := "intake of " + x.Event
		c.trigger("intake", x.Trigger)
		switch x.Do {
		case IntakeCreate:
			if x.Via != "" || x.Field != "" {
				c.wrong(where, "what is created has no relations yet: write key, where the event has its id, or nothing")
			}
		case IntakeUpdate:
			if x.Via == "" && x.Key == "" {
				c.wrong(where, "write via or key: how is the document found?")
			}
		default:
			c.wrong(where, "do %q: write create or update", x.Do)
		}
	}
}

func (c *describer) await(where string, w *Await) {
	if w.For < 0 || w.For > maxWait {
		c.wrong(where, "await: for %v: write 0 to 8784h", w.For)
	}
	if w.Key != "" && !strings.HasPrefix(w.Key, "/") {
		c.wrong(where, "await: key %q: write a JSON Pointer into the request, such as /orderId", w.Key)
	}
	for i, t := range slices.Concat(w.On, w.Fail) {
		c.trigger(where+": await", t)
		if t.Via != "" || t.Field != "" {
			c.wrong(where, "await: event %s finds its call by the correlation key: take via and field out", t.Event)
		}
		if t.Key == "" {
			c.wrong(where, "await: event %s: write in key where its data has the correlation key, or %s", t.Event, Subject)
		}
		for _, o := range slices.Concat(w.On, w.Fail)[:i] {
			if o.Event == t.Event && o.Origin() == t.Origin() {
				c.wrong(where, "await: event %s: twice: take one out", t.Event)
			}
		}
	}
}
