package orchestration

import (
	"slices"
	"time"

	"github.com/org/aegis/modelspec"
)

// edit adds a change of the port's descriptor.
func (p *port) edit(f func(*modelspec.PortDescriptor)) { p.edits = append(p.edits, f) }

// apply makes the changes.
func (p *port) apply(d *modelspec.PortDescriptor) {
	for _, f := range p.edits {
		f(d)
	}
}

func (p *port) read() {
	type desc = modelspec.PortDescriptor
	flag := func(to func(*desc) *bool) func(value) {
		return func(v value) {
			if on, ok := v.flag(); ok {
				p.edit(func(d *desc) { *to(d) = on })
			}
		}
	}
	word := func(to func(*desc) *string) func(value) {
		return func(v value) {
			if w, ok := v.word(); ok {
				p.edit(func(d *desc) { *to(d) = w })
			}
		}
	}
	words := func(to func(*desc) *[]string) func(value) {
		return func(v value) {
			ws := v.words()
			p.edit(func(d *desc) { *to(d) = slices.Clone(ws) })
		}
	}
	policy := func(to func(*desc) *modelspec.Policy) func(value) {
		return func(v value) {
			edits := readPolicy(v)
			p.edit(func(d *desc) {
				for _, f := range edits {
					f(to(d))
				}
			})
		}
	}
	all := flag(func(d *desc) *bool { return &d.All })
	p.fields(map[string]func(value){
		"on":         p.readOn,
		"all":        func(v value) { p.rewired = true; all(v) },
		"delay":      span(func(f func(*time.Duration)) { p.edit(func(d *desc) { f(&d.Delay) }) }),
		"produces":   word(func(d *desc) *string { return &d.Produces }),
		"policy":     policy(func(d *desc) *modelspec.Policy { return &d.Policy }),
		"undoPolicy": policy(func(d *desc) *modelspec.Policy { return &d.UndoPolicy }),
		"optional":   flag(func(d *desc) *bool { return &d.Optional }),
		"exclusive":  flag(func(d *desc) *bool { return &d.Exclusive }),
		"disabled":   flag(func(d *desc) *bool { return &d.Disabled }),
		"repeats": func(v value) {
			if n, ok := v.count(); ok {
				p.edit(func(d *desc) { d.Repeats = n })
			}
		},
		"fallback": func(v value) {
			if w, ok := v.word(); ok {
				p.edit(func(d *desc) { d.Fallback, d.Default = w, nil })
			}
		},
		"default": p.readDefault,
		"await":   p.readAwait,
		"methods": words(func(d *desc) *[]string { return &d.Methods }),
		"path":    word(func(d *desc) *string { return &d.Path }),
		"keys":    words(func(d *desc) *[]string { return &d.Keys }),
	})
	if p.get("fallback") != nil && p.get("default") != nil {
		p.wrong("", "fallback and default: one of them")
	}
}

// span reads a duration for edit to set.
func span(edit func(func(*time.Duration))) func(value) {
	return func(v value) {
		if t, ok := v.duration(); ok {
			edit(func(d *time.Duration) { *d = t })
		}
	}
}

func (p *port) readOn(v value) {
	p.rewired = true
	ts := p.readTriggers(v, false)
	on, from := split(ts)
	p.edit(func(d *modelspec.PortDescriptor) { d.On, d.From = slices.Clone(on), slices.Clone(from) })
}

func (p *port) readTriggers(v value, await bool) (out []trigger) {
	v.each("a list of events", func(e value) {
		if t, ok := readTrigger(e, await); ok {
			out = append(out, t)
		}
	})
	p.triggers = append(p.triggers, out...)
	return out
}

// readDefault reads the answer to take; null takes away the one of the code.
func (p *port) readDefault(v value) {
	if v.kind == null {
		p.edit(func(d *modelspec.PortDescriptor) { d.Default = nil })
		return
	}
	if b, ok := v.json(); ok {
		answer := modelspec.FromJSON(b)
		p.edit(func(d *modelspec.PortDescriptor) { d.Default, d.Fallback = answer, "" })
	}
}

// readAwait changes what the code says, or makes a port wait that did not.
func (p *port) readAwait(v value) {
	var edits []func(*modelspec.Await)
	plain := func(ts []trigger) (out []modelspec.Trigger) {
		for _, t := range ts {
			out = append(out, t.Trigger)
		}
		return out
	}
	v.fields(map[string]func(value){
		"on": func(v value) {
			ts := plain(p.readTriggers(v, true))
			edits = append(edits, func(w *modelspec.Await) { w.On = slices.Clone(ts) })
		},
		"fail": func(v value) {
			ts := plain(p.readTriggers(v, true))
			edits = append(edits, func(w *modelspec.Await) { w.Fail = slices.Clone(ts) })
		},
		"key": func(v value) {
			if k, ok := v.word(); ok {
				edits = append(edits, func(w *modelspec.Await) { w.Key = k })
			}
		},
		"for": span(func(f func(*time.Duration)) {
			edits = append(edits, func(w *modelspec.Await) { f(&w.For) })
		}),
	})
	p.edit(func(d *modelspec.PortDescriptor) {
		var w modelspec.Await
		if d.Await != nil {
			w = *d.Await
		}
		for _, f := range edits {
			f(&w)
		}
		d.Await = &w
	})
}
