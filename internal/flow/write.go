package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Create makes a document. Without an id it gets one: of the caller's key,
// where there is one, so that asking again finds what was made. An id that is
// taken is ErrExists.
func (e *Engine) Create(ctx context.Context, r Request, input *modelspec.Value) (Entry, error) {
	return e.create(ctx, r, input, nil)
}

// create is Create, also for an event.
func (e *Engine) create(ctx context.Context, r Request, input *modelspec.Value, ev *taking) (Entry, error) {
	if err := checkKey(r.Key); err != nil {
		return Entry{}, err
	}
	who := principal(r.Caller)
	switch {
	case r.ID != "":
		if err := datasource.ValidID(r.ID); err != nil {
			return Entry{}, err
		}
	case r.Key != "":
		r.ID = hashed("id", e.Namespace, r.Model, who, r.Key)
	default:
		r.ID = newKey()
	}
	k := docKey{r.Model, r.ID}
	spec, g, err := e.pin(r.Model, r.ID)
	if err != nil {
		return Entry{}, err
	}
	defer g.Unpin()
	e.tasks.enter()
	defer e.tasks.leave()
	c, err := e.coll(r.Model)
	if err != nil {
		return Entry{}, err
	}
	now := time.Now()
	if err := spec.CheckInput(nil, input); err != nil {
		return Entry{}, err
	}
	rep, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpNew, ID: r.ID, Key: r.Key, Now: now, Caller: r.Caller, Trace: r.Trace, Doc: input})
	if err != nil {
		return Entry{}, err
	}
	base, meta := datasource.Document{ID: r.ID}, &Meta{}
	for range maxReruns {
		base.Inc, base.Created, base.Gone, base.Schema, base.Data, base.Index = newInc(), now, false, spec.Descriptor().Version, nil, nil
		d := e.newDraft(k, spec, &base, meta, now)
		d.who, d.trace = r.Caller, r.Trace
		d.change(rep.Doc)
		if ev != nil {
			d.cause, d.hop = ev.ID, ev.Hop+1
			if err := d.mark(ctx, ev.Event, ev.again); err != nil {
				return Entry{}, err
			}
		}
		if err := d.emit(ctx, r.Model+".created", d.doc.Data, &origin{}); err != nil {
			return Entry{}, err
		}
		if ev != nil {
			if err := ev.alsoIn(ctx, &d); err != nil {
				return Entry{}, err
			}
		}
		if r.Key != "" {
			d.meta.Receipts = d.meta.Receipts.add(Receipt{Principal: who, Key: r.Key, Port: opCreate, Time: now, arg: input})
		}
		if err = d.save(ctx, c); err == nil {
			return e.entry(r.Model, &d.doc, g), nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return Entry{}, err
		}
		if base, err = c.Get(ctx, r.ID); err != nil {
			return Entry{}, err
		}
		if meta, err = metaOf(&base); err != nil {
			return Entry{}, err
		}
		if ev != nil { // also of one that is gone: what made it does not make it again
			if done, err := e.taken(ctx, k, meta, ev.Event, ev.again); done || err != nil {
				return Entry{}, err
			}
		}
		if !base.Gone {
			return e.exists(ctx, k, &base, meta, g, who, r.Key, input)
		}
		if err := writable(&base, meta); err != nil {
			return Entry{}, err
		}
		m := *meta
		m.Receipts, meta = m.Receipts.only(opDelete), &m // what was taken, the new one does not take again
	}
	return Entry{}, &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often: ask again"}
}

// The commands that are not ports, in receipts. A port cannot have such a name.
const (
	opCreate = ":create"
	opUpdate = ":update"
	opDelete = ":delete"
)

// exists answers a Create whose id is taken: by itself, asked before, or by
// somebody else.
func (e *Engine) exists(ctx context.Context, k docKey, doc *datasource.Document, meta *Meta, g *federation.Generation, who, key string, input *modelspec.Value) (Entry, error) {
	rc, err := e.receipt(ctx, k, doc, meta, who, key)
	if err != nil {
		return Entry{}, err
	}
	if rc == nil {
		return Entry{}, &modelspec.Error{Code: modelspec.ErrExists, Message: k.model + " " + k.id + " exists already"}
	}
	if err := rc.same(opCreate, input); err != nil {
		return Entry{}, err
	}
	en := e.entry(k.model, doc, g)
	en.Replayed = true
	return en, nil
}

func (e *Engine) entry(model string, d *datasource.Document, g *federation.Generation) Entry {
	return Entry{Model: model, ID: d.ID, Inc: d.Inc, Revision: d.Revision, Created: d.Created, Updated: d.Updated, Data: d.Data, Generation: e.generation(g)}
}

