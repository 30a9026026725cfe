package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// advance does what one flow wants done, one step after the other, until it
// ends or must wait. Each step runs on the generation of its moment.
func (e *Engine) advance(ctx context.Context, k taskKey, at time.Time) error {
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	for range 4 * MaxSteps {
		if ctx.Err() != nil {
			return nil
		}
		again, err := e.advanceOnce(ctx, c, k, at)
		if err != nil || !again {
			return err
		}
	}
	return nil
}

func (e *Engine) advanceOnce(ctx context.Context, c datasource.Collection, k taskKey, at time.Time) (again bool, err error) {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return false, err
	}
	defer g.Unpin()
	doc, meta, err := e.readFlow(ctx, c, k)
	if err != nil || doc == nil {
		return false, err
	}
	now := later(at)
	f := find(meta, k.flow)
	if f == nil || !f.State.open() {
		return false, nil
	}
	i, act, when := f.next(now)
	s := step{e: e, c: c, k: k, spec: spec, doc: doc, meta: meta, now: now, i: i}
	switch act {
	case nothing:
		if !when.IsZero() {
			e.tasks.at(k, when)
			return false, nil
		}
		return s.over(ctx)
	case abandon:
		if e.live.has(f.ID) { // alive in this process: it is not taken over
			e.tasks.at(k, now.Add(leaseMargin))
			return false, nil
		}
		return s.abandon(ctx)
	case fold:
		return true, s.settled(ctx, f.Steps[i].Result, nil)
	case ask:
		return s.ask(ctx)
	}
	return s.takeBack(ctx)
}

func (e *Engine) readFlow(ctx context.Context, c datasource.Collection, k taskKey) (*datasource.Document, *Meta, error) {
	doc, err := c.Get(ctx, k.id)
	if errors.Is(err, modelspec.ErrNotFound) || err == nil && doc.Gone {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	meta, err := metaOf(&doc)
	if err == nil {
		err = writable(&doc, meta)
	}
	return &doc, meta, err
}

func find(m *Meta, flow string) *Flow {
	for i := range m.Flows {
		if m.Flows[i].ID == flow {
			return &m.Flows[i]
		}
	}
	return nil
}

// step is one action of a flow under way.
type step struct {
	e    *Engine
	c    datasource.Collection
	k    taskKey
	spec *modelspec.Spec
	doc  *datasource.Document
	meta *Meta
	now  time.Time
	i    int
}

func (s *step) flow() *Flow  { return find(s.meta, s.k.flow) }
func (s *step) state() *Step { return &s.flow().Steps[s.i] }

// write changes the flow and stores it. Where somebody else wrote meanwhile the
// same change is made to what is there now, as long as the step stands where
// it stood.
func (s *step) write(ctx context.Context, change func(*draft, *Flow, *Step) error) error {
	was := *s.state()
	for range maxReruns {
		d := s.e.newDraft(s.k.docKey, s.spec, s.doc, s.meta, later(s.now))
		f := d.flow(s.k.flow)
		d.who, d.trace, d.cause, d.hop = f.Cause.Caller, f.Cause.Trace, f.ID, f.Cause.Hop+1
		err := change(&d, f, &f.Steps[s.i])
		if err == nil {
			err = d.save(ctx, s.c)
		}
		if err == nil {
			s.ended(&d)
			return nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
		if s.doc, s.meta, err = s.e.readFlow(ctx, s.c, s.k); err != nil || s.doc == nil {
			return err
		}
		f = s.flow()
		if f == nil {
			return nil
		}
		s.i = -1
		for i := range f.Steps {
			if f.Steps[i].Key == was.Key && f.Steps[i].State == was.State {
				s.i = i
			}
		}
		if s.i < 0 {
			return nil // somebody else did it
		}
	}
	return modelspec.ErrConflict
}

// ended tells who watches how the flow has ended.
func (s *step) ended(d *draft) {
	f := find(&d.meta, s.k.flow)
	switch {
	case f == nil || f.State.open():
	case f.State == Attention:
		s.e.Log.Error("a flow needs attention", "model", s.k.model, "id", s.k.id, "flow", f.ID, "err", f.Error)
		s.e.Observe(Observation{Kind: FlowAttention, Model: s.k.model, ID: s.k.id, Flow: f.ID, Err: f.Error})
	default:
		s.e.Observe(Observation{Kind: FlowEnded, Model: s.k.model, ID: s.k.id, Flow: f.ID, Err: faultOf(f)})
	}
}

func faultOf(f *Flow) error {
	if f.Error == nil {
		return nil
	}
	return f.Error
}

// over writes the end of a flow in which nothing is left to do.
func (s *step) over(ctx context.Context) (bool, error) {
	d := s.e.newDraft(s.k.docKey, s.spec, s.doc, s.meta, s.now)
	err := d.save(ctx, s.c)
	if err == nil {
		s.ended(&d)
	}
	if errors.Is(err, modelspec.ErrConflict) {
		return true, nil
	}
	return false, err
}

// abandon turns the flow of a dead command round.
func (s *step) abandon(ctx context.Context) (bool, error) {
	return true, s.write(ctx, func(d *draft, f *Flow, _ *Step) error {
		f.turn(d.now, &Fault{Code: modelspec.ErrConflict, Message: "the command did not finish"})
		return nil
	})
}

// ask calls the step's port.
func (s *step) ask(ctx context.Context) (again bool, err error) {
	st := s.state()
	p := s.spec.Port(st.Port)
	if p == nil || p.Direction != modelspec.Out {
		return false, s.settled(ctx, nil, notSent("this version of the model has no outbound port "+st.Port))
	}
	o := s.e.out(s.k.model, p)
	if !o.enter(s.k) {
		return false, nil // woken when a place is free
	}
	defer s.leave(o)
	if p.Exclusive && s.busy(p.Name) {
		return false, s.settled(ctx, nil, notSent("port "+p.Name+" is at work in another flow of the document"))
	}
	if st.Undo && st.Started.IsZero() && s.flow().unsettled(s.i) {
		if err := s.write(ctx, func(d *draft, _ *Flow, st *Step) error { st.Started = d.now; return nil }); err != nil {
			return false, err
		}
		return true, nil
	}
	arg := st.Arg
	if arg == nil {
		if arg, err = s.request(ctx, p); err != nil {
			return false, s.settled(ctx, nil, notSent(err.Error()))
		}
	}
	f := s.flow()
	c := callCtx{e: s.e, o: o, key: st.Key, id: s.k.id, call: &modelspec.Call{Op: modelspec.OpAdapt, Model: s.k.model, ID: s.k.id, Now: s.now,
		Caller: f.Cause.Caller, Trace: f.Cause.Trace, Cause: f.ID}}
	res, err := c.do(ctx, arg)
	if ctx.Err() != nil {
		return false, nil // the host is closing: that is no answer
	}
	return true, s.settled(ctx, res, err)
}

func notSent(msg string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: msg, NotSent: true}
}

func (s *step) leave(o *out) {
	if next, ok := o.leave(); ok {
		s.e.tasks.wake(next)
	}
}

// busy reports whether an older open flow has the port.
func (s *step) busy(port string) bool {
	for i := range s.meta.Flows {
		o := &s.meta.Flows[i]
		if o.ID == s.k.flow {
			return false
		}
		if !o.State.open() {
			continue
		}
		for j := range o.Steps {
			if o.Steps[j].Port == port {
				return true
			}
		}
	}
	return false
}

func (s *step) request(ctx context.Context, p *modelspec.PortDescriptor) (*modelspec.Value, error) {
	rep, err := s.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpRequest, Port: p.Name, ID: s.k.id, Now: s.now, Doc: s.doc.Data})
	return rep.Result, err
}

