package adapter

import (
	"context"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Ask joins a port that is answered later (its Await is set) to fn, which only
// asks: it sends the request and Key(ctx), or whatever else Await.Key says, and
// returns. No error: the service has the request. The errors mean what they
// mean to [Bind]. [Bind] fits such a port too, where the answer comes at once.
func Ask[M, Req, Res any](p port.Outbound[M, Req, Res], fn func(context.Context, Req) error) Adapter {
	ref := p.Ref()
	return Adapter{Model: ref.Model, Port: ref.Port, Type: ref.Type, Asks: true, Call: func(ctx context.Context, in *modelspec.Value) (*modelspec.Value, error) {
		req, err := modelspec.As[Req](in)
		if err != nil {
			return nil, err
		}
		return nil, fn(ctx, *req)
	}}
}

// AskUndo is [Ask] for a port with Undo: undo takes back what fn asked for,
// answered or not.
func AskUndo[M, Req, Res any](p port.Outbound[M, Req, Res], fn func(context.Context, Req) error, undo func(context.Context, Taken[Req, Res]) error) Adapter {
	a := BindUndo(p, func(context.Context, Req) (r Res, _ error) { return r, nil }, undo)
	asks := Ask(p, fn)
	a.Call, a.Asks = asks.Call, true
	return a
}
