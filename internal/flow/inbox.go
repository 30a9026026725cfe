package flow

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// The inbox of a document says which events of others it has taken. What an
// event does to the document and its mark are one write, so it is done once
// however often the event comes.
//
// Events of a host's documents are numbered, and come in their order: the mark
// of a source and subject is the last one's id. Others are marked one by one.

// inboxKey is where the event's mark is, and whether events there are numbered.
// One that comes again out of its order, by a person's hand, has its own.
func (e *Engine) inboxKey(ev *broker.Event, again bool) (key string, numbered bool) {
	_, _, _, ok := eventNumber(ev.ID)
	if ok && !again && e.Table.Snapshot().Has(ev.Source) {
		return ev.Source + "/" + ev.Subject, true
	}
	return ev.Source + "#" + ev.ID, false
}

// eventNumber reads the id of an event that an engine made.
func eventNumber(id string) (inc string, rev, n int64, ok bool) {
	inc, rest, ok := strings.Cut(id, ".")
	a, b, ok2 := strings.Cut(rest, ".")
	rev, err := strconv.ParseInt(a, 10, 64)
	n, err2 := strconv.ParseInt(b, 10, 64)
	return inc, rev, n, ok && ok2 && err == nil && err2 == nil
}

// covers reports whether the event was taken when the mark was made.
func covers(mark string, ev *broker.Event) bool {
	inc, rev, n, ok := eventNumber(mark)
	inc2, rev2, n2, ok2 := eventNumber(ev.ID)
	if !ok || !ok2 || inc != inc2 {
		return mark == ev.ID
	}
	return rev2 < rev || rev2 == rev && n2 <= n
}

// taken reports whether the document has taken the event.
func (e *Engine) taken(ctx context.Context, k docKey, m *Meta, ev *broker.Event, again bool) (bool, error) {
	key, numbered := e.inboxKey(ev, again)
	mark, ok := m.Inbox[key]
	if !ok && m.Spilled {
		var err error
		if mark, ok, err = e.spilledMark(ctx, k, key); err != nil {
			return false, err
		}
	}
	return ok && (!numbered || covers(mark, ev)), nil
}

// markID names a mark outside the envelope. Marks outlive the document that took
// the event: one that is made again under its id takes it no second time.
func (e *Engine) markID(k docKey, key string) string {
	return hashed("inbox", e.Namespace, k.model, k.id, key)
}

func (e *Engine) spilledMark(ctx context.Context, k docKey, key string) (string, bool, error) {
	c, err := e.coll(receiptsOf(k.model))
	if err != nil {
		return "", false, err
	}
	d, err := c.Get(ctx, e.markID(k, key))
	if errors.Is(err, modelspec.ErrNotFound) || err == nil && d.Gone {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	mark, err := modelspec.As[string](d.Data)
	if err != nil {
		return "", false, err
	}
	return *mark, true, nil
}

// mark writes down that the event is taken. It moves marks out where there are
// too many: before the draft is written, so that what fails leaves one too many.
func (d *draft) mark(ctx context.Context, ev *broker.Event, again bool) error {
	key, _ := d.e.inboxKey(ev, again)
	in := maps.Clone(d.meta.Inbox)
	if in == nil {
		in = map[string]string{}
	}
	if len(in) >= 2*keptMarks {
		for k, mark := range in {
			if len(in) <= keptMarks {
				break
			}
			if k == key {
				continue
			}
			if err := d.e.putMark(ctx, d, k, mark); err != nil {
				return err
			}
			delete(in, k)
		}
		d.meta.Spilled = true
	}
	in[key] = ev.ID
	d.meta.Inbox = in
	return nil
}

// putMark stores a mark outside the envelope, in place of an older one.
func (e *Engine) putMark(ctx context.Context, d *draft, key, mark string) error {
	c, err := e.coll(receiptsOf(d.k.model))
	if err != nil {
		return err
	}
	id := e.markID(d.k, key)
	for range maxReruns {
		next := datasource.Document{Format: datasource.Format, ID: id, Inc: newInc(), Created: d.now}
		have, err := c.Get(ctx, id)
		switch {
		case err == nil:
			next.Inc, next.Revision, next.Created = have.Inc, have.Revision, have.Created
		case !errors.Is(err, modelspec.ErrNotFound):
			return err
		}
		next.Revision++
		next.By, next.Updated, next.Due, next.Data = e.nonce(), d.now, d.now.Add(markTime), modelspec.Of(mark)
		if err := c.Put(ctx, next); !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
	}
	return modelspec.ErrConflict
}
