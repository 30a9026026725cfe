package policy_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// Many that fail at once open the breaker once, and are told once.
func TestOpensOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 3, Rate: 10, Open: time.Second}})
		var opened, closed atomic.Int32
		g.Notify = func(_ context.Context, e policy.Event) {
			if e.Kind == policy.BreakerOpened {
				opened.Add(1)
			} else {
				closed.Add(1)
			}
		}
		together := func(n int, err error) (reached int32) {
			var all sync.WaitGroup
			var in atomic.Int32
			end := make(chan bool)
			for range n {
				all.Go(func() {
					policy.Through(g.Breaker(1, true, ""), func() (*modelspec.Value, error) { in.Add(1); <-end; return nil, err })
				})
			}
			synctest.Wait()
			close(end)
			all.Wait()
			return in.Load()
		}
		for round := range int32(5) {
			if n := together(100, modelspec.ErrUnavailable); n != 100 || opened.Load() != round+1 || closed.Load() != round {
				t.Errorf("round %d: %d calls, opened %d times, closed %d times", round, n, opened.Load(), closed.Load())
			}
			time.Sleep(time.Second)
			if n := together(100, nil); n != 1 || opened.Load() != round+1 || closed.Load() != round+1 {
				t.Errorf("round %d: %d probes, opened %d times, closed %d times", round, n, opened.Load(), closed.Load())
			}
		}
	})
}

// Under real threads each opening and each closing is told once, whatever the
// order: they alternate, so their numbers differ by what the breaker is now.
func TestTellsEachTransitionOnce(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Retries: 1, Backoff: 1, Breaker: modelspec.Breaker{Failures: 2, Rate: 60, Open: time.Nanosecond, Codes: []modelspec.Threshold{{Code: modelspec.ErrRefused, Failures: 3}}}})
	var opened, closed atomic.Int64
	g.Notify = func(_ context.Context, e policy.Event) {
		switch e.Kind {
		case policy.BreakerOpened:
			opened.Add(1)
		case policy.BreakerClosed:
			closed.Add(1)
		}
		g.Breakers()
	}
	errs := []error{nil, nil, modelspec.ErrUnavailable, modelspec.ErrUnavailable, modelspec.ErrRefused, context.Canceled}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 2000 {
				g.Do(t.Context(), func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
					return g.Breaker(uint64(1+i/500), true, "").Do(ctx, func() (*modelspec.Value, error) { return nil, errs[(i*7+worker*3+i/11)%len(errs)] })
				}, nil)
			}
		})
	}
	all.Wait()
	left := opened.Load() - closed.Load()
	if now := g.Breakers(); len(now) != 1 || opened.Load() < 100 || left != 0 && left != 1 || (left == 1) != (now[0].State != policy.Closed) {
		t.Errorf("opened %d times, closed %d times, is %+v", opened.Load(), closed.Load(), now)
	}
}
