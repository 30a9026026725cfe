package port

import (
	"context"

	"github.com/org/aegis/modelspec"
)

// Inbound is a port that the world calls: over HTTP, from Go, from another
// component. Handle may act, through ctx only: `Handle: (*Order).approve`.
type Inbound[M, Req, Res any] struct {
	Name     string
	Model    string             // the model's name; empty: the model of the host whose Go type is M
	Produces modelspec.EventRef // event published with the handler's change; nil: none
	Policy   Policy             // only Timeout: a handler acts, so asking again is its caller's choice
	Handle   func(*M, context.Context, Req) (Res, error)
}

// Describe returns the port as data.
func (p Inbound[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, Produces: eventType(p.Produces), Policy: p.Policy}
	return inbound[Req, Res](d, p.Handle == nil)
}

// Apply answers modelspec.OpInvoke.
func (p Inbound[M, Req, Res]) Apply(ctx context.Context, _ modelspec.Op, m *M, arg *modelspec.Value) (*modelspec.Value, error) {
	req, err := modelspec.As[Req](arg)
	if err != nil {
		return nil, err
	}
	res, err := p.Handle(m, ctx, *req)
	if err != nil {
		return nil, err
	}
	return Of(res), nil
}

// Ref says which port p is.
func (p Inbound[M, Req, Res]) Ref() Ref { return refOf[M](p.Model, p.Name) }

// Invoke calls the port of the document with the given id, as HTTP would. Give
// ctx a key (aegis.WithKey) to make asking again safe.
func (p Inbound[M, Req, Res]) Invoke(ctx context.Context, host Invoker, id string, req Req) (Res, error) {
	return invoke[Res](ctx, host, p.Ref(), id, Of(req))
}

// Command is an [Inbound] without a result.
type Command[M, Req any] struct {
	Name     string
	Model    string
	Produces modelspec.EventRef
	Policy   Policy
	Handle   func(*M, context.Context, Req) error
}

// Describe returns the port as data.
func (p Command[M, Req]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, Produces: eventType(p.Produces), Policy: p.Policy}
	return inbound[Req, None](d, p.Handle == nil)
}

// Apply answers modelspec.OpInvoke.
func (p Command[M, Req]) Apply(ctx context.Context, _ modelspec.Op, m *M, arg *modelspec.Value) (*modelspec.Value, error) {
	req, err := modelspec.As[Req](arg)
	if err != nil {
		return nil, err
	}
	return nil, p.Handle(m, ctx, *req)
}

// Ref says which port p is.
func (p Command[M, Req]) Ref() Ref { return refOf[M](p.Model, p.Name) }

// Invoke calls the port of the document with the given id.
func (p Command[M, Req]) Invoke(ctx context.Context, host Invoker, id string, req Req) error {
	_, err := invoke[None](ctx, host, p.Ref(), id, Of(req))
	return err
}

// Func is an inbound port that needs no document: a plain function of the
// model's context. It may log and call outbound ports that have no Undo.
type Func[M, Req, Res any] struct {
	Name   string
	Model  string
	Policy Policy
	Handle func(context.Context, Req) (Res, error)
}

// Describe returns the port as data.
func (p Func[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, Stateless: true, Policy: p.Policy}
	return inbound[Req, Res](d, p.Handle == nil)
}

// Apply answers modelspec.OpInvoke.
func (p Func[M, Req, Res]) Apply(ctx context.Context, _ modelspec.Op, _ *M, arg *modelspec.Value) (*modelspec.Value, error) {
	req, err := modelspec.As[Req](arg)
	if err != nil {
		return nil, err
	}
	res, err := p.Handle(ctx, *req)
	if err != nil {
		return nil, err
	}
	return Of(res), nil
}

// Ref says which port p is.
func (p Func[M, Req, Res]) Ref() Ref { return refOf[M](p.Model, p.Name) }

// Invoke calls the port.
func (p Func[M, Req, Res]) Invoke(ctx context.Context, host Invoker, req Req) (Res, error) {
	return invoke[Res](ctx, host, p.Ref(), "", Of(req))
}

func inbound[Req, Res any](d modelspec.PortDescriptor, unhandled bool) (modelspec.PortDescriptor, error) {
	if unhandled {
		return d, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + d.Name + ": has no Handle"}
	}
	return schemas[Req, Res](d)
}

func invoke[Res any](ctx context.Context, host Invoker, ref Ref, id string, arg *modelspec.Value) (res Res, err error) {
	v, err := host.InvokePort(ctx, ref, id, arg)
	if err != nil {
		return res, err
	}
	r, err := modelspec.As[Res](v)
	if err != nil {
		return res, err
	}
	return *r, nil
}