// settled writes down how the attempt went, and what follows from it.
func (s *step) settled(ctx context.Context, res *modelspec.Value, err error) error {
	return s.write(ctx, func(d *draft, f *Flow, st *Step) error {
		switch {
		case err == nil:
			return s.answered(ctx, d, f, st, res)
		case modelspec.NotSent(err):
			s.waits(d, f, st, err)
		case modelspec.Transient(err):
			s.unknown(d, f, st, err)
		default:
			s.refused(d, f, st, err)
		}
		return s.note(ctx, d, f)
	})
}

// note makes an event of a flow that needs attention.
func (s *step) note(ctx context.Context, d *draft, f *Flow) error {
	if f.State != Attention {
		return nil
	}
	return d.emit(ctx, s.k.model+".attention", d.doc.Data, &origin{})
}

// answered keeps the answer and folds it into the model. An answer that the
// model cannot take is folded again later: the effect has happened.
func (s *step) answered(ctx context.Context, d *draft, f *Flow, st *Step, res *modelspec.Value) error {
	p := s.spec.Port(st.Port)
	if st.State != Answered {
		st.State, st.Result, st.Error, st.Waits = Answered, res, nil, 0
		st.Attempt++
	}
	if p == nil {
		s.waits(d, f, st, notSent("this version of the model has no outbound port "+st.Port))
		return s.note(ctx, d, f)
	}
	rep, err := s.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpReply, Port: st.Port, ID: s.k.id, Now: d.now, Caller: d.who, Trace: d.trace, Cause: f.ID, Doc: d.doc.Data, Prev: d.doc.Data, Arg: res})
	if err != nil {
		s.waits(d, f, st, err)
		return s.note(ctx, d, f)
	}
	st.State, st.Error, st.Until = Done, nil, time.Time{}
	d.change(rep.Doc)
	if f.State != Running {
		return nil
	}
	if err := d.emit(ctx, p.Produces, d.doc.Data, &origin{flow: f.ID}); err != nil {
		if f = d.flow(s.k.flow); f != nil { // what comes next cannot be asked
			f.turn(d.now, modelspec.AsError(err))
		}
	}
	return nil
}

// waits is the end of an attempt that reached nobody. It uses no attempt and
// undoes nothing; at the flow's deadline a person must look, unless an attempt
// before may have had its effect.
func (s *step) waits(d *draft, f *Flow, st *Step, err error) {
	st.Waits++
	st.Error, st.Until = modelspec.AsError(err), d.now.Add(wait(st.Waits))
	if d.now.Before(f.Deadline) {
		return
	}
	if st.State == Unknown {
		f.turn(d.now, st.Error)
		return
	}
	f.State, f.Error, f.Ended = Attention, st.Error, d.now
}

// unknown is the end of an attempt that may have had its effect: it is asked
// again under its key until it is answered, or the deadline.
func (s *step) unknown(d *draft, f *Flow, st *Step, err error) {
	st.Attempt++
	st.State, st.Error, st.Until = Unknown, modelspec.AsError(err), d.now.Add(wait(st.Attempt))
	if !d.now.Before(f.Deadline) {
		f.turn(d.now, st.Error)
	}
}

// refused is the end of a step that had no effect and never will.
func (s *step) refused(d *draft, f *Flow, st *Step, err error) {
	st.Attempt++
	st.State, st.Error, st.Until = Failed, modelspec.AsError(err), time.Time{}
	if p := s.spec.Port(st.Port); p != nil && p.Optional {
		return
	}
	f.turn(d.now, st.Error)
}
