package broker_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

func Example() {
	bus := broker.New(broker.Config{})
	defer bus.Close()

	// Inventory must get every order; the second attempt finds it well.
	attempts := 0
	_, err := bus.Subscribe(broker.Subscription{
		Name: "inventory", Pattern: "order.created", Required: true,
		Handler: func(_ context.Context, e broker.Event) error {
			if attempts++; attempts == 1 {
				return errors.New("the shelf is locked")
			}
			fmt.Println("inventory reserves for", e.Subject)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}

	e := broker.Event{ID: "order/o1/1/0", Source: "order", Type: "order.created", Subject: "o1"}
	fmt.Println("needed:", bus.Needs(e.Source, e.Type))
	for err := errors.New("not tried"); err != nil; {
		if err = bus.Publish(context.Background(), e); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// needed: true
	// broker: deliver order.created to inventory: the shelf is locked
	// inventory reserves for o1
}

func ExampleBroker_Subscribe_watch() {
	bus := broker.New(broker.Config{})
	defer bus.Close()

	// A watcher never holds a publisher: it misses events if it is too slow.
	seen := make(chan string)
	watch, err := bus.Subscribe(broker.Subscription{
		Name: "audit", Pattern: "order.>", Queue: 1024,
		Handler: func(_ context.Context, e broker.Event) error {
			seen <- e.Type
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	bus.Tell(broker.Event{ID: "1", Source: "order", Type: "order.created", Subject: "o1"})
	bus.Tell(broker.Event{ID: "2", Source: "order", Type: "order.item.added", Subject: "o1"})
	fmt.Println(<-seen, <-seen)
	watch.Close() // nothing more arrives

	// Output: order.created order.item.added
}

func ExampleFilter() {
	bus := broker.New(broker.Config{})
	defer bus.Close()

	_, err := bus.Subscribe(broker.Subscription{
		Name: "concierge", Pattern: "order.*", Ignore: []string{"order.deleted"}, Required: true,
		Filter: broker.Filter{
			Match: map[string]any{"customer.tier": "gold"},
			Where: `data.total > 100 && any(data.lines, .sku startsWith "wine-")`,
		},
		Handler: func(_ context.Context, e broker.Event) error {
			fmt.Println("calls about", e.Subject)
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
	}
	for id, data := range []string{
		`{"customer": {"tier": "gold"}, "total": 129.9, "lines": [{"sku": "wine-7"}]}`,
		`{"customer": {"tier": "gold"}, "total": 12, "lines": [{"sku": "wine-7"}]}`,
	} {
		e := broker.Event{Source: "order", Type: "order.created", Subject: fmt.Sprint("o", id), Data: modelspec.FromJSON([]byte(data))}
		if err := bus.Publish(context.Background(), e); err != nil {
			fmt.Println(err)
		}
	}
	_, err = bus.Subscribe(broker.Subscription{
		Name: "typo", Pattern: "order.*", Filter: broker.Filter{Where: "dta.total > 100"},
		Handler: func(context.Context, broker.Event) error { return nil },
	})
	fmt.Println(err)
	// Output:
	// calls about o0
	// broker: subscribe typo to "order.*": invalid: /Filter/Where invalid (line 1, column 1: unknown name dta)
}

func ExampleLaterOf() {
	bus := broker.New(broker.Config{})
	defer bus.Close()

	_, err := bus.Subscribe(broker.Subscription{
		Name: "reminder", Pattern: "invoice.sent", Required: true, Delay: 14 * 24 * time.Hour,
		Handler: func(context.Context, broker.Event) error { return nil },
	})
	if err != nil {
		fmt.Println(err)
	}
	// The publisher keeps the event until the time has come.
	sent := time.Date(2100, 1, 1, 12, 0, 0, 0, time.UTC)
	err = bus.Publish(context.Background(), broker.Event{ID: "1", Source: "invoice", Type: "invoice.sent", Subject: "i1", Time: sent})
	due, late := broker.LaterOf(err)
	fmt.Println(late, due.Format(time.DateTime))
	// Output: true 2100-01-15 12:00:00
}
