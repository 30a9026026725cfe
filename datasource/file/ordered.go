package file

import (
	"cmp"
	"slices"

	"github.com/google/btree"
	"github.com/org/aegis/datasource"
)

// ordered is a sorted set whose state can be kept in no time: a copy is made
// of what is changed afterwards only.
type ordered[T any] struct {
	tree   *btree.BTreeG[T]
	frozen *btree.BTreeG[T] // the tree as it is, if somebody asked since the last change
}

func newOrdered[T any](less func(a, b T) bool) *ordered[T] {
	return &ordered[T]{tree: btree.NewG(32, less)}
}

func (o *ordered[T]) insert(x T) {
	o.frozen = nil
	o.tree.ReplaceOrInsert(x)
}

func (o *ordered[T]) remove(x T) {
	o.frozen = nil
	o.tree.Delete(x)
}

// freeze returns the set as it is now; it may be read without a lock. The
// caller holds the collection's write lock.
func (o *ordered[T]) freeze() *btree.BTreeG[T] {
	if o.frozen == nil {
		o.frozen = o.tree.Clone()
	}
	return o.frozen
}

// place is where a document stands in an index, or among the ids, where key is
// "". Of its places in one index, the one that a walk comes to first yields
// the document.
type place struct {
	key, id     string
	rec         *record
	first, last bool
}

func placeLess(a, b place) bool {
	if a.key != b.key {
		return a.key < b.key
	}
	return a.id < b.id
}

// due is a document's place in the order of Due, at Unix nanoseconds.
type due struct {
	at int64
	id string
}

func dueLess(a, b due) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.id < b.id
}

// reindex moves r from where old stood to where v stands; either may be nil.
// The caller holds mu.
func (c *collection) reindex(r *record, old, v *version) {
	var was, is []datasource.Entry
	wasDue, isDue := notDue, notDue
	if old != nil {
		was, wasDue = old.index, old.due
	}
	if v != nil {
		is, isDue = v.index, v.due
	}
	if isDue != wasDue {
		if wasDue != notDue {
			c.due.remove(due{wasDue, r.id})
		}
		if isDue != notDue {
			c.due.insert(due{isDue, r.id})
		}
	}
	if slices.Equal(was, is) {
		return
	}
	for i := range was {
		if index := c.indexes[was[i].Name]; index != nil {
			index.remove(place{key: was[i].Key, id: r.id})
		}
	}
	c.stand(r, is)
	for i := range was {
		if index := c.indexes[was[i].Name]; index != nil && index.tree.Len() == 0 {
			delete(c.indexes, was[i].Name)
		}
	}
}

// stand enters r under each of its keys.
func (c *collection) stand(r *record, entries []datasource.Entry) {
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b datasource.Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	sorted = slices.CompactFunc(sorted, func(a, b datasource.Entry) bool { return a.Name == b.Name && a.Key == b.Key })
	for i := range sorted {
		e := &sorted[i]
		index := c.indexes[e.Name]
		if index == nil {
			index = newOrdered(placeLess)
			c.indexes[e.Name] = index
		}
		index.insert(place{key: e.Key, id: r.id, rec: r,
			first: i == 0 || sorted[i-1].Name != e.Name,
			last:  i == len(sorted)-1 || sorted[i+1].Name != e.Name})
	}
}

// holder is another document under the same key, "" if there is none. The
// caller holds mu.
func (c *collection) holder(e *datasource.Entry, id string) (other string) {
	index := c.indexes[e.Name]
	if index == nil {
		return ""
	}
	index.tree.AscendGreaterOrEqual(place{key: e.Key}, func(x place) bool {
		if x.key == e.Key && x.id != id {
			other = x.id
		}
		return x.key == e.Key && other == ""
	})
	return other
}
