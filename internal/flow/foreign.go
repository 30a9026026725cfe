package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Events of others. The engine requires those that some model's ports or
// intakes consume, finds the documents that each concerns, and writes into
// every one of them what is to be done: the work itself is the document's own.

// Listen subscribes to what the models of the moment consume, and to nothing
// else. Call it whenever the table has changed, before work begins.
func (e *Engine) Listen() error {
	e.listening.Lock()
	defer e.listening.Unlock()
	want := map[heard]bool{}
	for _, s := range e.Table.Snapshot().Models() {
		for _, c := range s.Causes() {
			want[heard{c.Origin(), c.Event}] = true
		}
	}
	if e.heard == nil {
		e.heard = map[heard]*broker.Handle{}
	}
	for w := range want {
		if e.heard[w] != nil {
			continue
		}
		h, err := e.Broker.Subscribe(broker.Subscription{Name: "flows of " + w.source + " " + w.typ, Pattern: w.typ, Source: w.source, Required: true, Handler: e.consume})
		if err != nil {
			return err
		}
		e.heard[w] = h
	}
	for w, h := range e.heard {
		if !want[w] {
			h.Close()
			delete(e.heard, w)
		}
	}
	return nil
}

type heard struct{ source, typ string }

type lastTryKey struct{}

// errCircling is why an event runs nothing any more.
var errCircling error = &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("the event went through %d documents or flows, one after the other: it may be going in a circle", MaxHops)}

// consume takes an event for all documents that it concerns. What cannot be
// taken now fails, and the event comes again; what never can is a dead letter.
func (e *Engine) consume(ctx context.Context, ev broker.Event) error {
	if ev.Hop >= MaxHops {
		return e.refuse(ctx, &ev, docKey{}, errCircling)
	}
	var bad []error
	for _, s := range e.Table.Snapshot().Models() {
		for _, g := range e.concerned(ctx, s, &ev, &bad) {
			k := docKey{s.Descriptor().Name, g.id}
			bad = append(bad, e.outcome(ctx, &ev, k, e.takeOrCreate(ctx, k, &ev, g.causes, false)))
		}
	}
	return errors.Join(bad...)
}

// group is a document that an event concerns, and by what.
type group struct {
	id     string
	causes []modelspec.Cause
}

// concerned finds the documents of a model that the event concerns.
func (e *Engine) concerned(ctx context.Context, s *modelspec.Spec, ev *broker.Event, bad *[]error) []group {
	var out []group
	for _, c := range s.Causes() {
		if c.Event != ev.Type || c.Origin() != ev.Source {
			continue
		}
		ids, err := e.targets(ctx, s, c, ev)
		if err != nil {
			*bad = append(*bad, e.outcome(ctx, ev, docKey{model: s.Descriptor().Name}, err))
			continue
		}
		if len(ids) == 0 && c.Answers {
			e.observe(Observation{Kind: AnswerUnknown, Model: s.Descriptor().Name, Port: c.Port.Name})
		}
		for _, id := range ids {
			i := slices.IndexFunc(out, func(g group) bool { return g.id == id })
			if i < 0 {
				i = len(out)
				out = append(out, group{id: id})
			}
			out[i].causes = append(out[i].causes, c)
		}
	}
	return out
}

// outcome decides what becomes of a failure: nil if the event is done with.
func (e *Engine) outcome(ctx context.Context, ev *broker.Event, k docKey, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	again := modelspec.NotSent(err) || modelspec.Transient(err) || errors.Is(err, modelspec.ErrExhausted) || errors.Is(err, modelspec.ErrConflict)
	if last, _ := ctx.Value(lastTryKey{}).(bool); again && !last {
		return fmt.Errorf("%s %s: %w", k.model, k.id, err)
	}
	return e.refuse(ctx, ev, k, err)
}

// refuse makes a dead letter of an event that a document will not take.
func (e *Engine) refuse(ctx context.Context, ev *broker.Event, k docKey, why error) error {
	return e.bury(ctx, DeadLetter{Event: Told{Event: *ev}, Model: k.model, ID: k.id, Error: cut(why.Error(), 500)}, why)
}

// targets finds the documents that an event concerns by one cause.
func (e *Engine) targets(ctx context.Context, s *modelspec.Spec, c modelspec.Cause, ev *broker.Event) ([]string, error) {
	if c.Via != "" {
		r := s.Relation(c.Via)
		if r == nil {
			return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "this version has no relation " + c.Via, NotSent: true}
		}
		if r.Cardinality == modelspec.ManyToOne {
			return e.having(ctx, s, r.Key, ev.Subject)
		}
		return one(modelspec.TextAt(ev.Data, "/"+r.Key))
	}
	text, err := ev.Subject, error(nil)
	if c.Key != "" && c.Key != modelspec.Subject {
		text, err = modelspec.TextAt(ev.Data, c.Key)
	}
	switch {
	case err != nil:
		return nil, err
	case c.Answers:
		coll, err := e.coll(s.Descriptor().Name)
		if err != nil {
			return nil, err
		}
		return waiting(ctx, coll, c.Port.Name, text)
	case c.Intake == modelspec.IntakeCreate && c.Key == "":
		return []string{hashed("intake", e.Namespace, s.Descriptor().Name, ev.Source, ev.ID)}, nil
	case c.Field != "":
		return e.having(ctx, s, c.Field, text)
	}
	return one(text, nil)
}

func one(id string, err error) ([]string, error) {
	if err != nil || id == "" {
		return nil, err
	}
	return []string{id}, datasource.ValidID(id)
}

