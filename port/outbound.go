package port

import (
	"context"
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
)

// Outbound is a port that the host calls on the model's behalf. Request and
// Reply are pure; the effect is the host's, between them, and an adapter bound
// with adapter.Bind or adapter.BindUndo makes it.
//
// A port runs when an event in On is published by its own model's document
// (or, with [From], by another model's), when a handler calls it with Call, and,
// where Methods says so, when somebody asks for it: by HTTP or with Invoke.
// Policy, log and events are the same each way.
type Outbound[M, Req, Res any] struct {
	Name  string
	Model string // the model's name; empty: the model of this host, or of this component, whose Go type is M

	On       []modelspec.EventRef // events that run the port; those of other models as From
	All      bool                 // run when all events in On have been published in the flow, not for each
	Delay    time.Duration        // between the event and the run; durable
	Produces modelspec.EventRef   // event published when the answer has been stored; nil: none
	Undo     bool                 // the effect can and must be taken back when the flow fails: bind with adapter.BindUndo

	Policy     Policy
	UndoPolicy Policy // of the undo

	Exclusive bool // a command that would open a second flow with this port is refused while one is open
	Optional  bool // a refusal is recorded and the flow goes on
	Repeats   int  // how often the port may run in one flow; needed where events go in a circle; zero: any, and circles are refused
	Disabled  bool // no event runs the port, and calls are refused

	Methods []string // HTTP methods that run the port; nil: HTTP does not
	Path    string   // of its own in the HTTP API, such as /parcels/{id}/ship; empty: the usual one

	// Await, if set, says that the answer comes later: the adapter only asks
	// (see adapter.Ask), and the flow is parked until an event of Await.On,
	// or Host.Complete, brings the answer.
	Await *Await

	// Where the port has certainly done nothing, because its breaker is open,
	// nothing answers it or the answer is a refusal, Fallback is asked, or
	// Default is taken as the answer. At most one of them.
	Fallback *Outbound[M, Req, Res]
	Default  *Res

	Request func(*M) Req        // makes the request of the model as it is stored with the event
	Reply   func(*M, Res) error // folds the answer into the model; nil: Keys are
	Keys    []string            // where Reply is nil: JSON names of members that the answer and the model share, copied into the model
}

// Describe returns the port as data.
func (p Outbound[M, Req, Res]) Describe() (modelspec.PortDescriptor, error) {
	d := modelspec.PortDescriptor{
		Name: p.Name, Direction: modelspec.Out, All: p.All, Delay: p.Delay, Produces: eventType(p.Produces), Undo: p.Undo,
		Exclusive: p.Exclusive, Optional: p.Optional, Repeats: p.Repeats, Disabled: p.Disabled, Methods: p.Methods, Path: p.Path,
		Keys: p.Keys, Await: p.Await.describe(), Policy: p.Policy, UndoPolicy: p.UndoPolicy,
	}
	if p.Fallback != nil {
		d.Fallback = p.Fallback.Name
	}
	if p.Default != nil {
		d.Default = Of(*p.Default)
	}
	var err error
	if d.On, d.From, err = modelspec.Causes(p.On); err != nil {
		return d, fmt.Errorf("port %s: on: %w", p.Name, err)
	}
	switch {
	case p.Request == nil:
		return d, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + p.Name + ": has no Request: write a func(*M) Req"}
	case p.Reply != nil && len(p.Keys) > 0:
		return d, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + p.Name + ": has Reply and Keys: one of them"}
	}
	return schemas[Req, Res](d)
}

// Apply answers the two pure halves of the port.
func (p Outbound[M, Req, Res]) Apply(_ context.Context, op modelspec.Op, m *M, arg *modelspec.Value) (*modelspec.Value, error) {
	if op == modelspec.OpRequest {
		return Of(p.Request(m)), nil
	}
	return nil, p.fold(m, arg)
}

// fold puts the answer into the model.
func (p Outbound[M, Req, Res]) fold(m *M, answer *modelspec.Value) error {
	if p.Reply == nil {
		return pick(m, answer, p.Keys)
	}
	res, err := modelspec.As[Res](answer)
	if err != nil {
		return err
	}
	return p.Reply(m, *res)
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
	return *r, p.fold(m, v)
}

// Invoke runs the port for the document with the given id, as HTTP would: its
// answer is folded in, and its event published. Methods must not be empty.
func (p Outbound[M, Req, Res]) Invoke(ctx context.Context, host Invoker, id string) (Res, error) {
	return invoke[Res](ctx, host, p.Ref(), id, nothing)
}

// TakeBack undoes, from inside a handler, the handler's last call of the port.
func (p Outbound[M, Req, Res]) TakeBack(ctx context.Context, _ *M) error {
	_, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbUndo, Target: p.Name})
	return err
}
