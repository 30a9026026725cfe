package broker_test

import (
	"fmt"
	"testing"

	"github.com/org/aegis/broker"
)

// BenchmarkWildcard is an event that ten Required subscriptions take: alone, by
// its exact type; and by wildcards among 10,000 subscriptions, for one type and
// for many in rotation, as many as the memo holds and more.
func BenchmarkWildcard(b *testing.B) {
	for _, c := range []struct {
		name            string
		patterns, types int
		pattern, typ    string
	}{
		{"10-exact-alone", 1, 1, "m%d.created", "m%d.created"},
		{"10-of-10000/1-type", 1000, 1, "m%d.*", "m%d.created"},
		{"10-of-10000/2000-types", 1000, 2000, "m%d.>", "m%d.done%d"},
		{"10-of-10000/50000-types", 1000, 50000, "m%d.>", "m%d.done%d"},
		{"10-of-10000/verbs", 1000, 2000, "*.v%d", "m%[2]d.v%[1]d"},
		{"10-of-10000/deep", 1000, 2000, "a.*.b%d.>", "a.x.b%d.c%d"},
	} {
		b.Run(c.name, func(b *testing.B) {
			bus := broker.New(broker.Config{})
			defer bus.Close()
			for i := range c.patterns {
				for range 10 {
					if _, err := bus.Subscribe(broker.Subscription{Name: "n", Pattern: fmt.Sprintf(c.pattern, i), Required: true, Handler: ignore}); err != nil {
						b.Fatal(err)
					}
				}
			}
			var rotation []broker.Event
			for i := range c.types {
				e := event("1")
				e.Type = fmt.Sprintf(c.typ, i%c.patterns, i)
				if c.types == 1 || c.patterns == 1 {
					e.Type = fmt.Sprintf(c.typ, i)
				}
				rotation = append(rotation, e)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := bus.Publish(b.Context(), rotation[i%len(rotation)]); err != nil {
					b.Fatal(err)
				}
			}
			for _, s := range bus.Subscriptions()[:10] {
				if s.Delivered == 0 {
					b.Fatalf("nobody took %s", rotation[0].Type)
				}
			}
		})
	}
}

// BenchmarkSubscribe makes and closes a subscription among 10,000.
func BenchmarkSubscribe(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	for i := range 10_000 {
		if _, err := bus.Subscribe(broker.Subscription{Pattern: fmt.Sprintf("m%d.>", i), Required: true, Handler: ignore}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		h, err := bus.Subscribe(broker.Subscription{Pattern: "m5.*", Required: true, Handler: ignore})
		if err != nil {
			b.Fatal(err)
		}
		h.Close()
	}
}

// BenchmarkFilter is an event that ten filters look at and let through.
func BenchmarkFilter(b *testing.B) {
	for name, filter := range map[string]broker.Filter{
		"match": {Match: map[string]any{"customer.tier": "gold"}},
		"where": {Where: `data.total > 100 && data.customer.tier == "gold"`},
		"type":  {Where: `type == "order.approved" && hop < 5`},
		"lines": {Where: `any(data.lines, .sku startsWith "b")`},
	} {
		b.Run(name, func(b *testing.B) {
			bus := broker.New(broker.Config{})
			defer bus.Close()
			for range 10 {
				if _, err := bus.Subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: filter, Handler: ignore}); err != nil {
					b.Fatal(err)
				}
			}
			e := with("1", `{"customer":{"tier":"gold"},"total":129.5,"lines":[{"sku":"a1"},{"sku":"a2"},{"sku":"b1"}]}`)
			b.ReportAllocs()
			for b.Loop() {
				if err := bus.Publish(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
			if s := bus.Subscriptions()[0]; s.Delivered == 0 {
				b.Fatalf("%+v", s)
			}
		})
	}
}

// BenchmarkGroup is an event for one of ten members.
func BenchmarkGroup(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	for range 10 {
		if _, err := bus.Subscribe(broker.Subscription{Pattern: ">", Group: "workers", Required: true, Handler: ignore}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for e := event("1"); b.Loop(); {
		if err := bus.Publish(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}
