package broker_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// The three kinds of subscription.
var kinds = map[string]broker.Subscription{
	"live":     {Pattern: ">"},
	"block":    {Pattern: ">", Overflow: broker.Block},
	"required": {Pattern: ">", Required: true},
}

// each runs the test in a bubble, which fails if a goroutine is left.
func each(t *testing.T, test func(t *testing.T, f *fixture, s broker.Subscription)) {
	for name, s := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, start(t), s) })
		})
	}
}

// A handler may close its own subscription, sees no more after, and keeps its
// context to the end of the call.
func TestChangeInsideHandler(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var got seen
		var h *broker.Handle
		s.Handler = func(ctx context.Context, e broker.Event) error {
			h.Close()
			h.Close()
			if ctx.Err() != nil {
				t.Error(ctx.Err())
			}
			return got.take(ctx, e)
		}
		ready := make(chan struct{})
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { <-ready; return nil }})
		h = f.subscribe(s)
		close(ready)
		f.publish(events(1, 5)...)
		synctest.Wait()
		h.Close()
		f.publish(event("6"))
		got.want(t, "1")
		if n := len(f.Subscriptions()); n != 1 {
			t.Errorf("%d subscriptions left, want 1", n)
		}
	})
}

// However deep in its handler.
func TestChangeDeepInsideHandler(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var h *broker.Handle
		var descend func(int)
		descend = func(n int) {
			if n == 0 {
				h.Close()
				return
			}
			descend(n - 1)
		}
		s.Handler = func(context.Context, broker.Event) error {
			descend(500)
			return nil
		}
		h = f.subscribe(s)
		f.publish(event("1"))
		synctest.Wait()
		if stats := h.Stats(); stats.Delivered != 1 || len(f.Subscriptions()) != 0 {
			t.Errorf("in the end: %+v", stats)
		}
	})
}

// Close ends the context of a live call, waits for the call, and lets no other
// begin.
func TestChangeCloseWaits(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var got seen
		gate := make(chan struct{})
		ended := false
		s.Handler = func(ctx context.Context, e broker.Event) error {
			<-gate
			ended = ctx.Err() != nil
			return got.take(ctx, e)
		}
		h := f.subscribe(s)
		go f.publish(event("1"))
		synctest.Wait()
		if !s.Required {
			f.publish(events(2, 4)...)
		}
		closed := make(chan struct{})
		for range 2 {
			go func() { h.Close(); closed <- struct{}{} }()
		}
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		close(gate)
		<-closed
		<-closed
		got.want(t, "1")
		if ended == s.Required {
			t.Errorf("context ended: %t", ended)
		}
		f.publish(event("5"))
		synctest.Wait()
		got.want(t, "1")
		if stats := h.Stats(); !s.Required && (stats.Dropped != 3 || stats.Depth != 0) || len(f.failed()) != 0 {
			t.Errorf("left with %+v, reported %q", stats, f.failed())
		}
	})
}

// During a dispatch, a new subscription waits for the next event and a closed
// one sees no more.
func TestChangeDuringDispatch(t *testing.T) {
	f := start(t)
	var late, gone seen
	var victim *broker.Handle
	first := true
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
		if first {
			first = false
			f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: late.take})
			victim.Close()
		}
		return nil
	}})
	victim = f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: gone.take})
	f.publish(events(1, 2)...)
	late.want(t, "2")
	gone.want(t)
}

// An event on its way to a subscription that closes goes to its successor.
func TestChangeToSuccessor(t *testing.T) {
	for name, s := range kinds {
		if name == "live" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				var was, is seen
				var old *broker.Handle
				replaced := false
				f.subscribe(broker.Subscription{Name: "deploys", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
					if !replaced {
						replaced = true
						s.Handler = is.take
						f.subscribe(s)
						old.Close()
					}
					return nil
				}})
				s.Name, s.Handler = "consumer", was.take
				old = f.subscribe(s)
				f.publish(events(1, 2)...)
				synctest.Wait()
				was.want(t)
				is.want(t, "1", "2")
			})
		})
	}
}

