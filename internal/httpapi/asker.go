package httpapi

import (
	"context"

	"github.com/org/aegis/modelspec"
)

// asker is who asks, in a context.
type asker struct {
	caller *modelspec.Caller
	trace  string
}

type askerKey struct{}

func withAsker(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, askerKey{}, &asker{x.caller, x.traceparent()})
}

// CallerOf is who asks, in the contexts that the functions of Config.Host, and
// Config.Events and Config.Complete are called with. Nil: nobody in particular.
func CallerOf(ctx context.Context) *modelspec.Caller {
	if a, ok := ctx.Value(askerKey{}).(*asker); ok {
		return a.caller
	}
	return nil
}

// TraceOf is the W3C traceparent of the request in such a context, or "".
func TraceOf(ctx context.Context) string {
	if a, ok := ctx.Value(askerKey{}).(*asker); ok {
		return a.trace
	}
	return ""
}
