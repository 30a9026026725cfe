package policy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/org/aegis/modelspec"
)

// The waits between attempts.
const (
	defaultBackoff = 100 * time.Millisecond
	longestBackoff = time.Minute // unless the first is longer
)

// patient is Do with retries.
func (g *Guard) patient(ctx context.Context, f Call, req *modelspec.Value) (*modelspec.Value, error) {
	g.budget.earn()
	n := 1
	v, err := f(ctx, req)
	if err != nil {
		v, n, err = g.retry(ctx, f, req, v, err)
	}
	if g.Notify != nil && late(ctx) {
		g.tell(ctx, Event{Kind: PortTimeout, Err: err, Attempt: n})
	}
	return v, err
}

// retry asks again after err, the first failure, and returns how many attempts
// there were with it.
func (g *Guard) retry(ctx context.Context, f Call, req, v *modelspec.Value, err error) (_ *modelspec.Value, n int, _ error) {
	p := pause{next: g.policy.Backoff, left: g.Timeout()}
	if p.next <= 0 {
		p.next = defaultBackoff
	}
	sent := !modelspec.NotSent(err)
	for n = 1; ; n++ {
		wait, verdict := g.again(ctx, &p, n, err)
		if verdict == gaveUp {
			g.tell(ctx, Event{Kind: PortRetryFailed, Err: err, Attempt: n})
		}
		if verdict != goOn {
			return v, n, honest(err, sent)
		}
		if ended := sleep(ctx, wait); ended != nil {
			return nil, n, interrupted(ended, err, sent)
		}
		before := err
		if v, err = f(ctx, req); err == nil {
			g.tell(ctx, Event{Kind: PortRecovered, Err: before, Attempt: n + 1})
			return v, n + 1, nil
		}
		sent = sent || !modelspec.NotSent(err)
	}
}

// verdict is what becomes of a Do after a failed attempt.
type verdict int

const (
	goOn   verdict = iota // it asks again
	final                 // the error is the answer, or nobody waits for another
	gaveUp                // asking again might have helped
)

// again says whether there is an attempt after the n-th, which failed with
// err, and after how long.
func (g *Guard) again(ctx context.Context, p *pause, n int, err error) (time.Duration, verdict) {
	ended := ctx.Err()
	switch {
	case !modelspec.Transient(err), errors.Is(ended, context.Canceled):
		return 0, final
	case errors.Is(err, errOpen):
		if n == 1 {
			return 0, final // nobody was asked even once
		}
		return 0, gaveUp
	case n > g.policy.Retries:
		return 0, gaveUp
	case ended != nil:
		return 0, final
	}
	now := time.Now()
	wait := p.draw()
	if at, ok := ctx.Deadline(); wait > p.left || ok && !now.Add(wait).Before(at) {
		return 0, gaveUp
	}
	if !g.budget.take(now) {
		return 0, gaveUp
	}
	p.left -= wait
	return wait, goOn
}

// pause makes the waits of one Do.
type pause struct {
	next time.Duration // in the middle of what draw returns
	left time.Duration // for all waits together
}

// draw returns the next wait: callers that failed together do not come back
// together.
func (p *pause) draw() time.Duration {
	d := p.next
	if d < longestBackoff {
		p.next = min(2*d, longestBackoff)
	}
	return d/2 + rand.N(d)
}

// sleep returns ctx's error if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	return ctx.Err()
}

// interrupted is the error of a Do whose context ended while it waited. It has
// ended's code, and tells of the last failure.
func interrupted(ended, last error, sent bool) error {
	e := &modelspec.Error{Code: modelspec.CodeOf(ended), Message: "policy: retry: the call ended while it waited to ask again", NotSent: !sent}
	return fmt.Errorf("%w: %w: %w", e, ended, last)
}

// honest takes NotSent off the error of a last attempt if an earlier one may
// have reached the service.
func honest(err error, sent bool) error {
	if !sent || !modelspec.NotSent(err) {
		return err
	}
	e := *modelspec.AsError(err)
	e.NotSent = false
	return &e
}
