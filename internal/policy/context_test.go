package policy_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
)

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		also, kill := context.WithCancel(t.Context())
		var waited, killed, closed, late policy.Context
		for _, c := range []*policy.Context{&waited, &killed, &closed, &late} {
			c.Also = also
			c.Begin(t.Context(), time.Now().Add(time.Minute))
		}
		closed.Close()
		if !errors.Is(closed.Err(), context.Canceled) || late.Err() != nil {
			t.Error(closed.Err(), late.Err())
		}
		start := time.Now()
		<-waited.Done()
		if !errors.Is(waited.Err(), context.DeadlineExceeded) || time.Since(start) != time.Minute || !errors.Is(late.Err(), context.DeadlineExceeded) {
			t.Error(waited.Err(), late.Err(), time.Since(start))
		}
		killed.Begin(t.Context(), time.Now().Add(time.Hour))
		child, cancel := context.WithCancel(&killed)
		defer cancel()
		kill()
		<-child.Done()
		if !errors.Is(killed.Err(), context.Canceled) {
			t.Error(killed.Err())
		}
		for _, c := range []*policy.Context{&waited, &killed, &closed, &late} {
			c.Close()
		}
	})
}
