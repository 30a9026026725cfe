package broker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// Of many publishers that race, one event is handled; then the subscription is
// gone, and nothing of it is left running.
func TestOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var calls atomic.Int32
		s.Once = true
		s.Handler = func(context.Context, broker.Event) error { calls.Add(1); return nil }
		for range 20 {
			calls.Store(0)
			h := f.subscribe(s)
			var publishing sync.WaitGroup
			for i := range 50 {
				publishing.Go(func() { f.publish(event(fmt.Sprint(i))) })
			}
			publishing.Wait()
			synctest.Wait()
			h.Close() // returns at once
			stats := h.Stats()
			if calls.Load() != 1 || stats.Delivered != 1 || stats.Dropped != 0 || stats.Depth != 0 {
				t.Fatalf("%d calls, %+v", calls.Load(), stats)
			}
			if n := len(f.Subscriptions()); n != 0 || f.Needs("order", "order.approved") {
				t.Fatalf("%d subscriptions are left", n)
			}
		}
	})
}

// What follows the one event is not held and not dropped: it is not for the
// subscription.
func TestOnceLetsTheRestPass(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		gate := make(chan struct{})
		var got seen
		s.Once, s.Handler = true, gated(&got, gate)
		if !s.Required {
			s.Queue = 1
		}
		h := f.subscribe(s)
		if s.Required {
			go f.publish(event("1"))
		} else {
			f.publish(event("1"))
		}
		synctest.Wait()
		rest := make(chan struct{})
		go func() { defer close(rest); f.publish(events(2, 5)...) }()
		synctest.Wait()
		if !s.Required { // a Required one waits for the outcome of the first
			<-rest
		}
		close(gate)
		<-rest
		synctest.Wait()
		got.want(t, "1")
		if stats := h.Stats(); stats.Delivered != 1 || stats.Dropped != 0 || len(f.failed()) != 0 {
			t.Errorf("%+v, reported %q", stats, f.failed())
		}
	})
}

// The call is all there is of a subscription with a queue, whatever comes of
// it; a Required one stays until an event was taken.
func TestOnceFailures(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		for name, fail := range map[string]func() error{
			"error":  func() error { return errors.New("no") },
			"panic":  func() error { panic("no") },
			"goexit": func() error { runtime.Goexit(); return nil },
		} {
			var got seen
			calls := 0
			s.Once = true
			s.Handler = func(ctx context.Context, e broker.Event) error {
				if calls++; calls == 1 {
					return fail()
				}
				return got.take(ctx, e)
			}
			h := f.subscribe(s)
			go func() {
				if err := f.Publish(t.Context(), event("1")); (err != nil) != s.Required {
					t.Errorf("%s: %v", name, err)
				}
			}()
			synctest.Wait()
			f.publish(events(2, 3)...)
			synctest.Wait()
			if s.Required {
				got.want(t, "2")
			} else {
				got.want(t)
			}
			if stats := h.Stats(); stats.Failed != 1 || len(f.Subscriptions()) != 0 {
				t.Errorf("%s: %+v, %d left", name, stats, len(f.Subscriptions()))
			}
			h.Close()
		}
	})
}

// A publisher that waits for the one before it fails at the end of its context,
// and one that is inside the handler fails at once.
func TestOnceRequiredTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		f.subscribe(broker.Subscription{Name: "first", Pattern: ">", Required: true, Once: true, Handler: func(ctx context.Context, e broker.Event) error {
			<-gate
			if err := f.Publish(ctx, event("nested")); !errors.Is(err, modelspec.ErrUnavailable) {
				t.Errorf("nested: %v", err)
			}
			return nil
		}})
		outer := make(chan error)
		go func() { outer <- f.Publish(t.Context(), event("1")) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		second := make(chan error)
		go func() { second <- f.Publish(ctx, event("2")) }()
		synctest.Wait()
		cancel()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("the second: %v", err)
		}
		close(gate)
		if err := <-outer; err != nil {
			t.Error(err)
		}
		f.publish(event("3"))
	})
}

// Who passed an event on, since another had come first, has not taken it.
func TestOnceIsNotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		f.subscribe(broker.Subscription{Name: "once", Pattern: ">", Required: true, Once: true, Handler: func(context.Context, broker.Event) error { <-gate; return nil }})
		f.subscribe(broker.Subscription{Name: "sick", Pattern: ">", Required: true, Handler: func(_ context.Context, e broker.Event) error {
			if e.ID == "2" {
				return errors.New("no")
			}
			return nil
		}})
		go f.publish(event("1"))
		synctest.Wait()
		go func() {
			taken, err := f.Deliver(t.Context(), event("2"), nil)
			if err == nil || len(taken) != 0 || taken == nil {
				t.Errorf("taken by %q, %v", taken, err)
			}
		}()
		synctest.Wait()
		close(gate)
		synctest.Wait()
	})
}

// A subscription is closed from outside before its one event came, or while
// that one waits.
func TestOnceClosed(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var got seen
		s.Once, s.Handler = true, got.take
		f.subscribe(s).Close()
		f.publish(event("1"))
		s.Handler = got.take
		f.subscribe(s)
		f.Close()
		if err := f.Publish(t.Context(), event("2")); !errors.Is(err, modelspec.ErrUnavailable) {
			t.Error(err)
		}
		got.want(t)
	})
}
