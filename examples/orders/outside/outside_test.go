package outside_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
	"github.com/org/aegis/modelspec"
)

// world serves the outside, with faults, and returns how to hold and release
// money under a key.
func world(t *testing.T, cfg outside.Config) (s *outside.Server, hold, release func(key string) error) {
	t.Helper()
	s, err := outside.Serve("127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	a := (&outside.Client{URL: s.URL()}).Pay()[0]
	charge := modelspec.Of(order.Charge{OrderID: "o1", CustomerID: "ann", Amount: 5})
	hold = func(key string) error {
		_, err := a.Call(context.WithValue(t.Context(), adapter.KeyKey, key), charge)
		return err
	}
	release = func(key string) error {
		return a.Undo(context.WithValue(t.Context(), adapter.UndoesKey, key), charge, nil)
	}
	return s, hold, release
}

func TestBooksKeepKeys(t *testing.T) {
	s, hold, release := world(t, outside.Config{})
	for range 2 {
		if err := hold("k"); err != nil {
			t.Fatal(err)
		}
	}
	if b := s.Books(); len(b) != 1 || !b[0].Live() || b[0].Asked != 2 || b[0].Amount != 5 || b[0].Op != "hold" || b[0].Order != "o1" {
		t.Errorf("%+v", b)
	}
	for range 2 {
		if err := release("k"); err != nil {
			t.Fatal(err)
		}
	}
	if err := hold("k"); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("done again after its undo: %v", err)
	}
	if err := release("never"); err != nil {
		t.Error(err)
	}
	if err := hold("never"); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("done after its undo: %v", err)
	}
	for _, e := range s.Books() {
		if e.Live() {
			t.Errorf("%+v", e)
		}
	}
}

// TestFaults checks what a host hears of each fault, and what is done.
func TestFaults(t *testing.T) {
	for fault, want := range map[outside.Fault]struct {
		done, notSent, refused, unknown bool
	}{
		outside.NotSent:    {notSent: true},
		outside.LostBefore: {unknown: true},
		outside.LostAfter:  {done: true, unknown: true},
		outside.Slow:       {done: true},
		outside.Refuse:     {refused: true},
	} {
		s, hold, _ := world(t, outside.Config{Slow: time.Millisecond, Faults: func(c outside.Call) outside.Fault {
			if c.Attempt == 1 {
				return fault
			}
			return outside.None
		}})
		err := hold("k")
		if modelspec.NotSent(err) != want.notSent || errors.Is(err, modelspec.ErrRefused) != want.refused {
			t.Errorf("%s: %v", fault, err)
		}
		if unknown := err != nil && !modelspec.NotSent(err) && modelspec.Transient(err); unknown != want.unknown {
			t.Errorf("%s: %v", fault, err)
		}
		if b := s.Books(); len(b) != 1 || b[0].Done != want.done {
			t.Errorf("%s: %+v", fault, b)
		}
		if n := s.Tally().Faults[fault]; n != 1 {
			t.Errorf("%s: counted %d times", fault, n)
		}
		if err := hold("k"); errors.Is(err, modelspec.ErrRefused) != want.refused || !want.refused && err != nil {
			t.Errorf("%s, asked again: %v", fault, err)
		}
	}
}

func TestMend(t *testing.T) {
	s, hold, release := world(t, outside.Config{Faults: func(c outside.Call) outside.Fault {
		if c.Undo {
			return outside.Stuck
		}
		return outside.None
	}})
	if err := errors.Join(hold("k"), release("k")); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("stuck: %v", err)
	}
	s.Mend()
	if err := release("k"); err != nil {
		t.Error(err)
	}
}

func TestNobodyThere(t *testing.T) {
	s, hold, _ := world(t, outside.Config{})
	gone, err := outside.Serve("127.0.0.1:0", outside.Config{})
	if err != nil {
		t.Fatal(err)
	}
	url := gone.URL()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	a := (&outside.Client{URL: url}).Track()
	if _, err := a.Call(t.Context(), modelspec.Of(order.Consignment{OrderID: "o", ShipmentID: "s"})); !modelspec.NotSent(err) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := outside.Serve("256.0.0.1:0", outside.Config{}); err == nil {
		t.Error("served where nobody can")
	}
	if err := hold(""); err == nil || s.Tally().Calls != 0 {
		t.Errorf("a call without a key: %v", err)
	}
}
