package federation

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Preparation says what a module must pass before it can be shown. The zero
// Preparation is for components that are linked in: they may declare what they
// like.
type Preparation struct {
	// Grant is what the module may declare. Nil: everything. Whatever was not
	// written by the embedder gets one.
	Grant *Grant
	// Digest of the artifact the module was made of, for whoever looks.
	Digest string
	// Pending lets relations and routes of the module lead to models that no
	// component has yet: they answer ErrUnavailable until one has.
	Pending bool
	// Probe, if any, must succeed after the module's own Probe has.
	Probe func(context.Context, Module) error
}

// Prepare makes a generation of m without showing it to anyone. name is the
// component's; empty: the manifest's. It takes m over: after an error m is
// closed, and otherwise it is closed with the generation. A generation that
// will not be shown must be given back with [Generation.Discard].
//
// It fails with ErrInvalid when m contradicts itself, ErrDenied when m
// declares more than its Grant, and with whatever its probes answer.
func (t *Table) Prepare(ctx context.Context, name string, m Module, p Preparation) (*Generation, error) {
	if m == nil {
		return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "federation: prepare " + name + ": no module"}
	}
	g := &Generation{Name: name, Digest: p.Digest, pending: p.Pending, module: m, table: t, done: make(chan struct{})}
	err := g.read(p.Grant)
	if err == nil {
		err = probe(ctx, m, p.Probe)
	}
	if err == nil {
		err = t.admit(g)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("federation: prepare %s: %w", g.Name, err), closeModule(g.Name, m))
	}
	return g, nil
}

// read asks the module what it has, and believes nothing else.
func (g *Generation) read(grant *Grant) error {
	var specs []*modelspec.Spec
	var adapters []adapter.Adapter
	err := guard("describe", func() error {
		man := g.module.Manifest()
		if man == nil {
			return invalid("the module has no manifest")
		}
		if g.Name == "" {
			g.Name = man.Name
		}
		if man.Name != "" && man.Name != g.Name {
			return invalid("the module says that it is component %s", man.Name)
		}
		g.Version = man.Version
		specs, adapters = g.module.Specs(), g.module.Adapters()
		return nil
	})
	if err != nil {
		return err
	}
	if err := g.collect(specs, adapters); err != nil {
		return err
	}
	man := manifestOf(g.Name, g.Version, specs, adapters)
	if err := man.check(); err != nil {
		return err
	}
	if grant != nil {
		return grant.Check(man)
	}
	return nil
}

func (g *Generation) collect(specs []*modelspec.Spec, adapters []adapter.Adapter) error {
	g.models = make(map[string]*modelspec.Spec, len(specs))
	g.adapters = make(map[binding]*adapter.Adapter, len(adapters))
	for _, s := range specs {
		if s == nil {
			return invalid("a model without a spec")
		}
		g.models[s.Descriptor().Name] = s
	}
	for _, a := range adapters {
		g.adapters[binding{a.Model, a.Port}] = &a
	}
	return nil
}

func probe(ctx context.Context, m Module, more func(context.Context, Module) error) error {
	err := guard("probe", func() error { return m.Probe(ctx) })
	if err == nil && more != nil {
		err = guard("probe", func() error { return more(ctx, m) })
	}
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return ctx.Err()
}

// admit gives g its number and the claim that keeps it open until it is shown.
func (t *Table) admit(g *Generation) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the table is closed", NotSent: true}
	}
	t.nextID++
	g.ID = t.nextID
	g.ctx, g.cancel = context.WithCancelCause(context.Background())
	g.refs.Store(1)
	t.open[g] = struct{}{}
	return nil
}
