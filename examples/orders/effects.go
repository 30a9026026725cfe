package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/examples/orders/shipping"
)

// effects count what the services have done for orders, ever.
type effects struct {
	Holds, Releases, Captures, Refunds int64 // of money
	Packed, Unpacked                   int64 // parcels
	Taken, Returned                    int64 // times that tea went out of and back into the stock
	Tea                                int64 // in stock
	Booked, Unbooked, Proved, Fetched  int64 // parcels, by the carrier
}

// count reads the services' documents.
func count(ctx context.Context, h *aegis.Host) (e effects, err error) {
	a, err := aegis.NewRepository(h, payment.Model()).Find(ctx, "ann")
	if err != nil {
		return e, err
	}
	w, err := aegis.NewRepository(h, inventory.WarehouseModel()).Find(ctx, warehouse)
	if err != nil {
		return e, err
	}
	s, err := aegis.NewRepository(h, inventory.StockModel()).Find(ctx, "tea")
	if err != nil {
		return e, err
	}
	c, err := aegis.NewRepository(h, shipping.Model()).Find(ctx, carrier)
	return effects{
		a.Holds, a.Releases, a.Captures, a.Refunds, w.Picked, w.Undone,
		s.Reserved, s.Returned, s.InStock, c.Booked, c.Unbooked, c.Delivered, c.Fetched,
	}, err
}

// expect checks that exactly want has happened since was.
func (d *demo) expect(ctx context.Context, was, want effects) error {
	is, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	if got := is.since(was); got != want {
		return fmt.Errorf("effects:\n  have %v\n  want %v", got, want)
	}
	d.show.ok("each effect happened as often as it should: %v", want)
	return nil
}

func (e effects) since(was effects) effects {
	return effects{
		e.Holds - was.Holds, e.Releases - was.Releases, e.Captures - was.Captures, e.Refunds - was.Refunds,
		e.Packed - was.Packed, e.Unpacked - was.Unpacked, e.Taken - was.Taken, e.Returned - was.Returned, e.Tea - was.Tea,
		e.Booked - was.Booked, e.Unbooked - was.Unbooked, e.Proved - was.Proved, e.Fetched - was.Fetched,
	}
}

// ofOrders are the effects of n orders that complete.
func ofOrders(n int64) effects {
	return effects{Holds: n, Captures: n, Packed: n, Taken: n, Tea: -2 * n, Booked: n, Proved: n}
}

// ofRefusal are those of one that the carrier refuses.
func ofRefusal() effects {
	return effects{Holds: 1, Releases: 1, Packed: 1, Unpacked: 1, Taken: 1, Returned: 1}
}

func (e effects) String() string {
	var out []string
	for _, x := range []struct {
		n    int64
		what string
	}{
		{e.Holds, "held"}, {e.Releases, "released"}, {e.Captures, "captured"}, {e.Refunds, "refunded"}, {e.Packed, "packed"}, {e.Unpacked, "unpacked"},
		{e.Taken, "taken"}, {e.Returned, "returned"}, {e.Tea, "tea"}, {e.Booked, "booked"}, {e.Unbooked, "unbooked"}, {e.Proved, "delivered"}, {e.Fetched, "fetched"},
	} {
		if x.n != 0 {
			out = append(out, fmt.Sprintf("%d %s", x.n, x.what))
		}
	}
	return strings.Join(out, ", ")
}
