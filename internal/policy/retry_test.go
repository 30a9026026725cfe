package policy_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

func calls(errs ...error) (policy.Call, *int) {
	n := new(int)
	return func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
		*n++
		if *n <= len(errs) {
			return nil, errs[*n-1]
		}
		return modelspec.Of(*n), nil
	}, n
}

var notSent = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "nobody there", NotSent: true}

func TestRetry(t *testing.T) {
	for name, c := range map[string]struct {
		retries int
		errs    []error
		asked   int
		code    modelspec.Code
		notSent bool
	}{
		"works":              {2, nil, 1, "", false},
		"none by default":    {0, []error{modelspec.ErrUnavailable}, 1, modelspec.ErrUnavailable, false},
		"transient, then ok": {2, []error{modelspec.ErrUnavailable, errors.New("who knows")}, 3, "", false},
		"gives up":           {2, []error{modelspec.ErrUnavailable, modelspec.ErrDeadline, modelspec.ErrUnknown, nil}, 3, modelspec.ErrUnknown, false},
		"a refusal is final": {5, []error{modelspec.ErrRefused}, 1, modelspec.ErrRefused, false},
		"never sent":         {1, []error{notSent, notSent}, 2, modelspec.ErrUnavailable, true},
		"sent once":          {1, []error{modelspec.ErrDeadline, notSent}, 2, modelspec.ErrUnavailable, false},
		"sent in between":    {2, []error{notSent, modelspec.ErrDeadline, notSent}, 3, modelspec.ErrUnavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := policy.New("m.p", modelspec.Policy{Retries: c.retries, Backoff: time.Second})
				f, n := calls(c.errs...)
				_, err := g.Do(t.Context(), f, nil)
				if *n != c.asked || c.code == "" && err != nil || c.code != "" && modelspec.CodeOf(err) != c.code || modelspec.NotSent(err) != c.notSent {
					t.Errorf("asked %d times, %v", *n, err)
				}
			})
		})
	}
}

// asks is a Call that always fails, and when it was asked.
func asks(err error) (policy.Call, *[]time.Time) {
	at := new([]time.Time)
	return func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
		*at = append(*at, time.Now())
		return nil, err
	}, at
}

// within reports whether d is between half and one and a half of want.
func within(d, want time.Duration) bool { return d >= want/2 && d < want/2+want }

// Waits double up to a minute, and no two callers wait alike.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 9, Backoff: time.Second, Timeout: time.Hour})
		firsts := map[time.Duration]bool{}
		for range 8 {
			f, at := asks(modelspec.ErrUnavailable)
			g.Do(t.Context(), f, nil)
			if len(*at) != 10 {
				t.Fatalf("asked %d times", len(*at))
			}
			for i, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
				if d := (*at)[i+1].Sub((*at)[i]); !within(d, time.Duration(seconds)*time.Second) {
					t.Errorf("wait %d: %v, want about %ds", i+1, d, seconds)
				}
			}
			firsts[(*at)[1].Sub((*at)[0])] = true
			time.Sleep(time.Minute)
		}
		if len(firsts) < 2 {
			t.Errorf("all wait the same: %v", firsts)
		}
		for _, c := range []struct{ backoff, want time.Duration }{{0, 100 * time.Millisecond}, {5 * time.Minute, 5 * time.Minute}, {1, 1}} {
			g := policy.New("m.p", modelspec.Policy{Retries: 2, Backoff: c.backoff, Timeout: time.Hour})
			f, at := asks(modelspec.ErrUnavailable)
			g.Do(t.Context(), f, nil)
			if d := (*at)[1].Sub((*at)[0]); !within(d, c.want) {
				t.Errorf("backoff %v: %v, want about %v", c.backoff, d, c.want)
			}
		}
	})
}

// No retry begins at the deadline or later, nobody waits for one that cannot,
// and all waits together are not longer than Timeout, whatever the context.
func TestNoRetryThatCannotEnd(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			for _, limit := range []time.Duration{0, time.Second, 10 * time.Second} {
				g := policy.New("m.p", modelspec.Policy{Retries: 100, Backoff: time.Second, Timeout: 20 * time.Second})
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, limit)
				} else {
					limit = 20*time.Second + 1
				}
				f, at := asks(modelspec.ErrUnavailable)
				start := time.Now()
				_, err := g.Do(ctx, f, nil)
				if last := (*at)[len(*at)-1]; err != modelspec.ErrUnavailable || !last.Before(start.Add(limit)) || !last.Equal(time.Now()) {
					t.Errorf("limit %v: asked %d times, last after %v, returned after %v: %v", limit, len(*at), last.Sub(start), time.Since(start), err)
				}
				cancel()
			}
		})
	}
}

