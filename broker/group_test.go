package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// of is the n-th event of a subject.
func of(subject string, n int) broker.Event {
	e := event(fmt.Sprintf("%s.%d", subject, n))
	e.Subject, e.Hop = subject, n
	return e
}

// members subscribes n members of a group, and returns who took what.
func members(f *fixture, s broker.Subscription, n int) ([]*seen, []*broker.Handle) {
	var all []*seen
	var handles []*broker.Handle
	s.Group = "workers"
	for i := range n {
		got := &seen{}
		s.Name, s.Handler = fmt.Sprintf("worker%d", i), got.take
		all, handles = append(all, got), append(handles, f.subscribe(s))
	}
	return all, handles
}

func (s *seen) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

// One member takes each event, the same for one subject, and all members have
// something to do.
func TestGroup(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		const subjects, rounds = 200, 5
		if !s.Required {
			s.Queue = subjects * rounds
		}
		all, _ := members(f, s, 4)
		var alone seen
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: alone.take})
		for n := range rounds {
			for i := range subjects {
				f.publish(of(fmt.Sprint("s", i), n))
			}
		}
		synctest.Wait()
		taken := map[string]int{}
		for i, got := range all {
			share := got.list()
			if len(share) < subjects*rounds/8 {
				t.Errorf("member %d took %d of %d", i, len(share), subjects*rounds)
			}
			for _, id := range share {
				taken[id] = taken[id]*10 + i + 1
			}
		}
		for i := range subjects {
			for n := range rounds {
				id := fmt.Sprintf("s%d.%d", i, n)
				if taken[id] < 1 || taken[id] > 4 || taken[id] != taken[fmt.Sprintf("s%d.0", i)] {
					t.Fatalf("%s was taken by %d", id, taken[id])
				}
			}
		}
		if n := len(alone.list()); n != subjects*rounds {
			t.Errorf("who is in no group took %d", n)
		}
	})
}

// Events without a subject take turns.
func TestGroupTurns(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		all, _ := members(f, s, 3)
		for range 30 {
			f.publish(of("", 1))
		}
		synctest.Wait()
		for i, got := range all {
			if n := len(got.list()); n != 10 {
				t.Errorf("member %d took %d of 30", i, n)
			}
		}
	})
}

// The order of a subject holds for publishers that race, as long as the members
// stay the same.
func TestGroupOrder(t *testing.T) {
	f := start(t)
	var mu sync.Mutex
	last := map[string]int{}
	var handled sync.WaitGroup
	for i := range 3 {
		f.subscribe(broker.Subscription{Name: fmt.Sprint(i), Group: "workers", Pattern: ">", Queue: 4, Overflow: broker.Block, Handler: func(_ context.Context, e broker.Event) error {
			defer handled.Done()
			mu.Lock()
			defer mu.Unlock()
			if e.Hop != last[e.Subject]+1 {
				t.Errorf("event %d of %s after %d", e.Hop, e.Subject, last[e.Subject])
			}
			last[e.Subject] = e.Hop
			return nil
		}})
	}
	var publishing sync.WaitGroup
	for i := range 8 {
		handled.Add(200)
		publishing.Go(func() {
			for n := range 200 {
				f.publish(of(fmt.Sprint(i), n+1))
			}
		})
	}
	publishing.Wait()
	handled.Wait()
}

// Where a member fails, its group has not taken the event, and another member
// has the next attempt; the subject's next event goes to the first again.
func TestGroupFailure(t *testing.T) {
	f := start(t)
	var asked []string
	healthy := ""
	for _, name := range []string{"a", "b", "c"} {
		f.subscribe(broker.Subscription{Name: name, Group: "workers", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
			asked = append(asked, name)
			if name == healthy {
				return nil
			}
			return errors.New("sick")
		}})
	}
	f.subscribe(broker.Subscription{Name: "other", Pattern: ">", Required: true, Handler: ignore})
	var taken []string
	for range 6 {
		var err error
		if taken, err = f.Deliver(t.Context(), of("s", 1), taken); err == nil || !slices.Equal(taken, []string{"other"}) {
			t.Fatalf("taken by %q, %v", taken, err)
		}
	}
	first := slices.Clone(asked[:3])
	slices.Sort(first)
	if !slices.Equal(first, []string{"a", "b", "c"}) || !slices.Equal(asked[:3], asked[3:]) {
		t.Fatalf("asked %q", asked)
	}
	healthy = asked[1]
	for attempt := 0; ; attempt++ {
		var err error
		if taken, err = f.Deliver(t.Context(), of("s", 1), taken); err == nil {
			break
		}
		if attempt == 3 {
			t.Fatalf("never asked %s: %q", healthy, asked)
		}
	}
	healthy = ""
	if _, err := f.Deliver(t.Context(), of("s", 2), nil); err == nil || asked[len(asked)-1] != asked[0] {
		t.Errorf("the next event went to %s, not to %s: %v", asked[len(asked)-1], asked[0], err)
	}
	// A group that has taken the event is passed over by its name.
	n := len(asked)
	if _, err := f.Deliver(t.Context(), of("s", 3), []string{"workers"}); err != nil || len(asked) != n {
		t.Errorf("%v, asked %q", err, asked[n:])
	}
}

