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
	"github.com/org/aegis/federation"
)

// childEnv makes this program the host that is killed. Its value is a task.
const childEnv = "AEGIS_ORDERS_CHILD"

// task is what the child needs to know.
type task struct {
	Dir     string
	Remotes []federation.Remote
	Booked  int64 // parcels that the carrier has
	Begun   time.Time
	Verbose bool
}

// The lines that the child writes for its parent, beside its timeline.
const (
	orderLine = "@order "
	haltLine  = "@halted"
)

// childMain is the child's main. It does not end by itself, unless something
// goes wrong or its parent is gone.
func childMain(text string) int {
	var t task
	err := json.Unmarshal([]byte(text), &t)
	if err == nil {
		err = child(t, os.Stdin, os.Stdout)
	}
	fmt.Fprintln(os.Stderr, "orders: child:", err)
	return 1
}

// child orders something and gets as far as the parcel.
func child(t task, alive io.Reader, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), time.Minute, errors.New("nobody killed it"))
	defer cancel()
	show := newTimeline(out, t.Begun)
	show.who = "child: "
	store := &halt{Store: documents(t.Dir), before: t.Booked, reached: func() {
		show.say("the carrier has the parcel, and this host cannot write it down")
		show.write(haltLine)
	}}
	cfg := guestConfig(t.Dir, store, t.Remotes, logger(t.Verbose, os.Stderr))
	cfg.Subscriptions = show.subscriptions()
	h, err := aegis.New(cfg)
	if err != nil {
		return err
	}
	if err := h.Start(ctx); err != nil {
		return err
	}
	e, err := aegis.NewRepository(h, order.Model()).Create(ctx, "", basket(""))
	if err != nil {
		return err
	}
	show.write(orderLine + e.ID)
	if err := order.Approve().Invoke(ctx, h, e.ID, order.Approval{By: "the demonstration"}); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, alive); close(gone) }()
	select {
	case <-gone:
		return errors.New("the parent is gone")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
