package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// maintain publishes what the document has to tell, clears what is told, moves
// what is over out of the envelope, and buries the document itself when its
// time has come. now: do all of it, however fresh.
func (e *Engine) maintain(ctx context.Context, k docKey, at time.Time, now bool) error {
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	for range maxReruns {
		again, err := e.maintainOnce(ctx, c, k, at, now)
		if errors.Is(err, modelspec.ErrConflict) {
			continue
		}
		if err != nil || !again {
			return err
		}
	}
	return nil
}

func (e *Engine) maintainOnce(ctx context.Context, c datasource.Collection, k docKey, at time.Time, now bool) (again bool, err error) {
	upto := e.told.upto(k) // before the document is read: a flow may clear both meanwhile
	doc, err := c.Get(ctx, k.id)
	if errors.Is(err, modelspec.ErrNotFound) {
		e.told.forget(k)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	told := upto != 0
	if !told && (doc.Due.IsZero() || doc.Due.After(later(at))) {
		return false, nil
	}
	meta, err := metaOf(&doc)
	if err != nil {
		return false, err
	}
	if told && len(meta.Outbox) == 0 { // somebody cleared it, and this process does not know
		e.told.forget(k)
	}
	if doc.Due.IsZero() || doc.Due.After(later(at)) {
		return false, nil
	}
	if err := writable(&doc, meta); err != nil {
		e.newer.note(k, err)
		return false, nil
	}
	if f := meta.Fail; f != nil && (f.Quarantined || f.Next.After(later(at))) {
		if !f.Quarantined {
			e.look(k, f.Next)
		}
		return false, nil
	}
	if done, err := e.leftover(ctx, c, k, &doc, meta); done || err != nil {
		return err == nil, err
	}
	if doc.Gone && len(meta.Outbox) == 0 && !doc.Updated.Add(retention).After(later(at)) {
		return false, c.Purge(ctx, doc.ID, doc.Revision)
	}
	switch out, wait, err := e.publish(ctx, k, meta, upto, later(at)); {
	case err != nil:
		return false, err
	case !wait.IsZero():
		return false, e.delay(ctx, c, k, &doc, meta, wait)
	case !out:
		return false, nil
	}
	return false, e.tidy(ctx, c, k, &doc, meta, now)
}

// delay has the document's outbox looked at when its time has come, also by the
// next process.
func (e *Engine) delay(ctx context.Context, c datasource.Collection, k docKey, doc *datasource.Document, meta *Meta, at time.Time) error {
	e.look(k, at)
	if time.Until(at) < time.Minute || meta.Later.Equal(at) {
		return nil
	}
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return err
	}
	defer g.Unpin()
	d := e.newDraft(k, spec, doc, meta, time.Now())
	d.meta.Later = at
	return d.save(ctx, c)
}

// later is the later of t and the present: what a step has just written is due
// now, which is after then.
func later(t time.Time) time.Time { return latest(t, time.Now()) }

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// errSuspect says that a process may have died of the document, which must be
// tried alone.
var errSuspect = errors.New("flow: a process may have died of the document")

// leftover marks a document that another process left unfinished, before it is
// touched. One that a process was at work on when it ended may be what ended
// it, and so may all the others: they are tried one at a time from then on, each
// marked for as long as it is tried, and one of which processes die again and
// again is tried no more.
func (e *Engine) leftover(ctx context.Context, c datasource.Collection, k docKey, doc *datasource.Document, meta *Meta) (done bool, err error) {
	f := Fail{}
	if meta.Fail != nil {
		f = *meta.Fail
	}
	if e.ours(doc.By) {
		if f.Died > 0 && f.Life != e.life {
			err = errSuspect
		}
		return false, err
	}
	if f.Life != "" && f.Life != e.life && f.Count == 0 {
		f.Died++
		f.Error = "a process ended while it was at work on this document"
	}
	f.Life, f.Next = e.life, doc.Due
	if f.Died > 0 {
		f.Life = ""
	}
	err = e.putFail(ctx, c, k, doc, meta, f, f.Died >= deaths)
	if err == nil && f.Life != "" {
		e.marked.add(k)
	}
	return true, err
}

// accuse marks a document that is tried alone.
func (e *Engine) accuse(ctx context.Context, k docKey) error {
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	doc, err := c.Get(ctx, k.id)
	if err != nil {
		return err
	}
	meta, err := metaOf(&doc)
	if err != nil || meta.Fail == nil || meta.Fail.Died == 0 || meta.Fail.Quarantined {
		return err // somebody got on with it meanwhile
	}
	f := *meta.Fail
	f.Life = e.life
	if err := e.putFail(ctx, c, k, &doc, meta, f, false); !errors.Is(err, modelspec.ErrConflict) {
		e.marked.add(k)
		return err
	}
	return nil
}

// leave takes back that this process is at work on the document: it ends, and
// not because of it. What other processes died of is not forgotten.
func (e *Engine) leave(ctx context.Context, k docKey) error {
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	doc, err := c.Get(ctx, k.id)
	if err != nil || !e.ours(doc.By) {
		return err
	}
	meta, err := metaOf(&doc)
	if err != nil || meta.Fail == nil || meta.Fail.Life != e.life || meta.Fail.Quarantined {
		return err
	}
	f := *meta.Fail
	f.Life = ""
	return e.putFail(ctx, c, k, &doc, meta, f, false)
}

func (e *Engine) ours(by string) bool {
	return len(by) > len(e.life) && by[:len(e.life)] == e.life
}

