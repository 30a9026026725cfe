package aegis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// wiring says which service stands behind which adapter. It never changes.
type wiring struct {
	services map[string]*lease
	chosen   map[string]string // services by "model.port", in place of the adapters' own choice
}

// linked is a component that is linked into the program.
type linked struct {
	federation.Component
	end  *lease // of what OnClose closes; nil: not prepared yet
	uses []use  // one for each adapter, in their order
}

// use is what an adapter is bound to.
type use struct {
	Binding
	a adapter.Adapter // as it was declared
}

// bind binds the adapters of a component, which m declares, to their services.
// Those whose service is not there are left out.
func (w wiring) bind(component string, m federation.Module) (bound []adapter.Adapter, uses []use, err error) {
	var bad []error
	for _, a := range m.Adapters() {
		u := use{Binding{Port: a.Model + "." + a.Port, Component: component}, a}
		if a.With != nil {
			u.Service = w.named(u)
			l := w.services[u.Service]
			u.Missing = l == nil
			if l != nil {
				b, err := a.With(l.what)
				if err != nil {
					bad = append(bad, fmt.Errorf("component %s: port %s: service %q: %w: %s", component, u.Port, u.Service, err, w.fitting(a)))
				}
				b.Model, b.Port, b.Service = a.Model, a.Port, u.Service
				b.With = a.With // for calls that were made at another
				a = b
			}
		}
		if !u.Missing {
			bound = append(bound, a)
		}
		uses = append(uses, u)
	}
	return bound, uses, errors.Join(bad...)
}

// named is the service that u should have.
func (w wiring) named(u use) string { return cmp.Or(w.chosen[u.Port], u.a.Service) }

// fitting lists the services that a can be bound to.
func (w wiring) fitting(a adapter.Adapter) string {
	var fit []string
	for _, name := range slices.Sorted(maps.Keys(w.services)) {
		if a.Fits(w.services[name].what) == nil {
			fit = append(fit, name)
		}
	}
	if len(fit) == 0 {
		return "no service fits: add one with Config.Services or Host.SetServices"
	}
	return "services that fit: " + strings.Join(fit, ", ")
}

// check checks what was chosen for ports among components: a port that has no
// adapter made with Via, or a service that is not there, is a mistake.
func (w wiring) check(among []linked, ports []string) error {
	var bad []error
	for _, p := range ports {
		u, ok := viaOf(among, p)
		name := w.named(u)
		switch {
		case !ok:
			bad = append(bad, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "binding of " + p + ": no linked-in component answers this port with an adapter.Via: " + bindable(among)})
		case name == "":
			bad = append(bad, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "binding of " + p + ": its adapter names no service: " + w.fitting(u.a)})
		case w.services[name] == nil:
			bad = append(bad, &modelspec.Error{Code: modelspec.ErrNotFound, Message: fmt.Sprintf("binding of %s: there is no service %q: %s", p, name, w.fitting(u.a))})
		}
	}
	return errors.Join(bad...)
}

func viaOf(among []linked, port string) (use, bool) {
	for _, l := range among {
		for _, u := range l.uses {
			if u.Port == port && u.a.With != nil {
				return u, true
			}
		}
	}
	return use{Binding: Binding{Port: port}}, false
}

func bindable(among []linked) string {
	var ports []string
	for _, l := range among {
		for _, u := range l.uses {
			if u.a.With != nil {
				ports = append(ports, u.Port)
			}
		}
	}
	if len(ports) == 0 {
		return "none does"
	}
	slices.Sort(ports)
	return "these are: " + strings.Join(ports, ", ")
}

// chosenOf is a copy of names without the empty ones.
func chosenOf(names map[string]string) map[string]string {
	out := map[string]string{}
	for p, n := range names {
		if n != "" {
			out[p] = n
		}
	}
	return out
}

