package broker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/org/aegis/broker"
)

// fixture is a broker that keeps its failures.
type fixture struct {
	*broker.Broker
	t testing.TB

	mu       sync.Mutex
	failures []broker.Failure

	onFailure func(broker.Failure) // may be nil
}

func start(t testing.TB) *fixture {
	f := &fixture{t: t}
	f.Broker = broker.New(broker.Config{OnFailure: func(failure broker.Failure) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failures = append(f.failures, failure)
		if f.onFailure != nil {
			f.onFailure(failure)
		}
	}})
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) subscribe(s broker.Subscription) *broker.Handle {
	f.t.Helper()
	h, err := f.Subscribe(s)
	if err != nil {
		f.t.Fatal(err)
	}
	return h
}

func (f *fixture) publish(events ...broker.Event) {
	f.t.Helper()
	for _, e := range events {
		if err := f.Publish(f.t.Context(), e); err != nil {
			f.t.Fatal(err)
		}
	}
}

// failed returns what was reported so far, as "name event dropped?".
func (f *fixture) failed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, failure := range f.failures {
		out = append(out, fmt.Sprintf("%s %s %t", failure.Name, failure.Event.ID, failure.Dropped))
	}
	return out
}

// seen collects the ids of events.
type seen struct {
	mu  sync.Mutex
	ids []string
}

func (s *seen) take(_ context.Context, e broker.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, e.ID)
	return nil
}

func (s *seen) want(t *testing.T, ids ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.ids, ids) {
		return
	}
	at := 0 // where they differ
	for at < len(ids) && at < len(s.ids) && ids[at] == s.ids[at] {
		at++
	}
	cut := func(ids []string) []string { return ids[min(at, len(ids)):min(at+10, len(ids))] }
	t.Errorf("got %d events, want %d; after %d that are right, got %q, want %q", len(s.ids), len(ids), at, cut(s.ids), cut(ids))
}

func event(id string) broker.Event {
	return broker.Event{ID: id, Source: "order", Type: "order.approved", Subject: "o1"}
}

func events(from, to int) []broker.Event {
	var out []broker.Event
	for i := from; i <= to; i++ {
		out = append(out, event(fmt.Sprint(i)))
	}
	return out
}

func ids(from, to int) []string {
	var out []string
	for _, e := range events(from, to) {
		out = append(out, e.ID)
	}
	return out
}

func ignore(context.Context, broker.Event) error { return nil }
