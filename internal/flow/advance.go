package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// eachDue walks the due documents of a model after a mark, past those that
// fail.
func (e *Engine) eachDue(ctx context.Context, model string, until time.Time, after datasource.Mark, f func(docKey, datasource.Mark) error) error {
	c, err := e.coll(model)
	if err != nil {
		return err
	}
	for {
		marks, err := c.Due(ctx, until, after, pageOfDue)
		if err != nil {
			return err
		}
		for _, m := range marks {
			if err := f(docKey{model, m.ID}, m); err != nil {
				return err
			}
			after = m
		}
		if len(marks) < pageOfDue {
			return nil
		}
	}
}

// Settle does all that is due at t in the caller's goroutine, and what follows
// from it as far as it is due then too. It is for tests and for programs that
// do not Run.
func (e *Engine) Settle(ctx context.Context, t time.Time) error {
	for range 1000 {
		worked := false
		for _, s := range e.Table.Snapshot().Models() {
			err := e.eachDue(ctx, s.Descriptor().Name, later(t), datasource.Mark{}, func(k docKey, _ datasource.Mark) error {
				did, err := e.settleOne(ctx, k, t)
				worked = worked || did
				return err
			})
			if err != nil {
				return err
			}
		}
		if !worked || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// settleOne does a document's work; it fails only when ctx is done.
func (e *Engine) settleOne(ctx context.Context, k docKey, t time.Time) (bool, error) {
	before := e.revision(ctx, k)
	alone, err := e.settling(ctx, k, t, true)
	defer e.done(alone)
	if err != nil {
		e.failed(ctx, k, err)
	}
	for _, id := range e.openFlows(ctx, k) {
		if err := e.advance(ctx, taskKey{k, id}, t); err != nil && ctx.Err() == nil {
			e.failed(ctx, k, err)
		}
	}
	return e.revision(ctx, k) != before, ctx.Err()
}

// settling is maintain. Where a process may have died of the document nobody
// else like it is at work until done is told so: if it happens again, it is
// known which one it was.
func (e *Engine) settling(ctx context.Context, k docKey, t time.Time, now bool) (alone bool, err error) {
	if err = e.maintain(ctx, k, t, now); !errors.Is(err, errSuspect) {
		return false, err
	}
	e.suspect.Lock()
	if err = e.accuse(ctx, k); err == nil {
		err = e.maintain(ctx, k, t, now)
	}
	if errors.Is(err, errSuspect) || errors.Is(err, modelspec.ErrConflict) { // somebody else was faster: another time
		err = nil
	}
	return true, err
}

func (e *Engine) done(alone bool) {
	if alone {
		e.suspect.Unlock()
	}
}

func (e *Engine) revision(ctx context.Context, k docKey) int64 {
	c, err := e.coll(k.model)
	if err != nil {
		return 0
	}
	d, err := c.Get(ctx, k.id)
	if err != nil {
		return 0
	}
	return d.Revision
}

// openFlows lists the flows of a document that are under way.
func (e *Engine) openFlows(ctx context.Context, k docKey) (ids []string) {
	c, err := e.coll(k.model)
	if err != nil {
		return nil
	}
	d, err := c.Get(ctx, k.id)
	if err != nil {
		return nil
	}
	m, err := metaOf(&d)
	if err != nil || writable(&d, m) != nil || m.Fail != nil && m.Fail.Quarantined {
		return nil
	}
	for i := range m.Flows {
		if m.Flows[i].State.open() {
			ids = append(ids, m.Flows[i].ID)
		}
	}
	return ids
}

// task does one piece of work. Whatever goes wrong is written down and tried
// again; it never stops the work of others.
func (e *Engine) task(ctx context.Context, k taskKey, now time.Time) {
	err := e.piece(ctx, k, now)
	if err == nil || ctx.Err() != nil {
		return
	}
	e.failed(ctx, k.docKey, err)
}

func (e *Engine) piece(ctx context.Context, k taskKey, now time.Time) (err error) {
	defer policy.Recover("the work of "+k.model+" "+k.id, &err)
	if k.flow != "" {
		return e.advance(ctx, k, now)
	}
	alone, err := e.settling(ctx, k.docKey, now, false)
	defer e.done(alone)
	if err != nil {
		e.failed(ctx, k.docKey, err)
	}
	for _, id := range e.openFlows(ctx, k.docKey) {
		if !alone {
			e.tasks.wake(taskKey{k.docKey, id})
			continue
		}
		if err := e.advance(ctx, taskKey{k.docKey, id}, now); err != nil {
			return err
		}
	}
	return nil
}

// failed counts a failure of a document itself: its envelope cannot be read,
// its store does not answer, the host has a bug. After many it is left alone
// until a person looks.
func (e *Engine) failed(ctx context.Context, k docKey, why error) {
	if ctx.Err() != nil {
		return // the host is closing: the next one finds what is due
	}
	e.Log.Warn("a document's work failed", "model", k.model, "id", k.id, "err", why)
	e.observe(Observation{Kind: DocFailed, Model: k.model, ID: k.id, Err: why})
	if p, ok := errors.AsType[*policy.Panic](why); ok {
		e.Log.Error("panic", "stack", string(p.Stack))
	}
	if modelspec.NotSent(why) {
		e.tasks.at(taskKey{docKey: k}, time.Now().Add(wait(3)))
		return
	}
	if err := e.count(ctx, k, why); err != nil {
		e.tasks.at(taskKey{docKey: k}, time.Now().Add(wait(6)))
	}
}

// count writes the failure into the envelope. Where that cannot be read, its
// text is left as it is and only the time to look again moves.
func (e *Engine) count(ctx context.Context, k docKey, why error) error {
	c, err := e.coll(k.model)
	if err != nil {
		return err
	}
	doc, err := c.Get(ctx, k.id)
	if err != nil {
		return err
	}
	now := time.Now()
	meta, err := metaOf(&doc)
	if err != nil {
		doc.Revision++
		doc.Due, doc.By = time.Time{}, e.nonce()
		doc.Index = append(withoutAttention(doc.Index), datasource.Entry{Name: attentionIndex, Key: "unreadable"})
		e.observe(Observation{Kind: Quarantined, Model: k.model, ID: k.id, Err: why})
		return c.Put(ctx, doc)
	}
	f := Fail{}
	if meta.Fail != nil {
		f = *meta.Fail
	}
	f.Count++
	f.Error, f.Next, f.Life = cut(why.Error(), 500), now.Add(wait(f.Count)), e.life
	return e.putFail(ctx, c, k, &doc, meta, f, f.Count >= quarantine)
}

// putFail stores how the document is doing.
func (e *Engine) putFail(ctx context.Context, c datasource.Collection, k docKey, doc *datasource.Document, meta *Meta, f Fail, give bool) error {
	m := *meta
	f.Quarantined = f.Quarantined || give
	m.Fail = &f
	d := *doc
	d.Revision++
	d.By, d.Meta = e.nonce(), modelspec.Of(m)
	d.Due = f.Next
	if f.Quarantined {
		d.Due = time.Time{}
		d.Index = append(withoutAttention(d.Index), datasource.Entry{Name: attentionIndex, Key: "quarantined"})
		e.observe(Observation{Kind: Quarantined, Model: k.model, ID: k.id, Err: errors.New(f.Error)})
	}
	mu := e.stripe(k)
	mu.Lock()
	defer mu.Unlock()
	err := c.Put(ctx, d)
	if err == nil && !d.Due.IsZero() {
		e.look(k, d.Due)
	}
	return err
}

func withoutAttention(es []datasource.Entry) []datasource.Entry {
	var out []datasource.Entry
	for _, x := range es {
		if x.Name != attentionIndex {
			out = append(out, x)
		}
	}
	return out
}

func cut(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "")
	}
	return s
}
