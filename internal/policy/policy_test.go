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

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 100, Backoff: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		f, n := calls(modelspec.ErrUnavailable, modelspec.ErrUnavailable, modelspec.ErrUnavailable)
		start := time.Now()
		if _, err := g.Do(ctx, f, nil); err == nil || *n != 1 || time.Since(start) > 31*time.Second {
			t.Errorf("asked %d times in %v: %v", *n, time.Since(start), err)
		}
	})
}

// through asks n times behind the breaker of an arm and returns how many calls
// reached the service.
func through(g *policy.Guard, arm uint64, sole bool, n int, err error) (reached int) {
	for range n {
		policy.Through(g.Breaker(arm, sole), func() (*modelspec.Value, error) {
			reached++
			return nil, err
		})
	}
	return reached
}

// A bad canary does not open the breaker of the rest, and a new version finds
// the breaker as the one before left it.
func TestRT24CanaryOpensStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 5, Open: time.Minute}})
		through(g, 1, true, 3, nil)
		if n := through(g, 2, false, 20, modelspec.ErrUnavailable); n != 5 {
			t.Errorf("the canary was asked %d times", n)
		}
		if n := through(g, 1, false, 20, nil); n != 20 {
			t.Errorf("the stable arm was asked %d times of 20", n)
		}
		if n := through(g, 1, true, 20, modelspec.ErrUnavailable); n != 5 {
			t.Errorf("a failing service was asked %d times", n)
		}
		if n := through(g, 3, true, 20, nil); n != 0 {
			t.Errorf("after a reload the open breaker let %d calls through", n)
		}
		time.Sleep(time.Minute + time.Second)
		if n := through(g, 4, true, 20, nil); n != 20 {
			t.Errorf("after its time %d of 20 calls came through", n)
		}
	})
}

// Neither a refusal nor a caller that went away is the service's failure.
func TestWhatIsNoFailure(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 2}})
	for _, err := range []error{modelspec.ErrRefused, modelspec.ErrInvalid, context.Canceled} {
		if n := through(g, 1, true, 10, err); n != 10 {
			t.Errorf("%v: %d of 10 calls came through", err, n)
		}
	}
	_, err := policy.Through(nil, func() (*modelspec.Value, error) { return nil, modelspec.ErrRefused })
	if err != modelspec.ErrRefused {
		t.Error(err)
	}
}

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

func TestRecover(t *testing.T) {
	f := func() (err error) {
		defer policy.Recover("a test", &err)
		panic("boom")
	}
	err := f()
	p, ok := errors.AsType[*policy.Panic](err)
	if !ok || modelspec.CodeOf(err) != modelspec.ErrInternal || len(p.Stack) == 0 {
		t.Error(err)
	}
}
