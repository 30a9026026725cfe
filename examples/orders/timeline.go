package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/modelspec"
)

// timeline prints what happens, with the time since the start, and knows which
// orders have ended. Safe for concurrent use.
type timeline struct {
	begun time.Time

	mu    sync.Mutex
	out   io.Writer
	who   string // before each line: which process
	quiet bool   // events are not printed
	ends  map[string]chan string
}

func newTimeline(out io.Writer, begun time.Time) *timeline {
	return &timeline{out: out, begun: begun, ends: map[string]chan string{}}
}

func (t *timeline) title(s string) { t.write("== " + s) }

func (t *timeline) say(format string, args ...any) {
	t.write(fmt.Sprintf(" %+7.3f s  %s", time.Since(t.begun).Seconds(), t.who) + fmt.Sprintf(format, args...))
}

func (t *timeline) ok(format string, args ...any) {
	t.write("    ok     " + fmt.Sprintf(format, args...))
}

func (t *timeline) write(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}

// hush says whether events are printed no more.
func (t *timeline) hush(quiet bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.quiet = quiet
}

// subscriptions are what a timeline wants to know. What is printed may be lost
// with the process. How orders end may not: that is Required, so it comes at
// least once, however often a host dies.
func (t *timeline) subscriptions() aegis.Subscriptions {
	return aegis.Subscriptions{
		{Name: "timeline", Pattern: ">", Queue: 1 << 16, Handler: t.event},
		{Name: "ends", Pattern: "order.*", Required: true, Handler: t.ended},
	}
}

func (t *timeline) event(_ context.Context, e broker.Event) error {
	t.mu.Lock()
	quiet := t.quiet
	t.mu.Unlock()
	model, what, _ := strings.Cut(e.Type, ".")
	seeded := what == "created" && model != "order"
	if !quiet && !seeded && model != "aegis" { // the host's own: what it tells of flows, the orders tell too
		t.say("%-10s %-18s %s", model, what, about(e))
	}
	return nil
}

func (t *timeline) ended(_ context.Context, e broker.Event) error {
	switch e.Type {
	case "order.completed", "order.undone", "order.attention":
		select {
		case t.end(e.Subject) <- e.Type:
		default: // known already
		}
	}
	return nil
}

func (t *timeline) end(id string) chan string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ends[id] == nil {
		t.ends[id] = make(chan string, 1)
	}
	return t.ends[id]
}

// await waits until the order has ended, and how must be want.
func (t *timeline) await(ctx context.Context, id, want string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	select {
	case how := <-t.end(id):
		if how != want {
			return fmt.Errorf("order %s: %s, where %s was expected", id, how, want)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("order %s: no %s: %w", id, want, ctx.Err())
	}
}

// about is what a line says of the document of an event.
func about(e broker.Event) string {
	switch e.Source {
	case "order":
		if o, err := modelspec.As[order.Order](e.Data); err == nil {
			last := cmp.Or(why(o), o.ConfirmationCode, o.ProofOfDelivery, o.TrackingID, o.ShipmentID, o.PaymentID, money(o.Total))
			if strings.HasSuffix(e.Type, ".picked") {
				last = "from " + cmp.Or(o.PickedFrom, "a warehouse")
			}
			return fmt.Sprintf("%-9s %-10s %s", o.OrderNo, o.Status, last)
		}
	case "account":
		if a, err := modelspec.As[payment.Account](e.Data); err == nil {
			return fmt.Sprintf("%-9s %s held, %s spent", e.Subject, money(a.Held), money(a.Spent))
		}
	case "inventory":
		if s, err := modelspec.As[inventory.Stock](e.Data); err == nil {
			return fmt.Sprintf("%-9s %d in stock", e.Subject, s.InStock)
		}
	}
	return e.Subject
}

func money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// why says how an order that is no more got there.
func why(o *order.Order) string {
	if o.Status == order.Canceled {
		return "taken back"
	}
	return ""
}
