package flow

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// draft is the next revision of a document, about to be written.
type draft struct {
	e    *Engine
	k    docKey
	spec *modelspec.Spec
	doc  datasource.Document
	meta Meta
	now  time.Time

	who   *modelspec.Caller // who began it, for events
	trace string
	cause string
	hop   int

	fresh   broker.Event // the first that nobody requires: told after the write, and forgotten
	more    []broker.Event
	events  int
	by      string // the nonce of the write, once it is made
	owned   bool   // meta.Flows is this draft's
	written bool
	before  []Flow // as they are stored
	eager   bool   // a step may be answered from this write on
}

// newDraft begins the next revision of base. What meta refers to is shared. It
// returns a value: most drafts never leave their goroutine's stack.
func (e *Engine) newDraft(k docKey, spec *modelspec.Spec, base *datasource.Document, meta *Meta, now time.Time) draft {
	d := draft{e: e, k: k, spec: spec, doc: *base, meta: *meta, now: now, before: meta.Flows}
	d.doc.Format = max(d.doc.Format, datasource.Format)
	d.doc.Revision++
	if f := d.meta.Fail; f != nil && !f.Quarantined { // it works again
		d.meta.Fail = nil
	}
	if len(d.meta.Outbox) > 0 {
		out, i := e.told.upto(k), 0
		for i < len(d.meta.Outbox) && d.meta.Outbox[i].Rev <= out {
			i++
		}
		d.meta.Outbox = slices.Clip(d.meta.Outbox[i:]) // an append copies
	}
	return d
}

// flows are the document's flows, to be changed.
func (d *draft) flows() []Flow {
	if !d.owned {
		d.owned = true
		d.meta.Flows = slices.Clone(d.meta.Flows)
		for i := range d.meta.Flows {
			d.meta.Flows[i].Steps = slices.Clone(d.meta.Flows[i].Steps)
		}
	}
	return d.meta.Flows
}

// flow finds a flow, to be changed; nil if it is not there.
func (d *draft) flow(id string) *Flow {
	fs := d.flows()
	for i := range fs {
		if fs[i].ID == id {
			return &fs[i]
		}
	}
	return nil
}

// open adds a flow. It fails with ErrExhausted where too many are open.
func (d *draft) open(f Flow) (*Flow, error) {
	n := 0
	for i := range d.flows() {
		if d.meta.Flows[i].State.open() || d.meta.Flows[i].State == Attention {
			n++
		}
	}
	if n >= MaxOpenFlows {
		return nil, &modelspec.Error{Code: modelspec.ErrExhausted, Message: "document " + d.k.id + " has " + strconv.Itoa(n) + " open flows: wait until one has ended", NotSent: true}
	}
	d.meta.Flows = append(d.meta.Flows, f)
	return &d.meta.Flows[len(d.meta.Flows)-1], nil
}

// emit adds an event, and the ports that consume it as steps.
func (d *draft) emit(ctx context.Context, typ string, data *modelspec.Value, from *origin) error {
	if typ == "" {
		return nil
	}
	model := d.k.model
	need, consumers := d.e.Broker.Needs(model, typ), d.spec.Consumers(typ)
	ev := broker.Event{ID: d.eventID(), Source: model, Type: typ, Subject: d.k.id, Time: d.now, Data: data,
		Cause: d.cause, Trace: d.trace, Hop: d.hop, Caller: d.who}
	switch {
	case need:
		d.meta.Outbox, d.meta.Later = append(d.meta.Outbox, Told{ev, d.doc.Revision}), time.Time{}
	case d.fresh.ID == "":
		d.fresh = ev
	default:
		d.more = append(d.more, ev)
	}
	if len(consumers) > 0 && ev.Hop >= MaxHops && *from == (origin{}) {
		return d.e.bury(ctx, DeadLetter{Event: Told{ev, d.doc.Revision}, Model: model, ID: d.k.id, Error: errCircling.Error()}, errCircling)
	}
	for _, p := range consumers {
		if err := d.step(ctx, p, &ev, from); err != nil {
			return err
		}
	}
	return nil
}

// eventID names the next event. The first shares its memory with the nonce,
// which every write needs: most drafts have one event.
func (d *draft) eventID() string {
	var buf [96]byte
	b := append(append(buf[:0], d.doc.Inc...), '.')
	b = strconv.AppendInt(b, d.doc.Revision, 10)
	b = strconv.AppendInt(append(b, '.'), int64(d.events), 10)
	d.events++
	if d.by != "" {
		return string(b)
	}
	n := len(b)
	both := string(d.e.appendNonce(b))
	d.by = both[n:]
	return both[:n]
}

// finish ends what is over, and says when to look again. Events of its own
// may make steps, so it goes round until nothing changes.
func (d *draft) finish(ctx context.Context) error {
	for range MaxOpenFlows {
		again, err := d.close(ctx)
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	d.doc.Due = d.due()
	index, err := d.index()
	if err != nil {
		return err
	}
	d.doc.Index = index
	if len(d.meta.Outbox) > 8 || len(d.meta.Flows) > 0 {
		if n := d.size(); n > MaxEnvelope {
			return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "the document and what the host keeps with it would take " + strconv.Itoa(n) + " bytes: at most " + strconv.Itoa(MaxEnvelope) + " are kept in one envelope"}
		}
	}
	meta := d.meta
	d.doc.Meta = modelspec.Of(meta)
	if d.by == "" {
		d.by = d.e.nonce()
	}
	d.doc.By = d.by
	return nil
}