// publish tells the events of the outbox that are not out yet, in their order,
// and reports whether all are, and, where they only wait for their time, until
// when. A subscriber that refuses an event again and again gets it no more: it
// goes to the dead letters, and the subject goes on. One that wants events later
// holds nobody else up.
func (e *Engine) publish(ctx context.Context, k docKey, meta *Meta, upto int64, now time.Time) (out bool, wait time.Time, err error) {
	done := max(upto, e.told.upto(k))
	for i := range meta.Outbox {
		t := &meta.Outbox[i]
		if t.Rev <= done {
			continue
		}
		before := e.tries.of(t.ID)
		if before.next.After(now) {
			if before.late {
				wait = earlier(wait, before.next)
				continue
			}
			e.look(k, before.next)
			return false, time.Time{}, nil
		}
		if !before.done {
			switch at, err := e.tell(ctx, k, t, before, now); {
			case err != nil:
				return false, time.Time{}, err
			case at.late:
				wait = earlier(wait, at.next)
				continue
			case !at.done:
				return false, time.Time{}, nil
			}
		}
		if !wait.IsZero() {
			e.tries.finish(t.ID)
			continue
		}
		e.tries.forget(t.ID)
		if i == len(meta.Outbox)-1 || meta.Outbox[i+1].Rev > t.Rev {
			e.told.set(k, t.Rev, time.Now())
		}
	}
	return wait.IsZero(), wait, nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// tell tries to tell one event, and says how far it has come.
func (e *Engine) tell(ctx context.Context, k docKey, t *Told, before try, now time.Time) (try, error) {
	taken, err := e.deliver(ctx, t, before)
	if err == nil {
		return try{done: true}, nil
	}
	if ctx.Err() != nil {
		return try{}, ctx.Err()
	}
	if at, late := broker.LaterOf(err); late {
		return e.tries.later(t.ID, taken, at), nil
	}
	n, next := e.tries.failed(t.ID, taken, now)
	if n < quarantine {
		e.look(k, next)
		return try{}, nil
	}
	return try{done: true}, e.bury(ctx, DeadLetter{Event: *t, Taken: taken, Error: cut(err.Error(), 500)}, err)
}

// deliver gives an event to whoever must have it and has not.
func (e *Engine) deliver(ctx context.Context, t *Told, before try) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, policy.DefaultTimeout)
	defer cancel()
	if before.n == quarantine-1 {
		ctx = context.WithValue(ctx, lastTryKey{}, true)
	}
	return e.Broker.Deliver(ctx, t.Event, before.taken)
}

// DeadLetter is an event that a required subscriber, or a document that it
// concerns, would not take.
type DeadLetter struct {
	Event Told   `json:"event"`
	Model string `json:"model,omitempty"` // of the document that would not; empty: it was a subscriber
	ID    string `json:"id,omitempty"`    // of that document; empty: it is not known which
	Error string `json:"error"`

	Taken []string `json:"taken,omitempty"` // subscriptions that have had it
}

// bury keeps a dead letter.
func (e *Engine) bury(ctx context.Context, l DeadLetter, why error) error {
	t := &l.Event
	e.Log.Error("an event is in the dead letters: it was refused too often, or for good", "event", t.ID, "type", t.Type, "source", t.Source, "subject", t.Subject, "model", l.Model, "id", l.ID, "err", why)
	e.observe(Observation{Kind: DeadLettered, Model: t.Source, ID: t.Subject, Err: why})
	return e.keep(ctx, deadLetters, hashed("event", t.Source, t.ID, l.Model, l.ID), modelspec.Of(l), docKey{t.Source, t.Subject}, time.Time{}, time.Now())
}

// active reports whether some flow wants something done now.
func (m *Meta) active(now time.Time) bool {
	for i := range m.Flows {
		if f := &m.Flows[i]; f.State.open() {
			if _, act, _ := f.next(now); act != nothing {
				return true
			}
		}
	}
	return false
}

// writesBy reports whether the flow will have written its document by then:
// one that is parked will not, and a handler at work wants it left alone.
func (f *Flow) writesBy(t time.Time) bool {
	return !f.Committed || f.due(time.Now()).Before(t)
}

// tidy writes the envelope without what is over, if it is time for that.
func (e *Engine) tidy(ctx context.Context, c datasource.Collection, k docKey, doc *datasource.Document, meta *Meta, now bool) error {
	ended, open, busy := false, false, false
	for i := range meta.Flows {
		f := &meta.Flows[i]
		ended = ended || f.State.over()
		open = open || f.State.open()
		busy = busy || f.State.open() && f.writesBy(time.Now().Add(2*clearAfter))
	}
	full := meta.Receipts.len() >= 2*keptReceipts
	told := len(meta.Outbox) > 0
	if f := meta.Fail; f != nil && f.Life == e.life && f.Count == 0 && !meta.active(time.Now()) {
		now = true // what this process had to do is done: if it dies later, that was not it
	}
	if !now && told && !full && !ended {
		if busy || time.Since(doc.Updated) < clearAfter {
			return nil // the next write, or the poll, clears it
		}
	}
	if !full && !told && !ended {
		if open || !doc.Due.IsZero() && doc.Gone {
			return nil
		}
	}
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return err
	}
	defer g.Unpin()
	d := e.newDraft(k, spec, doc, meta, time.Now())
	if full {
		if err := d.spill(ctx); err != nil {
			return err
		}
	}
	if ended {
		if err := d.bury(ctx); err != nil {
			return err
		}
	}
	return d.save(ctx, c)
}