// Update changes a document with mutate, which must not change what it gets
// and may be asked several times.
func (e *Engine) Update(ctx context.Context, r Request, mutate func(was *modelspec.Value) (*modelspec.Value, error)) (Entry, error) {
	return e.change(ctx, r, opUpdate, func(d *draft, arg **modelspec.Value) error {
		was := d.doc.Data
		next, err := mutate(was)
		if err != nil {
			return err
		}
		if *arg == nil {
			*arg = next
		}
		if err := d.spec.CheckInput(was, next); err != nil {
			return err
		}
		rep, err := d.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpUpdate, ID: r.ID, Key: r.Key, Now: d.now, Caller: r.Caller, Trace: r.Trace, Doc: next, Prev: was})
		if err != nil {
			return err
		}
		d.change(rep.Doc)
		return d.emit(ctx, r.Model+".updated", d.doc.Data, &origin{})
	})
}

// Delete leaves a tombstone. A document with open flows is refused.
func (e *Engine) Delete(ctx context.Context, r Request) (Entry, error) {
	return e.change(ctx, r, opDelete, func(d *draft, _ **modelspec.Value) error {
		for i := range d.meta.Flows {
			if s := d.meta.Flows[i].State; s.open() || s == Attention {
				return &modelspec.Error{Code: modelspec.ErrRefused, Message: r.Model + " " + r.ID + " has a flow that has not ended: delete it afterwards"}
			}
		}
		was := d.doc.Data
		if _, err := d.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpDelete, ID: r.ID, Key: r.Key, Now: d.now, Caller: r.Caller, Trace: r.Trace, Doc: was, Prev: was}); err != nil {
			return err
		}
		d.doc.Gone, d.doc.Data, d.doc.Updated = true, nil, d.now
		return d.emit(ctx, r.Model+".deleted", was, &origin{})
	})
}

// change is the read, the check and the write around a command that is no
// port. Its receipt remembers that it was done, under which key.
func (e *Engine) change(ctx context.Context, r Request, op string, do func(d *draft, arg **modelspec.Value) error) (Entry, error) {
	if err := checkKey(r.Key); err != nil {
		return Entry{}, err
	}
	spec, g, err := e.pin(r.Model, r.ID)
	if err != nil {
		return Entry{}, err
	}
	defer g.Unpin()
	e.tasks.enter()
	defer e.tasks.leave()
	c, err := e.coll(r.Model)
	if err != nil {
		return Entry{}, err
	}
	k, who := docKey{r.Model, r.ID}, principal(r.Caller)
	for range maxReruns {
		doc, meta, rc, err := e.before(ctx, c, k, who, r.Key)
		if err != nil {
			return Entry{}, err
		}
		if rc != nil {
			if rc.Port != op || r.Arg != nil {
				if err := rc.same(op, r.Arg); err != nil {
					return Entry{}, err
				}
			}
			en := e.entry(r.Model, &doc, g)
			en.Replayed = true
			return en, nil
		}
		if doc.Gone {
			return Entry{}, &modelspec.Error{Code: modelspec.ErrNotFound, Message: k.model + " " + k.id + " does not exist"}
		}
		if err := matches(r.IfMatch, &doc); err != nil {
			return Entry{}, err
		}
		d := e.newDraft(k, spec, &doc, meta, time.Now())
		d.who, d.trace = r.Caller, r.Trace
		arg := r.Arg
		if err := do(&d, &arg); err != nil {
			return Entry{}, err
		}
		if r.Key != "" {
			d.meta.Receipts = d.meta.Receipts.add(Receipt{Principal: who, Key: r.Key, Port: op, Time: d.now, arg: arg})
		}
		if err = d.save(ctx, c); err == nil {
			return e.entry(r.Model, &d.doc, g), nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return Entry{}, err
		}
	}
	return Entry{}, &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often: ask again"}
}

// before reads a document, also a deleted one, and the receipt of the command.
func (e *Engine) before(ctx context.Context, c datasource.Collection, k docKey, who, key string) (datasource.Document, *Meta, *Receipt, error) {
	doc, err := c.Get(ctx, k.id)
	if errors.Is(err, modelspec.ErrNotFound) {
		err = &modelspec.Error{Code: modelspec.ErrNotFound, Message: k.model + " " + k.id + " does not exist"}
	}
	if err != nil {
		return doc, nil, nil, err
	}
	meta, err := metaOf(&doc)
	if err == nil {
		err = writable(&doc, meta)
	}
	if err != nil {
		return doc, nil, nil, err
	}
	rc, err := e.receipt(ctx, k, &doc, meta, who, key)
	return doc, meta, rc, err
}
