package flow

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// frame is one run of one handler: its context and its Effects.
type frame struct {
	policy.Context
	outer context.Context // that of the command: the parent of Context

	e    *Engine
	k    docKey
	spec *modelspec.Spec
	gen  *federation.Generation
	coll datasource.Collection
	req  Request
	who  string // principal
	port *modelspec.PortDescriptor
	now  time.Time
	deep int

	inc   string               // of the document
	index []datasource.Entry   // under which it was found
	data  *modelspec.Value     // what the handler was given
	rev   int64                // of the document when it was given it, and of this frame's writes since
	base  *datasource.Document // what the next write builds on, once this frame has looked again
	meta  *Meta                // of base

	asked atomic.Pointer[modelspec.Call] // made when somebody wants to know

	command string // the command's key: the client's, or made when first needed
	flow    string // the command's flow, once something of it was written
	of      string // the key of the step that the handler is, where an event runs it; empty: a command

	busy    atomic.Bool
	closed  atomic.Bool
	acted   bool // asked something of somebody: not to be done twice
	held    bool // the command is in e.live
	stale   bool // somebody else wrote while the handler ran
	effects int
	bytes   int
	made    []made  // calls, in their order
	first   [1]made // room for made: most handlers make one call, or none
	pinned  pinned  // what the call that is about to be made is made at
	again   []made  // calls of the run before this one: answered from memory
	events  []broker.Event
	gone    error // why the command may not act any more
	back    bool  // the document's other flows are to be taken back
}

// made is one call that the handler made.
type made struct {
	port   *modelspec.PortDescriptor
	n      int
	key    string
	arg    *modelspec.Value
	result *modelspec.Value
	err    error
	at     *string // the service that it is made at; nil: whatever is bound
	undone bool
	asked  bool // by a run before, perhaps: this one may not say that nothing happened
}

// pinned is an adapter that stays bound until it is called.
type pinned struct {
	a   *adapter.Adapter
	gen *federation.Generation
}

// state says what became of the call.
func (m *made) state() StepState {
	switch {
	case m.undone:
		return Reversed
	case m.err == nil:
		return Done
	case modelspec.NotSent(m.err) && !m.asked:
		return Skipped
	case modelspec.NotSent(m.err) || modelspec.Transient(m.err):
		return Unknown
	}
	return Failed
}

// Value is part of context.Context.
func (f *frame) Value(k any) any {
	switch k {
	case modelspec.EffectsKey:
		return f
	case modelspec.CallKey:
		return f.ask()
	case depthKey{}:
		return f.deep
	case CommandKey, IfMatchKey:
		return nil
	}
	return f.Context.Value(k)
}

// commandKey is the command's: a client's keys, made ones and those of steps
// cannot meet.
func (f *frame) commandKey() string {
	if f.command == "" {
		switch {
		case f.of != "":
			f.command = "s" + f.of
		case f.req.Key != "":
			f.command = "c" + f.req.Key
		default:
			f.command = "r" + newKey()
		}
	}
	return f.command
}

func (f *frame) callKey(port string, n int) string {
	return f.e.callKey(f.k.model, f.k.id, f.inc, f.who, f.commandKey(), port, n)
}

func (f *frame) flowID() string {
	if f.flow == "" {
		f.flow = f.e.flowID(f.k.model, f.k.id, f.inc, f.who, f.commandKey())
	}
	return f.flow
}

// hold says that the command is acting in this process, and fails where it is
// acting already.
func (f *frame) hold() error {
	if f.held {
		return nil
	}
	if !f.e.live.begin(f.name()) {
		return &modelspec.Error{Code: modelspec.ErrConflict, Message: "the command is being carried out: ask again", NotSent: true}
	}
	f.held = true
	return nil
}

// name is that of the command among those that are acting.
func (f *frame) name() string {
	if f.of != "" {
		return f.of
	}
	return f.flowID()
}

// end closes the frame: effects are refused from now on.
func (f *frame) end() {
	f.closed.Store(true)
	f.Close()
}

// canceled reports whether the command was given up, or its component has to
// end, or the handler has returned. Unlike Err it looks at no clock.
func (f *frame) canceled() bool {
	return f.outer.Err() != nil || f.Also.Err() != nil || f.closed.Load()
}

// pin finds out, for what is written down before the call, which service it
// will be made at. What is bound stays so until then. A port without an adapter
// is found out by the call.
func (f *frame) pin(o *out, m *made) {
	var err error
	if f.pinned.a, f.pinned.gen, err = o.ref.Pin(f.k.id); err == nil && f.pinned.a.Service != "" {
		m.at = &f.pinned.a.Service
	}
}

// unpin gives back what was not called.
func (f *frame) unpin() {
	if f.pinned.gen != nil {
		f.pinned.gen.Unpin()
	}
	f.pinned = pinned{}
}

// release lets others take the command over.
func (f *frame) release() {
	if f.held {
		f.e.live.end(f.name())
		f.held = false
	}
}

// lease is when the command may be taken for dead.
func (f *frame) lease() time.Time {
	at, _ := f.Deadline()
	return at.Add(leaseMargin)
}

// ask says who asked and when, for whoever wants to know.
func (f *frame) ask() *modelspec.Call {
	if c := f.asked.Load(); c != nil {
		return c
	}
	dl, _ := f.Deadline()
	c := &modelspec.Call{Op: modelspec.OpInvoke, Model: f.k.model, Port: f.port.Name, ID: f.k.id, Key: f.req.Key, Now: f.now, Deadline: dl, Caller: f.req.Caller, Trace: f.req.Trace}
	f.asked.Store(c)
	return c
}

// run asks the model, once. It never panics.
func (f *frame) run(ctx context.Context, arg *modelspec.Value) (modelspec.Reply, error) {
	at := f.now.Add(f.e.out(f.k.model, f.port).guard.Timeout())
	f.outer, f.Also = ctx, f.gen.Context()
	f.Begin(ctx, at)
	defer f.end()
	if f.port.Direction == modelspec.Out {
		return f.callOut()
	}
	dl, _ := f.Deadline()
	return f.spec.Handle(f, modelspec.Call{Op: modelspec.OpInvoke, Model: f.k.model, Port: f.port.Name, ID: f.k.id, Key: f.req.Key, Now: f.now, Deadline: dl,
		Caller: f.req.Caller, Trace: f.req.Trace, Doc: f.data, Prev: f.data, Arg: arg})
}

// callOut is the handler of a command that is an outbound port.
func (f *frame) callOut() (modelspec.Reply, error) {
	c := *f.ask()
	c.Op, c.Doc, c.Prev = modelspec.OpRequest, f.data, f.data
	req, err := f.spec.Handle(f, c)
	if err != nil {
		return modelspec.Reply{}, err
	}
	if f.port.Await != nil { // the commit makes it a step
		return modelspec.Reply{}, nil
	}
	res, err := f.Do(f, modelspec.Effect{Verb: modelspec.VerbCall, Target: f.port.Name, Arg: req.Result})
	if err != nil {
		return modelspec.Reply{}, err
	}
	c.Op, c.Arg = modelspec.OpReply, res
	rep, err := f.spec.Handle(f, c)
	rep.Result = res
	return rep, err
}