// close ends the flows in which nothing is left to do.
func (d *draft) close(ctx context.Context) (again bool, err error) {
	for i := range d.meta.Flows {
		if !d.meta.Flows[i].State.open() || !d.meta.Flows[i].over() {
			continue
		}
		f := &d.flows()[i]
		f.Ended = d.now
		if f.State == Running {
			f.State = Completed
			continue
		}
		f.State = Undone
		if f.Committed {
			if err := d.undone(ctx, f); err != nil {
				return false, err
			}
			again = true
		}
	}
	return again, nil
}

// undone folds the end of a compensation into the model.
func (d *draft) undone(ctx context.Context, f *Flow) error {
	d.who, d.trace, d.cause, d.hop = f.Cause.Caller, f.Cause.Trace, f.ID, f.Cause.Hop+1
	rep, err := d.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpUndone, ID: d.k.id, Now: d.now, Caller: f.Cause.Caller, Trace: f.Cause.Trace, Cause: f.ID, Doc: d.doc.Data, Prev: d.doc.Data})
	if err != nil {
		f.stop(d.now, modelspec.AsError(err))
		return d.emit(ctx, d.k.model+".attention", d.doc.Data, &origin{})
	}
	d.change(rep.Doc)
	return d.emit(ctx, d.k.model+".undone", d.doc.Data, &origin{})
}

// change puts a new document in; nil leaves it as it is.
func (d *draft) change(doc *modelspec.Value) {
	if doc != nil && doc != d.doc.Data {
		d.doc.Data, d.doc.Updated = doc, d.now
	}
}

func (d *draft) due() (at time.Time) {
	if d.meta.Fail != nil { // quarantined
		return time.Time{}
	}
	soonest := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if len(d.meta.Outbox) > 0 {
		soonest(latest(d.now, d.meta.Later))
	}
	if d.meta.Receipts.len() >= 2*keptReceipts {
		soonest(d.now)
	}
	for i := range d.meta.Flows {
		switch f := &d.meta.Flows[i]; {
		case f.State.open():
			soonest(f.due(d.now))
		case f.State.over():
			soonest(f.Ended.Add(2 * clearAfter))
		}
	}
	if d.doc.Gone && at.IsZero() {
		soonest(d.doc.Updated.Add(retention))
	}
	return at
}

// attentionIndex lists the documents that need a person.
const attentionIndex = "_attention"

func (d *draft) index() ([]datasource.Entry, error) {
	if d.doc.Gone {
		return nil, nil
	}
	es, err := d.spec.Index(d.doc.Data)
	if err != nil {
		return nil, err
	}
	es = d.awaitEntries(es)
	for i := range d.meta.Flows {
		if d.meta.Flows[i].State == Attention {
			return append(slices.Clip(es), datasource.Entry{Name: attentionIndex, Key: "flow"}), nil
		}
	}
	if d.meta.Fail != nil && d.meta.Fail.Quarantined {
		es = append(slices.Clip(es), datasource.Entry{Name: attentionIndex, Key: "quarantined"})
	}
	return es, nil
}

func (d *draft) size() int {
	n := d.doc.Data.Size()
	for i := range d.meta.Outbox {
		n += 200 + d.meta.Outbox[i].Data.Size()
	}
	for i := range d.meta.Flows {
		for j := range d.meta.Flows[i].Steps {
			s := &d.meta.Flows[i].Steps[j]
			n += 200
			if s.Arg != nil {
				n += s.Arg.Size()
			}
			if s.Result != nil {
				n += s.Result.Size()
			}
		}
	}
	for l := d.meta.Receipts; l != nil; l = l.next {
		n += 150
		if l.Result != nil {
			n += l.Result.Size()
		}
	}
	return n
}

// put writes the draft. ErrConflict means that it was not written; after any
// other error nobody knows. What nobody requires is told at once.
func (d *draft) put(ctx context.Context, c datasource.Collection) error {
	mu := d.e.stripe(d.k)
	mu.Lock()
	defer mu.Unlock()
	if err := c.Put(ctx, d.doc); err != nil && !d.mine(ctx, c, err) {
		return err
	}
	d.written = true
	d.e.marked.drop(d.k)
	if len(d.meta.Outbox) == 0 {
		d.e.told.cleared(d.k, d.doc.Revision)
	}
	if d.fresh.ID != "" {
		d.e.Broker.Tell(d.fresh)
	}
	for i := range d.more {
		d.e.Broker.Tell(d.more[i])
	}
	return nil
}

// mine reads back after a failed write: a driver, or a network, may have lost
// the answer to one that happened.
func (d *draft) mine(ctx context.Context, c datasource.Collection, err error) bool {
	if errors.Is(err, modelspec.ErrExists) {
		return false
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	have, err := c.Get(ctx, d.doc.ID)
	return err == nil && have.By == d.doc.By && have.Revision == d.doc.Revision
}

// save finishes and writes the draft, and sees to what it leaves to do.
func (d *draft) save(ctx context.Context, c datasource.Collection) error {
	if err := d.finish(ctx); err != nil {
		return err
	}
	err := d.put(ctx, c)
	if errors.Is(err, modelspec.ErrExists) && d.eager { // somebody waits under that key: it is for the step to wait
		d.patient()
		if d.doc.Index, err = d.index(); err != nil {
			return err
		}
		d.doc.Meta = modelspec.Of(d.meta)
		err = d.put(ctx, c)
	}
	if err != nil {
		return err
	}
	d.tellFlows()
	if !d.doc.Due.IsZero() {
		d.e.look(d.k, d.doc.Due)
	}
	return nil
}
