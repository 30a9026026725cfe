package main

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/examples/orders/shipping"
	"github.com/org/aegis/modelspec"
)

// halt is a store that stops at the worst of moments: the carrier has written
// that it took a parcel, and the order's host is about to write that it knows.
// That write, and every other of an order from then on, never comes back.
type halt struct {
	datasource.Store
	before  int64  // parcels that the carrier had
	reached func() // called once, at that moment

	booked atomic.Bool
	once   sync.Once
}

// Collection wraps those that matter.
func (h *halt) Collection(name string) (datasource.Collection, error) {
	c, err := h.Store.Collection(name)
	if err != nil || name != "order" && name != "carrier" {
		return c, err
	}
	return haltCollection{c, h, name}, nil
}

type haltCollection struct {
	datasource.Collection
	*halt
	name string
}

// Put stores a document, or does not return.
func (c haltCollection) Put(ctx context.Context, d datasource.Document) error {
	if c.name == "order" && c.booked.Load() {
		c.once.Do(c.reached)
		<-ctx.Done()
		return ctx.Err()
	}
	err := c.Collection.Put(ctx, d)
	if err == nil && c.name == "carrier" {
		if p, err := modelspec.As[shipping.Carrier](d.Data); err == nil && p.Booked > c.before {
			c.booked.Store(true)
		}
	}
	return err
}