// A component replaced again and again under load: each event is taken by one
// of its generations at least.
func TestChangeUnderLoad(t *testing.T) {
	f := start(t)
	var got seen
	s := broker.Subscription{Name: "consumer", Pattern: ">", Required: true, Handler: got.take}
	h := f.subscribe(s)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			next := f.subscribe(s)
			h.Close()
			h = next
		}
	}()
	f.publish(events(1, 2000)...)
	close(stop)
	<-stopped
	got.mu.Lock()
	got.ids = slices.Compact(got.ids) // by both, where they overlap
	got.mu.Unlock()
	got.want(t, ids(1, 2000)...)
}

func TestChangeBrokerClose(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		gate := make(chan struct{})
		var got seen
		s.Name, s.Handler = "consumer", gated(&got, gate)
		f.subscribe(s)
		go func() { _ = f.Publish(t.Context(), event("1")) }()
		synctest.Wait()
		if !s.Required {
			f.publish(events(2, 3)...)
		}
		closed := make(chan struct{})
		for range 2 {
			go func() { f.Close(); closed <- struct{}{} }()
		}
		synctest.Wait()
		select {
		case <-closed:
			t.Error("Close did not wait")
		default:
		}
		if err := f.Publish(t.Context(), event("4")); !errors.Is(err, modelspec.ErrUnavailable) {
			t.Errorf("publish: %v", err)
		}
		if taken, err := f.Deliver(t.Context(), event("4"), []string{"a"}); err == nil || !slices.Equal(taken, []string{"a"}) {
			t.Errorf("deliver: %q, %v", taken, err)
		}
		if _, err := f.Subscribe(s); !errors.Is(err, modelspec.ErrUnavailable) {
			t.Errorf("subscribe: %v", err)
		}
		f.Tell(event("4"))
		close(gate)
		<-closed
		<-closed
		got.want(t, "1")
		stats := f.Subscriptions()[0]
		if stats.Delivered != 1 || stats.Depth != 0 {
			t.Errorf("in the end: %+v", stats)
		}
		if !s.Required {
			if want := []string{"consumer 2 true", "consumer 3 true"}; stats.Dropped != 2 || !slices.Equal(f.failed(), want) {
				t.Errorf("dropped %d, reported %q, want %q", stats.Dropped, f.failed(), want)
			}
		}
	})
}

// A publisher that is blocked when the broker closes fails; one whose
// subscription closes is done with it.
func TestWaitingEndsWithClose(t *testing.T) {
	for _, whole := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			h := f.subscribe(broker.Subscription{Name: "slow", Pattern: ">", Queue: 1, Overflow: broker.Block, Handler: func(ctx context.Context, _ broker.Event) error {
				<-ctx.Done()
				return nil
			}})
			f.publish(event("1"))
			synctest.Wait()
			f.publish(event("2"))
			given := make(chan error, 3)
			for range cap(given) {
				go func() { given <- f.Publish(t.Context(), event("3")) }()
			}
			synctest.Wait()
			if whole {
				f.Close()
			} else {
				h.Close()
			}
			for range cap(given) {
				if err := <-given; errors.Is(err, modelspec.ErrUnavailable) != whole || (err != nil) != whole {
					t.Errorf("broker closed %t: %v", whole, err)
				}
			}
			if s := h.Stats(); s.Delivered != 1 || s.Dropped != 1 {
				t.Errorf("in the end: %+v", s)
			}
		})
	}
}

// Handlers that close the broker wait for nobody; who closes it from outside
// waits for them, also when their subscription has been closed already.
func TestChangeBrokerCloseInsideHandlers(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		gate, entered := make(chan struct{}), make(chan struct{})
		ended := 0
		handle := make(chan *broker.Handle, 2)
		s.Handler = func(context.Context, broker.Event) error {
			close(entered)
			(<-handle).Close()
			f.Close()
			<-gate
			ended++
			return nil
		}
		handle <- f.subscribe(s)
		s.Handler = func(context.Context, broker.Event) error {
			<-entered
			f.Close()
			return nil
		}
		f.subscribe(s)
		go func() { _ = f.Publish(t.Context(), event("1")) }()
		synctest.Wait()
		go close(gate)
		f.Close()
		if ended != 1 {
			t.Error("Close did not wait for the handler of a closed subscription")
		}
	})
}

// Close of many, with events everywhere, leaves no goroutine: the bubble would
// not end.
func TestNothingLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		for range 50 {
			for _, s := range kinds {
				s.Handler = ignore
				h := f.subscribe(s)
				f.publish(events(1, 3)...)
				if s.Required {
					h.Close()
				}
			}
		}
		f.Close()
	})
}
