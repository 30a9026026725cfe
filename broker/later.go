package broker

import (
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
)

// Later is the error of a Required subscription whose Delay is not over: its
// handler has not been called, and is not before At. Whoever publishes keeps
// the event and tries again then. It has the code unavailable and is NotSent.
type Later struct{ At time.Time }

// Error says when.
func (l *Later) Error() string {
	return "it is delayed: try again at " + l.At.UTC().Format(time.RFC3339Nano)
}

// Unwrap gives l its code.
func (l *Later) Unwrap() error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: l.Error(), NotSent: true}
}

// LaterOf returns when to try again with an event for which Publish, Deliver or
// DeliverTo failed with err, if nothing was wrong but that it is too early: the
// earliest time of all. It reports false if anything else failed, also if a
// handler failed that returned a [Later] of its own. To find one among other
// failures, use errors.As.
func LaterOf(err error) (time.Time, bool) {
	switch e := err.(type) {
	case *Later:
		return e.At, true
	case *handlerError:
		return time.Time{}, false
	case interface{ Unwrap() error }:
		return LaterOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		return earliest(e.Unwrap())
	}
	return time.Time{}, false
}

func earliest(errs []error) (at time.Time, all bool) {
	for i, err := range errs {
		t, late := LaterOf(err)
		if !late {
			return time.Time{}, false
		}
		if i == 0 || t.Before(at) {
			at = t
		}
	}
	return at, len(errs) > 0
}

// handlerError is what a handler returned or panicked with.
type handlerError struct {
	typ, name string
	err       error
}

func (e *handlerError) Error() string {
	return fmt.Sprintf("broker: deliver %s to %s: %v", e.typ, e.name, e.err)
}

func (e *handlerError) Unwrap() error { return e.err }

// early says if e is not due yet. The time is the event's, which every attempt
// finds again, also after a crash.
func (h *Handle) early(e *Event) error {
	if e.Time.IsZero() {
		return h.wrap(e, modelspec.Invalid("/Time", "it is zero: a Required subscription with a Delay needs to know since when to wait"))
	}
	if due := e.Time.Add(h.sub.Delay); time.Until(due) > 0 {
		return h.wrap(e, &Later{At: due})
	}
	return nil
}
