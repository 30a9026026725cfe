package badger

import (
	"context"
	"fmt"
	"slices"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// request is a Put or a Purge on its way through the writer.
type request struct {
	place    place
	ctx      context.Context
	doc      datasource.Document // Put
	raw      []byte              // Put: the envelope. Nil: Purge
	revision int64               // Purge
	done     chan error          // of room for one: nobody need wait
	old      *datasource.Document
	changes  []change
	size     int64 // of changes, as the engine counts
}

// change is one key that is set or removed.
type change struct {
	key, value []byte
	remove     bool
}

// Put stores d. See datasource.Collection.
func (c *collection) Put(ctx context.Context, d datasource.Document) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("put", d.ID, err)
	}
	if err := datasource.Prepare(&d); err != nil {
		return fmt.Errorf("badger: put %s: %w", c.name, err)
	}
	raw, err := datasource.Encode(d)
	if err != nil {
		return fmt.Errorf("badger: %s: %w", c.what("put", d.ID), err)
	}
	return c.ask(ctx, "put", &request{place: place{c, d.ID}, doc: d, raw: raw})
}

// Purge forgets a tombstone. See datasource.Collection.
func (c *collection) Purge(ctx context.Context, id string, revision int64) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("purge", id, err)
	}
	return c.ask(ctx, "purge", &request{place: place{c, id}, revision: revision})
}

// ask hands r to the writer and waits, at most as long as ctx does.
func (c *collection) ask(ctx context.Context, verb string, r *request) error {
	if !c.s.enter() {
		return errClosed(c.what(verb, r.place.id))
	}
	defer c.s.leave()
	r.ctx, r.done = ctx, make(chan error, 1)
	select {
	case c.s.requests <- r:
	case <-ctx.Done():
		return c.wrap(verb, r.place.id, ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return c.wrap(verb, r.place.id, ctx.Err())
	}
}

// set counts the value as the engine does: a large one is stored elsewhere.
func (r *request) set(key, value []byte) {
	r.changes = append(r.changes, change{key: key, value: value})
	r.size += int64(len(key)) + 24
	if len(value) < valueThreshold {
		r.size += int64(len(value))
	}
}

func (r *request) remove(key []byte) {
	r.changes = append(r.changes, change{key: key, remove: true})
	r.size += int64(len(key)) + 24
}

func (r *request) put() {
	c, id := r.place.collection, r.place.id
	r.set(c.documentKey(id), r.raw)
	var was []datasource.Entry
	if r.old != nil {
		was = r.old.Index
	}
	r.due(r.doc)
	if slices.Equal(was, r.doc.Index) {
		return
	}
	had, has := entries(was), entries(r.doc.Index)
	for e := range had {
		if !has[e] {
			r.remove(c.indexKey(&e, id))
		}
	}
	for e := range has {
		if !had[e] {
			r.set(c.indexKey(&e, id), nil)
		}
	}
}

// entries is index as a set; Unique makes no difference to the keys.
func entries(index []datasource.Entry) map[datasource.Entry]bool {
	m := make(map[datasource.Entry]bool, len(index))
	for _, e := range index {
		e.Unique = false
		m[e] = true
	}
	return m
}

// due moves the entry by which d is found when it is due.
func (r *request) due(d datasource.Document) {
	c, id := r.place.collection, r.place.id
	if r.old != nil && r.old.Due.Equal(d.Due) {
		return
	}
	if r.old != nil && !r.old.Due.IsZero() {
		r.remove(c.dueKey(r.old.Due.UnixNano(), id))
	}
	if !d.Due.IsZero() {
		r.set(c.dueKey(d.Due.UnixNano(), id), nil)
	}
}

func (r *request) purge() error {
	if r.old == nil {
		return nil
	}
	c, id := r.place.collection, r.place.id
	if !r.old.Gone || r.old.Revision != r.revision {
		return c.fail(modelspec.ErrConflict, "purge", id, fmt.Sprintf("revision %d is stored, deleted: %t", r.old.Revision, r.old.Gone))
	}
	r.remove(c.documentKey(id))
	r.due(datasource.Document{})
	return nil
}
