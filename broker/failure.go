package broker

import (
	"context"
	"log/slog"
	"math/bits"
	"runtime/debug"
)

// Failure is what a subscription could not do with an event: its handler
// returned an error or panicked, the event was dropped, or the Filter failed.
type Failure struct {
	Event   Event
	Pattern string // of the subscription
	Name    string // of the subscription
	// Err is the handler's error; of code internal and with the stack in its
	// text for a panic; ErrExhausted for a full queue; ErrUnavailable for an
	// event that still waited when the broker was closed; for a Filter,
	// ErrInvalid, or ErrExhausted for one that costs too much.
	Err     error
	Dropped bool // the handler never saw the event
	Filter  bool // the filter failed, so the event counted as one that does not match
}

// report hands a failure to whoever listens. It holds no lock, since OnFailure
// is user code and may come back with any method.
func (b *Broker) report(h *Handle, e *Event, f Failure, nth uint64) {
	defer func() { _ = recover() }() // of a slog handler: there is nobody left to tell
	f.Event, f.Pattern, f.Name = *e, h.sub.Pattern, h.sub.Name
	if b.config.OnFailure == nil {
		logFailure(&f, nth)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Default().Error("broker: OnFailure panicked", "panic", p, "stack", string(debug.Stack()))
			logFailure(&f, nth)
		}
	}()
	b.config.OnFailure(f)
}

// logFailure writes every error, and of a subscription's drops the first,
// second, fourth, eighth and so on: a publisher that overruns a slow watcher
// must not be held by its log.
func logFailure(f *Failure, nth uint64) {
	level, text := slog.LevelError, "broker: handler failed"
	if f.Filter {
		level, text = slog.LevelWarn, "broker: filter failed"
	}
	if f.Dropped {
		if bits.OnesCount64(nth) != 1 {
			return
		}
		level, text = slog.LevelWarn, "broker: event dropped"
	}
	e := &f.Event
	attrs := []slog.Attr{
		slog.String("subscription", f.Name), slog.String("pattern", f.Pattern),
		slog.String("event", e.ID), slog.String("type", e.Type),
		slog.String("source", e.Source), slog.String("subject", e.Subject),
		slog.Any("error", f.Err),
	}
	if f.Dropped {
		attrs = append(attrs, slog.Uint64("dropped", nth))
	}
	slog.Default().LogAttrs(context.Background(), level, text, attrs...)
}
