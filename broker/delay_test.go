package broker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// at is an event with a time.
func at(id string, when time.Time) broker.Event {
	e := event(id)
	e.Time = when
	return e
}

// clocked is a handler that notes when it ran, as "id after".
func clocked(s *seen, since time.Time) broker.Handler {
	return func(ctx context.Context, e broker.Event) error {
		return s.take(ctx, event(fmt.Sprintf("%s %v", e.ID, time.Since(since))))
	}
}

// Events wait in the queue for the time after theirs, in the order in which
// they were published, on one goroutine.
func TestDelay(t *testing.T) {
	for _, overflow := range []broker.Overflow{broker.DropOldest, broker.Block} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			var got seen
			begun := time.Now()
			h := f.subscribe(broker.Subscription{Pattern: ">", Overflow: overflow, Delay: time.Minute, Handler: clocked(&got, begun)})
			f.publish(at("now", begun), at("past", begun.Add(-30*time.Second)), at("long past", begun.Add(-time.Hour)), at("future", begun.Add(time.Hour)), event("no time"))
			goroutines := runtime.NumGoroutine()
			for i := range 200 {
				f.publish(event(fmt.Sprint(i)))
			}
			if n := runtime.NumGoroutine(); n > goroutines+1 {
				t.Errorf("%d goroutines for 200 delayed events", n-goroutines)
			}
			time.Sleep(time.Minute - 1)
			synctest.Wait()
			got.want(t)
			if s := h.Stats(); s.Depth != 205 || s.Oldest != time.Minute-1 || s.Delay != time.Minute {
				t.Errorf("while they wait: %+v", s)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			want := []string{"now 1m0s", "past 1m0s", "long past 1m0s", "future 1m0s", "no time 1m0s"}
			for i := range 200 {
				want = append(want, fmt.Sprintf("%d 1m0s", i))
			}
			got.want(t, want...)
		})
	}
}

// An event whose time was a while ago waits for the rest only, and each for its
// own.
func TestDelayFromTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var got seen
		begun := time.Now()
		f.subscribe(broker.Subscription{Pattern: ">", Delay: time.Minute, Handler: clocked(&got, begun)})
		f.publish(at("1", begun.Add(-2*time.Minute)), at("2", begun.Add(-30*time.Second)))
		time.Sleep(45 * time.Second)
		f.publish(event("3"))
		time.Sleep(time.Hour)
		got.want(t, "1 0s", "2 30s", "3 1m45s")
	})
}

// What waits is bounded by Queue, whatever the delay.
func TestDelayOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var live, block seen
		begun := time.Now()
		f.subscribe(broker.Subscription{Name: "live", Pattern: ">", Queue: 3, Delay: time.Minute, Handler: clocked(&live, begun)})
		f.publish(events(1, 5)...)
		if want := []string{"live 1 true", "live 2 true"}; !slices.Equal(f.failed(), want) {
			t.Errorf("reported %q, want %q", f.failed(), want)
		}
		f.subscribe(broker.Subscription{Name: "block", Pattern: ">", Queue: 3, Overflow: broker.Block, Delay: time.Minute, Handler: clocked(&block, begun)})
		f.publish(events(6, 8)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.Publish(ctx, event("9")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a full queue: %v", err)
		}
		f.publish(events(10, 30)...) // each minute makes room for three
		time.Sleep(time.Hour)
		block.mu.Lock()
		n := len(block.ids)
		last := block.ids[n-1]
		block.mu.Unlock()
		if n != 24 || last != "30 8m0s" {
			t.Errorf("%d events, the last %q", n, last)
		}
	})
}

// Blocked publishers learn of all the room there is before the queue waits for
// the next event.
func TestDelayMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		begun := time.Now()
		f.subscribe(broker.Subscription{Pattern: ">", Queue: 100, Overflow: broker.Block, Delay: time.Minute, Handler: ignore})
		for i := range 100 {
			when := begun
			if i < 10 {
				when = begun.Add(-30 * time.Second)
			}
			f.publish(at("x", when))
		}
		var publishing sync.WaitGroup
		for range 8 {
			publishing.Go(func() { f.publish(event("late")) })
		}
		publishing.Wait()
		if waited := time.Since(begun); waited != 30*time.Second {
			t.Errorf("waited %v for room", waited)
		}
	})
}

// Each event keeps its own time while the queue grows.
func TestDelayGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var got seen
		var want []string
		begun := time.Now()
		f.subscribe(broker.Subscription{Pattern: ">", Delay: time.Minute, Handler: clocked(&got, begun)})
		for i := range 5 {
			f.publish(at(fmt.Sprint("past", i), begun.Add(-time.Hour)))
			want = append(want, fmt.Sprintf("past%d 0s", i))
		}
		synctest.Wait()
		for i := range 30 {
			f.publish(at(fmt.Sprint(i), begun.Add(time.Duration(i-30)*time.Second)))
			want = append(want, fmt.Sprintf("%d %v", i, time.Duration(i+30)*time.Second))
		}
		time.Sleep(time.Hour)
		got.want(t, want...)
	})
}

