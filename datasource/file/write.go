package file

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// key is one of a unique index.
type key struct{ name, key string }

// flight is a Put between what it was judged by and its end.
type flight struct {
	keys []key // that it takes
	done chan struct{}
}

// Put stores d. See datasource.Collection.
func (c *collection) Put(ctx context.Context, d datasource.Document) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("put", d.ID, err)
	}
	if err := datasource.Prepare(&d); err != nil {
		return fmt.Errorf("file: put %s: %w", c.name, err)
	}
	raw, err := datasource.Encode(d)
	if err != nil {
		return c.wrap("put", d.ID, err)
	}
	text := layOut(raw)
	return c.change(ctx, "put", d.ID, func(v *version) error { return c.write(ctx, v, &d, text) })
}

// Purge forgets a tombstone. See datasource.Collection.
func (c *collection) Purge(ctx context.Context, id string, revision int64) error {
	if err := ctx.Err(); err != nil {
		return c.wrap("purge", id, err)
	}
	return c.change(ctx, "purge", id, func(v *version) error {
		if v == nil || v.missing {
			return nil
		}
		if !v.gone || v.revision != revision {
			return c.fail(modelspec.ErrConflict, "purge", id, fmt.Sprintf("revision %d is stored, deleted: %t", v.revision, v.gone))
		}
		if err := c.folder.Load().remove(fileName(id), v.stamp); err != nil {
			return err
		}
		c.forget(id)
		return nil
	})
}

// change calls do with what is known of the document, under its latch, and
// again where the file turns out to be another one.
func (c *collection) change(ctx context.Context, verb, id string, do func(*version) error) error {
	if !c.s.enter() {
		return errClosed(c.what(verb, id))
	}
	defer c.s.leave()
	if err := c.latches.acquire(ctx, id); err != nil {
		return c.wrap(verb, id, err)
	}
	defer c.latches.release(id)
	for range attempts {
		if err := ctx.Err(); err != nil {
			return c.wrap(verb, id, err)
		}
		v, err := c.current(id), error(nil)
		if v != nil && v.damage != nil {
			v, err = c.look(id, looking{again: true}) // mended meanwhile?
		}
		switch {
		case err != nil:
			return c.wrap(verb, id, err)
		case v != nil && v.damage != nil:
			return c.wrap(verb, id, v.damage)
		}
		err = do(v)
		if err == nil {
			return nil
		}
		if e, ok := errors.AsType[*modelspec.Error](err); ok && e.Code == modelspec.ErrConflict || modelspec.CodeOf(err) == modelspec.ErrExists {
			return err
		}
		// Whatever went wrong, what is known must be what is there.
		if _, lookErr := c.look(id, looking{again: true}); lookErr != nil || !errors.Is(err, errEdited) {
			return c.wrap(verb, id, errors.Join(err, lookErr))
		}
	}
	return c.fail(modelspec.ErrUnavailable, verb, id, "its file is changed from outside all the time: try again")
}

// write puts d in the place of old.
func (c *collection) write(ctx context.Context, old *version, d *datasource.Document, text []byte) error {
	var was stamp
	var body *datasource.Document
	if old != nil {
		was = old.stamp
		// A walk may need it when the file is gone, also one that begins now.
		if !old.gone && !old.missing && old.revision == d.Revision-1 {
			var err error
			if body, err = c.body(d.ID, old); err != nil {
				return err
			}
		}
	}
	f, err := c.takeOff(ctx, old, d)
	if err != nil {
		return err
	}
	defer c.land(f)
	now, kept, err := c.folder.Load().write(fileName(d.ID), text, was)
	if err != nil {
		if !kept || errors.Is(err, errEdited) {
			return err
		}
		return c.notSent(d.ID, err)
	}
	v := newVersion(d, now, c.s.sum(text), true)
	c.publish(d.ID, v, body)
	c.s.cache.add(v, d, len(text))
	return nil
}

// notSent is the error of a write that certainly changed nothing.
func (c *collection) notSent(id string, cause error) error {
	return &modelspec.Error{Code: modelspec.CodeOf(c.wrap("put", id, cause)), Message: cause.Error(), NotSent: true}
}

// takeOff judges d by what is known, and reserves the unique keys that it
// takes. It waits for whoever is about to take one of them.
func (c *collection) takeOff(ctx context.Context, old *version, d *datasource.Document) (*flight, error) {
	for {
		f, other, err := c.judge(old, d)
		if other == nil {
			return f, err
		}
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *collection) judge(old *version, d *datasource.Document) (f, other *flight, _ error) {
	var have int64
	if old != nil && !old.missing {
		have = old.revision
	}
	if have != d.Revision-1 {
		return nil, nil, c.fail(modelspec.ErrConflict, "put", d.ID, fmt.Sprintf("revision %d is stored: %d cannot follow", have, d.Revision))
	}
	if old != nil && slices.Equal(old.index, d.Index) {
		return nil, nil, nil
	}
	f = &flight{done: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range d.Index {
		e := &d.Index[i]
		if !e.Unique {
			continue
		}
		if holder := c.holder(e, d.ID); holder != "" {
			return nil, nil, c.fail(modelspec.ErrExists, "put", d.ID, fmt.Sprintf("%s has the same key %.80q of the unique index %s", holder, e.Key, e.Name))
		}
		if other := c.pending[key{e.Name, e.Key}]; other != nil {
			return nil, other, nil
		}
		f.keys = append(f.keys, key{e.Name, e.Key})
	}
	for _, k := range f.keys {
		c.pending[k] = f
	}
	return f, nil, nil
}

// land frees what takeOff reserved.
func (c *collection) land(f *flight) {
	if f == nil || len(f.keys) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range f.keys {
		delete(c.pending, k)
	}
	close(f.done)
}
