package port

import (
	"context"
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

// Completer is a host, as far as a port that is answered later needs one:
// *aegis.Host.
type Completer interface {
	CompletePort(ctx context.Context, p Ref, key string, answer *modelspec.Value, refusal error) error
}

// Complete brings the answer of the call that waits for it under the
// correlation key. It fails with ErrNotFound where none does (any more), and
// with ErrInvalid where the answer does not fit: then the call waits on.
func (p Outbound[M, Req, Res]) Complete(ctx context.Context, host Completer, key string, answer Res) error {
	return host.CompletePort(ctx, p.Ref(), key, Of(answer), nil)
}

// Refuse brings a refusal in place of the answer: the flow is taken back, or,
// where the port is Optional, goes on.
func (p Outbound[M, Req, Res]) Refuse(ctx context.Context, host Completer, key string, why error) error {
	if why == nil {
		why = modelspec.ErrRefused
	}
	return host.CompletePort(ctx, p.Ref(), key, nil, why)
}
