// Package policy calls a port as patiently as its Policy says:
// timeout(retry(breaker(call))).
//
// A Guard belongs to the host and to one port of one model, not to a version
// of a component: a reload does not forget that a service is down. Breakers
// are per arm, so that a bad canary does not shut the port for the rest.
package policy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/org/aegis/modelspec"
)

// DefaultTimeout is that of a port whose Policy has none.
const DefaultTimeout = 30 * time.Second

// Call makes one attempt. It finds its own generation, so that a retry after a
// reload meets the new code, and names its arm's breaker with Guard.Breaker.
type Call func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error)

// Guard is safe for concurrent use.
type Guard struct {
	name     string
	policy   modelspec.Policy
	breakers atomic.Pointer[breakers]
}

// New makes the guard of the port with that name.
func New(name string, p modelspec.Policy) *Guard {
	g := &Guard{name: name, policy: p}
	g.breakers.Store(&breakers{})
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
	if g.policy.Retries == 0 {
		return f(ctx, req)
	}
	return g.retry(ctx, f, req)
}

func (g *Guard) retry(ctx context.Context, f Call, req *modelspec.Value) (*modelspec.Value, error) {
	first := g.policy.Backoff
	if first <= 0 {
		first = 100 * time.Millisecond
	}
	sent := false
	b := backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMaxElapsedTime(0))
	v, err := backoff.RetryWithData(func() (*modelspec.Value, error) {
		v, err := f(ctx, req)
		if err == nil {
			return v, nil
		}
		sent = sent || !modelspec.NotSent(err)
		if errors.Is(err, errOpen) || !modelspec.Transient(err) {
			return nil, backoff.Permanent(err)
		}
		return nil, err
	}, backoff.WithContext(backoff.WithMaxRetries(b, uint64(g.policy.Retries)), ctx))
	if err != nil && sent && modelspec.NotSent(err) {
		e := *modelspec.AsError(err)
		e.NotSent = false
		err = &e
	}
	return v, err
}

// Recover turns a panic into an error, for a deferred call. The error keeps
// the stack for the log, not for the caller.
func Recover(what string, err *error) {
	if r := recover(); r != nil {
		*err = &Panic{What: what, Value: r, Stack: debug.Stack()}
	}
}

// Panic is a recovered panic. Its code is ErrInternal.
type Panic struct {
	What  string
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic in %s: %v", p.What, p.Value) }

// Unwrap gives the panic its code.
func (p *Panic) Unwrap() error { return modelspec.ErrInternal }
