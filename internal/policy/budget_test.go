package policy_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// A service that is down is asked by everybody once, and again by a fifth.
func TestBudgetOfADeadService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 3, Backoff: time.Nanosecond})
		f, at := asks(modelspec.ErrUnavailable)
		retries := func(calls int) int {
			n := len(*at)
			for range calls {
				g.Do(t.Context(), f, nil)
			}
			return len(*at) - n - calls
		}
		for _, c := range []struct {
			wait           time.Duration
			calls, retries int
		}{
			{0, 20, 60},    // saved up, with what these calls earned: 100+4-60 = 44
			{0, 1000, 244}, // 44 + 200
			{0, 1000, 200},
			{time.Second, 100, 30},            // 10 + 20
			{100 * time.Millisecond, 100, 21}, // 1 + 20
			{time.Hour, 50, 109},              // 100, filled, and 1000 more earn nothing until some is spent
			{0, 100, 20},
		} {
			time.Sleep(c.wait)
			// a nanosecond of backoff is no time, but many of them are some
			if n := retries(c.calls); n < c.retries-1 || n > c.retries+1 {
				t.Errorf("after %v: %d calls, %d retries, want %d", c.wait, c.calls, n, c.retries)
			}
		}
	})
}

// What a second brings comes bit by bit, and nothing of it is lost: 30 ms and a
// call bring half a retry.
func TestBudgetComesBitByBit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 3, Backoff: time.Nanosecond})
		f, at := asks(modelspec.ErrUnavailable)
		for range 200 {
			g.Do(t.Context(), f, nil)
		}
		n := len(*at)
		for range 200 {
			time.Sleep(30 * time.Millisecond)
			g.Do(t.Context(), f, nil)
		}
		if retries := len(*at) - n - 200; retries < 99 || retries > 101 {
			t.Errorf("%d retries of 200 calls", retries)
		}
	})
}

// Whatever the calls: in any while from the beginning, N calls in S seconds
// retry at most 100 + N/5 + 10*S times.
func TestBudgetHolds(t *testing.T) {
	for range 100 {
		seed := rand.Uint64()
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			g := policy.New("m.p", modelspec.Policy{Retries: 1 + r.IntN(5), Backoff: time.Duration(1 + r.IntN(1e6))})
			start, calls, retries := time.Now(), 0, 0
			fails := r.Float64()
			for range 400 {
				first := true
				calls++
				g.Do(t.Context(), func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
					if !first {
						retries++
					}
					first = false
					if r.Float64() < fails {
						return nil, modelspec.ErrUnavailable
					}
					return nil, nil
				}, nil)
				if r.IntN(10) == 0 {
					time.Sleep(time.Duration(r.IntN(1e9)))
				}
				if r.IntN(50) == 0 {
					fails = r.Float64()
				}
				if most := 100 + float64(calls)/5 + 10*time.Since(start).Seconds(); float64(retries) > most {
					t.Fatalf("seed %d: %d retries of %d calls in %v", seed, retries, calls, time.Since(start))
				}
			}
		})
	}
}
