package broker_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/aegis/broker"
)

// BenchmarkPublish is an event published and handled.
func BenchmarkPublish(b *testing.B) {
	subscribed := map[string]broker.Subscription{
		"block":    {Overflow: broker.Block},
		"live":     {Queue: 1 << 16},
		"required": {Required: true},
	}
	for name, s := range subscribed {
		b.Run(name, func(b *testing.B) {
			bus := broker.New(broker.Config{OnFailure: func(broker.Failure) {}})
			defer bus.Close()
			var handled atomic.Int64
			done := make(chan struct{})
			s.Pattern = "order.*"
			n := int64(b.N)
			s.Handler = func(context.Context, broker.Event) error {
				if handled.Add(1) == n {
					close(done)
				}
				return nil
			}
			h, err := bus.Subscribe(s)
			if err != nil {
				b.Fatal(err)
			}
			e := event("1")
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := bus.Publish(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
			if name != "live" { // which may drop
				<-done
			}
			b.StopTimer()
			b.ReportMetric(float64(h.Stats().Dropped)/float64(b.N), "dropped/op")
		})
	}
}

// BenchmarkPublishParallel has publishers meet at one queue.
func BenchmarkPublishParallel(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	var handled sync.WaitGroup
	_, err := bus.Subscribe(broker.Subscription{Pattern: ">", Overflow: broker.Block, Handler: func(context.Context, broker.Event) error {
		handled.Done()
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	handled.Add(b.N)
	b.RunParallel(func(p *testing.PB) {
		for e := event("1"); p.Next(); {
			if err := bus.Publish(b.Context(), e); err != nil {
				b.Error(err)
			}
		}
	})
	handled.Wait()
}

// BenchmarkRoundTrip publishes to a subscriber that sleeps.
func BenchmarkRoundTrip(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	handled := make(chan struct{})
	_, err := bus.Subscribe(broker.Subscription{Pattern: ">", Handler: func(context.Context, broker.Event) error {
		handled <- struct{}{}
		return nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for e := event("1"); b.Loop(); <-handled {
		bus.Tell(e)
	}
}

// BenchmarkNeeds asks among many subscriptions to other events.
func BenchmarkNeeds(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	for i := range 100 {
		for _, pattern := range []string{"model" + strconv.Itoa(i) + ".created", "model" + strconv.Itoa(i) + ".>"} {
			if _, err := bus.Subscribe(broker.Subscription{Pattern: pattern, Required: true, Handler: ignore}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if bus.Needs("order", "order.approved") {
			b.Fatal("needed")
		}
	}
}

// BenchmarkTellNobody is what an event costs that nobody wants.
func BenchmarkTellNobody(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	if _, err := bus.Subscribe(broker.Subscription{Pattern: "customer.>", Handler: ignore}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for e := event("1"); b.Loop(); {
		bus.Tell(e)
	}
}
