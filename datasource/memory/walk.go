package memory

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/google/btree"
	"github.com/org/aegis/datasource"
)

// notDue stands for the zero time: no time that can be stored is the same.
const notDue int64 = math.MinInt64

// Due returns what is due. See datasource.Collection.
func (c *collection) Due(ctx context.Context, until time.Time, after datasource.Mark, limit int) ([]datasource.Mark, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.wrap("due", "", err)
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

// List yields documents as they were when the walk began. See
// datasource.Collection.
func (c *collection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(datasource.Document{}, c.wrap("list", q.Index, err))
			return
		}
		tree, seq := c.begin(q.Index)
		defer c.finish()
		if tree == nil {
			return
		}
		seen := 0
		walk(tree, q, func(x entry) bool {
			if seen++; seen%64 == 0 && ctx.Err() != nil {
				yield(datasource.Document{}, c.wrap("list", q.Index, ctx.Err()))
				return false
			}
			v := x.rec.at(seq)
			if v == nil || !q.Yields(&v.doc, x.key) {
				return true
			}
			return yield(v.doc, nil)
		})
	}
}

// begin keeps the state of now for a walk: its order, and every version that
// it may still ask for.
func (c *collection) begin(index string) (*btree.BTreeG[entry], uint64) {
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

func (c *collection) finish() {
	c.mu.Lock()
	c.open--
	c.mu.Unlock()
}

// walk calls visit for what q asks of the order, until it returns false.
func walk(tree *btree.BTreeG[entry], q datasource.Query, visit func(entry) bool) {
	from := entry{key: q.After.Key, id: q.After.ID}
	if q.Index == "" {
		q.Key, from.key = nil, ""
	}
	begin := q.After.IsZero()
	step := func(x entry) bool {
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
			from, begin = entry{key: *q.Key}, true
		}
		tree.AscendGreaterOrEqual(from, step)
		return
	}
	if q.Key != nil && (begin || from.key > *q.Key) {
		// \x00 makes the next key there is: just after all with this one.
		from, begin = entry{key: *q.Key + "\x00"}, true
	}
	if begin && q.Key == nil {
		tree.Descend(step)
		return
	}
	tree.DescendLessOrEqual(from, step)
}
