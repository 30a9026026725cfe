package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Invoke runs an inbound port. Asked again under the same key by the same
// principal it answers as it did the first time.
func (e *Engine) Invoke(ctx context.Context, r Request, arg *modelspec.Value) (Result, error) {
	spec, g, err := e.pin(r.Model, r.ID)
	if err != nil {
		return Result{}, err
	}
	defer g.Unpin()
	e.tasks.enter()
	defer e.tasks.leave()
	p := spec.Port(r.Port)
	if p == nil || p.Direction != modelspec.In && len(p.Methods) == 0 {
		return Result{}, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "model " + r.Model + " has no inbound port " + r.Port}
	}
	if p.Disabled {
		return Result{}, disabled(p)
	}
	if err := checkKey(r.Key); err != nil {
		return Result{}, err
	}
	deep := depthOf(ctx) + 1
	if deep > MaxDepth {
		return Result{}, &modelspec.Error{Code: modelspec.ErrExhausted, Message: "commands lead to commands too deep: they may be going in a circle", NotSent: true}
	}
	f := &frame{e: e, k: docKey{r.Model, r.ID}, spec: spec, gen: g, req: r, who: principal(r.Caller), port: p, now: time.Now(), deep: deep}
	if p.Stateless {
		return f.stateless(ctx, arg)
	}
	if f.coll, err = e.coll(r.Model); err != nil {
		return Result{}, err
	}
	for range maxReruns {
		res, again, err := f.invoke(ctx, arg)
		if !again {
			f.release()
			return res, err
		}
		f = f.rerun()
	}
	f.release()
	return Result{}, &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often: ask again"}
}

func disabled(p *modelspec.PortDescriptor) error {
	return &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "port " + p.Name + " is disabled", NotSent: true}
}

// rerun is the frame of the same command against the document of now.
func (f *frame) rerun() *frame {
	n := &frame{e: f.e, k: f.k, spec: f.spec, gen: f.gen, coll: f.coll, req: f.req, who: f.who, port: f.port, now: f.now, deep: f.deep,
		command: f.command, flow: f.flow, of: f.of, held: f.held, acted: f.acted}
	n.again = f.made
	return n
}

func checkKey(key string) error {
	if len(key) > MaxKey {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the idempotency key is longer than 255 bytes"}
	}
	return nil
}

func (e *Engine) pin(model, id string) (*modelspec.Spec, *federation.Generation, error) {
	return e.Table.Model(model, id)
}

func (f *frame) stateless(ctx context.Context, arg *modelspec.Value) (Result, error) {
	rep, err := f.run(ctx, arg)
	return Result{Value: rep.Result, Generation: f.e.generation(f.gen)}, err
}

// invoke runs the handler once and writes what came of it.
func (f *frame) invoke(ctx context.Context, arg *modelspec.Value) (_ Result, again bool, _ error) {
	doc, meta, err := f.e.read(ctx, f.coll, f.k)
	if err != nil {
		return Result{}, false, err
	}
	if err := writable(&doc, meta); err != nil {
		return Result{}, false, err
	}
	if f.of != "" {
		if !f.mine(find(meta, f.flow)) { // somebody else has done it
			return Result{}, false, nil
		}
	} else if r, err := f.e.receipt(ctx, f.k, &doc, meta, f.who, f.req.Key); err != nil || r != nil {
		if err == nil && r.Port != spentKey {
			err = r.same(f.port.Name, arg)
		}
		if err == nil && r.Error != nil {
			err = r.Error
			if r.spent() {
				err = spentError{err}
			}
		}
		if err != nil {
			return Result{}, false, err
		}
		return Result{Value: r.Result, Generation: f.e.generation(f.gen), Replayed: true}, false, nil
	}
	if err := matches(f.req.IfMatch, &doc); err != nil {
		return Result{}, false, err
	}
	f.inc, f.index, f.data, f.rev = doc.Inc, doc.Index, doc.Data, doc.Revision
	rep, err := f.run(ctx, arg)
	if err == nil && f.gone != nil {
		err = f.gone // a handler that swallows this has nothing to commit
	}
	if err != nil {
		err = f.fail(ctx, arg, err)
		if isTakenBack(f.gone) {
			err = spentError{err}
		}
		return Result{}, false, err
	}
	if f.base != nil {
		return f.commit(ctx, arg, rep, f.base, f.meta)
	}
	return f.commit(ctx, arg, rep, &doc, meta)
}

// read gets a document that is there.
func (e *Engine) read(ctx context.Context, c datasource.Collection, k docKey) (datasource.Document, *Meta, error) {
	doc, err := c.Get(ctx, k.id)
	if err == nil && doc.Gone {
		err = modelspec.ErrNotFound
	}
	if errors.Is(err, modelspec.ErrNotFound) {
		return doc, nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: k.model + " " + k.id + " does not exist"}
	}
	if err != nil {
		return doc, nil, err
	}
	meta, err := metaOf(&doc)
	return doc, meta, err
}

// matches checks an If-Match.
func matches(tag string, doc *datasource.Document) error {
	if tag == "" || tag == "*" || tag == (Entry{Inc: doc.Inc, Revision: doc.Revision}).ETag() {
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrRefused, Message: "the document has changed since: read it again", Fields: []modelspec.FieldError{{Rule: "if-match"}}}
}

