package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// gated is a handler that waits for its gate to open before each event.
func gated(s *seen, gate <-chan struct{}) broker.Handler {
	return func(ctx context.Context, e broker.Event) error {
		<-gate
		return s.take(ctx, e)
	}
}

// Exactly Queue events wait beside the one being handled; each further one
// drops the oldest, counted and reported.
func TestLiveDropsTheOldest(t *testing.T) {
	for _, queue := range []int{1, 2, 7, 8, 9, 0} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				var got seen
				gate := make(chan struct{})
				h := f.subscribe(broker.Subscription{Name: "watch", Pattern: ">", Queue: queue, Handler: gated(&got, gate)})
				if queue == 0 {
					queue = 256
				}
				f.publish(event("0"))
				synctest.Wait() // in the handler
				for _, e := range events(1, queue) {
					f.Tell(e)
				}
				if s := h.Stats(); s.Depth != queue || s.Capacity != queue || s.Dropped != 0 {
					t.Errorf("full, but not over: %+v", s)
				}
				for _, e := range events(queue+1, queue+3) {
					f.Tell(e)
				}
				if s := h.Stats(); s.Depth != queue || s.Dropped != 3 {
					t.Errorf("three too many: %+v", s)
				}
				want := []string{"watch 1 true", "watch 2 true", "watch 3 true"}
				if got := f.failed(); !slices.Equal(got, want) {
					t.Errorf("reported %q, want %q", got, want)
				}
				if err := f.failures[0].Err; !errors.Is(err, modelspec.ErrExhausted) {
					t.Errorf("dropped with %v", err)
				}
				close(gate)
				synctest.Wait()
				got.want(t, append([]string{"0"}, ids(4, queue+3)...)...)
				if s := h.Stats(); s.Depth != 0 || s.Delivered != uint64(queue)+1 {
					t.Errorf("in the end: %+v", s)
				}
			})
		})
	}
}

// A publisher waits for room, and nothing is lost.
func TestWaitingForRoom(t *testing.T) {
	for _, queue := range []int{1, 4, 100} {
		t.Run(fmt.Sprint(queue), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := start(t)
				var got seen
				gate := make(chan struct{})
				h := f.subscribe(broker.Subscription{Pattern: ">", Queue: queue, Overflow: broker.Block, Handler: gated(&got, gate)})
				f.publish(event("0"))
				synctest.Wait()
				f.publish(events(1, queue)...)
				if s := h.Stats(); s.Depth != queue {
					t.Errorf("full: %+v", s)
				}
				published := 0
				go func() {
					for _, e := range events(queue+1, 3*queue) {
						f.publish(e)
						published++
					}
				}()
				synctest.Wait()
				if published != 0 {
					t.Errorf("%d published into a full queue", published)
				}
				close(gate)
				synctest.Wait()
				got.want(t, append([]string{"0"}, ids(1, 3*queue)...)...)
				if s := h.Stats(); s.Dropped != 0 || len(f.failed()) != 0 {
					t.Errorf("in the end: %+v, failures %q", s, f.failed())
				}
			})
		})
	}
}

// Events that the consumer has taken in a batch wait like any other.
func TestWaitingCountsBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var got seen
		gate := make(chan struct{})
		h := f.subscribe(broker.Subscription{Pattern: ">", Queue: 100, Overflow: broker.Block, Handler: gated(&got, gate)})
		f.publish(event("0"))
		synctest.Wait()
		f.publish(events(1, 60)...)
		for handled := range 5 { // into the batch that begins with 1
			gate <- struct{}{}
			synctest.Wait()
			if s := h.Stats(); s.Depth != 59-handled {
				t.Errorf("%d handled: %+v", handled+1, s)
			}
		}
		f.publish(events(61, 105)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Publish(ctx, event("one too many")); err == nil {
			t.Errorf("the queue takes more than its limit: %+v", h.Stats())
		}
		close(gate)
		synctest.Wait()
		got.want(t, append([]string{"0"}, ids(1, 105)...)...)
	})
}

// Where handlers are slow, a publisher learns of room when the next call
// begins, not after a whole batch.
func TestWaitingForSlowHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		f.subscribe(broker.Subscription{Pattern: ">", Queue: 100, Overflow: broker.Block, Handler: func(context.Context, broker.Event) error {
			time.Sleep(time.Second)
			return nil
		}})
		begun := time.Now()
		f.publish(events(0, 100)...)
		f.publish(event("101"))
		if waited := time.Since(begun); waited > 2*time.Second {
			t.Errorf("waited %v for the handler of a second", waited)
		}
	})
}

func TestWaitingEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var got, other seen
		gate := make(chan struct{})
		f.subscribe(broker.Subscription{Name: "slow", Pattern: ">", Queue: 1, Overflow: broker.Block, Handler: gated(&got, gate)})
		f.subscribe(broker.Subscription{Name: "other", Pattern: ">", Overflow: broker.Block, Handler: other.take})
		f.publish(event("0"))
		synctest.Wait()
		f.publish(event("1"))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		taken, err := f.Deliver(ctx, event("2"), nil)
		if !errors.Is(err, modelspec.ErrDeadline) && modelspec.CodeOf(err) != modelspec.ErrDeadline || time.Since(begun) != time.Minute {
			t.Errorf("got %v after %v", err, time.Since(begun))
		}
		if !slices.Equal(taken, []string{"other"}) {
			t.Errorf("taken by %q", taken)
		}
		close(gate)
		synctest.Wait()
		got.want(t, "0", "1")
		if _, err := f.Deliver(t.Context(), event("2"), taken); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		got.want(t, "0", "1", "2")
		other.want(t, "0", "1", "2")
	})
}

// More publishers wait than the queue has room for, and some give up.
func TestWaitingOfMany(t *testing.T) {
	for _, queue := range []int{2, 64} {
		synctest.Test(t, func(t *testing.T) { manyBlocked(t, queue) })
	}
}

func manyBlocked(t *testing.T, queue int) {
	const patient = 200
	f := start(t)
	gate := make(chan struct{})
	var got seen
	h := f.subscribe(broker.Subscription{Pattern: ">", Queue: queue, Overflow: broker.Block, Handler: gated(&got, gate)})
	f.publish(event("0"))
	synctest.Wait()
	f.publish(events(1, queue)...)
	short, cancel := context.WithCancel(t.Context())
	given := make(chan error, 2*patient)
	for i := range cap(given) {
		ctx := t.Context()
		if i%2 == 0 {
			ctx = short
		}
		go func() { given <- f.Publish(ctx, event("x")) }()
	}
	synctest.Wait()
	go cancel()
	close(gate)
	ok := 0
	for range cap(given) {
		if <-given == nil {
			ok++
		}
	}
	synctest.Wait()
	if s := h.Stats(); ok < patient || int(s.Delivered) != 1+queue+ok {
		t.Errorf("%d of %d patient publishers, %+v", ok, patient, s)
	}
}
