package policy

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/sony/gobreaker/v2"
)

// Breaker stands before the adapter of one arm.
type Breaker = gobreaker.CircuitBreaker[*modelspec.Value]

// breakers is an immutable set; arms are generation numbers.
type breakers struct {
	arms map[uint64]*Breaker
	sole *Breaker // of the last generation that was the only arm
	last uint64
}

var errOpen = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the circuit breaker is open", NotSent: true}

// most is how many arms are remembered before those of retired generations go.
const most = 64

// Breaker returns the breaker of an arm, nil if the policy has none. A
// generation that is the only arm takes over the state of the one before it.
func (g *Guard) Breaker(arm uint64, only bool) *Breaker {
	if g.policy.Breaker.Failures == 0 {
		return nil
	}
	for {
		have := g.breakers.Load()
		if only && have.last == arm && have.sole != nil {
			return have.sole
		}
		b, ok := have.arms[arm]
		if ok && (!only || have.sole == b) {
			return b
		}
		next := &breakers{arms: map[uint64]*Breaker{}, sole: have.sole, last: have.last}
		if len(have.arms) < most {
			maps.Copy(next.arms, have.arms)
		}
		switch {
		case b != nil:
		case only && have.sole != nil:
			b = have.sole
		default:
			b = g.newBreaker()
		}
		next.arms[arm] = b
		if only {
			next.sole, next.last = b, arm
		}
		if g.breakers.CompareAndSwap(have, next) {
			return b
		}
	}
}

func (g *Guard) newBreaker() *Breaker {
	p := g.policy.Breaker
	if p.Open <= 0 {
		p.Open = 10 * time.Second
	}
	return gobreaker.NewCircuitBreaker[*modelspec.Value](gobreaker.Settings{
		Name: g.name, MaxRequests: 1, Timeout: p.Open,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= p.Failures },
		IsSuccessful: func(err error) bool { return err == nil || !modelspec.Transient(err) },
		// The caller went away: that says nothing about the service.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
	})
}

// Through makes one attempt behind b, which may be nil.
func Through(b *Breaker, f func() (*modelspec.Value, error)) (*modelspec.Value, error) {
	if b == nil {
		return f()
	}
	v, err := b.Execute(f)
	if err == gobreaker.ErrOpenState || err == gobreaker.ErrTooManyRequests {
		return nil, errOpen
	}
	return v, err
}
