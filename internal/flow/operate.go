package flow

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Operator is a person who lays hand on a flow, and why.
type Operator struct {
	Caller *modelspec.Caller // nil: nobody in particular
	Reason string            // kept in the flow: at most 500 bytes
}

const (
	maxReason = 500
	keptHands = 32 // of a flow: the first is kept, and the last
)

func (o Operator) check() error {
	if len(o.Reason) > maxReason {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the reason is longer than " + strconv.Itoa(maxReason) + " bytes"}
	}
	return nil
}

func (o Operator) name() string {
	switch {
	case o.Caller == nil:
		return ""
	case o.Caller.Tenant != "":
		return o.Caller.Tenant + "/" + o.Caller.Subject
	}
	return o.Caller.Subject
}

// String says who and why, for errors.
func (o Operator) String() string {
	who := o.name()
	if who == "" {
		who = "an operator"
	}
	if o.Reason == "" {
		return who
	}
	return who + ": " + o.Reason
}

// RetryFlow tries again what a flow waits for, now. One that needs attention
// has a day again and goes on, forwards or backwards, as before; an undo that
// was refused is asked again under its key. A document in quarantine is let go.
// A flow that waits for nothing that failed is left as it is. One that has
// ended is ErrRefused.
func (e *Engine) RetryFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return e.lay(ctx, docKey{model, id}, flow, hand{what: "retry", by: by, frees: true, do: (*draft).retry})
}

// UndoFlow takes a flow back from where it is: all that was done, or may have
// been, and can be undone. One that has completed, or was abandoned, is taken
// back for a day: services need not know its keys longer. One that is being taken back is left as
// it is. One that was, or of which nothing can be taken back, is
// ErrRefused.
func (e *Engine) UndoFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return e.lay(ctx, docKey{model, id}, flow, hand{what: "undo", by: by, frees: true, do: (*draft).goBack})
}

// AbandonFlow leaves a flow for good as it is, with whatever it has done: one
// that needs attention, or an open one whose every step that is in turn has
// failed at least once. Any other is ErrRefused. To abandon it twice is fine.
func (e *Engine) AbandonFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return e.lay(ctx, docKey{model, id}, flow, hand{what: "abandon", by: by, do: (*draft).abandon})
}

// RetryDocument lets a document go that is in quarantine, or could not be read,
// and does at once all that is due. One that needs no person is left as it is.
func (e *Engine) RetryDocument(ctx context.Context, model, id string, by Operator) error {
	_, err := e.lay(ctx, docKey{model, id}, "", hand{what: "retry", by: by, frees: true})
	return err
}

// hand is what a person wants done to a flow.
type hand struct {
	what  string
	by    Operator
	frees bool                                    // a quarantined document is let go
	do    func(*draft, *Flow, hand) (bool, error) // nil: only that; reports whether it changed the flow
}

// lay changes a flow, and stores it with a line of who did it and why: one
// conditional write of the document, like every other step.
func (e *Engine) lay(ctx context.Context, k docKey, flow string, h hand) (Flow, error) {
	if err := h.by.check(); err != nil {
		return Flow{}, err
	}
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return Flow{}, err
	}
	defer g.Unpin()
	c, err := e.coll(k.model)
	if err != nil {
		return Flow{}, err
	}
	for range maxReruns {
		doc, meta, err := e.readLaid(ctx, c, k, h)
		if err != nil {
			return Flow{}, err
		}
		d := e.newDraft(k, spec, &doc, meta, time.Now())
		t := touch{h: h, freed: h.frees && d.free(meta)}
		if err := t.lay(ctx, &d, flow); err != nil {
			return Flow{}, err
		}
		if t.freed || t.did {
			err = d.save(ctx, c)
		}
		if err == nil {
			return t.laid(ctx, &d), nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return Flow{}, err
		}
	}
	return Flow{}, &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often: ask again"}
}

// readLaid gets the document. One that was deleted may be let go, and no more.
func (e *Engine) readLaid(ctx context.Context, c datasource.Collection, k docKey, h hand) (datasource.Document, *Meta, error) {
	doc, err := c.Get(ctx, k.id)
	if err == nil && doc.Gone && h.do != nil {
		err = modelspec.ErrNotFound
	}
	if errors.Is(err, modelspec.ErrNotFound) {
		err = &modelspec.Error{Code: modelspec.ErrNotFound, Message: k.model + " " + clip(k.id) + " does not exist"}
	}
	if err != nil {
		return doc, nil, err
	}
	meta, err := metaOf(&doc)
	if err == nil {
		err = writable(&doc, meta)
	}
	return doc, meta, err
}

