package modelspec

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Effects is all that a handler may do to the world. It has one method, so
// there is one place to check what is allowed, one import for a guest, one
// function to fake in a test, and one thing to wrap to record or replay.
type Effects interface {
	Do(ctx context.Context, e Effect) (*Value, error)
}

// EffectsFunc is a function as [Effects].
type EffectsFunc func(ctx context.Context, e Effect) (*Value, error)

// Do calls f.
func (f EffectsFunc) Do(ctx context.Context, e Effect) (*Value, error) { return f(ctx, e) }

// Verb is what a handler asks for.
type Verb string

// The verbs.
const (
	VerbCall    Verb = "call"    // Target: outbound port. Arg: request. Answer: response
	VerbUndo    Verb = "undo"    // Target: outbound port. Takes back this handler's last call of it; AllFlows: see TakeBackFlows
	VerbGet     Verb = "get"     // Target: relation to one. Answer: document, or null
	VerbList    Verb = "list"    // Target: relation to many. Answer: array of documents
	VerbPublish Verb = "publish" // Target: event type. Arg: data. Kept until the handler's write
	VerbLog     Verb = "log"     // Target: level (DEBUG, INFO, WARN, ERROR). Key: message. Arg: attributes
)

// AllFlows is the Target of VerbUndo that stands for the document's flows.
const AllFlows = "*"

// TakeBackFlows has the flows of the document taken back, with the handler's
// own change or not at all: those that are under way, and those that have
// completed less than a day ago and did what can be undone. The undos are asked
// afterwards, last done first; Model.OnUndone and the event <model>.undone tell
// of the end of each flow.
func TakeBackFlows(ctx context.Context) error {
	_, err := Do(ctx, Effect{Verb: VerbUndo, Target: AllFlows})
	return err
}

// Effect is one thing a handler asks its host to do.
type Effect struct {
	Verb   Verb   `json:"verb"`
	Target string `json:"target"`
	Key    string `json:"key,omitempty"`
	Arg    *Value `json:"arg,omitempty"`
}

type effectsKey struct{}

// EffectsKey is the key under which a context carries [Effects]. A host's own
// context type answers it directly, which saves an allocation; everyone else
// uses [WithEffects].
var EffectsKey any = effectsKey{}

// WithEffects returns a context whose effects go to e: a fake, in a unit test.
func WithEffects(ctx context.Context, e Effects) context.Context {
	return context.WithValue(ctx, EffectsKey, e)
}

// Do asks the host of ctx. Outside a handler, and after it has returned, the
// answer is [ErrDenied].
func Do(ctx context.Context, e Effect) (*Value, error) {
	h, ok := ctx.Value(EffectsKey).(Effects)
	if !ok || h == nil {
		return nil, &Error{Code: ErrDenied, Message: fmt.Sprintf("%s %s: not inside a handler", e.Verb, e.Target), NotSent: true}
	}
	return h.Do(ctx, e)
}

// Log writes to the host's logger, from wherever the handler runs.
func Log(ctx context.Context, level slog.Level, msg string, attrs map[string]any) {
	_, _ = Do(ctx, Effect{Verb: VerbLog, Target: level.String(), Key: msg, Arg: Of(attrs)})
}

type callKey struct{}

// CallKey is the key under which a context carries the *[Call] being answered.
var CallKey any = callKey{}

func callOf(ctx context.Context) *Call {
	c, _ := ctx.Value(CallKey).(*Call)
	if c == nil {
		return &Call{}
	}
	return c
}

// Now is the time of the call: the same however often it is read, and the same
// in a replay.
func Now(ctx context.Context) time.Time { return callOf(ctx).Now }

// CallerOf is who asked, zero if nobody is known.
func CallerOf(ctx context.Context) Caller {
	if c := callOf(ctx).Caller; c != nil {
		return *c
	}
	return Caller{}
}

// Trace is the W3C traceparent of the call, or "".
func Trace(ctx context.Context) string { return callOf(ctx).Trace }
