package main

import (
	"context"
	"errors"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// seamLine is what makes a component replaceable: the look at the table of the
// moment, the pin of the generation and its release. The baseline is a call
// through an interface, as a program makes that is linked once and for all.
func seamLine(ctx context.Context, p plan) (_ []row, err error) {
	t := federation.NewTable()
	defer func() { err = errors.Join(err, t.Close(ctx)) }()
	mod, err := federation.Native(component("0"))
	if err != nil {
		return nil, err
	}
	g, err := t.Prepare(ctx, "shop", mod, federation.Preparation{})
	if err != nil {
		return nil, err
	}
	if err := t.Swap(federation.Change{"shop": {{Gen: g}}}); err != nil {
		return nil, err
	}
	ours := func(n int) error {
		for range n {
			_, g, err := t.Model("order", "o1")
			if err != nil {
				return err
			}
			g.Unpin()
		}
		return nil
	}
	spec, g, err := t.Model("order", "o1")
	if err != nil {
		return nil, err
	}
	g.Unpin()
	r, err := compare(ctx, p, measured(ours), measured(throughInterface(linked{spec})))
	return []row{atMost("generation seam: look up, pin, unpin", r, 14)}, err
}

// finder finds the spec of a model.
type finder interface {
	find(model, id string) (*modelspec.Spec, error)
}

type linked struct{ spec *modelspec.Spec }

//go:noinline
func (l linked) find(string, string) (*modelspec.Spec, error) { return l.spec, nil }

//go:noinline
func throughInterface(f finder) func(n int) error {
	return func(n int) error {
		for range n {
			if _, err := f.find("order", "o1"); err != nil {
				return err
			}
		}
		return nil
	}
}
