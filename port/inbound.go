package port

import (
	"context"
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
)

// Inbound is a port that the world calls: over HTTP, from Go, from another
// component, by an event. Handle may act, through ctx only:
// `Handle: (*Order).approve`.
//
// An event in On runs it as a step of a flow, with the event's data as its
// request: once per event, asked again while it fails for a time, and taken
// back with the flow. Of its own document's events the data must fit Req.
type Inbound[M, Req, Res any] struct {
	Name     string
	Model    string               // the model's name; empty: the model of the host whose Go type is M
	On       []modelspec.EventRef // events that run it; those of other models as From
	All      bool                 // run when all events in On have been published in the flow, not for each; the last one's data is the request
	Delay    time.Duration        // between the event and the run; durable
	Repeats  int                  // how often it may run in one flow by events; zero: any, and circles are refused
	Optional bool                 // a refusal is recorded and the flow goes on
	Produces modelspec.EventRef   // event published with the handler's change; nil: none
	Disabled bool                 // no event runs it, and calls are refused
	Methods  []string             // HTTP methods that call it; nil: POST
	Path     string               // of its own in the HTTP API, such as /orders/{id}/approval; empty: the usual one
	Policy   Policy               // only Timeout: a handler acts, so asking again is its caller's choice
	Handle   func(*M, context.Context, Req) (Res, error)
}

// Describe returns the port as data.
func (p Inbound[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, All: p.All, Delay: p.Delay, Repeats: p.Repeats, Optional: p.Optional,
		Produces: eventType(p.Produces), Disabled: p.Disabled, Methods: p.Methods, Path: p.Path, Policy: p.Policy}
	return inbound[Req, Res](d, p.On, p.Handle == nil)
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
	On       []modelspec.EventRef
	All      bool
	Delay    time.Duration
	Repeats  int
	Optional bool
	Produces modelspec.EventRef
	Disabled bool
	Methods  []string
	Path     string
	Policy   Policy
	Handle   func(*M, context.Context, Req) error
}

// Describe returns the port as data.
func (p Command[M, Req]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, All: p.All, Delay: p.Delay, Repeats: p.Repeats, Optional: p.Optional,
		Produces: eventType(p.Produces), Disabled: p.Disabled, Methods: p.Methods, Path: p.Path, Policy: p.Policy}
	return inbound[Req, None](d, p.On, p.Handle == nil)
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
	Name     string
	Model    string
	Disabled bool
	Methods  []string // nil: POST; with GET, Req is read from the query and no outbound port may be called
	Path     string   // such as /quotes
	Policy   Policy
	Handle   func(context.Context, Req) (Res, error)
}

// Describe returns the port as data.
func (p Func[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{Name: p.Name, Direction: modelspec.In, Stateless: true, Disabled: p.Disabled, Methods: p.Methods, Path: p.Path, Policy: p.Policy}
	return inbound[Req, Res](d, nil, p.Handle == nil)
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

func inbound[Req, Res any](d modelspec.PortDescriptor, on []modelspec.EventRef, unhandled bool) (modelspec.PortDescriptor, error) {
	var err error
	if d.On, d.From, err = modelspec.Causes(on); err != nil {
		return d, fmt.Errorf("port %s: on: %w", d.Name, err)
	}
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
