package aegis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Services are what adapters made with adapter.Via talk to, by name: clients of
// payment providers, mailers, whatever a program has.
type Services map[string]any

// SetServices adds services and replaces those of the same names, in one
// switch: the adapters that stand before them are bound anew, or nothing
// changes and the error, which lists all that is wrong, says why. Then the
// services given stay the caller's.
//
// Calls under way end with the service they began with. A service that is
// replaced or removed and has a Close() error is closed when its last call has
// returned, one under several names when it has lost them all; and at
// Host.Close, all are. Do not give one again that has been closed. To give what
// stands there already changes nothing.
//
// A call that may have reached a service is asked again, and undone, at the
// service of that name, whatever the port is bound to by then; while there is
// none of that name, it waits. So one that is set under another's name while
// flows are open must know the other's keys: set one that does not under a name
// of its own, and [Host.Rebind].
//
// It fails with ErrInvalid where a service does not fit an adapter.
func (h *Host) SetServices(ctx context.Context, services Services) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next, claims, err := h.place(services)
	if err == nil {
		err = h.change(ctx, wiring{services: next, chosen: h.wired.chosen})
	}
	if err != nil {
		h.release(claims...)
		return fmt.Errorf("aegis: set services: %w", err)
	}
	h.own(claims)
	return nil
}

// RemoveServices takes services out, in one switch. The ports that they answered
// are unavailable, and listed by Unbound, until a service of the name is back:
// flows wait for it, and so do those whose calls were made at it before their
// port was bound to another. It fails with ErrNotFound where there is no such
// service.
func (h *Host) RemoveServices(ctx context.Context, names ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := maps.Clone(h.wired.services)
	for _, n := range names {
		if h.wired.services[n] == nil {
			return &modelspec.Error{Code: modelspec.ErrNotFound, Message: fmt.Sprintf("aegis: remove services: there is no service %q: %s", n, thereAre(h.wired.services))}
		}
		delete(next, n)
	}
	if err := h.change(ctx, wiring{services: next, chosen: h.wired.chosen}); err != nil {
		return fmt.Errorf("aegis: remove services: %w", err)
	}
	return nil
}

// Rebind chooses services by name for ports, "model.port", in place of the
// adapters' own choice, in one switch: all of them, or none. An empty name takes
// a choice back. What SetServices says of calls under way holds here. A service
// that is left without a port stays, and is not closed: the calls that were made
// at it are asked again, and undone, there.
//
// It fails with ErrNotFound where a port has no adapter made with adapter.Via or
// would be left without a service, and with ErrInvalid where the service does
// not fit.
func (h *Host) Rebind(ctx context.Context, services map[string]string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := wiring{services: h.wired.services, chosen: maps.Clone(h.wired.chosen)}
	maps.Copy(next.chosen, services)
	next.chosen = chosenOf(next.chosen)
	err := next.check(slices.Collect(maps.Values(h.linked)), slices.Sorted(maps.Keys(services)))
	if err == nil {
		err = h.change(ctx, next)
	}
	if err != nil {
		return fmt.Errorf("aegis: rebind: %w", err)
	}
	return nil
}

// serve binds an adapter, for one call, to the service that the call was made at
// before.
func (h *Host) serve(a *adapter.Adapter, name string) (bound adapter.Adapter, release func(), err error) {
	lacks := func(why string) error {
		return &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true, Message: fmt.Sprintf("service %q, which the call was made at, %s", name, why)}
	}
	if a.With == nil {
		return bound, nil, lacks("does not stand behind port " + a.Port + " any more: bind it with adapter.Via")
	}
	l := h.take(name)
	if l == nil {
		return bound, nil, lacks("is not there: give it back with Host.SetServices")
	}
	release = func() {
		switch {
		case !l.drop():
		case h.closed.Load():
			_ = h.ended(l.end())
		default:
			h.wg.Go(func() { _ = h.ended(l.end()) })
		}
	}
	if bound, err = a.With(l.what); err != nil {
		release()
		return bound, nil, lacks("is another one now: " + err.Error())
	}
	bound.Model, bound.Port, bound.Service = a.Model, a.Port, name
	return bound, release, nil
}

// take takes the lease of the service of the moment; nil: there is none.
func (h *Host) take(name string) *lease {
	for {
		w := h.serving.Load()
		l := w.services[name]
		if l == nil || l.take() {
			return l
		}
		if h.serving.Load() == w { // replaced ones are let go of afterwards
			return nil
		}
	}
}

// place is what the services would be with those given, and a claim on each
// that is not there yet. The caller holds h.mu.
func (h *Host) place(services Services) (next map[string]*lease, claims []*lease, err error) {
	next = maps.Clone(h.wired.services)
	if next == nil {
		next = map[string]*lease{}
	}
	var bad []error
	known := h.leases
	for _, name := range slices.Sorted(maps.Keys(services)) {
		s := services[name]
		if name == "" || s == nil {
			bad = append(bad, &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf("service %q is a %T: a service has a name and is not nil; Host.RemoveServices takes one out", name, s)})
			continue
		}
		if was := next[name]; was != nil && same(was.what, s) {
			continue
		}
		i := slices.IndexFunc(known, func(l *lease) bool { return same(l.what, s) && l.take() })
		if i < 0 {
			known, i = append(slices.Clip(known), serviceLease(name, s)), len(known)
		}
		next[name], claims = known[i], append(claims, known[i])
	}
	return next, claims, errors.Join(bad...)
}

// change shows all components that w binds otherwise, and lets go of services
// that w has not. The caller holds h.mu.
func (h *Host) change(ctx context.Context, w wiring) error {
	was := h.wired
	affected := h.users(func(u use) bool { return w.named(u) != u.Service || w.services[u.Service] != was.services[u.Service] })
	if err := h.rewire(ctx, w, nil, affected...); err != nil {
		return err
	}
	for name, l := range was.services {
		if w.services[name] != l {
			h.release(l)
		}
	}
	return nil
}

// own makes the services of claims the host's. The caller holds h.mu, but in
// New.
func (h *Host) own(claims []*lease) {
	h.leases = slices.DeleteFunc(h.leases, func(l *lease) bool { return l.users.Load() <= 0 })
	for _, l := range claims {
		if !l.mine.Swap(true) {
			h.leases = append(h.leases, l)
		}
	}
}

// release gives claims back. A service that nobody uses any longer is closed.
// The caller holds h.mu.
func (h *Host) release(claims ...*lease) {
	for _, l := range claims {
		if l.drop() {
			h.wg.Go(func() { _ = h.ended(l.end()) })
		}
	}
}

// closeServices closes what no generation has to close.
func (h *Host) closeServices() error {
	h.mu.Lock()
	all := h.wired.services
	h.wire(wiring{chosen: h.wired.chosen})
	h.mu.Unlock()
	var bad []error
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if l := all[name]; l.drop() {
			bad = append(bad, l.end())
		}
	}
	return errors.Join(bad...)
}

func thereAre(services map[string]*lease) string {
	if len(services) == 0 {
		return "there is none"
	}
	return "there are " + strings.Join(slices.Sorted(maps.Keys(services)), ", ")
}
