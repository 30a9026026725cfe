package policy

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/org/aegis/modelspec"
)

// DefaultTimeout is that of a port whose Policy has none.
const DefaultTimeout = 30 * time.Second

// Call makes one attempt. It finds its own generation, so that a retry after a
// reload meets the new code, and goes through its arm's breaker: see
// Guard.Breaker and Breaker.Do.
type Call func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error)

// Guard is safe for concurrent use.
type Guard struct {
	// Notify is told of every Event, with the context of the Do or the attempt
	// that it happened in. Set it before the guard is used. Nil: nobody is told.
	Notify func(ctx context.Context, e Event)

	name     string
	policy   modelspec.Policy
	born     time.Time // what windows count from
	budget   budget
	breakers atomic.Pointer[breakers] // nil: the policy has none
}

// New makes the guard of the port with that name.
func New(name string, p modelspec.Policy) *Guard {
	g := &Guard{name: name, policy: p, born: time.Now()}
	g.budget.fill()
	if !p.Breaker.None() {
		g.breakers.Store(&breakers{})
	}
	return g
}

// Policy is what g was made of.
func (g *Guard) Policy() modelspec.Policy { return g.policy }

// Timeout is the longest that one call of the port may take.
func (g *Guard) Timeout() time.Duration {
	if g.policy.Timeout > 0 {
		return g.policy.Timeout
	}
	return DefaultTimeout
}

// Do calls f until it is answered, at most 1+Retries times. ctx must end at
// Timeout: see Context. The error is marked NotSent only if no attempt of
// this Do can have reached the service.
func (g *Guard) Do(ctx context.Context, f Call, req *modelspec.Value) (*modelspec.Value, error) {
	switch {
	case g.policy.Retries > 0:
		return g.patient(ctx, f, req)
	case g.Notify == nil:
		return f(ctx, req)
	}
	v, err := f(ctx, req)
	if late(ctx) {
		g.tell(ctx, Event{Kind: PortTimeout, Err: err, Attempt: 1})
	}
	return v, err
}
