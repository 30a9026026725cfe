package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
	"github.com/org/aegis/federation"
)

// childEnv makes this program the host that is killed. Its value is a task.
const childEnv = "AEGIS_ORDERS_CHILD"

// task is what the child needs to know.
type task struct {
	Dir     string
	World   string // URL of what is outside
	Orders  bool   // serve orders until killed: see serveOrders; else get as far as a parcel
	Remotes []federation.Remote
	Booked  int64 // parcels that the carrier has
	Begun   time.Time
	Verbose bool
}

// The lines that the child writes for its parent, beside its timeline.
const (
	orderLine = "@order "
	haltLine  = "@halted"
	serveLine = "@serves "
)

// childMain is the child's main. It does not end by itself, unless something
// goes wrong or its parent is gone.
func childMain(text string) int {
	var t task
	err := json.Unmarshal([]byte(text), &t)
	switch {
	case err != nil:
	case t.Orders:
		err = serveOrders(t, os.Stdin, os.Stdout)
	default:
		err = child(t, os.Stdin, os.Stdout)
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "orders: child:", err)
	return 1
}

// child orders twice: once until the order waits for its parcel, and once until
// the carrier has the parcel.
func child(t task, alive io.Reader, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Minute, errors.New("nobody killed it"))
	defer cancel()
	show := newTimeline(out, t.Begun)
	show.who = "child: "
	store := &halt{Store: documents(t.Dir), before: t.Booked + 1, reached: func() {
		show.say("the carrier has the parcel, and this host cannot write it down")
		show.write(haltLine)
	}}
	world := &outside.Client{URL: t.World}
	cfg := guestConfig(t.Dir, store, t.Remotes, world.Track(), logger(t.Verbose, os.Stderr))
	cfg.Subscriptions = show.subscriptions()
	h, err := aegis.New(cfg)
	if err != nil {
		return err
	}
	if err := h.Start(ctx); err != nil {
		return err
	}
	first, err := orderIn(ctx, h, show)
	if err != nil {
		return err
	}
	if err := parked(ctx, h, first); err != nil {
		return err
	}
	show.say("the first order waits for its parcel, parked in its document")
	if _, err := orderIn(ctx, h, show); err != nil {
		return err
	}
	select {
	case <-ended(alive):
		return errors.New("the parent is gone")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// orderIn orders in the host itself.
func orderIn(ctx context.Context, h *aegis.Host, show *timeline) (id string, err error) {
	e, err := aegis.NewRepository(h, order.Model()).Create(ctx, "", basket(""))
	if err != nil {
		return "", err
	}
	show.write(orderLine + e.ID)
	return e.ID, order.Approve().Invoke(ctx, h, e.ID, order.Approval{By: "the demonstration"})
}

// parked waits until the order waits for its parcel.
func parked(ctx context.Context, h *aegis.Host, id string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		flows, err := h.FlowsOf(ctx, "order", id)
		if err != nil {
			return err
		}
		for _, f := range flows {
			for _, s := range f.Steps {
				if s.Port == order.TrackShipment.Name && s.State == "awaiting" {
					return nil
				}
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ended is closed when the parent closes its end, or is gone.
func ended(alive io.Reader) <-chan struct{} {
	gone := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, alive); close(gone) }()
	return gone
}