// A retry that would begin at the deadline itself is too late.
func TestNoRetryAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 50 {
			g := policy.New("m.p", modelspec.Policy{Retries: 1, Backoff: 2}) // a wait is 1 or 2 ns
			ctx, cancel := context.WithTimeout(t.Context(), 1)
			f, at := asks(modelspec.ErrUnavailable)
			g.Do(ctx, f, nil)
			cancel()
			if len(*at) != 1 {
				t.Fatalf("asked %d times", len(*at))
			}
		}
	})
}

// A caller that goes away ends the wait. The error says so, says why there was
// a wait, and is honest about what was sent.
func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, cause := range []error{modelspec.ErrUnknown, notSent} {
			g := policy.New("m.p", modelspec.Policy{Retries: 5, Backoff: 10 * time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			f, at := asks(cause)
			start := time.Now()
			_, err := g.Do(ctx, f, nil)
			if time.Since(start) != time.Second || len(*at) != 1 {
				t.Errorf("asked %d times in %v", len(*at), time.Since(start))
			}
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) || modelspec.CodeOf(err) != modelspec.ErrCanceled || modelspec.NotSent(err) != (cause == notSent) {
				t.Errorf("%v: not sent: %v", err, modelspec.NotSent(err))
			}
		}
	})
}

// Cancellation reaches an adapter that would never return, at the deadline and
// when the caller goes away, and is not taken for a reason to ask again.
func TestAdapterThatNeverReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, retries := range []int{0, 3} {
			g := policy.New("m.p", modelspec.Policy{Retries: retries, Timeout: time.Minute})
			n := 0
			hang := func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
				n++
				<-ctx.Done()
				return nil, ctx.Err()
			}
			start := time.Now()
			var ctx policy.Context
			ctx.Begin(t.Context(), start.Add(g.Timeout()))
			if _, err := g.Do(&ctx, hang, nil); n != 1 || time.Since(start) != time.Minute || modelspec.CodeOf(err) != modelspec.ErrDeadline {
				t.Errorf("asked %d times in %v: %v", n, time.Since(start), err)
			}
			ctx.Close()
			away, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start, n = time.Now(), 0
			if _, err := g.Do(away, hang, nil); n != 1 || time.Since(start) != time.Second || !errors.Is(err, context.Canceled) {
				t.Errorf("asked %d times in %v: %v", n, time.Since(start), err)
			}
		}
	})
}

// What an adapter answers after its time is still the answer.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, retries := range []int{0, 3} {
			g := policy.New("m.p", modelspec.Policy{Retries: retries, Breaker: modelspec.Breaker{Failures: 1}})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			v, err := g.Do(ctx, func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
				return g.Breaker(1, true, "").Do(ctx, func() (*modelspec.Value, error) {
					time.Sleep(time.Minute)
					return modelspec.Of(7), nil
				})
			}, nil)
			if v == nil || err != nil || g.Breakers()[0].State != policy.Closed {
				t.Error(v, err, g.Breakers())
			}
			cancel()
		}
	})
}

// A breaker that is open, or opens, is not asked again.
func TestOpenBreakerIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 50, Backoff: time.Second, Timeout: 24 * time.Hour, Breaker: modelspec.Breaker{Failures: 2, Open: time.Hour}})
		n, attempts := 0, 0
		call := func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
			attempts++
			return g.Breaker(1, true, "").Do(ctx, func() (*modelspec.Value, error) { n++; return nil, modelspec.ErrUnavailable })
		}
		if _, err := g.Do(t.Context(), call, nil); n != 2 || attempts != 3 || modelspec.NotSent(err) {
			t.Errorf("%d attempts, asked %d times: %v", attempts, n, err)
		}
		start := time.Now()
		if _, err := g.Do(t.Context(), call, nil); n != 2 || attempts != 4 || !modelspec.NotSent(err) || time.Since(start) != 0 {
			t.Errorf("%d attempts, asked %d times: %v", attempts, n, err)
		}
	})
}
