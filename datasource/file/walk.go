package file

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/google/btree"
	"github.com/org/aegis/datasource"
)

// List yields documents as they were when the walk began; one whose file is
// damaged it yields as its ID alone, with the error, and goes on if it is let.
// See datasource.Collection.
func (c *collection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(datasource.Document{}, c.wrap("list", q.Index, err))
			return
		}
		if !c.s.enter() {
			yield(datasource.Document{}, errClosed(c.what("list", q.Index)))
			return
		}
		defer c.s.leave()
		tree, seq := c.begin(q.Index)
		defer c.finish()
		if tree == nil {
			return
		}
		steps := 0
		walk(tree, q, func(x place) bool {
			if steps++; steps%64 == 0 && ctx.Err() != nil {
				yield(datasource.Document{}, c.wrap("list", q.Index, ctx.Err()))
				return false
			}
			if q.Index != "" && q.Key == nil && !(q.Desc && x.last || !q.Desc && x.first) {
				return true // it was yielded at another of its places
			}
			d, err := c.seenAt(ctx, x.rec, seq)
			switch {
			case err != nil:
				return yield(datasource.Document{ID: x.id}, c.wrap("list", x.id, err)) && ctx.Err() == nil
			case d == nil:
				return true
			}
			return yield(*d, nil)
		})
	}
}

// seenAt is the document as of seq, nil if there was none.
func (c *collection) seenAt(ctx context.Context, r *record, seq uint64) (*datasource.Document, error) {
	v := r.at(seq)
	switch {
	case v == nil || v.gone || v.missing:
		return nil, nil
	case v.damage != nil:
		return nil, v.damage
	}
	d, err := c.body(r.id, v)
	if !errors.Is(err, errEdited) {
		return d, err
	}
	now, d, err := c.settled(ctx, r.id)
	if kept := v.kept(); kept != nil { // a Put has replaced it, and kept it for this walk
		return kept, nil
	}
	// An outside edit took the body away: the new one stands in for it, where
	// it would stand too.
	if err != nil || d == nil || d.Gone || !slices.Equal(now.index, v.index) {
		return nil, err
	}
	return d, nil
}

// begin keeps the state of now for a walk: its order, and every version that
// it may still ask for.
func (c *collection) begin(index string) (*btree.BTreeG[place], uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	c.newest = c.seq
	if index == "" {
		return c.ids.freeze(), c.seq
	}
	if o := c.indexes[index]; o != nil {
		return o.freeze(), c.seq
	}
	return nil, c.seq
}

// finish drops older versions once nobody walks.
func (c *collection) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open--; c.open > 0 {
		return
	}
	for _, v := range c.kept {
		v.prev = nil
	}
	c.kept = nil
}

// walk calls visit for what q asks of the order, until it returns false.
func walk(tree *btree.BTreeG[place], q datasource.Query, visit func(place) bool) {
	from := place{key: q.After.Key, id: q.After.ID}
	if q.Index == "" {
		q.Key, from.key = nil, ""
	}
	begin := q.After.IsZero()
	step := func(x place) bool {
		if !begin && x.key == from.key && x.id == from.id {
			return true
		}
		if q.Key == nil || x.key == *q.Key {
			return visit(x)
		}
		// Outside the key: go on if it is still ahead, stop if it is past.
		return (x.key < *q.Key) != q.Desc
	}
	if !q.Desc {
		if q.Key != nil && (begin || from.key < *q.Key) {
			from, begin = place{key: *q.Key}, true
		}
		tree.AscendGreaterOrEqual(from, step)
		return
	}
	if q.Key != nil && (begin || from.key > *q.Key) {
		// \x00 makes the next key there is: just after all with this one.
		from, begin = place{key: *q.Key + "\x00"}, true
	}
	if begin && q.Key == nil {
		tree.Descend(step)
		return
	}
	tree.DescendLessOrEqual(from, step)
}
