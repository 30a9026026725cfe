package federation

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// native is a component in this process: no frames and no bytes between it and
// its host.
type native struct {
	c        Component
	man      *Manifest
	specs    []*modelspec.Spec
	adapters []adapter.Adapter
	close    func() error
}

// Native makes a module of a component that is linked into the program. The
// error, ErrInvalid, lists all its mistakes.
//
// An adapter without Model gets the name of the component's own model with the
// Go type of its port, or else the Go type's name with its first letter
// lowered: see [adapter.Resolve].
func Native(c Component) (Module, error) {
	n := &native{c: c}
	n.close = sync.OnceValue(func() error {
		if c.OnClose == nil {
			return nil
		}
		return guard("OnClose", c.OnClose)
	})
	bad := []error{n.readModels(), n.readAdapters()}
	n.man = manifestOf(c.Name, c.Version, n.specs, n.adapters)
	if c.Name != "" { // its name may be given later: see Prepare
		bad = append(bad, n.man.check())
	}
	if err := errors.Join(bad...); err != nil {
		return nil, fmt.Errorf("federation: component %s: %w", c.Name, err)
	}
	return n, nil
}

func (n *native) readModels() error {
	var bad []error
	for i, m := range n.c.Models {
		err := guard("Spec", func() error {
			if m == nil {
				return invalid("model %d is nil", i)
			}
			s, err := m.Spec()
			if err == nil && s == nil {
				err = invalid("model %d has no spec", i)
			}
			if err == nil {
				n.specs = append(n.specs, s)
			}
			return err
		})
		bad = append(bad, err)
	}
	return errors.Join(bad...)
}

func (n *native) readAdapters() error {
	var bad []error
	for _, a := range n.c.Adapters {
		a, err := n.resolve(a)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		n.adapters = append(n.adapters, a)
		for _, s := range n.specs {
			if s.Descriptor().Name == a.Model {
				bad = append(bad, fits(&a, s))
			}
		}
	}
	return errors.Join(bad...)
}

// resolve writes down which model a belongs to, and where its route leads.
func (n *native) resolve(a adapter.Adapter) (adapter.Adapter, error) {
	var err error
	if a.Model, err = adapter.Resolve(a.Ref(), n.specs); err != nil {
		return a, err
	}
	b := binding{a.Model, a.Port}
	switch {
	case a.Model == "" || a.Port == "":
		return a, invalid("an adapter of %q: an adapter names a model and a port", b)
	case (a.Call == nil) == (a.Route == nil):
		return a, invalid("the adapter of %s needs either Call or Route: make it with adapter.Bind, BindUndo or Route", b)
	case a.Route == nil:
		return a, nil
	case a.Undo != nil:
		return a, invalid("the adapter of %s is a route and has an Undo of its own: use adapter.RouteUndo", b)
	case a.Route.Map == nil || a.Route.To.Port == "" || a.Route.Back.Port != "" && a.Route.BackMap == nil:
		return a, invalid("the route of %s is incomplete: make it with adapter.Route or RouteUndo", b)
	}
	j := *a.Route
	a.Route = &j
	return a, errors.Join(n.lead(&j.To), n.lead(&j.Back))
}

func (n *native) lead(to *port.Ref) (err error) {
	if to.Port != "" {
		to.Model, err = adapter.Resolve(*to, n.specs)
	}
	return err
}

func (n *native) Manifest() *Manifest         { return n.man }
func (n *native) Specs() []*modelspec.Spec    { return n.specs }
func (n *native) Adapters() []adapter.Adapter { return n.adapters }

// Probe is the component's own.
func (n *native) Probe(ctx context.Context) error {
	if n.c.Probe == nil {
		return nil
	}
	return guard("Probe", func() error { return n.c.Probe(ctx) })
}

func (n *native) Close() error { return n.close() }
