package orchestration

import (
	"maps"
	"slices"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// events checks that every event of a document itself that is waited for is
// published by somebody: a port that waits for another never runs.
func (c *compiler) events() {
	for _, name := range slices.Sorted(maps.Keys(c.drafts)) {
		d := c.drafts[name]
		live, dead := published(d)
		check := func(t *trigger) {
			if t.own() && !slices.Contains(live, t.Event) {
				c.unreached(d, t, live, dead)
			}
		}
		for _, m := range c.d.models {
			for _, p := range m.ports {
				if _, st := c.d.step(name, p.name); m.name != name || st != nil {
					continue
				}
				for i := range p.triggers {
					check(&p.triggers[i])
				}
			}
		}
		for _, f := range c.d.flows {
			if f.model == name && f.start.node != nil {
				check(&f.start)
			}
		}
		c.orphans(name, live)
	}
}

// published are the events of a model, and the ports that would publish others
// if they were not disabled.
func published(d *modelspec.Descriptor) (live []string, dead map[string]string) {
	on := *d
	on.Ports = slices.DeleteFunc(slices.Clone(d.Ports), func(p modelspec.PortDescriptor) bool { return p.Disabled })
	dead = map[string]string{}
	for i := range d.Ports {
		if p := &d.Ports[i]; p.Disabled && p.Produces != "" {
			dead[p.Produces] = p.Name
		}
	}
	return federation.Events(&on), dead
}

func (c *compiler) unreached(d *modelspec.Descriptor, t *trigger, live []string, dead map[string]string) {
	at := t.at("event").in(&c.collector)
	if p := dead[t.Event]; p != "" {
		at.wrong("", "only port %s publishes %s, and it is disabled", p, t.Event)
		return
	}
	for _, other := range c.models() {
		if o := c.now(other); other != d.Name && slices.Contains(federation.Events(o), t.Event) {
			at.wrong("", "model %s publishes %s: write how the document is found, {event: %s, via: ...} or {event: %s, key: ...}", other, t.Event, t.Event, t.Event)
			return
		}
	}
	at.wrong(nearest(t.Event, live), "nobody publishes %s", t.Event)
}

// now is a model as the document leaves it.
func (c *compiler) now(name string) *modelspec.Descriptor {
	if d := c.drafts[name]; d != nil {
		return d
	}
	return c.specs[name].Descriptor()
}

// orphans looks for ports that the document does not speak of and that nothing
// runs any more, since another port produces something else, or is disabled.
func (c *compiler) orphans(name string, live []string) {
	was := c.specs[name].Descriptor()
	had, _ := published(was)
	for i := range was.Ports {
		p := &was.Ports[i]
		if _, st := c.d.step(name, p.Name); st != nil || p.Disabled {
			continue
		}
		if own := c.d.port(name, p.Name); own != nil && (own.get("on") != nil || own.get("disabled") != nil) {
			continue
		}
		for _, e := range p.On {
			if slices.Contains(had, e) && !slices.Contains(live, e) {
				c.cause(name, e).wrong("", "port %s of model %s runs on %s, which nobody would publish any more", p.Name, name, e)
			}
		}
	}
}

// cause is the place that makes a model not publish an event any more.
func (c *compiler) cause(model, event string) value {
	for _, m := range c.d.models {
		for _, p := range m.ports {
			s := c.specs[model]
			if m.name != model || s == nil || s.Port(p.name) == nil || s.Port(p.name).Produces != event {
				continue
			}
			for _, k := range []string{"produces", "disabled"} {
				if n := p.get(k); n != nil {
					return value{n, under(p.path, k), &c.collector}
				}
			}
			return p.in(&c.collector)
		}
	}
	return c.place(model)
}

// place is where a document speaks of a model, or the document.
func (c *compiler) place(model string) value {
	for _, m := range c.d.models {
		if m.name == model {
			return value{m.key, m.path, &c.collector}
		}
	}
	for _, f := range c.d.flows {
		if f.model == model {
			return f.on.in(&c.collector)
		}
	}
	return value{nil, "", &c.collector}
}
