package adapter

import (
	"context"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Bind joins a port to fn. The compiler checks that fn fits the port. fn owns
// neither its request nor, once returned, its answer: it must not change them.
func Bind[M, Req, Res any](p port.Outbound[M, Req, Res], fn func(context.Context, Req) (Res, error)) Adapter {
	ref := p.Ref()
	return Adapter{Model: ref.Model, Port: ref.Port, Type: ref.Type, Call: func(ctx context.Context, in *modelspec.Value) (*modelspec.Value, error) {
		req, err := modelspec.As[Req](in)
		if err != nil {
			return nil, err
		}
		res, err := fn(ctx, *req)
		if err != nil {
			return nil, err
		}
		return port.Of(res), nil
	}}
}

// Taken is the call that an undo takes back.
type Taken[Req, Res any] struct {
	Key     string // under which the call was made
	Request Req
	Answer  *Res // nil: it is not known whether, or how, the service answered
}

// BindUndo is [Bind] for a port with Undo: undo takes back what fn did.
func BindUndo[M, Req, Res any](p port.Outbound[M, Req, Res], fn func(context.Context, Req) (Res, error), undo func(context.Context, Taken[Req, Res]) error) Adapter {
	a := Bind(p, fn)
	a.Undo = func(ctx context.Context, req, answer *modelspec.Value) error {
		t := Taken[Req, Res]{Key: Undoes(ctx)}
		r, err := modelspec.As[Req](req)
		if err != nil {
			return err
		}
		t.Request = *r
		if answer != nil {
			if t.Answer, err = modelspec.As[Res](answer); err != nil {
				return err
			}
		}
		return undo(ctx, t)
	}
	return a
}
