package port

import (
	"context"

	"github.com/org/aegis/modelspec"
)

// Outbound is a port that the host calls on the model's behalf. Request and
// Reply are pure; the effect is the host's, between them, and an adapter bound
// with adapter.Bind or adapter.BindUndo makes it.
//
// A port runs when an event in On is published by its own model's document, or
// when a handler calls it with Call.
type Outbound[M, Req, Res any] struct {
	Name  string
	Model string // the model's name; empty: the model of this host, or of this component, whose Go type is M

	On       []modelspec.EventRef // events that run the port
	Produces modelspec.EventRef   // event published when the answer has been stored; nil: none
	Undo     bool                 // the effect can and must be taken back when the flow fails: bind with adapter.BindUndo
	Policy   Policy

	Exclusive bool // a command that would open a second flow with this port is refused while one is open
	Optional  bool // a refusal is recorded and the flow goes on
	Repeats   int  // how often the port may run in one flow; needed where events go in a circle; zero: any, and circles are refused

	Request func(*M) Req        // makes the request of the model as it is stored with the event
	Reply   func(*M, Res) error // folds the answer into the model; nil: nothing to fold
}

// Describe returns the port as data.
func (p Outbound[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{
		Name: p.Name, Direction: modelspec.Out, Produces: eventType(p.Produces), Undo: p.Undo,
		Exclusive: p.Exclusive, Optional: p.Optional, Repeats: p.Repeats, Policy: p.Policy,
	}
	for _, e := range p.On {
		d.On = append(d.On, eventType(e))
	}
	if p.Request == nil {
		return d, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + p.Name + ": has no Request: write a func(*M) Req"}
	}
	return schemas[Req, Res](d)
}

// Apply answers the two pure halves of the port.
func (p Outbound[M, Req, Res]) Apply(_ context.Context, op modelspec.Op, m *M, arg *modelspec.Value) (*modelspec.Value, error) {
	if op == modelspec.OpRequest {
		return Of(p.Request(m)), nil
	}
	if p.Reply == nil {
		return nil, nil
	}
	res, err := modelspec.As[Res](arg)
	if err != nil {
		return nil, err
	}
	return nil, p.Reply(m, *res)
}

// Ref says which port p is.
func (p Outbound[M, Req, Res]) Ref() Ref { return refOf[M](p.Model, p.Name) }

// Call calls the port from inside a handler and folds the answer into m. An
// error that is not modelspec.Transient means that the effect did not happen.
// If the handler swallows a transient one and commits, the host takes the call
// back in the background (where the port has Undo).
func (p Outbound[M, Req, Res]) Call(ctx context.Context, m *M) (Res, error) {
	return p.CallWith(ctx, m, p.Request(m))
}

// CallWith is Call with a request of the handler's own.
func (p Outbound[M, Req, Res]) CallWith(ctx context.Context, m *M, req Req) (res Res, err error) {
	v, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbCall, Target: p.Name, Arg: Of(req)})
	if err != nil {
		return res, err
	}
	r, err := modelspec.As[Res](v)
	if err != nil {
		return res, err
	}
	if p.Reply != nil {
		err = p.Reply(m, *r)
	}
	return *r, err
}

// TakeBack undoes, from inside a handler, the handler's last call of the port.
func (p Outbound[M, Req, Res]) TakeBack(ctx context.Context, _ *M) error {
	_, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbUndo, Target: p.Name})
	return err
}
