package federation

import (
	"errors"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// fits checks an adapter against the model whose port it answers.
func fits(a *adapter.Adapter, s *modelspec.Spec) error {
	b := binding{a.Model, a.Port}
	p := s.Port(a.Port)
	undoes := a.Undo != nil || a.Route != nil && a.Route.Back.Port != ""
	switch {
	case p == nil:
		return refused("the adapter of %s: model %s has no such port", b, a.Model)
	case p.Direction != modelspec.Out:
		return refused("the adapter of %s: the port is inbound: adapters answer outbound ports", b)
	case a.Asks && p.Await == nil:
		return refused("the adapter of %s only asks, and model %s declares the port without Await: bind it with adapter.Bind, or declare Await", b, a.Model)
	case p.Undo && !undoes:
		return refused("the adapter of %s cannot undo, and model %s declares the port with Undo: bind it with adapter.BindUndo", b, a.Model)
	case !p.Undo && undoes:
		return refused("the adapter of %s can undo, and model %s declares the port without Undo: bind it with adapter.Bind, or declare Undo", b, a.Model)
	}
	return nil
}

// checkBindings checks every adapter against every arm of its port's model. A
// model that is not there is not missed: its component may come later.
func checkBindings(s *Snapshot) error {
	var bad []error
	for _, r := range s.ports {
		for _, a := range r.arms {
			if m := s.models[a.what.Model]; m != nil {
				for _, to := range m.arms {
					if err := fits(a.what, to.what); err != nil {
						bad = append(bad, refused("component %s (version %q) and component %s (version %q): %v", a.gen.Name, a.gen.Version, to.gen.Name, to.gen.Version, err))
					}
				}
			}
			if j := a.what.Route; j != nil {
				bad = append(bad, checkEnd(s, a.gen, a.what, j.To))
				if j.Back.Port != "" {
					bad = append(bad, checkEnd(s, a.gen, a.what, j.Back))
				}
			}
		}
	}
	return errors.Join(bad...)
}

// checkEnd checks where a route leads.
func checkEnd(s *Snapshot, g *Generation, a *adapter.Adapter, to port.Ref) error {
	r := s.models[to.Model]
	if r == nil {
		if g.pending {
			return nil
		}
		return refused("component %s: the route of %s.%s leads to model %s, which no component has", g.Name, a.Model, a.Port, to.Model)
	}
	for _, arm := range r.arms {
		if p := arm.what.Port(to.Port); p == nil || p.Direction != modelspec.In {
			return refused("component %s: the route of %s.%s leads to %s.%s, and model %s (component %s, version %q) has no such inbound port",
				g.Name, a.Model, a.Port, to.Model, to.Port, to.Model, arm.gen.Name, arm.gen.Version)
		}
	}
	return nil
}

// checkRelations looks for relations that lead nowhere.
func checkRelations(s *Snapshot) error {
	var bad []error
	for _, m := range s.list {
		for _, a := range s.models[m.Descriptor().Name].arms {
			d := a.what.Descriptor()
			for _, rel := range d.Relations {
				if s.models[rel.Model] == nil && !a.gen.pending {
					bad = append(bad, refused("component %s: relation %s of model %s leads to model %s, which no component has: load it together, or prepare this one as Pending",
						a.gen.Name, rel.Name, d.Name, rel.Model))
				}
			}
		}
	}
	return errors.Join(bad...)
}

// checkEndpoints looks for models that would be served at one path.
func checkEndpoints(s *Snapshot) error {
	var bad []error
	taken := map[string]string{}
	for _, m := range s.list {
		d := m.Descriptor()
		if other, ok := taken[d.Endpoint]; ok && other != d.Name {
			bad = append(bad, refused("models %s and %s both have the endpoint %s: give one another Endpoint", other, d.Name, d.Endpoint))
		}
		taken[d.Endpoint] = d.Name
	}
	return errors.Join(bad...)
}
