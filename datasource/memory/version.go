package memory

import (
	"sync/atomic"

	"github.com/org/aegis/datasource"
)

// record is one document: the pointer through which everybody finds its newest
// version. Indexes point to records, so that a write which changes no key
// changes no tree.
type record struct {
	id  string
	cur atomic.Pointer[version]
}

// version is one revision. It is immutable once it can be seen. Older ones
// hang behind it only as long as a walk that began before may ask for them.
type version struct {
	doc  datasource.Document
	seq  uint64
	prev *version
}

// at is the version as of seq, nil if there was none.
func (r *record) at(seq uint64) *version {
	v := r.cur.Load()
	for v != nil && v.seq > seq {
		v = v.prev
	}
	return v
}

// older is what the successor of v must keep behind it: nothing without walks,
// and v itself only if one of them can have seen it. A chain is therefore never
// longer than there are walks.
func (c *collection) older(v *version) *version {
	switch {
	case v == nil || c.open == 0:
		return nil
	case v.seq <= c.newest:
		return v
	}
	return v.prev
}