// Close drops what waits, at once, also from inside the handler or with the
// broker.
func TestDelayClosed(t *testing.T) {
	for _, how := range []string{"handle", "broker", "inside", "broker inside"} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			var got seen
			begun := time.Now()
			var h *broker.Handle
			h = f.subscribe(broker.Subscription{Name: "delayed", Pattern: "order.*", Delay: time.Minute, Handler: func(ctx context.Context, e broker.Event) error {
				if how == "inside" {
					h.Close()
				}
				return got.take(ctx, e)
			}})
			f.publish(at("1", begun.Add(-time.Hour)), event("2"), event("3"))
			synctest.Wait()
			switch how {
			case "handle":
				h.Close()
			case "broker":
				f.Close()
			case "broker inside":
				f.subscribe(broker.Subscription{Pattern: "x", Handler: func(context.Context, broker.Event) error { f.Close(); return nil }})
				f.Tell(broker.Event{Type: "x"})
			}
			synctest.Wait()
			if s := h.Stats(); s.Delivered != 1 || s.Dropped != 2 || s.Depth != 0 {
				t.Errorf("%s: %+v", how, s)
			}
			if time.Since(begun) != 0 {
				t.Errorf("%s: took %v", how, time.Since(begun))
			}
			time.Sleep(time.Hour)
			got.want(t, "1")
		})
	}
}

// A Required subscription leaves the event with its publisher, who learns when
// to come again, and who has taken it already.
func TestDelayRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var soon, late, later, live seen
		f.subscribe(broker.Subscription{Name: "later", Pattern: ">", Required: true, Delay: time.Hour, Handler: later.take})
		f.subscribe(broker.Subscription{Name: "late", Pattern: "order.*", Required: true, Delay: time.Minute, Handler: late.take})
		f.subscribe(broker.Subscription{Name: "soon", Pattern: "order.*", Required: true, Handler: soon.take})
		f.subscribe(broker.Subscription{Name: "live", Pattern: "order.*", Handler: live.take})
		begun := time.Now()
		e := at("1", begun)
		var taken []string
		var err error
		for attempt, want := range []struct {
			taken []string
			due   time.Duration
		}{{[]string{"soon"}, time.Minute}, {[]string{"late", "soon"}, time.Hour}} {
			taken, err = f.Deliver(t.Context(), e, taken)
			due, only := broker.LaterOf(err)
			if !only || !due.Equal(begun.Add(want.due)) || !slices.Equal(taken, want.taken) {
				t.Fatalf("attempt %d: taken by %q, due %v %t: %v", attempt, taken, due.Sub(begun), only, err)
			}
			if modelspec.CodeOf(err) != modelspec.ErrUnavailable || !modelspec.NotSent(err) {
				t.Errorf("code %s of %v", modelspec.CodeOf(err), err)
			}
			if l, ok := errors.AsType[*broker.Later](err); !ok || l.At.IsZero() {
				t.Errorf("no Later in %v", err)
			}
			time.Sleep(time.Until(due) - 1)
			if again, early := broker.LaterOf(f.Publish(t.Context(), broker.Event{Source: "order", Type: "early", Time: begun})); attempt > 0 && (!early || !again.Equal(due)) {
				t.Errorf("a nanosecond too early: due %v %t", again, early)
			}
			time.Sleep(time.Nanosecond)
		}
		if _, err = f.Deliver(t.Context(), e, taken); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*seen{&soon, &late, &later, &live} {
			s.want(t, "1")
		}
	})
}

// Lateness among other failures is not lateness only, and comes after them.
func TestDelayAmongFailures(t *testing.T) {
	f := start(t)
	f.subscribe(broker.Subscription{Name: "late", Pattern: ">", Required: true, Delay: time.Hour, Handler: ignore})
	f.subscribe(broker.Subscription{Name: "sick", Pattern: "order.*", Required: true, Handler: func(context.Context, broker.Event) error {
		return modelspec.Refuse("no")
	}})
	err := f.Publish(t.Context(), at("1", time.Now()))
	if _, only := broker.LaterOf(err); only || modelspec.CodeOf(err) != modelspec.ErrRefused || modelspec.NotSent(err) {
		t.Errorf("%v: late only %t, not sent %t", err, only, modelspec.NotSent(err))
	}
	if _, ok := errors.AsType[*broker.Later](err); !ok {
		t.Errorf("no Later in %v", err)
	}
	// A handler cannot pretend that it was not called.
	f.subscribe(broker.Subscription{Name: "liar", Pattern: "x", Required: true, Handler: func(context.Context, broker.Event) error {
		return &broker.Later{At: time.Now()}
	}})
	e := at("1", time.Now().Add(-2*time.Hour))
	e.Type = "x"
	if _, only := broker.LaterOf(f.Publish(t.Context(), e)); only {
		t.Error("a handler that failed counts as one that was not called")
	}
	for _, err := range []error{nil, errors.New("no"), errors.Join(&broker.Later{}, errors.New("no"))} {
		if _, only := broker.LaterOf(err); only {
			t.Errorf("%v is late", err)
		}
	}
}

// Without a time nobody can know when it is due.
func TestDelayRequiredNeedsTime(t *testing.T) {
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Delay: time.Hour, Handler: ignore})
	if err := f.Publish(t.Context(), event("1")); !errors.Is(err, modelspec.ErrInvalid) {
		t.Error(err)
	}
}
