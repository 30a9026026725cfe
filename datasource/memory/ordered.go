package memory

import (
	"github.com/google/btree"
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

// entry is a document's place in an index, or among the ids, where key is "".
type entry struct {
	key, id string
	rec     *record
}

func entryLess(a, b entry) bool {
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
