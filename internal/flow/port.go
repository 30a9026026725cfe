package flow

import (
	"context"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// out is one port of one model, for the life of the host: its patience, its
// breakers and how many calls are under way belong to no generation.
type out struct {
	model, port string
	title       string // for the log of a panic: made once, not for each call
	guard       *policy.Guard
	undo        *policy.Guard // of undos
	ref         *federation.PortRef

	mu      sync.Mutex
	active  int
	waiting []taskKey // flows that found the port full
}

func (e *Engine) out(model string, p *modelspec.PortDescriptor) *out {
	if m := e.byPtr.Load(); m != nil {
		if o, ok := m.outs[p]; ok {
			return o
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.outLocked(model, p)
	n := &outsOf{shown: e.Table.Snapshot(), outs: map[*modelspec.PortDescriptor]*out{p: o}}
	if m := e.byPtr.Load(); m != nil && m.shown == n.shown {
		maps.Copy(n.outs, m.outs)
	}
	e.byPtr.Store(n)
	return o
}

// outsOf finds ports by their descriptors, as long as the table shows the
// same: a descriptor keeps its whole generation in memory.
type outsOf struct {
	shown *federation.Snapshot
	outs  map[*modelspec.PortDescriptor]*out
}

func (e *Engine) outLocked(model string, p *modelspec.PortDescriptor) *out {
	pol := p.Policy
	if o, ok := e.Policies[model+"."+p.Name]; ok {
		pol = o
	}
	k := portKey{model, p.Name}
	n := map[portKey]*out{}
	if m := e.ports.Load(); m != nil {
		if o, ok := (*m)[k]; ok && reflect.DeepEqual(o.guard.Policy(), pol) && reflect.DeepEqual(o.undo.Policy(), p.UndoPolicy) {
			return o
		}
		maps.Copy(n, *m)
	}
	o := &out{model: model, port: p.Name, title: "adapter of " + p.Name, guard: policy.New(model+"."+p.Name, pol), ref: e.Table.PortRef(model, p.Name)}
	o.undo = policy.New(model+"."+p.Name+" undo", p.UndoPolicy)
	o.guard.Notify, o.undo.Notify = e.notify(k), e.notify(k)
	n[k] = o
	e.ports.Store(&n)
	return o
}

// enter takes a place at the port, or leaves t to be woken when one is free.
func (o *out) enter(t taskKey) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.active >= portAtOnce {
		o.waiting = append(o.waiting, t)
		return false
	}
	o.active++
	return true
}

// leave gives the place back and returns who waited for it first.
func (o *out) leave() (taskKey, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.active--
	if len(o.waiting) == 0 {
		return taskKey{}, false
	}
	t := o.waiting[0]
	o.waiting = o.waiting[1:]
	return t, true
}

// callCtx is what an adapter sees: keys and a deadline, but no effects.
type callCtx struct {
	policy.Context
	e      *Engine
	o      *out
	f      *frame // of the handler that calls, or nil
	n      int    // of the call, where f makes the key
	key    string
	undoes string
	undo   bool            // the call is an undo: it has a policy of its own
	id     string          // of the document
	flow   string          // that the call belongs to; empty: what f says
	call   *modelspec.Call // who and when, for boundaries; nil: what f says
	answer *modelspec.Value
	at     *string // the service that the call is made at: set by the first attempt that may have reached it; nil: whatever is bound
	depth  int
	alive  bool // known to be so, for the first attempt: it looks at no clock
}

// Key is made when first asked for: an adapter that keeps none costs none.
func (c *callCtx) Key() string {
	if c.key == "" && c.f != nil {
		c.key = c.f.callKey(c.o.port, c.n)
	}
	return c.key
}

// Value is part of context.Context.
func (c *callCtx) Value(k any) any {
	switch k {
	case adapter.KeyKey:
		return c.Key()
	case adapter.UndoesKey:
		return c.undoes
	case modelspec.EffectsKey:
		return nil
	case modelspec.CallKey:
		return c.asked()
	case depthKey{}:
		return c.depth
	case calledKey{}:
		return c
	case CommandKey, IfMatchKey:
		return nil
	}
	return c.Context.Value(k)
}

// calledKey is the key under which a context carries the call of the port that
// it is of.
type calledKey struct{}

// asked says who asked and when. A call of a handler makes it for whoever wants
// to know: between native components nobody does.
func (c *callCtx) asked() *modelspec.Call {
	if c.call != nil {
		return c.call
	}
	f := c.f
	return &modelspec.Call{Op: modelspec.OpAdapt, Model: f.k.model, ID: f.k.id, Now: f.now, Caller: f.req.Caller, Trace: f.req.Trace}
}

// attempt makes one attempt at the port.
func (c *callCtx) attempt(ctx context.Context, req *modelspec.Value) (v *modelspec.Value, err error) {
	if !c.alive {
		if err := ctx.Err(); err != nil {
			return nil, &modelspec.Error{Code: modelspec.CodeOf(err), Message: err.Error(), NotSent: true}
		}
	}
	c.alive = false
	a, g, err := c.pin()
	if err != nil {
		return nil, err
	}
	defer g.Unpin()
	if c.at != nil && *c.at != a.Service {
		return c.askAt(ctx, a, g.ID, req)
	}
	b := c.guard().Breaker(g.ID, g.Sole(), a.Service)
	if b == nil {
		v, err = c.ask(ctx, a, req)
	} else {
		v, err = b.Do(ctx, func() (*modelspec.Value, error) { return c.ask(ctx, a, req) })
	}
	if a.Service != "" && c.at == nil && !modelspec.NotSent(err) {
		c.at = &a.Service
	}
	return v, err
}

// pin finds the adapter: for the first attempt of a handler's call, the one
// that was written down.
func (c *callCtx) pin() (*adapter.Adapter, *federation.Generation, error) {
	if f := c.f; f != nil && f.pinned.gen != nil {
		p := f.pinned
		f.pinned = pinned{}
		return p.a, p.gen, nil
	}
	return c.o.ref.Pin(c.id)
}

// askAt asks the service that the call was made at before: a, which is bound to
// something else by now, is bound to it for this attempt.
func (c *callCtx) askAt(ctx context.Context, a *adapter.Adapter, arm uint64, req *modelspec.Value) (v *modelspec.Value, err error) {
	defer policy.Recover(c.o.title, &err)
	if c.e.Services == nil {
		return nil, notSent("service " + *c.at + ", which the call was made at, is not there")
	}
	b, release, err := c.e.Services(a, *c.at)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.guard().BreakerOf(*c.at, arm).Do(ctx, func() (*modelspec.Value, error) { return c.ask(ctx, &b, req) })
}

func (c *callCtx) ask(ctx context.Context, a *adapter.Adapter, req *modelspec.Value) (v *modelspec.Value, err error) {
	defer policy.Recover(c.o.title, &err)
	switch {
	case c.undoes != "":
		return nil, c.takeBack(ctx, a, req)
	case a.Route != nil:
		return c.e.route(ctx, c, a.Route, req)
	case a.Call == nil:
		return nil, &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "port " + c.o.port + " is bound to nothing", NotSent: true}
	}
	return a.Call(ctx, req)
}

func (c *callCtx) takeBack(ctx context.Context, a *adapter.Adapter, req *modelspec.Value) error {
	switch {
	case a.Route != nil:
		return c.e.routeBack(ctx, c, a.Route, req)
	case a.Undo == nil:
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "port " + c.o.port + " is bound without its undo: bind it with adapter.BindUndo", NotSent: true}
	}
	return a.Undo(ctx, req, c.answer)
}