// prepareLinked makes a generation of l that nobody sees yet, with its services.
// The generation holds them until its last call has returned.
func (h *Host) prepareLinked(ctx context.Context, w wiring, l linked) (*federation.Generation, linked, error) {
	c := l.Component
	var held []*lease
	c.OnClose = func() error { return h.ended(letGo(held)) }
	m, err := federation.Native(c) // with adapters whose service is missing: they are checked all the same
	if err != nil {
		return nil, l, err
	}
	bound, uses, err := w.bind(c.Name, m)
	if err != nil {
		return nil, l, err
	}
	l.uses = uses
	if slices.ContainsFunc(uses, func(u use) bool { return u.a.With != nil }) {
		c.Adapters = bound
		if m, err = federation.Native(c); err != nil {
			return nil, l, err
		}
	}
	if held, l.end, err = w.hold(l); err != nil {
		return nil, l, err
	}
	g, err := h.table.Prepare(ctx, c.Name, m, federation.Preparation{Pending: len(h.cfg.Remotes) > 0})
	return g, l, err
}

// hold takes what a generation of l uses: what its OnClose closes, and its
// services.
func (w wiring) hold(l linked) (held []*lease, end *lease, err error) {
	if end = l.end; end == nil {
		end = leaseOf(nil, l.OnClose)
		end.mine.Store(true)
	} else if !end.take() {
		return nil, end, errClosed
	}
	held = []*lease{end}
	for _, u := range l.uses {
		s := w.services[u.Service]
		if u.a.With == nil || s == nil || slices.Contains(held, s) {
			continue
		}
		if !s.take() { // never, as long as the host knows it
			return nil, end, errors.Join(errClosed, letGo(held))
		}
		held = append(held, s)
	}
	return held, end, nil
}

var errClosed error = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "aegis: the host is closed", NotSent: true}

// letGo is the end of a generation: what nobody else uses is closed.
func letGo(held []*lease) error {
	var bad []error
	for _, l := range held {
		if l.drop() {
			bad = append(bad, l.end())
		}
	}
	return errors.Join(bad...)
}

// ended tells of what did not close well, and returns it.
func (h *Host) ended(err error) error {
	if err != nil {
		h.cfg.Logger.Warn("what was replaced did not close well", "err", err)
	}
	return err
}

// prepareAll prepares the components with w. After an error, what was prepared
// is among the generations.
func (h *Host) prepareAll(ctx context.Context, w wiring, cs []linked) (gens []*federation.Generation, shown []linked, err error) {
	var bad []error
	for _, c := range cs {
		g, l, err := h.prepareLinked(ctx, w, c)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		gens, shown = append(gens, g), append(shown, l)
	}
	return gens, shown, errors.Join(bad...)
}

func changeTo(gens []*federation.Generation) federation.Change {
	change := federation.Change{}
	for _, g := range gens {
		change[g.Name] = []federation.Arm{{Gen: g}}
	}
	return change
}

// rewire shows the components anew, with w, in one switch, or changes nothing.
// A nil overlay stays. The caller holds h.mu.
func (h *Host) rewire(ctx context.Context, w wiring, o *federation.Overlay, cs ...linked) error {
	if h.closed.Load() {
		return errClosed
	}
	if len(cs) > 0 || o != nil {
		gens, shown, err := h.prepareAll(ctx, w, cs)
		if err == nil {
			err = h.table.Show(changeTo(gens), o)
		}
		if err != nil {
			for _, g := range gens {
				g.Discard()
			}
			return err
		}
		h.note(shown...)
	}
	h.wire(w)
	h.drain()
	return nil
}

// wire makes w the wiring of the moment. The caller holds h.mu, but in New.
func (h *Host) wire(w wiring) {
	h.wired = w
	h.serving.Store(&w)
}

// users are the components with an adapter that wants says. The caller holds
// h.mu.
func (h *Host) users(wants func(use) bool) []linked {
	var out []linked
	for _, name := range slices.Sorted(maps.Keys(h.linked)) {
		l := h.linked[name]
		if slices.ContainsFunc(l.uses, func(u use) bool { return u.a.With != nil && wants(u) }) {
			out = append(out, l)
		}
	}
	return out
}

// note writes down what is shown. The caller holds h.mu, but in New.
func (h *Host) note(ls ...linked) {
	for _, l := range ls {
		h.linked[l.Name] = l
	}
	h.forget()
}

// forget writes down that the components are linked in no longer.
func (h *Host) forget(names ...string) {
	for _, n := range names {
		delete(h.linked, n)
	}
	var all []Binding
	for _, l := range h.linked {
		for _, u := range l.uses {
			all = append(all, u.Binding)
		}
	}
	h.bound.Store(&all)
}
