package federation

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Server is the other end of a [Conn]: it answers frames from a component.
// Guests, plugin processes and mesh nodes are a transport around it. Safe for
// concurrent use.
type Server struct {
	m        Module
	manifest *modelspec.Value
	specs    map[string]*modelspec.Spec
	adapters map[binding]*adapter.Adapter
}

// NewServer makes a Server of a component, or lists its mistakes. Routes are
// for components that are linked in: here they are one.
func NewServer(c Component) (*Server, error) {
	m, err := Native(c)
	if err != nil {
		return nil, err
	}
	if err := m.Manifest().check(); err != nil {
		return nil, fmt.Errorf("federation: serve: %w", err)
	}
	s := &Server{m: m, manifest: modelspec.Of(m.Manifest()), specs: map[string]*modelspec.Spec{}, adapters: map[binding]*adapter.Adapter{}}
	for _, sp := range m.Specs() {
		s.specs[sp.Descriptor().Name] = sp
	}
	for _, a := range m.Adapters() {
		b := binding{a.Model, a.Port}
		if a.Route != nil {
			return nil, fmt.Errorf("federation: serve: %w", invalid("the adapter of %s is a route: it belongs into the host's configuration", b))
		}
		s.adapters[b] = &a
	}
	_, err = s.manifest.JSON()
	return s, err
}

// Manifest describes the component.
func (s *Server) Manifest() *Manifest { return s.m.Manifest() }

// Close calls the component's OnClose, once.
func (s *Server) Close() error { return s.m.Close() }

// Serve answers one frame, which must not change before Serve has returned. do
// sends an effect's frame to the host and waits for the answer; it is called
// in inbound ports only, one at a time, and not after Serve has returned.
//
// The component's code gets a context that ends with ctx and at the call's
// deadline. Its panics become ErrInternal.
func (s *Server) Serve(ctx context.Context, frame []byte, do func(context.Context, []byte) ([]byte, error)) []byte {
	c, err := readCall(frame)
	if err != nil {
		return answerOf(nil, invalid("malformed call: %s", clip(err.Error(), maxText)))
	}
	if !c.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.Deadline)
		defer cancel()
	}
	in := &callContext{Context: ctx, call: &c}
	if c.Op == modelspec.OpInvoke && do != nil {
		in.effects = &outlet{do: do}
		defer in.effects.state.Store(doorShut)
	}
	rep, err := s.answer(in, &c)
	if err != nil {
		rep = modelspec.Reply{Error: modelspec.AsError(err)}
	}
	return replyFrame(&rep)
}

func (s *Server) answer(ctx context.Context, c *modelspec.Call) (rep modelspec.Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			rep, err = modelspec.Reply{}, panicked(string(c.Op)+" "+binding{c.Model, c.Port}.String(), p)
		}
	}()
	switch c.Op {
	case modelspec.OpDescribe:
		return modelspec.Reply{Result: s.manifest}, nil
	case modelspec.OpProbe:
		return rep, s.probe(ctx, c)
	case modelspec.OpAdapt, modelspec.OpTakeBack:
		return s.adapt(ctx, c)
	case modelspec.OpNew, modelspec.OpUpdate, modelspec.OpDelete, modelspec.OpUndone, modelspec.OpRequest, modelspec.OpReply, modelspec.OpInvoke:
		if sp := s.specs[c.Model]; sp != nil {
			return sp.Handle(ctx, *c)
		}
		return rep, missing("model " + c.Model)
	}
	return rep, &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "op " + clip(string(c.Op), 64) + " is not known here", NotSent: true}
}

func (s *Server) adapt(ctx context.Context, c *modelspec.Call) (rep modelspec.Reply, err error) {
	b := binding{c.Model, c.Port}
	a := s.adapters[b]
	switch {
	case a == nil:
		return rep, missing("adapter of port " + b.String())
	case c.Op == modelspec.OpAdapt:
		rep.Result, err = a.Call(ctx, c.Arg)
	case a.Undo == nil:
		err = &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "the adapter of port " + b.String() + " cannot undo", NotSent: true}
	default:
		err = a.Undo(ctx, c.Arg, c.Answer)
	}
	return rep, err
}

func (s *Server) probe(ctx context.Context, c *modelspec.Call) error {
	if c.Model == "" && c.Port == "" {
		return s.m.Probe(ctx)
	}
	sp := s.specs[c.Model]
	if sp != nil && (c.Port == "" || sp.Port(c.Port) != nil) || s.adapters[binding{c.Model, c.Port}] != nil {
		return nil
	}
	return missing(binding{c.Model, c.Port}.String())
}

func missing(what string) error {
	return &modelspec.Error{Code: modelspec.ErrNotFound, Message: "no " + clip(what, 256), NotSent: true}
}

// callContext is what a component's code sees of a call.
type callContext struct {
	context.Context
	call    *modelspec.Call
	effects *outlet
}

func (c *callContext) Value(k any) any {
	switch k {
	case modelspec.EffectsKey:
		if c.effects == nil {
			return nil
		}
		return c.effects
	case modelspec.CallKey:
		return c.call
	case adapter.KeyKey:
		return c.call.Key
	case adapter.UndoesKey:
		return c.call.Undoes
	}
	return c.Context.Value(k)
}

// outlet takes a handler's effects to the host, one at a time, until the
// handler has returned.
type outlet struct {
	do    func(context.Context, []byte) ([]byte, error)
	state atomic.Int32
}

// Do implements modelspec.Effects.
func (o *outlet) Do(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	if !o.state.CompareAndSwap(doorFree, doorBusy) {
		if o.state.Load() == doorShut {
			return nil, denied("the handler has returned")
		}
		return nil, &modelspec.Error{Code: modelspec.ErrRefused, Message: "one effect at a time", NotSent: true}
	}
	defer o.state.CompareAndSwap(doorBusy, doorFree)
	frame, err := appendEffect(nil, &e)
	if err != nil {
		return nil, err
	}
	out, err := o.do(ctx, frame)
	if err != nil {
		return nil, modelspec.Coded(err, modelspec.ErrUnavailable)
	}
	rep, err := readReply(out)
	if err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrInternal, Message: "malformed answer: " + err.Error()}
	}
	if rep.Error != nil {
		return nil, rep.Error
	}
	return rep.Result, nil
}
