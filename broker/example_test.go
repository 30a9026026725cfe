package broker_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis/broker"
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
