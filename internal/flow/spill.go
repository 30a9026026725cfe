package flow

import (
	"context"
	"errors"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Receipts and ended flows do not stay in the envelope for ever: they move to
// collections of their own beside the model's, and are purged after a day.

func receiptsOf(model string) string { return model + ".receipts" }
func historyOf(model string) string  { return model + ".history" }

const deadLetters = "aegis.deadletters"

// receipt finds the answer that the command had before, nil if it had none.
func (e *Engine) receipt(ctx context.Context, k docKey, doc *datasource.Document, m *Meta, who, key string) (*Receipt, error) {
	if key == "" {
		return nil, nil
	}
	if r := m.Receipts.find(who, key); r != nil || !m.Spilled {
		return r, nil
	}
	c, err := e.coll(receiptsOf(k.model))
	if err != nil {
		return nil, err
	}
	d, err := c.Get(ctx, e.receiptID(k, doc.Inc, who, key))
	switch {
	case errors.Is(err, modelspec.ErrNotFound) || err == nil && d.Gone:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return modelspec.As[Receipt](d.Data)
}

func (e *Engine) receiptID(k docKey, inc, who, key string) string {
	return hashed("receipt", e.Namespace, k.model, k.id, inc, who, key)
}

// spill moves the older receipts of the draft out. It does so before the draft
// is written: what fails leaves a copy too many, never one too few.
func (d *draft) spill(ctx context.Context) error {
	young, old := d.meta.Receipts.cut(keptReceipts)
	for ; old != nil; old = old.next {
		if d.now.Sub(old.Time) > retention {
			continue
		}
		r := old.Receipt
		if err := d.e.keep(ctx, receiptsOf(d.k.model), d.e.receiptID(d.k, d.doc.Inc, r.Principal, r.Key), modelspec.Of(r), d.k, r.Time.Add(retention), d.now); err != nil {
			return err
		}
	}
	d.meta.Receipts, d.meta.Spilled = young, true
	return nil
}

// bury moves the draft's ended flows to the history.
func (d *draft) bury(ctx context.Context) error {
	var left []Flow
	for i := range d.meta.Flows {
		f := d.meta.Flows[i]
		if f.State.open() || f.State == Attention {
			left = append(left, f)
			continue
		}
		if err := d.e.keepFlow(ctx, d.k, &f, d.now); err != nil {
			return err
		}
	}
	d.meta.Flows, d.owned = left, false
	return nil
}

// keep stores a document of the host's own. That it is there already is fine.
func (e *Engine) keep(ctx context.Context, coll, id string, data *modelspec.Value, of docKey, until, now time.Time) error {
	c, err := e.coll(coll)
	if err != nil {
		return err
	}
	d := datasource.Document{Format: datasource.Format, ID: id, Inc: newInc(), Revision: 1, By: e.nonce(), Created: now, Updated: now, Due: until, Data: data}
	if key, ok := modelspec.IndexKey(of.id); ok {
		d.Index = []datasource.Entry{{Name: "document", Key: key}}
	}
	if err := c.Put(ctx, d); err != nil && !errors.Is(err, modelspec.ErrConflict) {
		return err
	}
	return nil
}

// expire purges the documents of the host's own whose time is over, and stops
// for commands.
func (e *Engine) expire(ctx context.Context, coll string, now time.Time) error {
	c, err := e.coll(coll)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		marks, err := c.Due(ctx, now, datasource.Mark{}, pageOfDue)
		if err != nil {
			return err
		}
		for _, m := range marks {
			if err := e.purge(ctx, c, m.ID); err != nil {
				return err
			}
		}
		if len(marks) < pageOfDue || e.tasks.working() {
			return nil // the rest another time
		}
	}
	return nil
}

// purge takes a document of the host's own out for ever.
func (e *Engine) purge(ctx context.Context, c datasource.Collection, id string) error {
	d, err := c.Get(ctx, id)
	if errors.Is(err, modelspec.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if !d.Gone {
		d.Revision++
		d.Gone, d.Data, d.Meta, d.Index, d.By = true, nil, nil, nil, e.nonce()
		if err := c.Put(ctx, d); err != nil {
			return err
		}
	}
	return c.Purge(ctx, d.ID, d.Revision)
}

// closeKey reports whether a routed command ran. One that did not never will:
// its key, the first of the call that is not spent, is answered with a refusal
// from now on.
func (e *Engine) closeKey(ctx context.Context, k docKey, who, call string) (ran bool, err error) {
	for n := 0; ; n++ {
		r, err := e.closing(ctx, k, who, routeKey(call, n), closedKey)
		if err != nil || r == nil || !r.spent() {
			return r != nil && r.Error == nil, err
		}
	}
}

// spend makes sure that nothing runs under a key that is spent. It fails with
// ErrConflict where something has, after all.
func (e *Engine) spend(ctx context.Context, k docKey, who, key string) error {
	r, err := e.closing(ctx, k, who, key, spentKey)
	if err == nil && r != nil && !r.spent() {
		err = modelspec.ErrConflict
	}
	return err
}

// What stands in a receipt in place of a port.
const (
	closedKey = ":undone" // the call was taken back: it never runs
	spentKey  = ":spent"  // the command was taken back, and the call goes on under its next key
)

// closing returns the receipt of a key, or, where there is none, leaves one
// that nothing runs under.
func (e *Engine) closing(ctx context.Context, k docKey, who, key, as string) (*Receipt, error) {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return nil, err
	}
	defer g.Unpin()
	c, err := e.coll(k.model)
	if err != nil {
		return nil, err
	}
	for range maxReruns {
		doc, meta, rc, err := e.before(ctx, c, k, who, key)
		if errors.Is(err, modelspec.ErrNotFound) {
			return nil, nil
		}
		if err != nil || rc != nil {
			return rc, err
		}
		d := e.newDraft(k, spec, &doc, meta, time.Now())
		d.meta.Receipts = d.meta.Receipts.add(Receipt{Principal: who, Key: key, Port: as, Time: d.now, Error: modelspec.AsError(takenBack())})
		if err = d.save(ctx, c); err == nil || !errors.Is(err, modelspec.ErrConflict) {
			return nil, err
		}
	}
	return nil, modelspec.ErrConflict
}
