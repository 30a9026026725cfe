package broker_test

import (
	"fmt"
	"testing"

	"github.com/org/aegis/broker"
)

func TestAtLeastOnceNeeds(t *testing.T) {
	var zero broker.Broker
	if zero.Needs("order", "order.approved") {
		t.Error("nobody needs anything")
	}
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: ">", Handler: ignore})
	if f.Needs("order", "order.approved") {
		t.Error("DropOldest needs nothing")
	}
	required := f.subscribe(broker.Subscription{Pattern: "order.*", Source: "order", Required: true, Handler: ignore})
	if !f.Needs("order", "order.approved") || f.Needs("orders", "order.approved") || f.Needs("order", "customer.created") {
		t.Error("Required needs what matches its pattern and source, and no more")
	}
	required.Close()
	if f.Needs("order", "order.approved") {
		t.Error("a closed subscription needs nothing")
	}
	f.subscribe(broker.Subscription{Pattern: "order.approved", Overflow: broker.Block, Handler: ignore})
	if !f.Needs("order", "order.approved") {
		t.Error("Block needs what matches")
	}
}

// What somebody needs must stay in its outbox when the broker has gone.
func TestNeedsAfterClose(t *testing.T) {
	f := start(t)
	h := f.subscribe(broker.Subscription{Pattern: "order.*", Required: true, Handler: ignore})
	f.Close()
	h.Close()
	if !f.Needs("order", "order.approved") || f.Needs("customer", "customer.created") {
		t.Error("Close changed what is needed")
	}
}

// More types than the memo holds, and sources that share a type.
func TestNeedsForgetsNothing(t *testing.T) {
	f := start(t)
	for i := range 20 {
		f.subscribe(broker.Subscription{Pattern: fmt.Sprintf("model.%d.*", i), Source: fmt.Sprintf("s%d", i%3), Required: true, Handler: ignore})
	}
	for range 2 {
		for i := range 40 {
			for s := range 20 {
				for _, verb := range []string{"created", "deleted"} {
					source, typ := fmt.Sprintf("s%d", s), fmt.Sprintf("model.%d.%s", i, verb)
					if got, want := f.Needs(source, typ), i < 20 && s == i%3; got != want {
						t.Fatalf("Needs(%s, %s) = %t, want %t", source, typ, got, want)
					}
				}
			}
		}
	}
}

// Nobody is needed any more once closed, or needed less before, among so many
// that not each change makes a new index.
func TestAtLeastOnceNeedsAmongMany(t *testing.T) {
	f := start(t)
	var handles []*broker.Handle
	for i := range 1000 {
		handles = append(handles, f.subscribe(broker.Subscription{Pattern: fmt.Sprintf("m%d.*", i), Required: true, Handler: ignore}))
		if !f.Needs("", fmt.Sprintf("m%d.x", i)) || f.Needs("", fmt.Sprintf("m%d.x", i+1)) {
			t.Fatalf("after %d", i)
		}
	}
	for i, h := range handles {
		h.Close()
		if f.Needs("", fmt.Sprintf("m%d.x", i)) || i < 999 && !f.Needs("", fmt.Sprintf("m%d.x", i+1)) {
			t.Fatalf("after %d were closed", i)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: "order.*", Required: true, Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: "order.approved", Overflow: broker.Block, Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: ">", Queue: 4096, Handler: ignore})
	e := event("1")
	f.publish(events(1, 300)...) // rings grow to their size
	for what, do := range map[string]func(){
		"Needs":   func() { f.Needs(e.Source, e.Type) },
		"Tell":    func() { f.Tell(e) },
		"Publish": func() { f.publish(e) },
	} {
		if n := testing.AllocsPerRun(1000, do); n >= 1 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
}