func (c *callCtx) guard() *policy.Guard {
	if c.undo {
		return c.o.undo
	}
	return c.o.guard
}

// canceled reports whether parent was ended before its time.
func (c *callCtx) canceled(parent context.Context) bool {
	if c.f != nil && parent == context.Context(c.f) {
		return c.f.canceled()
	}
	return parent.Err() != nil
}

// do calls the port as patiently as its policy says.
func (c *callCtx) do(parent context.Context, req *modelspec.Value) (*modelspec.Value, error) {
	now := time.Now()
	g := c.guard()
	c.Begin(parent, now.Add(g.Timeout()))
	defer c.Close()
	at, _ := c.Deadline()
	c.alive = now.Before(at) && !c.canceled(parent)
	v, err := g.Do(c, c.attempt, req)
	if err != nil && !modelspec.HasCode(err) {
		err = &modelspec.Error{Code: modelspec.ErrUnknown, Message: err.Error()}
	}
	return v, err
}

type (
	depthKey   struct{}
	commandKey struct{}
	ifMatchKey struct{}
)

// CommandKey and IfMatchKey are the keys under which a context carries the
// idempotency key and the If-Match of a command. They hold for that command
// only: what its handler or an adapter asks for is another one.
var (
	CommandKey any = commandKey{}
	IfMatchKey any = ifMatchKey{}
)