// commit stores the handler's change with all that follows from it.
func (f *frame) commit(ctx context.Context, arg *modelspec.Value, rep modelspec.Reply, base *datasource.Document, meta *Meta) (Result, bool, error) {
	if f.stale {
		return Result{}, true, nil
	}
	d := f.e.newDraft(f.k, f.spec, base, meta, f.now)
	d.who, d.trace = f.req.Caller, f.req.Trace
	d.change(rep.Doc)
	err := f.settle(&d)
	var recalled []string
	if err == nil && f.back {
		recalled, err = f.turnOthers(ctx, &d)
	}
	from := origin{f: f}
	if err == nil && f.of != "" {
		from = origin{flow: f.flow}
		err = f.done(&d, rep.Result)
	}
	if err == nil && f.port.Await != nil { // its event comes with its answer
		err = d.step(ctx, f.port, &broker.Event{ID: f.commandKey(), Source: f.k.model, Subject: f.k.id}, &from)
	} else if err == nil {
		err = d.emit(ctx, f.port.Produces, d.doc.Data, &from)
	}
	for i := 0; err == nil && i < len(f.events); i++ {
		err = d.emit(ctx, f.events[i].Type, f.events[i].Data, &from)
	}
	if err != nil {
		return Result{}, false, f.fail(ctx, arg, err)
	}
	if f.req.Key != "" {
		d.meta.Receipts = d.meta.Receipts.add(Receipt{Principal: f.who, Key: f.req.Key, Port: f.port.Name, Time: f.now, Result: rep.Result, arg: arg})
	}
	if f.held { // its effects have happened: the write does not end with its caller
		var cancel context.CancelFunc
		ctx, cancel = detached(ctx)
		defer cancel()
	}
	switch err := d.save(ctx, f.coll); {
	case err == nil:
		for _, id := range recalled {
			d.recall(ctx, id)
		}
		return Result{Value: rep.Result, Generation: f.e.generation(f.gen)}, false, nil
	case errors.Is(err, modelspec.ErrConflict):
		return Result{}, true, nil
	case errors.Is(err, modelspec.ErrExists), errors.Is(err, modelspec.ErrExhausted):
		return Result{}, false, f.fail(ctx, arg, err)
	default:
		return Result{}, false, err
	}
}

// begun reports whether the command, or step, has a flow already although this
// run has acted on nobody: another process began it, with a handler that did.
func (f *frame) begun(d *draft) bool {
	if len(d.meta.Flows) == 0 || f.of == "" && f.req.Key == "" {
		return false
	}
	return find(&d.meta, f.flowID()) != nil
}

// settle gives the calls that the handler made their place in its flow. Those
// that must not stand go to a flow of their own, which is undone.
func (f *frame) settle(d *draft) error {
	if !f.held && !f.begun(d) {
		return nil
	}
	fl := d.flow(f.flow)
	if !f.mine(fl) { // somebody took the command over
		return takenBack()
	}
	fl.Committed = true
	back := Flow{ID: f.name() + ".undo", Cause: fl.Cause, Version: fl.Version, State: Running, Started: f.now}
	kept := fl.Steps[:0]
	for _, s := range fl.Steps {
		if s.State != Tentative || s.Of != f.of {
			kept = append(kept, s)
			continue
		}
		f.resolve(&s)
		if s.State == Unknown || s.State == Tentative {
			back.Steps = append(back.Steps, s)
			continue
		}
		kept = append(kept, s)
	}
	fl.Steps = kept
	if len(back.Steps) == 0 {
		return nil
	}
	back.turn(f.now, &Fault{Code: modelspec.ErrUnknown, Message: "the handler went on without knowing what became of the call"})
	_, err := d.open(back)
	return err
}

// done says that the step which the handler is has been run.
func (f *frame) done(d *draft, result *modelspec.Value) error {
	fl := d.flow(f.flow)
	if !f.mine(fl) {
		return takenBack()
	}
	d.cause, d.hop = fl.ID, fl.Cause.Hop+1
	d.makeWay(fl.ID)
	for i := range fl.Steps {
		if s := &fl.Steps[i]; s.Key == f.of {
			s.State, s.Result, s.Error, s.Until, s.Asked, s.Ended = Done, result, nil, time.Time{}, f.now, d.now
			s.Attempt++
		}
	}
	return nil
}

// resolve says in the step what became of the call that it stands for.
func (f *frame) resolve(s *Step) {
	for i := range f.made {
		if m := &f.made[i]; m.key == s.Key {
			s.State, s.Result, s.Attempt, s.Until, s.Ended = m.state(), m.result, 1, time.Time{}, f.now
			if m.at != nil {
				s.Service = *m.at
			}
			if m.err != nil {
				s.Error = modelspec.AsError(m.err)
			}
			return
		}
	}
}

// fail takes back what a failed handler did. The error is the handler's.
func (f *frame) fail(ctx context.Context, arg *modelspec.Value, why error) error {
	if f.flow == "" || !f.held || f.of != "" { // a step is asked again, or its flow turned
		return why
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if f.base == nil && f.reload(ctx) != nil {
		return why // the lease ends it
	}
	for range maxReruns {
		d := f.e.newDraft(f.k, f.spec, f.base, f.meta, f.now)
		fl := d.flow(f.flow)
		if fl == nil || fl.Committed {
			return why
		}
		for i := range fl.Steps {
			if fl.Steps[i].State == Tentative {
				f.resolve(&fl.Steps[i])
			}
		}
		if fl.State == Running {
			fl.turn(f.now, modelspec.AsError(why))
		}
		if f.req.Key != "" && d.meta.Receipts.find(f.who, f.req.Key) == nil {
			d.meta.Receipts = d.meta.Receipts.add(Receipt{Principal: f.who, Key: f.req.Key, Port: f.port.Name, Time: f.now, Error: modelspec.AsError(why), arg: arg})
		}
		err := d.save(ctx, f.coll)
		if err == nil {
			return why
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return errors.Join(why, err) // the lease ends it
		}
		if err := f.reload(ctx); err != nil {
			return why
		}
	}
	return why
}
