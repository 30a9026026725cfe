package flow

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// FlowOf reads a flow of a document, wherever it is: in the envelope, or in the
// history. The error is ErrNotFound where it is in neither: it was never there,
// or is kept no longer.
func (e *Engine) FlowOf(ctx context.Context, model, id, flow string) (Flow, error) {
	if _, err := e.modelsOf(model); err != nil {
		return Flow{}, err
	}
	k := docKey{model, id}
	m, err := e.metaAt(ctx, k)
	if err != nil && !errors.Is(err, modelspec.ErrNotFound) {
		return Flow{}, err
	}
	if err == nil {
		if f := find(m, flow); f != nil {
			return *f, nil
		}
	}
	f, err := e.pastFlow(ctx, k, flow)
	if err != nil {
		return Flow{}, err
	}
	return *f, nil
}

// FlowsOf reads the flows of a document, newest first: all in its envelope, and
// the newest 1,000 of the history. They may be of a document
// of that id that was deleted. The error is ErrNotFound where there is neither
// a document nor a flow.
func (e *Engine) FlowsOf(ctx context.Context, model, id string) ([]Flow, error) {
	if _, err := e.modelsOf(model); err != nil {
		return nil, err
	}
	k := docKey{model, id}
	m, err := e.metaAt(ctx, k)
	there := err == nil
	switch {
	case errors.Is(err, modelspec.ErrNotFound):
		m = &Meta{}
	case err != nil:
		return nil, err
	}
	past, err := e.pastFlows(ctx, k, m)
	if err != nil {
		return nil, err
	}
	fs := append(slices.Clone(m.Flows), past...)
	if len(fs) == 0 && !there {
		return nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: model + " " + clip(id) + " does not exist"}
	}
	return newest(fs), nil
}

// metaAt reads the host's part of a document, deleted or not.
func (e *Engine) metaAt(ctx context.Context, k docKey) (*Meta, error) {
	c, err := e.coll(k.model)
	if err != nil {
		return nil, err
	}
	if datasource.ValidID(k.id) != nil {
		return nil, modelspec.ErrNotFound
	}
	d, err := c.Get(ctx, k.id)
	if err != nil {
		return nil, err
	}
	return metaOf(&d)
}

// pastFlow reads a flow of the history.
func (e *Engine) pastFlow(ctx context.Context, k docKey, flow string) (*Flow, error) {
	none := &modelspec.Error{Code: modelspec.ErrNotFound, Message: k.model + " " + clip(k.id) + " has no flow " + clip(flow) + ": ended ones are not kept for ever"}
	if datasource.ValidID(flow) != nil {
		return nil, none
	}
	c, err := e.coll(historyOf(k.model))
	if err != nil {
		return nil, err
	}
	d, err := c.Get(ctx, flow)
	switch {
	case errors.Is(err, modelspec.ErrNotFound), err == nil && (d.Gone || documentOf(&d) != k.id):
		return nil, none
	case err != nil:
		return nil, err
	}
	return modelspec.As[Flow](d.Data)
}

// pastFlows reads the newest flows of the history that the envelope has not.
func (e *Engine) pastFlows(ctx context.Context, k docKey, m *Meta) (fs []Flow, err error) {
	key, ok := modelspec.IndexKey(k.id)
	if !ok {
		return nil, nil
	}
	c, err := e.coll(historyOf(k.model))
	if err != nil {
		return nil, err
	}
	for d, err := range c.List(ctx, datasource.Query{Index: "document", Key: &key}) {
		if err != nil {
			return nil, err
		}
		f, err := modelspec.As[Flow](d.Data)
		if err != nil || find(m, f.ID) != nil {
			continue
		}
		if fs = append(fs, *f); len(fs) == 2*relatedAtMost {
			fs = newest(fs)[:relatedAtMost]
		}
	}
	return newest(fs)[:min(len(fs), relatedAtMost)], nil
}

// newest sorts flows.
func newest(fs []Flow) []Flow {
	slices.SortFunc(fs, func(a, b Flow) int {
		return cmp.Or(b.Started.Compare(a.Started), strings.Compare(a.ID, b.ID))
	})
	return fs
}

// documentOf says which document one of the host's own is about.
func documentOf(d *datasource.Document) string {
	prefix, _ := modelspec.IndexKey("")
	for _, x := range d.Index {
		if id, ok := strings.CutPrefix(x.Key, prefix); ok && x.Name == "document" {
			return id
		}
	}
	return ""
}

// keepFlow moves an ended flow to the history. It is written over the end that
// it had before a person took it out of there.
func (e *Engine) keepFlow(ctx context.Context, k docKey, f *Flow, now time.Time) error {
	c, err := e.coll(historyOf(k.model))
	if err != nil {
		return err
	}
	d := datasource.Document{Format: datasource.Format, ID: f.ID, Inc: newInc(), Revision: 1, By: e.nonce(), Created: now, Updated: now, Due: now.Add(e.History), Data: modelspec.Of(*f)}
	if key, ok := modelspec.IndexKey(k.id); ok {
		d.Index = []datasource.Entry{{Name: "document", Key: key}}
	}
	for range maxReruns {
		if err = c.Put(ctx, d); !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
		have, err := c.Get(ctx, f.ID)
		switch {
		case errors.Is(err, modelspec.ErrNotFound): // purged meanwhile
			d.Revision = 1
			continue
		case err != nil:
			return err
		}
		if was, err := modelspec.As[Flow](have.Data); err == nil && !have.Gone && !was.Ended.Before(f.Ended) {
			return nil // it is there already
		}
		d.Revision, d.Inc = have.Revision+1, have.Inc
	}
	return modelspec.ErrConflict
}

// forget purges a document of the host's own.
func (e *Engine) forget(ctx context.Context, c datasource.Collection, d *datasource.Document) error {
	t := *d
	if !t.Gone {
		t.Revision++
		t.Gone, t.Data, t.Meta, t.Index, t.By = true, nil, nil, nil, e.nonce()
		if err := c.Put(ctx, t); err != nil {
			return err
		}
	}
	return c.Purge(ctx, t.ID, t.Revision)
}
