package policy

import (
	"context"
	"errors"
	"time"
)

// The kinds of events.
const (
	// PortTimeout: the deadline of a Do's context had passed when the Do ended.
	// Once for each such Do. Err is what it returned: nil, if it was answered
	// late. A caller that goes away before is no timeout.
	PortTimeout = "port.timeout"
	// PortRetryFailed: a Do of a port with retries failed, and asking again might
	// have helped, but its retries are used up, or there is no time or no budget
	// for another, or the breaker opened before a retry. Err is the last error.
	PortRetryFailed = "port.retry.failed"
	// PortRecovered: a retry was answered. Err is the failure before it.
	PortRecovered = "port.recovered"
	// BreakerOpened: a closed breaker opened, by Err. A probe that fails tells
	// nobody: the breaker was never closed.
	BreakerOpened = "breaker.opened"
	// BreakerClosed: a probe was answered.
	BreakerClosed = "breaker.closed"
)

// Event is something that an operator wants to know of a port.
type Event struct {
	Kind    string // PortTimeout, ...
	Port    string // the guard's name
	Arm     uint64 // of a breaker; zero for the port's events
	Err     error
	Attempt int // attempts that the Do has made, from 1; zero for a breaker's events
}

func (g *Guard) tell(ctx context.Context, e Event) {
	if g.Notify != nil {
		e.Port = g.name
		g.Notify(ctx, e)
	}
}

// late reports whether ctx's time is over. Canceled before, it is not late.
func late(ctx context.Context) bool {
	if at, ok := ctx.Deadline(); ok && time.Until(at) > 0 {
		return false
	} else if ok {
		return !errors.Is(ctx.Err(), context.Canceled)
	}
	return errors.Is(ctx.Err(), context.DeadlineExceeded)
}
