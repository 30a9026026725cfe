package policy

import (
	"context"
	"sync"
	"time"
)

// Context is a context that ends at a time, or when Close is called. Unlike
// context.WithDeadline it makes no timer before somebody waits on Done, which
// most calls never do. Embed it by value and call Begin.
type Context struct {
	Also context.Context // ends d too, if not nil: set it before Begin

	parent context.Context
	at     time.Time

	mu     sync.Mutex
	child  context.Context
	cancel context.CancelFunc
	closed bool
}

// Begin makes d ready. at is ignored if parent ends before it.
func (d *Context) Begin(parent context.Context, at time.Time) {
	d.parent, d.at = parent, at
	if p, ok := parent.Deadline(); ok && p.Before(at) {
		d.at = p
	}
}

// Close ends d and frees what it holds.
func (d *Context) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	if d.cancel != nil {
		d.cancel()
	}
}

// Deadline is part of context.Context.
func (d *Context) Deadline() (time.Time, bool) { return d.at, true }

// Done is part of context.Context.
func (d *Context) Done() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.child == nil {
		d.child, d.cancel = context.WithDeadline(d.parent, d.at)
		if d.Also != nil {
			stop, cancel := context.AfterFunc(d.Also, d.cancel), d.cancel
			d.cancel = func() { stop(); cancel() }
		}
		if d.closed {
			d.cancel()
		}
	}
	return d.child.Done()
}

// Err is part of context.Context.
func (d *Context) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.child != nil:
		return d.child.Err()
	case d.parent.Err() != nil:
		return d.parent.Err()
	case d.closed || d.Also != nil && d.Also.Err() != nil:
		return context.Canceled
	case !time.Now().Before(d.at):
		return context.DeadlineExceeded
	}
	return nil
}

// Value is part of context.Context.
func (d *Context) Value(key any) any { return d.parent.Value(key) }