// A Block member that has no room keeps the subject: its order would not hold
// if the next attempt went to another.
func TestGroupOrderOfFullMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		var all []*seen
		for range 3 {
			got := &seen{}
			all = append(all, got)
			f.subscribe(broker.Subscription{Group: "workers", Pattern: ">", Queue: 1, Overflow: broker.Block, Handler: gated(got, gate)})
		}
		f.publish(of("s", 1))
		synctest.Wait()
		f.publish(of("s", 2))
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := f.Publish(ctx, of("s", 3)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a full queue: %v", err)
			}
			cancel()
		}
		close(gate)
		f.publish(of("s", 3))
		synctest.Wait()
		for _, got := range all {
			if ids := got.list(); len(ids) > 0 {
				got.want(t, "s.1", "s.2", "s.3")
			}
		}
	})
}

// A member whose filter, pattern or one event leaves an event out is no
// candidate for it.
func TestGroupOfChoosyMembers(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var small, big, once, none seen
		s.Group = "workers"
		subscribe := func(to *seen, where, pattern string, one bool) {
			s := s
			s.Handler, s.Filter, s.Once, s.Pattern = to.take, broker.Filter{Where: where}, one, pattern
			f.subscribe(s)
		}
		subscribe(&small, "hop < 10 && hop > 0", ">", false)
		subscribe(&big, "hop >= 10 && hop < 100", ">", false)
		subscribe(&once, "hop == 100", ">", true)
		subscribe(&none, "", "customer.>", false)
		for _, n := range []int{1, 10, 2, 20, 100, 100, 1000} {
			f.publish(of("s", n))
		}
		synctest.Wait()
		small.want(t, "s.1", "s.2")
		big.want(t, "s.10", "s.20")
		once.want(t, "s.100")
		none.want(t)
	})
}

// A member that is closed leaves its work to the others: what waits, what is on
// its way, and what comes.
func TestGroupChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, overflow := range []broker.Overflow{broker.DropOldest, broker.Block} {
			f := start(t)
			gate := make(chan struct{})
			var all []*seen
			var handles []*broker.Handle
			for i := range 3 {
				got := &seen{}
				all = append(all, got)
				handles = append(handles, f.subscribe(broker.Subscription{Name: fmt.Sprint(i), Group: "workers", Pattern: ">", Overflow: overflow, Handler: gated(got, gate)}))
			}
			for i := range 60 {
				f.publish(of(fmt.Sprint(i), 1))
			}
			synctest.Wait()
			closed := make(chan struct{})
			go func() { defer close(closed); handles[0].Close(); handles[1].Close() }()
			synctest.Wait()
			close(gate)
			<-closed
			synctest.Wait()
			var took []string
			for _, got := range all {
				took = append(took, got.list()...)
			}
			slices.Sort(took)
			if n := len(slices.Compact(took)); n != 60 || len(took) != 60 {
				t.Errorf("%d events taken, %d different, want 60: %+v", len(took), n, f.failed())
			}
			f.publish(of("x", 1))
			synctest.Wait()
			if got := all[2].list(); got[len(got)-1] != "x.1" {
				t.Errorf("the last member took %q", got)
			}
			handles[2].Close()
			if f.Needs("order", "order.approved") {
				t.Error("a group without members needs events")
			}
		}
	})
}

