package broker

import (
	"context"
	"log/slog"
	"math/bits"
	"runtime/debug"
)

// Failure is what a subscription could not do with an event: its handler
// returned an error or panicked, or the event was dropped.
type Failure struct {
	Event   Event
	Pattern string // of the subscription
	Name    string // of the subscription
	// Err is the handler's error; of code internal and with the stack in its
	// text for a panic; ErrExhausted for a full queue; ErrUnavailable for an
	// event that still waited when the broker was closed.
	Err     error
	Dropped bool // the handler never saw the event
}

// report hands a failure to whoever listens. It holds no lock, since OnFailure
// is user code and may come back with any method.
func (b *Broker) report(h *Handle, e *Event, err error, dropped bool, nth uint64) {
	defer func() { _ = recover() }() // of a slog handler: there is nobody left to tell
	if b.config.OnFailure == nil {
		logFailure(h, e, err, dropped, nth)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			slog.Default().Error("broker: OnFailure panicked", "panic", p, "stack", string(debug.Stack()))
			logFailure(h, e, err, dropped, nth)
		}
	}()
	b.config.OnFailure(Failure{Event: *e, Pattern: h.sub.Pattern, Name: h.sub.Name, Err: err, Dropped: dropped})
}

// logFailure writes every error, and of a subscription's drops the first,
// second, fourth, eighth and so on: a publisher that overruns a slow watcher
// must not be held by its log.
func logFailure(h *Handle, e *Event, err error, dropped bool, nth uint64) {
	level, text := slog.LevelError, "broker: handler failed"
	if dropped {
		if bits.OnesCount64(nth) != 1 {
			return
		}
		level, text = slog.LevelWarn, "broker: event dropped"
	}
	attrs := []slog.Attr{
		slog.String("subscription", h.sub.Name), slog.String("pattern", h.sub.Pattern),
		slog.String("event", e.ID), slog.String("type", e.Type),
		slog.String("source", e.Source), slog.String("subject", e.Subject),
		slog.Any("error", err),
	}
	if dropped {
		attrs = append(attrs, slog.Uint64("dropped", nth))
	}
	slog.Default().LogAttrs(context.Background(), level, text, attrs...)
}