func depthOf(ctx context.Context) int { d, _ := ctx.Value(depthKey{}).(int); return d }

// route answers a port with another model's inbound port, under the same key.
// Where that key is spent, because the command failed for a moment after it had
// acted, or its process died, and what it had done is taken back, the next key
// of the call is taken.
func (e *Engine) route(ctx context.Context, c *callCtx, r *adapter.Joint, req *modelspec.Value) (*modelspec.Value, error) {
	id, arg, err := r.Map(req)
	if err != nil {
		return nil, modelspec.Coded(err, modelspec.ErrInvalid)
	}
	for n := 0; ; n++ {
		key := routeKey(c.Key(), n)
		res, err := e.invokeRef(ctx, c, r.To, id, key, arg)
		if !isSpent(err) {
			return res.Value, notApplied(err)
		}
		to, err := e.Table.Snapshot().Resolve(r.To)
		if err == nil {
			err = e.spend(ctx, docKey{to, id}, principal(c.asked().Caller), key)
		}
		if err != nil {
			return nil, notApplied(err) // or it has run meanwhile: that is found next time
		}
	}
}

// routeKey is the n-th key of a routed call.
func routeKey(key string, n int) string {
	if n == 0 {
		return routePrefix + key
	}
	return routePrefix + key + "\x00" + strconv.Itoa(n)
}

// routePrefix keeps the keys of routes apart from those of clients, which are
// visible characters.
const routePrefix = "\x00route\x00"

func (e *Engine) invokeRef(ctx context.Context, c *callCtx, to port.Ref, id, key string, arg *modelspec.Value) (Result, error) {
	model, err := e.Table.Snapshot().Resolve(to)
	if err != nil {
		return Result{}, err
	}
	return e.Invoke(ctx, Request{Model: model, ID: id, Port: to.Port, Key: key, Caller: c.asked().Caller, Trace: c.asked().Trace}, arg)
}

// notApplied marks the failures of a routed command that certainly changed
// nothing: its document was busy, or its component is not there.
func notApplied(err error) error {
	if err == nil {
		return nil
	}
	e := *modelspec.AsError(err)
	if e.Code == modelspec.ErrConflict || strings.HasPrefix(e.Message, noModel) {
		e.Code, e.NotSent = modelspec.ErrUnavailable, true
	}
	return &e
}

const noModel = "no model "

// routeBack takes a routed command back. One that never ran is not run, and
// its key is closed for ever: the receipt of the refusal stays.
func (e *Engine) routeBack(ctx context.Context, c *callCtx, r *adapter.Joint, req *modelspec.Value) error {
	if r.Back.Port == "" {
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "port " + c.o.port + " is routed without its undo: use adapter.RouteUndo", NotSent: true}
	}
	id, _, err := r.Map(req)
	if err != nil {
		return modelspec.Coded(err, modelspec.ErrInvalid)
	}
	to, err := e.Table.Snapshot().Resolve(r.To)
	if err != nil {
		return err
	}
	ran, err := e.closeKey(ctx, docKey{to, id}, principal(c.asked().Caller), c.undoes)
	if err != nil || !ran {
		return notApplied(err)
	}
	backID, arg, err := r.BackMap(req, c.answer)
	if err != nil {
		return modelspec.Coded(err, modelspec.ErrInvalid)
	}
	_, err = e.invokeRef(ctx, c, r.Back, backID, routePrefix+c.Key(), arg)
	return notApplied(err)
}
