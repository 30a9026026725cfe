package port

import (
	"time"

	"github.com/org/aegis/modelspec"
)

// From is an event of another model, or of outside: see modelspec.From.
type From = modelspec.From

// Await says how the answer of an [Outbound] comes later. An answer is found
// by its correlation key: one that nobody waits for, or waits for no longer,
// changes nothing.
type Await struct {
	// On are the events that bring the answer; their data is the Res. Key says
	// where in it the correlation key stands. Fail are those that bring a
	// refusal: the flow is taken back. Empty: the answer comes by
	// Host.Complete, Host.Fail, or over HTTP only.
	On, Fail []From
	// Key is a JSON Pointer into the request: the correlation key, such as an
	// order's number. No two calls of the port may wait under one. Empty: the
	// call's own key, which the adapter gets with adapter.Key.
	Key string
	// For is how long to wait; then the flow is taken back, this call
	// included. Zero: as long as the flow has time, a day.
	For time.Duration
}

func (a *Await) describe() *modelspec.Await {
	if a == nil {
		return nil
	}
	d := &modelspec.Await{Key: a.Key, For: a.For}
	for _, f := range a.On {
		d.On = append(d.On, f.Trigger())
	}
	for _, f := range a.Fail {
		d.Fail = append(d.Fail, f.Trigger())
	}
	return d
}
