package main

import (
	"context"
	"errors"

	"github.com/org/aegis"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// What the whole seam may cost beside the model alone.
const (
	inboundTimes  = 8
	inboundAllocs = 16
)

// inboundLine is a command through the whole host: looked up, pinned, read
// from memory, run, published, and stored with its receipt, while somebody
// listens. The baseline is the model alone: the document is copied, the
// handler run and the rules checked.
//
// The goal is for documents whose receipts are still with them. One that gets
// more commands a day than fit there has the older ones moved to a collection
// of their own, in the background: the last row is what a command costs where
// each of a thousand documents gets that many, all of it counted.
func inboundLine(ctx context.Context, p plan) ([]row, error) {
	in := shop.Touch()
	rows, err := commandRows(ctx, p, "native inbound port", in)
	if err != nil {
		return nil, err
	}
	n, err := countJSON(ctx)
	if err != nil {
		return nil, err
	}
	rows = append(rows, count("values encoded or decoded as JSON", float64(n), 0))
	r, err := commands(ctx, p, in, 1<<30)
	moved := atMost("  with receipts that move out", r, 0)
	moved.goal, moved.verdict = "", noted
	return append(rows, moved), err
}

// askingLine is the same with one call of an outbound port in the handler. In
// the baseline, the call is a call of the service's function.
func askingLine(ctx context.Context, p plan) ([]row, error) {
	return commandRows(ctx, p, "the same, calling one outbound port", ask())
}

// perDocument is how many receipts certainly stay with a document.
const perDocument = 60

func commandRows(ctx context.Context, p plan, name string, in port.Inbound[shop.Order, port.None, port.None]) ([]row, error) {
	r, err := commands(ctx, p, in, perDocument*documents)
	return []row{atMost(name, r, inboundTimes), count("allocations", r.allocs, inboundAllocs)}, err
}

// commands compares commands with the model alone. A host gets so many of
// them, and then a new one takes its place.
func commands(ctx context.Context, p plan, in port.Inbound[shop.Order, port.None, port.None], most int) (_ result, err error) {
	alone, err := modelAlone(ctx, in.Name)
	if err != nil {
		return result{}, err
	}
	c := commander{in: in, most: most}
	defer func() { err = errors.Join(err, c.close()) }()
	return compare(ctx, p, func(n int) (cost, error) { return c.send(ctx, n) }, measured(alone))
}

// commander sends commands, each with a key, in the name of somebody.
type commander struct {
	in   port.Inbound[shop.Order, port.None, port.None]
	most int // that one host gets
	m    *market
	left int // for m
}

// send sends n of them. What a new host costs does not count.
func (c *commander) send(ctx context.Context, n int) (all cost, err error) {
	caller := aegis.WithCaller(ctx, aegis.Caller{Subject: "alice"})
	part := measured(func(n int) error {
		for range n {
			if _, err := c.in.Invoke(aegis.WithKey(caller, c.m.keys.next()), c.m, c.m.id(), port.None{}); err != nil {
				return err
			}
		}
		return nil
	})
	for n > 0 {
		if err := c.renew(ctx); err != nil {
			return all, err
		}
		now := min(n, c.left)
		spent, err := part(now)
		if err != nil {
			return all, err
		}
		all.add(spent)
		n, c.left = n-now, c.left-now
	}
	return all, nil
}

// renew sees to a host that has room for commands.
func (c *commander) renew(ctx context.Context) error {
	if c.left > 0 {
		return nil
	}
	if err := c.close(); err != nil {
		return err
	}
	m, err := open(ctx, aegis.Config{}, ask())
	c.m, c.left = m, c.most
	return err
}

func (c *commander) close() error {
	m := c.m
	c.m = nil
	if m == nil {
		return nil
	}
	return m.Close()
}

// modelAlone runs the port's handler on an order, without a host.
func modelAlone(ctx context.Context, portName string) (func(n int) error, error) {
	spec, err := orders(ask()).Spec()
	if err != nil {
		return nil, err
	}
	made, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpNew, ID: "o1", Doc: modelspec.Of(shop.Seed())})
	if err != nil {
		return nil, err
	}
	ctx = modelspec.WithEffects(ctx, direct{})
	doc, arg := made.Doc, modelspec.Of(port.None{})
	return func(n int) error {
		for range n {
			if _, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, Port: portName, ID: "o1", Doc: doc, Prev: doc, Arg: arg}); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// direct answers every effect with the shop's service.
type direct struct{}

func (direct) Do(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	asked, err := modelspec.As[shop.PriceAsked](e.Arg)
	if err != nil {
		return nil, err
	}
	told, err := tell(ctx, *asked)
	return modelspec.Of(told), err
}