// touch is a hand laid on a flow, in one draft.
type touch struct {
	h     hand
	f     *Flow // nil: the document only
	freed bool  // the document
	did   bool  // something to f
	ended bool  // f had
}

// lay makes the change.
func (t *touch) lay(ctx context.Context, d *draft, flow string) (err error) {
	if t.h.do == nil {
		return nil
	}
	past := false
	if t.f = d.flow(flow); t.f == nil {
		have, err := d.e.pastFlow(ctx, d.k, flow)
		if err != nil {
			return err
		}
		own := *have
		own.Steps = slices.Clone(own.Steps)
		t.f, past = &own, true
	}
	d.who, d.trace, d.cause, d.hop = t.f.Cause.Caller, t.f.Cause.Trace, t.f.ID, t.f.Cause.Hop+1
	t.ended = t.f.State.over()
	if t.did, err = t.h.do(d, t.f, t.h); err != nil || !t.did && !t.freed {
		return err
	}
	t.f.sign(d.now, t.h)
	if past {
		d.meta.Flows = append(d.meta.Flows, *t.f)
	}
	if t.ended {
		return d.room()
	}
	return nil
}

// laid sees to what the change leaves to do, and says how the flow stands.
func (t *touch) laid(ctx context.Context, d *draft) Flow {
	e, k := d.e, d.k
	if t.freed || t.did {
		e.Log.Info("an operator laid hand on a flow", "what", t.h.what, "model", k.model, "id", k.id, "by", t.h.by.name(), "reason", t.h.by.Reason)
	}
	if t.f == nil {
		return Flow{}
	}
	f := t.f
	if now := find(&d.meta, f.ID); now != nil {
		f = now
	}
	if f.State.open() {
		e.look(k, d.now)
	}
	if t.ended && t.did {
		d.recall(ctx, f.ID)
	}
	return *f
}

// free lets a document go that was left alone, and reports whether it was.
func (d *draft) free(base *Meta) bool {
	was := base.Fail != nil
	d.meta.Fail = nil
	for _, x := range d.doc.Index {
		was = was || x.Name == attentionIndex && x.Key != "flow"
	}
	return was
}

// room refuses one more flow than a document may have.
func (d *draft) room() error {
	n := 0
	for i := range d.meta.Flows {
		if s := d.meta.Flows[i].State; !s.over() {
			n++
		}
	}
	if n > MaxOpenFlows {
		return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "document " + d.k.id + " has " + strconv.Itoa(MaxOpenFlows) + " open flows: wait until one has ended", NotSent: true}
	}
	return nil
}

// sign writes down who did it, and why.
func (f *Flow) sign(now time.Time, h hand) {
	f.Hands = append(slices.Clip(f.Hands), Hand{Time: now, What: h.what, By: h.by.name(), Reason: h.by.Reason})
	if n := len(f.Hands) - keptHands; n > 0 {
		f.Hands = slices.Delete(slices.Clone(f.Hands), 1, 1+n)
	}
}

// recall takes a flow that is in its envelope again out of the history. What
// fails leaves a copy, which the flow's next end is written over.
func (d *draft) recall(ctx context.Context, flow string) {
	c, err := d.e.coll(historyOf(d.k.model))
	if err != nil {
		return
	}
	var have datasource.Document
	if have, err = c.Get(ctx, flow); err == nil {
		err = d.e.forget(ctx, c, &have)
	}
	if err != nil && !errors.Is(err, modelspec.ErrNotFound) && !errors.Is(err, modelspec.ErrConflict) {
		d.e.Log.Warn("taking a flow out of the history", "model", d.k.model, "id", d.k.id, "flow", flow, "err", err)
	}
}

func refusedHand(h hand, f *Flow, why string) error {
	return &modelspec.Error{Code: modelspec.ErrRefused, Message: h.what + " flow " + f.ID + ": " + why, NotSent: true}
}

// portsOf names the ports of the steps that are kept, each once.
func (f *Flow) portsOf(keep func(*Step) bool) string {
	var names []string
	for i := range f.Steps {
		if s := &f.Steps[i]; keep(s) && !slices.Contains(names, s.Port) {
			names = append(names, s.Port)
		}
	}
	return strings.Join(names, ", ")
}
