package aegis

import (
	"context"

	"github.com/org/aegis/internal/flow"
)

type (
	callerKey struct{}
	traceKey  struct{}
)

// WithKey gives the command of ctx an idempotency key: asked again by the same
// caller under the same key, it is answered as it was the first time and does
// nothing. A key is 1 to 255 bytes and is kept for a day.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, flow.CommandKey, key)
}

// WithCaller says on whose behalf the commands of ctx are.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, &c)
}

// WithTrace gives the commands of ctx a W3C traceparent.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, traceparent)
}

// WithIfMatch makes the command of ctx fail with modelspec.ErrRefused unless
// the document still has that ETag.
func WithIfMatch(ctx context.Context, etag string) context.Context {
	return context.WithValue(ctx, flow.IfMatchKey, etag)
}

func requestOf(ctx context.Context) (r flow.Request) {
	r.Key, _ = ctx.Value(flow.CommandKey).(string)
	r.Caller, _ = ctx.Value(callerKey{}).(*Caller)
	r.Trace, _ = ctx.Value(traceKey{}).(string)
	r.IfMatch, _ = ctx.Value(flow.IfMatchKey).(string)
	return r
}
