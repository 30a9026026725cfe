package file

import (
	"math"
	"sync/atomic"

	"github.com/org/aegis/datasource"
)

// notDue stands for the zero time: no time that can be stored is the same.
const notDue int64 = math.MinInt64

// record is one document: the pointer through which everybody finds its newest
// version. Indexes point to records, so that a write which changes no key
// changes no tree.
type record struct {
	id  string
	cur atomic.Pointer[version]
}

// version is what is known of one revision without its body. It is immutable
// once it can be seen, but for what is said below.
type version struct {
	revision int64
	gone     bool
	due      int64
	index    []datasource.Entry

	stamp   stamp  // of the file
	sum     uint64 // of its text
	young   bool   // the file was so new that its next change may leave the same stamp
	missing bool   // the file is not there: deleted from outside
	damage  error  // the file is no document: all but stamp is of the last one that could be read

	seq  uint64                              // of the write in its collection
	prev *version                            // older ones, as long as a walk may ask for them; under collection.mu
	body atomic.Pointer[datasource.Document] // nil: not in memory

	slot // in the cache
}

func newVersion(d *datasource.Document, st stamp, sum uint64, young bool) *version {
	v := &version{revision: d.Revision, gone: d.Gone, due: datasource.Nanos(d.Due), index: d.Index, stamp: st, sum: sum, young: young}
	if d.Due.IsZero() {
		v.due = notDue
	}
	return v
}

// seen is v with another state of its file, and without a body.
func (v *version) seen(st stamp, young, missing bool, damage error) *version {
	return &version{revision: v.revision, gone: v.gone, due: v.due, index: v.index, sum: v.sum,
		stamp: st, young: young, missing: missing, damage: damage}
}

// at is the version as of seq, nil if there was none.
func (r *record) at(seq uint64) *version {
	v := r.cur.Load()
	for v != nil && v.seq > seq {
		v = v.prev
	}
	return v
}
