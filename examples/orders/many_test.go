package main

import (
	"bytes"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
)

// TestManyOrdersAtOnce lets orders, some of which are refused, meet at one
// account, one warehouse, one carrier and the same two items, and counts.
func TestManyOrdersAtOnce(t *testing.T) {
	const n = 60
	cfg := nativeConfig(fast(), slog.New(slog.DiscardHandler))
	show := newTimeline(&bytes.Buffer{}, time.Now())
	cfg.Subscriptions = show.subscriptions()
	host, err := aegis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := seed(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			address, end := "", "order.completed"
			if i%3 == 0 {
				address, end = "Atlantis", "order.undone"
			}
			e, err := aegis.NewRepository(host, order.Model()).Create(t.Context(), "", basket(address))
			if err != nil {
				t.Error(err)
				return
			}
			if err := order.Approve().Invoke(t.Context(), host, e.ID, order.Approval{}); err != nil {
				t.Error(err)
				return
			}
			if err := show.await(t.Context(), e.ID, end); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	const undone, done = n / 3, n - n/3
	want := effects{
		Holds: n, Releases: undone, Captures: done, Packed: n, Unpacked: undone,
		Taken: n, Returned: undone, Tea: -2 * done, Booked: done, Proved: done,
	}
	if e, err := count(t.Context(), host); err != nil || e.since(effects{Tea: 1e9}) != want {
		t.Errorf("%v %v\nwant %v", e.since(effects{Tea: 1e9}), err, want)
	}
	if in, err := host.Incidents(t.Context()); err != nil || len(in) > 0 {
		t.Errorf("%v %v", in, err)
	}
}
