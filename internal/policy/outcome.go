package policy

import (
	"context"
	"errors"

	"github.com/org/aegis/modelspec"
)

// outcome is what the end of a call says of the service: answered, nothing, or
// a failure, which is the number of its row.
type outcome int

const (
	nothing  outcome = -2
	answered outcome = -1
	others   outcome = 0 // the row of the codes that are not listed; those that are have the rows after it
)

func (b *Breaker) outcome(ctx context.Context, err error) outcome {
	if err == nil {
		return answered
	}
	// The caller went away: that says nothing about the service.
	if errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled) {
		return nothing
	}
	code := modelspec.CodeOf(err)
	p := &b.guard.policy.Breaker
	for i := range p.Codes {
		if p.Codes[i].Code == code {
			return others + 1 + outcome(i)
		}
	}
	switch transient := modelspec.Transient(err); {
	case code == modelspec.ErrCanceled, !transient && modelspec.NotSent(err):
		return nothing
	case !transient, p.Failures == 0 && p.Rate == 0:
		return answered
	}
	return others
}
