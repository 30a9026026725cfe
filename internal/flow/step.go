package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
	announced := ""
	for range 4 * MaxSteps {
		if ctx.Err() != nil {
			return nil
		}
		again, err := e.advanceOnce(ctx, c, k, at, &announced)
		if err != nil || !again {
			return err
		}
	}
	return nil
}

func (e *Engine) advanceOnce(ctx context.Context, c datasource.Collection, k taskKey, at time.Time, announced *string) (again bool, err error) {
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
	s := step{e: e, c: c, k: k, spec: spec, doc: doc, meta: meta, now: now, i: i, announced: announced}
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
		return true, s.settled(ctx, f.Steps[i].Result, nil, nil)
	case ask:
		return s.ask(ctx)
	case giveUp:
		return true, s.late(ctx)
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

	wrote     bool    // write has changed something
	at        *string // the service that the call was made at, if it may have reached one
	announced *string // the key of the step that was announced last: nobody was asked before. Nil: none was
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
			if f := d.flow(s.k.flow); f != nil && len(d.meta.Flows) > 1 && (s.i >= len(f.Steps) || !f.Steps[s.i].State.unsettled() || f.State != Running) {
				d.makeWay(s.k.flow)
			}
			err = d.save(ctx, s.c)
		}
		if err == nil {
			s.wrote = true
			return nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
		if s.doc, s.meta, err = s.e.readFlow(ctx, s.c, s.k); err != nil || s.doc == nil {
			return err
		}
		f = s.flow()
		if f == nil || !f.State.open() {
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

// over writes the end of a flow in which nothing is left to do.
func (s *step) over(ctx context.Context) (bool, error) {
	d := s.e.newDraft(s.k.docKey, s.spec, s.doc, s.meta, s.now)
	err := d.save(ctx, s.c)
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

// ask runs the step's port.
func (s *step) ask(ctx context.Context) (again bool, err error) {
	st := s.state()
	p := s.spec.Port(st.Port)
	if p == nil {
		return false, s.settled(ctx, nil, notSent("this version of the model has no port "+st.Port), nil)
	}
	if p.Disabled {
		return false, s.settled(ctx, nil, disabled(p), nil)
	}
	o := s.e.out(s.k.model, p)
	if !o.enter(s.k) {
		return false, nil // woken when a place is free
	}
	defer s.leave(o)
	if p.Exclusive {
		alone := "exclusive\x00" + s.k.model + "\x00" + s.k.id + "\x00" + p.Name
		if s.busy(p.Name) || !s.e.live.begin(alone) {
			return false, s.settled(ctx, nil, inTheWay("port "+p.Name+" is at work in another flow of the document"), nil)
		}
		defer s.e.live.end(alone)
	}
	if older := s.behind(p); older != "" {
		return false, s.settled(ctx, nil, inTheWay("port "+older+" has not taken an earlier event of "+s.flow().Cause.Source), nil)
	}
	if p.Direction == modelspec.In {
		return s.handle(ctx, p)
	}
	arg := st.Arg
	if arg == nil {
		if arg, err = s.request(ctx, p); err != nil {
			return false, s.settled(ctx, nil, notSent(err.Error()), nil)
		}
	}
	if again, err := s.announce(ctx, p, arg); again || err != nil {
		return again, err
	}
	res, err := s.call(ctx, p, arg)
	if ctx.Err() != nil {
		return false, nil // the host is closing: that is no answer
	}
	if err != nil && s.instead(p, err) && (!modelspec.NotSent(err) || s.first(st)) {
		return true, s.turnTo(ctx, p)
	}
	return true, s.settled(ctx, res, err, nil)
}

// announce writes down that the step is about to be asked, where somebody must
// know of it: before an effect that other steps beside it may make undone, and
// before an answer that may come at any moment.
func (s *step) announce(ctx context.Context, p *modelspec.PortDescriptor, arg *modelspec.Value) (written bool, err error) {
	st := s.state()
	if p.Await != nil && st.Await == "" {
		key, err := correlation(p.Await, st.Key, arg)
		if err != nil {
			return true, s.settled(ctx, nil, err, nil)
		}
		err = s.start(ctx, func(d *draft, st *Step) error {
			if d.awaited(p.Name, key) {
				return modelspec.ErrExists
			}
			st.Await, st.Arg = key, arg
			return nil
		})
		if errors.Is(err, modelspec.ErrExists) {
			err = s.settled(ctx, nil, notSent("another call of port "+p.Name+" waits for an answer under the key "+key), nil)
		}
		return true, err
	}
	if !st.Undo || !st.Started.IsZero() || !s.flow().unsettled(s.i) {
		return false, nil
	}
	return true, s.start(ctx, func(*draft, *Step) error { return nil })
}

// start writes that the step is about to be asked, and which service.
func (s *step) start(ctx context.Context, change func(*draft, *Step) error) error {
	key, first, at := s.state().Key, s.first(s.state()), s.bound()
	err := s.write(ctx, func(d *draft, _ *Flow, st *Step) error {
		if st.at() == nil {
			st.Service = at
		}
		st.Started = d.now
		return change(d, st)
	})
	if err == nil && first && s.wrote {
		*s.announced = key
	}
	return err
}

// bound is the service that stands behind the step's port; empty: none does, or
// it has no name.
func (s *step) bound() string {
	st := s.state()
	p := s.spec.Port(cmp.Or(st.Via, st.Port))
	if p == nil {
		return ""
	}
	a, g, err := s.e.out(s.k.model, p).ref.Pin(s.k.id)
	if err != nil {
		return ""
	}
	defer g.Unpin()
	return a.Service
}

// first reports whether no attempt before this one can have reached anybody: st
// was not announced, or just now.
func (s *step) first(st *Step) bool {
	return st.State == Pending && st.Attempt == 0 && (st.Started.IsZero() || s.announced != nil && *s.announced == st.Key)
}

// call asks the adapter.
func (s *step) call(ctx context.Context, p *modelspec.PortDescriptor, arg *modelspec.Value) (*modelspec.Value, error) {
	st, f := s.state(), s.flow()
	if st.Via != "" {
		if p = s.spec.Port(st.Via); p == nil {
			return nil, notSent("this version of the model has no port " + st.Via)
		}
	}
	c := callCtx{e: s.e, o: s.e.out(s.k.model, p), key: st.Key, id: s.k.id, flow: f.ID, call: &modelspec.Call{Op: modelspec.OpAdapt, Model: s.k.model, ID: s.k.id, Now: s.now,
		Caller: f.Cause.Caller, Trace: f.Cause.Trace, Cause: f.ID}}
	c.at = st.at()
	res, err := c.do(ctx, arg)
	s.at = c.at
	return res, err
}

// handle runs an inbound port, which an event has asked for, as a part of the
// flow. What it changes and that it has run are one write.
func (s *step) handle(ctx context.Context, p *modelspec.PortDescriptor) (again bool, err error) {
	_, g, err := s.e.pin(s.k.model, s.k.id)
	if err != nil {
		return false, err
	}
	defer g.Unpin()
	st, fl := s.state(), s.flow()
	f := &frame{e: s.e, k: s.k.docKey, spec: s.spec, gen: g, coll: s.c, port: p, now: s.now, deep: 1, flow: fl.ID, of: st.Key,
		req: Request{Model: s.k.model, ID: s.k.id, Port: p.Name, Key: st.Key, Caller: fl.Cause.Caller, Trace: fl.Cause.Trace}}
	for range maxReruns {
		_, again, err = f.invoke(ctx, st.Arg)
		if !again {
			break
		}
		f = f.rerun()
	}
	f.release()
	switch {
	case ctx.Err() != nil:
		return false, nil // the host is closing
	case again:
		err = notSent("the document changes too often")
	case err == nil:
		return true, nil
	}
	return true, s.settled(ctx, nil, err, f)
}

// inTheWay says that a step waits for one of another flow of its document.
func inTheWay(msg string) error {
	return &modelspec.Error{Code: modelspec.ErrConflict, Message: msg, NotSent: true}
}

// makeWay has steps that waited for others of the document tried now: one of
// those has got on.
func (d *draft) makeWay(flow string) {
	for i := range d.flows() {
		f := &d.meta.Flows[i]
		if f.ID == flow || f.State != Running {
			continue
		}
		for j := range f.Steps {
			if s := &f.Steps[j]; s.State == Pending && s.Error != nil && s.Error.Code == modelspec.ErrConflict && s.Error.NotSent {
				s.Until, s.Waits = time.Time{}, 0
			}
		}
	}
}

func notSent(msg string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: msg, NotSent: true}
}

func (s *step) leave(o *out) {
	if next, ok := o.leave(); ok {
		s.e.tasks.wake(next)
	}
}

// behind names a port that has yet to take an earlier event of the same subject
// than the one which ran this step: a document takes the events of another in
// their order, whatever fails for a time. What is only an answer's is no more
// waited for.
func (s *step) behind(p *modelspec.PortDescriptor) string {
	f := s.flow()
	if _, _, _, numbered := eventNumber(f.Cause.ID); !numbered || f.Cause.Source == "" || s.state().Event != f.Cause.ID {
		return ""
	}
	for i := range s.meta.Flows {
		o := &s.meta.Flows[i]
		if o.ID == f.ID {
			return ""
		}
		if o.State != Running || o.Cause.Source != f.Cause.Source {
			continue
		}
		for j := range o.Steps {
			st := &o.Steps[j]
			if st.Event != o.Cause.ID || !st.State.unsettled() || st.State == Awaiting {
				continue
			}
			if q := s.spec.Port(st.Port); q == nil || q.Delay <= p.Delay { // one that takes its time is not waited for
				return st.Port
			}
		}
	}
	return ""
}

// busy reports whether an older open flow has the port, or a younger one is in
// the middle of asking it.
func (s *step) busy(port string) bool {
	older := true
	for i := range s.meta.Flows {
		o := &s.meta.Flows[i]
		if o.ID == s.k.flow {
			older = false
			continue
		}
		if !o.State.open() {
			continue
		}
		for j := range o.Steps {
			st := &o.Steps[j]
			if st.Port == port && (older || st.State == Unknown || st.State == Awaiting || st.State == Tentative) {
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

// settled writes down how the attempt went, and what follows from it. f is the
// run of the handler, where the step is one.
func (s *step) settled(ctx context.Context, res *modelspec.Value, err error, f *frame) error {
	key := s.state().Key
	s.wrote = false
	werr := s.write(ctx, func(d *draft, fl *Flow, st *Step) error {
		if s.at != nil {
			st.Service = *s.at
		}
		if f != nil && err != nil && modelspec.Transient(err) {
			f.forgo(fl)
		}
		switch {
		case err == nil && res == nil && st.Await != "" && st.State != Answered:
			s.parks(d, fl, st)
		case err == nil:
			return s.answered(ctx, d, fl, st, res)
		case modelspec.NotSent(err):
			s.waits(d, fl, st, err)
		case modelspec.Transient(err):
			s.unknown(d, fl, st, err)
		default:
			if err := s.refused(d, fl, st, err, f); err != nil {
				return err
			}
		}
		return s.note(ctx, d, fl)
	})
	if werr == nil && !s.wrote && s.at != nil {
		return s.locate(ctx, key)
	}
	return werr
}

// locate writes down at which service the call was made whose answer came
// before the call had returned.
func (s *step) locate(ctx context.Context, key string) error {
	for range maxReruns {
		if s.doc == nil || s.flow() == nil {
			return nil
		}
		d := s.e.newDraft(s.k.docKey, s.spec, s.doc, s.meta, later(s.now))
		f := d.flow(s.k.flow)
		i := slices.IndexFunc(f.Steps, func(st Step) bool { return st.Key == key })
		if i < 0 || f.Steps[i].Service != "" {
			return nil
		}
		f.Steps[i].Service = *s.at
		err := d.save(ctx, s.c)
		if !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
		if s.doc, s.meta, err = s.e.readFlow(ctx, s.c, s.k); err != nil {
			return err
		}
	}
	return modelspec.ErrConflict
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
		st.State, st.Result, st.Error, st.Waits, st.Asked = Answered, res, nil, 0, d.now
		st.Attempt++
		if st.Via == byDefault {
			st.Service = ""
		}
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
	st.State, st.Error, st.Until, st.Ended = Done, nil, time.Time{}, d.now
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
	if s.first(st) && f.State == Running { // nobody was asked: the next time, whatever is bound by then is
		st.Started, st.Service = time.Time{}, ""
		if st.Via != "" { // neither did anything: begin again with the port itself
			st.Via, st.Key = "", d.e.stepKey(d.k.model, d.k.id, d.doc.Inc, f.ID, st.Port, st.N)
		}
	}
	if d.now.Before(f.Deadline) {
		return
	}
	if st.State == Unknown {
		f.turn(d.now, st.Error)
		return
	}
	f.stop(d.now, st.Error)
}

// unknown is the end of an attempt that may have had its effect: it is asked
// again under its key until it is answered, or the deadline.
func (s *step) unknown(d *draft, f *Flow, st *Step, err error) {
	st.Attempt++
	st.State, st.Error, st.Asked, st.Until = Unknown, modelspec.AsError(err), d.now, d.now.Add(wait(st.Attempt))
	if !d.now.Before(f.Deadline) {
		f.turn(d.now, st.Error)
	}
}

// refused is the end of a step that had no effect and never will. Of a handler
// that acted before it refused, the calls are taken back.
func (s *step) refused(d *draft, f *Flow, st *Step, err error, run *frame) error {
	st.Attempt++
	st.State, st.Error, st.Asked, st.Until, st.Ended = Failed, modelspec.AsError(err), d.now, time.Time{}, d.now
	key, why, id := st.Key, st.Error, f.ID
	if run != nil {
		run.resolveAll(f)
	}
	if p := s.spec.Port(st.Port); p != nil && p.Optional {
		if err := d.apart(f, key, why); err != nil {
			return err
		}
		return nil
	}
	if f = d.flow(id); f != nil {
		f.turn(d.now, why)
	}
	return nil
}

// resolveAll says in the steps of the flow what became of the handler's calls.
func (f *frame) resolveAll(fl *Flow) {
	for i := range fl.Steps {
		if s := &fl.Steps[i]; s.Of == f.of && s.State == Tentative {
			f.resolve(s)
		}
	}
}

// apart takes the calls of an optional step that failed into a flow of their
// own, which is undone.
func (d *draft) apart(f *Flow, of string, why *Fault) error {
	back := Flow{ID: of + ".undo", Cause: f.Cause, Version: f.Version, State: Running, Committed: true, Started: d.now}
	var kept []Step
	for _, s := range f.Steps {
		if s.Of == of && s.toUndo() {
			back.Steps = append(back.Steps, s)
		} else {
			kept = append(kept, s)
		}
	}
	if len(back.Steps) == 0 {
		return nil
	}
	f.Steps = kept
	back.Committed = false // the model has not seen them
	back.turn(d.now, why)
	_, err := d.open(back)
	return err
}

// stop leaves the flow to a person.
func (f *Flow) stop(now time.Time, why *Fault) {
	f.Was, f.State, f.Error, f.Ended = f.State, Attention, why, now
}
