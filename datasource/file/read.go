package file

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// attempts bounds how often an operation begins again because somebody writes
// into its file from outside.
const attempts = 5

// Get returns the document: from memory if it was written or read lately.
func (c *collection) Get(ctx context.Context, id string) (datasource.Document, error) {
	if err := ctx.Err(); err != nil {
		return datasource.Document{}, c.wrap("get", id, err)
	}
	if v := c.current(id); v != nil && !c.s.closed.Load() { // nothing is given out after Close
		if d := v.kept(); d != nil {
			return *d, nil
		}
	}
	if !c.s.enter() {
		return datasource.Document{}, errClosed(c.what("get", id))
	}
	defer c.s.leave()
	d, err := c.fetch(ctx, id)
	switch {
	case err != nil:
		return datasource.Document{}, c.wrap("get", id, err)
	case d == nil:
		return datasource.Document{}, c.fail(modelspec.ErrNotFound, "get", id, "there is none")
	}
	return *d, nil
}

// kept is the body that is in memory, nil if none is.
func (v *version) kept() *datasource.Document {
	d := v.body.Load()
	if d != nil && !v.used.Load() { // a store only when it changes something: readers share the line
		v.used.Store(true)
	}
	return d
}

// fetch reads the newest revision, nil if there is none.
func (c *collection) fetch(ctx context.Context, id string) (*datasource.Document, error) {
	v := c.current(id)
	if v == nil {
		return nil, nil
	}
	if v.damage == nil && !v.missing {
		if d, err := c.body(id, v); !errors.Is(err, errEdited) {
			return d, err
		}
	}
	_, d, err := c.settled(ctx, id)
	return d, err
}

// settled is the newest revision and its body, nil if there is none, after
// whoever writes it is done, and by its file.
func (c *collection) settled(ctx context.Context, id string) (*version, *datasource.Document, error) {
	if err := c.latches.acquire(ctx, id); err != nil {
		return nil, nil, err
	}
	defer c.latches.release(id)
	for range attempts {
		v, err := c.look(id, looking{again: true})
		switch {
		case err != nil:
			return nil, nil, err
		case v == nil || v.missing:
			return v, nil, nil
		case v.damage != nil:
			return v, nil, v.damage
		}
		if d, err := c.body(id, v); !errors.Is(err, errEdited) {
			return v, d, err
		}
	}
	return nil, nil, errEdited
}

// body is that of v, from memory or from the file; errEdited if the file has
// another one by now.
func (c *collection) body(id string, v *version) (*datasource.Document, error) {
	if d := v.kept(); d != nil {
		return d, nil
	}
	text, _, err := c.folder.Load().read(fileName(id))
	switch {
	case errors.Is(err, fs.ErrNotExist) || modelspec.CodeOf(err) == modelspec.ErrDataLoss:
		return nil, errEdited
	case err != nil:
		return nil, err
	case c.s.sum(text) != v.sum:
		return nil, errEdited
	}
	d, err := readBack(text)
	if err != nil {
		return nil, err
	}
	d.Revision = v.revision
	c.s.cache.add(v, &d, len(text))
	return &d, nil
}

// Due returns what is due. See datasource.Collection.
func (c *collection) Due(ctx context.Context, until time.Time, after datasource.Mark, limit int) ([]datasource.Mark, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.wrap("due", "", err)
	}
	if c.s.closed.Load() {
		return nil, errClosed(c.what("due", ""))
	}
	if limit <= 0 {
		return nil, nil
	}
	from, to := due{at: notDue}, datasource.Nanos(until)
	if !after.At.IsZero() {
		from = due{datasource.Nanos(after.At), after.ID}
	}
	var out []datasource.Mark
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.due.tree.AscendGreaterOrEqual(from, func(x due) bool {
		if x.at > to {
			return false
		}
		if x != from {
			out = append(out, datasource.Mark{At: time.Unix(0, x.at).UTC(), ID: x.id})
		}
		return len(out) < limit
	})
	return out, nil
}
