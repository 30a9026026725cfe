package httpapi

import (
	"context"
	"sync"
	"time"
)

// deadline is a context that ends at a time, or with its parent. Unlike that of
// [context.WithDeadline] it has no timer before somebody asks for Done. What is
// answered from memory never does, and the timer would be half of what a small
// GET costs here.
//
// Safe for concurrent use.
type deadline struct {
	context.Context // the parent
	at              time.Time

	mu     sync.Mutex
	armed  context.Context // nil: nobody has asked for Done
	cancel context.CancelFunc
	ended  bool
}

func newDeadline(parent context.Context, at time.Time) *deadline {
	if sooner, ok := parent.Deadline(); ok && sooner.Before(at) {
		at = sooner
	}
	return &deadline{Context: parent, at: at}
}

// Deadline returns when d ends at the latest.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done arms d.
func (d *deadline) Done() <-chan struct{} { return d.arm().Done() }

func (d *deadline) arm() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.armed == nil {
		d.armed, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.ended {
			d.cancel()
		}
	}
	return d.armed
}

// Err is nil before d has ended.
func (d *deadline) Err() error {
	d.mu.Lock()
	armed, ended := d.armed, d.ended
	d.mu.Unlock()
	if armed != nil {
		return armed.Err()
	}
	if err := d.Context.Err(); err != nil {
		return err
	}
	if !time.Now().Before(d.at) {
		return context.DeadlineExceeded
	}
	if ended {
		return context.Canceled
	}
	return nil
}

// Value lets package context find the context that Done belongs to, so that
// contexts made of d need no goroutine of their own.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	armed := d.armed
	d.mu.Unlock()
	if armed != nil {
		return armed.Value(key)
	}
	return d.Context.Value(key)
}

// end ends d, when its request has been answered.
func (d *deadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended = true
	if d.cancel != nil {
		d.cancel()
	}
}