// having lists the documents whose indexed field has the value.
func (e *Engine) having(ctx context.Context, s *modelspec.Spec, field, text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	key, err := s.KeyFor(field, text)
	if err != nil {
		return nil, err
	}
	c, err := e.coll(s.Descriptor().Name)
	if err != nil {
		return nil, err
	}
	var ids []string
	for d, err := range c.List(ctx, datasource.Query{Index: field, Key: &key}) {
		if err != nil {
			return nil, err
		}
		if len(ids) == concernedAtMost {
			return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf("the event concerns more than %d documents of %s", concernedAtMost, s.Descriptor().Name)}
		}
		ids = append(ids, d.ID)
	}
	return ids, nil
}

// takeOrCreate takes the event for one document, which it may make.
func (e *Engine) takeOrCreate(ctx context.Context, k docKey, ev *broker.Event, causes []modelspec.Cause, again bool) error {
	i := slices.IndexFunc(causes, func(c modelspec.Cause) bool { return c.Intake == modelspec.IntakeCreate })
	if i < 0 {
		return e.take(ctx, k, ev, causes, again)
	}
	return e.createBy(ctx, k, &taking{ev, again, slices.Delete(slices.Clone(causes), i, i+1)})
}

// createBy makes a document of the event.
func (e *Engine) createBy(ctx context.Context, k docKey, ev *taking) error {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return err
	}
	defer g.Unpin()
	in, err := spec.Input(ev.Data)
	if err != nil {
		return err
	}
	_, err = e.create(ctx, Request{Model: k.model, ID: k.id, Caller: ev.Caller, Trace: ev.Trace}, in, ev)
	return err
}

// taking is an event on its way into a document.
type taking struct {
	*broker.Event
	again  bool
	causes []modelspec.Cause // what else it does to the document that it makes
}

// alsoIn does to the draft of a new document what else the event does to it.
func (ev *taking) alsoIn(ctx context.Context, d *draft) error {
	t := take{e: d.e, d: *d, ev: ev.Event}
	err := t.all(ctx, ev.causes)
	*d = t.d
	return err
}

// take writes what the event does to a document.
func (e *Engine) take(ctx context.Context, k docKey, ev *broker.Event, causes []modelspec.Cause, again bool) error {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return err
	}
	defer g.Unpin()
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	for range maxReruns {
		doc, meta, err := e.readFlow(ctx, c, taskKey{k, ""})
		if err != nil || doc == nil {
			return err // a document that is gone is concerned by nothing
		}
		if done, err := e.taken(ctx, k, meta, ev, again); done || err != nil {
			return err
		}
		t := take{e: e, d: e.newDraft(k, spec, doc, meta, time.Now()), ev: ev}
		t.d.who, t.d.trace, t.d.cause, t.d.hop = ev.Caller, ev.Trace, ev.ID, ev.Hop+1
		if err := t.all(ctx, causes); err != nil {
			return err
		}
		if err := t.d.mark(ctx, ev, again); err != nil {
			return err
		}
		switch err = t.d.save(ctx, c); {
		case err == nil:
			return nil
		case !errors.Is(err, modelspec.ErrConflict):
			return err
		}
	}
	return &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often"}
}

// take is one attempt to write an event into a document.
type take struct {
	e    *Engine
	d    draft
	ev   *broker.Event
	from origin
}

func (t *take) all(ctx context.Context, causes []modelspec.Cause) error {
	for _, c := range causes {
		var err error
		switch {
		case c.Intake == modelspec.IntakeUpdate:
			err = t.update(ctx)
		case c.Answers:
			err = t.answer(ctx, c)
		default:
			p := t.d.spec.Port(c.Port.Name)
			if p == nil || p.Disabled {
				continue
			}
			err = t.d.step(ctx, p, t.ev, &t.from)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// update puts the event's data into the document.
func (t *take) update(ctx context.Context) error {
	was := t.d.doc.Data
	in, err := t.d.spec.Input(t.ev.Data)
	if err != nil {
		return err
	}
	next, err := modelspec.Merge(was, in)
	if err != nil {
		return err
	}
	rep, err := t.d.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpUpdate, ID: t.d.k.id, Now: t.d.now, Caller: t.d.who, Trace: t.d.trace, Cause: t.ev.ID, Doc: next, Prev: was})
	if err != nil {
		return err
	}
	if rep.Doc == nil {
		rep.Doc = next
	}
	t.d.change(rep.Doc)
	return t.d.emit(ctx, t.d.k.model+".updated", t.d.doc.Data, &origin{})
}

// answer gives the event's data to the step that waits for it.
func (t *take) answer(ctx context.Context, c modelspec.Cause) error {
	key := t.ev.Subject
	if c.Key != modelspec.Subject {
		var err error
		if key, err = modelspec.TextAt(t.ev.Data, c.Key); err != nil {
			return err
		}
	}
	p := t.d.spec.Port(c.Port.Name)
	if p == nil || p.Await == nil {
		return nil
	}
	if !c.Fails {
		if err := p.Response.Accepts(t.ev.Data); err != nil {
			return err
		}
	}
	for i := range t.d.flows() {
		f := &t.d.meta.Flows[i]
		for j := range f.Steps {
			st := &f.Steps[j]
			if f.State != Running || st.Port != p.Name || st.Await != key || !st.awaits() {
				continue
			}
			s := &step{e: t.e, k: taskKey{t.d.k, f.ID}, spec: t.d.spec, now: t.d.now}
			if !c.Fails {
				if err := s.answered(ctx, &t.d, f, st, t.ev.Data); err != nil {
					return err
				}
				return s.note(ctx, &t.d, t.d.flow(s.k.flow))
			}
			why := &modelspec.Error{Code: modelspec.ErrRefused, Message: "port " + p.Name + ": " + t.ev.Type}
			return s.refused(&t.d, f, st, why, nil)
		}
	}
	return nil
}
