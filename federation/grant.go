package federation

import (
	"errors"
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// FullGrant returns the Grant of everything but the host's own words. A
// component that is linked in needs no Grant at all: see [Preparation].
func FullGrant() Grant {
	all := []string{"*"}
	return Grant{Models: all, Ports: all, Reads: all, Events: all, Listens: all}
}

// hostWords is how the types of the host's own events begin. A * alone does
// not stand for them: an entry must begin so itself.
const hostWords = "aegis."

// Check compares what m declares with g, and lists everything that g lacks.
// The error is ErrDenied. What the component itself defines needs an entry in
// Models only: its own ports, relations among its models and events that begin
// with the name of one of its models and a dot come with them, and it may
// listen to its own models.
func (g Grant) Check(m *Manifest) error {
	own := map[string]bool{}
	for i := range m.Models {
		own[m.Models[i].Name] = true
	}
	l := &lacks{}
	for i := range m.Models {
		d := &m.Models[i]
		l.need(g.Models, "Models", d.Name, "model "+d.Name)
		for _, r := range d.Relations {
			if !own[r.Model] {
				l.need(g.Reads, "Reads", r.Model, "model "+d.Name+": relation "+r.Name+" reads model "+r.Model)
			}
		}
		for _, e := range d.Publishes {
			l.event(g, own, d.Name, e.Type)
		}
		for _, p := range d.Ports {
			if p.Produces != "" {
				l.event(g, own, d.Name, p.Produces)
			}
		}
		l.listens(g, own, d)
	}
	for _, a := range m.Adapters {
		if !own[a.Model] {
			b := a.Model + "." + a.Port
			l.need(g.Ports, "Ports", b, "adapter of port "+b)
		}
	}
	return errors.Join(l.list...)
}

// lacks collects what is not granted, each once.
type lacks struct {
	list []error
	seen map[string]bool
}

func (l *lacks) event(g Grant, own map[string]bool, model, typ string) {
	owner, _, _ := strings.Cut(typ, ".")
	if own[owner] && !strings.HasPrefix(typ, hostWords) {
		return
	}
	l.need(g.Events, "Events", typ, "model "+model+": event "+typ)
}

// listens looks at what is consumed of others, also by ports that are disabled.
func (l *lacks) listens(g Grant, own map[string]bool, d *modelspec.Descriptor) {
	each := func(ts ...modelspec.Trigger) {
		for _, t := range ts {
			if !own[t.Origin()] || strings.HasPrefix(t.Event, hostWords) {
				l.need(g.Listens, "Listens", t.Event, "model "+d.Name+": listens to "+t.Event)
			}
		}
	}
	for i := range d.Ports {
		each(d.Ports[i].From...)
		if w := d.Ports[i].Await; w != nil {
			each(w.On...)
			each(w.Fail...)
		}
	}
	for i := range d.Intake {
		each(d.Intake[i].Trigger)
	}
}

func (l *lacks) need(granted []string, field, name, what string) {
	if slices.ContainsFunc(granted, func(p string) bool { return matches(p, name) }) || l.seen[what] {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[what] = true
	l.list = append(l.list, &modelspec.Error{Code: modelspec.ErrDenied, Message: what + ": not granted (add " + name + " to Grant." + field + ")"})
}

// matches reports whether an entry of a Grant stands for name.
func matches(entry, name string) bool {
	if strings.HasPrefix(name, hostWords) && !strings.HasPrefix(entry, hostWords) {
		return false
	}
	if begin, ok := strings.CutSuffix(entry, "*"); ok {
		return strings.HasPrefix(name, begin)
	}
	return entry == name
}
