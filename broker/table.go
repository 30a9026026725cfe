package broker

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
	"sync/atomic"
)

// table is an immutable picture of all subscriptions. A change makes a new
// one; whoever delivers an event uses one table from beginning to end.
type table struct {
	all    []*Handle // in the order of Subscribe
	index  *index    // of all but the fresh ones, and of a few that are gone
	fresh  []*Handle // since the index was built
	gone   []*Handle // in the index, but not in all
	closed bool      // the broker is: the rest says who would still need an event
	seed   maphash.Seed
	memo   []atomic.Pointer[route]
}

// The memo is a cache whose size depends on the subscriptions only, so that
// types nobody foresaw cannot make it grow: a type has memoWays places next to
// each other.
const (
	minMemo  = 256
	maxMemo  = 8192
	memoWays = 4
)

// slack is how many changes of n subscriptions share one index, so that each
// does not cost one.
func slack(n int) int { return n / 128 }

// build makes a table of the handles.
func build(all []*Handle, seed maphash.Seed) *table {
	return (&table{all: all, index: buildIndex(all), seed: seed}).forgetful()
}

// forgetful gives t an empty memo.
func (t *table) forgetful() *table {
	t.memo = make([]atomic.Pointer[route], min(maxMemo, max(minMemo, 1<<bits.Len(uint(len(t.all))))))
	return t
}

// with returns a table that has h too.
func (t *table) with(h *Handle) *table {
	all := append(slices.Clip(t.all), h)
	if len(t.fresh) >= slack(len(all)) {
		return build(all, t.seed)
	}
	return (&table{all: all, index: t.index, fresh: append(slices.Clip(t.fresh), h), gone: t.gone, seed: t.seed}).forgetful()
}

func (t *table) has(h *Handle) bool { return slices.Contains(t.all, h) }

// without returns a table that lacks h.
func (t *table) without(h *Handle) *table {
	other := func(o *Handle) bool { return o == h }
	n := &table{all: slices.DeleteFunc(slices.Clone(t.all), other), index: t.index, gone: t.gone, seed: t.seed}
	if n.fresh = slices.DeleteFunc(slices.Clone(t.fresh), other); len(n.fresh) < len(t.fresh) {
		return n.forgetful()
	}
	if len(t.gone) >= slack(len(n.all)) {
		return build(n.all, t.seed)
	}
	n.gone = append(slices.Clip(t.gone), h)
	return n.forgetful()
}

// ended returns t as it is after the broker's end.
func (t *table) ended() *table {
	return &table{all: t.all, index: t.index, fresh: t.fresh, gone: t.gone, memo: t.memo, closed: true, seed: t.seed}
}

// lookup returns the route of (source, typ). It does not allocate for what the
// memo holds.
func (t *table) lookup(source, typ string) *route {
	at := t.slot(source, typ)
	for i := range uint64(memoWays) {
		r := t.memo[(at+i)&uint64(len(t.memo)-1)].Load()
		if r == nil {
			break
		}
		if r.typ == typ && r.source == source {
			return r
		}
	}
	return t.remember(at, t.route(source, typ))
}

// slot hashes the type, and of the source no more than tells most apart: a
// type by convention begins with its source.
func (t *table) slot(source, typ string) uint64 {
	h := maphash.String(t.seed, typ)
	if n := len(source); n > 0 {
		h += uint64(n) + 31*uint64(source[n-1])
	}
	return h
}

// remember puts r in the first free place of its own, else in the one that its
// hash picks. Two that race may both succeed or lose one: it is only a memo.
func (t *table) remember(at uint64, r *route) *route {
	mask := uint64(len(t.memo) - 1)
	for i := range uint64(memoWays) {
		if t.memo[(at+i)&mask].CompareAndSwap(nil, r) {
			return r
		}
	}
	t.memo[(at+(at>>32)%memoWays)&mask].Store(r)
	return r
}

// route works out who matches, in the order of Subscribe.
func (t *table) route(source, typ string) *route {
	found := t.index.find(typ, make([]*Handle, 0, 16))
	for _, h := range t.fresh {
		if h.pattern.match(typ) {
			found = append(found, h)
		}
	}
	found = slices.DeleteFunc(found, func(h *Handle) bool { return !h.wants(source, typ) || slices.Contains(t.gone, h) })
	slices.SortFunc(found, func(a, b *Handle) int { return cmp.Compare(a.number, b.number) })
	return newRoute(source, typ, found)
}

// wants reports whether h, whose pattern matches, takes such events.
func (h *Handle) wants(source, typ string) bool {
	if h.sub.Source != "" && h.sub.Source != source {
		return false
	}
	return !slices.ContainsFunc(h.ignore, func(p pattern) bool { return p.match(typ) })
}
