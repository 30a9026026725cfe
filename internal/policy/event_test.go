package policy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

type whoKey struct{}

// What a Do tells, whole: what is not in the list must not be told.
func TestEventsOfADo(t *testing.T) {
	down := modelspec.ErrUnavailable
	for name, c := range map[string]struct {
		policy modelspec.Policy
		errs   []error       // of the attempts; nil after them
		takes  time.Duration // each attempt
		limit  time.Duration // of the context
		leaves time.Duration // the caller; zero: never
		want   []string
	}{
		"works":                {want: nil},
		"works with retries":   {policy: modelspec.Policy{Retries: 2}},
		"fails":                {errs: []error{down}},
		"refused":              {policy: modelspec.Policy{Retries: 2}, errs: []error{modelspec.ErrRefused}},
		"refused later":        {policy: modelspec.Policy{Retries: 2}, errs: []error{down, modelspec.ErrRefused}},
		"recovers":             {policy: modelspec.Policy{Retries: 3}, errs: []error{down, modelspec.ErrDeadline}, want: []string{"port.recovered 0 3 deadline_exceeded"}},
		"used up":              {policy: modelspec.Policy{Retries: 1}, errs: []error{modelspec.ErrUnknown, down}, want: []string{"port.retry.failed 0 2 unavailable"}},
		"no time for a retry":  {policy: modelspec.Policy{Retries: 9, Backoff: time.Hour}, errs: []error{down}, want: []string{"port.retry.failed 0 1 unavailable"}},
		"time is over":         {takes: time.Hour, limit: time.Second, errs: []error{down}, want: []string{"port.timeout 0 1 unavailable"}},
		"just over":            {takes: time.Second, limit: time.Second, errs: []error{down}, want: []string{"port.timeout 0 1 unavailable"}},
		"time is not over":     {takes: time.Second - 1, limit: time.Second, errs: []error{modelspec.ErrDeadline}},
		"answered late":        {takes: time.Hour, limit: time.Second, want: []string{"port.timeout 0 1 <nil>"}},
		"time is over, retry":  {policy: modelspec.Policy{Retries: 5, Backoff: time.Millisecond}, takes: 600 * time.Millisecond, limit: time.Second, errs: []error{down, down}, want: []string{"port.timeout 0 2 unavailable"}},
		"used up and over":     {policy: modelspec.Policy{Retries: 1, Backoff: time.Millisecond}, takes: 600 * time.Millisecond, limit: time.Second, errs: []error{down, down}, want: []string{"port.retry.failed 0 2 unavailable", "port.timeout 0 2 unavailable"}},
		"recovers late":        {policy: modelspec.Policy{Retries: 1, Backoff: time.Millisecond}, takes: 600 * time.Millisecond, limit: time.Second, errs: []error{down}, want: []string{"port.recovered 0 2 unavailable", "port.timeout 0 2 <nil>"}},
		"the caller goes":      {policy: modelspec.Policy{Retries: 5, Backoff: time.Second}, leaves: time.Millisecond, errs: []error{down}},
		"the caller went":      {policy: modelspec.Policy{Retries: 5}, takes: time.Hour, leaves: time.Second, errs: []error{down}},
		"used up, caller gone": {policy: modelspec.Policy{Retries: 1, Backoff: time.Millisecond}, takes: 600 * time.Millisecond, leaves: time.Second, errs: []error{down, down}},
		"no limit":             {takes: time.Hour, limit: -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := policy.New("m.p", c.policy)
				events := told(g)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.limit >= 0 {
					if c.limit == 0 {
						c.limit = g.Timeout()
					}
					ctx, cancel = context.WithTimeout(ctx, c.limit)
					defer cancel()
				}
				if c.leaves > 0 {
					time.AfterFunc(c.leaves, cancel)
				}
				n := 0
				g.Do(ctx, func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
					time.Sleep(c.takes)
					if n++; n <= len(c.errs) {
						return nil, c.errs[n-1]
					}
					return nil, nil
				}, nil)
				if !slices.Equal(*events, c.want) {
					t.Errorf("told %q, want %q", *events, c.want)
				}
			})
		})
	}
}

// Whoever is told finds the call by its context, and the port by its name, and
// may ask the guard what is: no lock is held.
func TestEventsNameTheirCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("order.ship", modelspec.Policy{Retries: 1, Breaker: modelspec.Breaker{Failures: 2, Open: time.Nanosecond}})
		var kinds []string
		g.Notify = func(ctx context.Context, e policy.Event) {
			if ctx.Value(whoKey{}) != "o1" || e.Port != "order.ship" {
				t.Errorf("%v told of %v", ctx.Value(whoKey{}), e)
			}
			if all := g.Breakers(); len(all) != 1 || e.Kind == policy.BreakerOpened && all[0].State != policy.Open {
				t.Errorf("%s: %v", e.Kind, all)
			}
			kinds = append(kinds, e.Kind)
		}
		err := error(modelspec.ErrUnavailable)
		do := func() {
			g.Do(context.WithValue(t.Context(), whoKey{}, "o1"), func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
				return g.Breaker(1, true, "").Do(ctx, func() (*modelspec.Value, error) { return nil, err })
			}, nil)
		}
		do()
		time.Sleep(time.Second)
		err = nil
		do()
		want := []string{policy.BreakerOpened, policy.PortRetryFailed, policy.BreakerClosed}
		if !slices.Equal(kinds, want) {
			t.Errorf("%q, want %q", kinds, want)
		}
	})
}

// A budget that is used up is no reason to keep quiet.
func TestEventWithoutBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Retries: 10, Backoff: 1})
		f, at := asks(errors.New("down"))
		for range 11 {
			g.Do(t.Context(), f, nil)
		}
		events := told(g)
		g.Do(t.Context(), f, nil)
		if n := len(*at) - 12; n != 102 || !slices.Equal(*events, []string{"port.retry.failed 0 1 down"}) {
			t.Errorf("%d retries, told %q", n, *events)
		}
	})
}
