package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Get returns the document. It takes no lock that a writer holds for long.
func (c *collection) Get(ctx context.Context, id string) (datasource.Document, error) {
	if err := ctx.Err(); err != nil {
		return datasource.Document{}, c.wrap("get", id, err)
	}
	r := c.record(id)
	if r == nil {
		return datasource.Document{}, c.fail(modelspec.ErrNotFound, "get", id, "there is none")
	}
	return r.cur.Load().doc, nil
}

// Put stores d as it is. See datasource.Collection.
func (c *collection) Put(ctx context.Context, d datasource.Document) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("put", d.ID, err)
	}
	v := &version{doc: d}
	if err := datasource.Prepare(&v.doc); err != nil {
		return fmt.Errorf("memory: put %s: %w", c.name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.record(d.ID)
	var old *version
	if r != nil {
		old = r.cur.Load()
	}
	if err := c.admit(old, v); err != nil {
		return err
	}
	c.seq++
	v.seq, v.prev = c.seq, c.older(old)
	if r == nil {
		r = &record{id: d.ID}
		r.cur.Store(v)
		c.add(r)
	} else {
		r.cur.Store(v)
	}
	c.reindex(r, old, v)
	return nil
}

// admit checks the revision and the unique keys, before anything is changed.
func (c *collection) admit(old, v *version) error {
	var have int64
	if old != nil {
		have = old.doc.Revision
	}
	d := &v.doc
	if have != d.Revision-1 {
		return c.fail(modelspec.ErrConflict, "put", d.ID, fmt.Sprintf("revision %d is stored: %d cannot follow", have, d.Revision))
	}
	if old != nil && slices.Equal(old.doc.Index, d.Index) {
		return nil
	}
	for i := range d.Index {
		if e := &d.Index[i]; e.Unique {
			if holder := c.holder(e, d.ID); holder != "" {
				return c.fail(modelspec.ErrExists, "put", d.ID, fmt.Sprintf("%s has the same key %.80q of the unique index %s", holder, e.Key, e.Name))
			}
		}
	}
	return nil
}

// holder is another document under the same key, "" if there is none.
func (c *collection) holder(e *datasource.Entry, id string) (other string) {
	index := c.indexes[e.Name]
	if index == nil {
		return ""
	}
	index.tree.AscendGreaterOrEqual(entry{key: e.Key}, func(x entry) bool {
		if x.key == e.Key && x.id != id {
			other = x.id
		}
		return x.key == e.Key && other == ""
	})
	return other
}

func (c *collection) add(r *record) {
	s := c.shard(r.id)
	s.mu.Lock()
	s.m[r.id] = r
	s.mu.Unlock()
	c.ids.insert(entry{id: r.id, rec: r})
}

// reindex moves r from where old stood to where v stands.
func (c *collection) reindex(r *record, old, v *version) {
	var was []datasource.Entry
	wasDue := notDue
	if old != nil {
		was, wasDue = old.doc.Index, datasource.Nanos(old.doc.Due)
	}
	if isDue := datasource.Nanos(v.doc.Due); isDue != wasDue {
		if wasDue != notDue {
			c.due.remove(due{wasDue, r.id})
		}
		if isDue != notDue {
			c.due.insert(due{isDue, r.id})
		}
	}
	if slices.Equal(was, v.doc.Index) {
		return
	}
	for i := range was {
		c.indexes[was[i].Name].remove(entry{key: was[i].Key, id: r.id})
	}
	for i := range v.doc.Index {
		e := &v.doc.Index[i]
		index := c.indexes[e.Name]
		if index == nil {
			index = newOrdered(entryLess)
			c.indexes[e.Name] = index
		}
		index.insert(entry{key: e.Key, id: r.id, rec: r})
	}
}

// Purge forgets a tombstone. See datasource.Collection.
func (c *collection) Purge(ctx context.Context, id string, revision int64) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("purge", id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.record(id)
	if r == nil {
		return nil
	}
	d := &r.cur.Load().doc
	if !d.Gone || d.Revision != revision {
		return c.fail(modelspec.ErrConflict, "purge", id, fmt.Sprintf("revision %d is stored, deleted: %t", d.Revision, d.Gone))
	}
	if at := datasource.Nanos(d.Due); at != notDue {
		c.due.remove(due{at, id})
	}
	c.ids.remove(entry{id: id})
	s := c.shard(id)
	s.mu.Lock()
	delete(s.m, id)
	s.mu.Unlock()
	return nil
}