// An event on its way to a member that closes goes to another.
func TestGroupChangeDuringDispatch(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		const n = 20
		handles := map[string]*broker.Handle{}
		var took []string
		s.Group = "workers"
		for i := range n {
			s.Name = fmt.Sprint(i)
			name := s.Name
			s.Handler = func(context.Context, broker.Event) error { took = append(took, name); return nil }
			handles[name] = f.subscribe(s)
		}
		f.publish(of("s", 1))
		synctest.Wait()
		chosen := handles[took[0]]
		// Both run after the broker has looked up the members: a handler that the
		// publisher calls, and the report of an event that is dropped before.
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { chosen.Close(); return nil }})
		full := f.subscribe(broker.Subscription{Name: "full", Pattern: ">", Queue: 1, Handler: func(ctx context.Context, _ broker.Event) error { <-ctx.Done(); return nil }})
		f.onFailure = func(failure broker.Failure) {
			if failure.Name == "full" {
				chosen.Close()
			}
		}
		if !s.Required && s.Overflow == broker.DropOldest {
			f.Tell(broker.Event{Type: "x", Subject: "other"})
			synctest.Wait()
			f.Tell(broker.Event{Type: "x", Subject: "other"})
			synctest.Wait()
			took = took[:1]
			chosen = handles[took[0]]
		}
		f.publish(of("s", 2))
		synctest.Wait()
		if len(took) != 2 || took[0] == took[1] || len(f.Subscriptions()) != n+1 {
			t.Errorf("taken by %q, %d subscriptions", took, len(f.Subscriptions()))
		}
		full.Close()
	})
}

// What the others have no room for is dropped, counted and reported.
func TestGroupChangeWithoutRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		var got seen
		s := broker.Subscription{Group: "workers", Pattern: ">", Queue: 2, Overflow: broker.Block, Handler: gated(&got, gate)}
		s.Name = "a"
		a := f.subscribe(s)
		f.publish(of("1", 1))
		synctest.Wait()
		f.publish(of("2", 1), of("3", 1))
		s.Name, s.Queue = "b", 1
		f.subscribe(s)
		go close(gate)
		a.Close()
		synctest.Wait()
		if stats := a.Stats(); int(stats.Dropped)+len(got.list()) != 3 || len(f.failed()) != int(stats.Dropped) {
			t.Errorf("%+v, took %q, reported %q", stats, got.list(), f.failed())
		}
	})
}

// Members come and go under load, and each event is taken by one.
func TestGroupUnderLoad(t *testing.T) {
	f := start(t)
	var calls atomic.Int64
	s := broker.Subscription{Group: "workers", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { calls.Add(1); return nil }}
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
	var publishing sync.WaitGroup
	for i := range 4 {
		publishing.Go(func() {
			for n := range 500 {
				f.publish(of(fmt.Sprint(i), n))
			}
		})
	}
	publishing.Wait()
	close(stop)
	<-stopped
	if calls.Load() != 2000 {
		t.Errorf("%d calls for 2000 events", calls.Load())
	}
}

// All members are of one kind.
func TestGroupRefuses(t *testing.T) {
	f := start(t)
	first := f.subscribe(broker.Subscription{Group: "workers", Pattern: ">", Required: true, Handler: ignore})
	for _, s := range []broker.Subscription{
		{Pattern: ">"}, {Pattern: ">", Overflow: broker.Block}, {Pattern: ">", Required: true, Delay: time.Second},
	} {
		s.Group, s.Handler = "workers", ignore
		if _, err := f.Subscribe(s); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%+v: %v", s, err)
		}
	}
	first.Close()
	f.subscribe(broker.Subscription{Group: "workers", Pattern: ">", Handler: ignore})
}

// A late group says so, and has not failed.
func TestGroupDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		all, _ := members(f, broker.Subscription{Pattern: ">", Required: true, Delay: time.Minute}, 3)
		e := of("s", 1)
		e.Time = time.Now()
		for range 3 {
			taken, err := f.Deliver(t.Context(), e, nil)
			due, late := broker.LaterOf(err)
			if !late || len(taken) != 0 || time.Until(due) != time.Minute {
				t.Fatalf("%q, %v", taken, err)
			}
		}
		time.Sleep(time.Minute)
		f.publish(e)
		if n := len(all[0].list()) + len(all[1].list()) + len(all[2].list()); n != 1 {
			t.Errorf("%d took it", n)
		}
	})
}

// The broker closes with a group as with anybody else.
func TestGroupBrokerClose(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		members(f, s, 2)
		f.Close()
		if err := f.Publish(t.Context(), of("s", 1)); !errors.Is(err, modelspec.ErrUnavailable) {
			t.Error(err)
		}
		f.Tell(of("s", 1))
		if n := len(f.Subscriptions()); n != 2 {
			t.Errorf("%d listed", n)
		}
	})
}
