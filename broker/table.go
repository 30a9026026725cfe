package broker

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"sync/atomic"
)

// table is an immutable picture of all subscriptions. A change makes a new
// one; whoever delivers an event uses one table from beginning to end.
type table struct {
	all    []*Handle // in the order of Subscribe
	exact  map[string][]*Handle
	wild   []*Handle
	closed bool // the broker is: the rest says who would still need an event
	seed   maphash.Seed
	memo   [memoSlots]atomic.Pointer[route]
}

// route is what matches one (source, type).
type route struct {
	source, typ string
	needs       bool
	tell        []*Handle // DropOldest
	required    []*Handle
	block       []*Handle
}

// The memo is a cache of fixed size, so that types nobody foresaw cannot make
// it grow: a type has memoWays places next to each other.
const (
	memoSlots = 256
	memoWays  = 4
)

// build makes a table of the handles.
func build(all []*Handle, seed maphash.Seed) *table {
	t := &table{all: all, exact: make(map[string][]*Handle), seed: seed}
	for _, h := range all {
		if h.pattern.exact() {
			t.exact[h.sub.Pattern] = append(t.exact[h.sub.Pattern], h)
		} else {
			t.wild = append(t.wild, h)
		}
	}
	return t
}

// with returns a table that has h too.
func (t *table) with(h *Handle) *table {
	n := &table{all: append(slices.Clip(t.all), h), exact: t.exact, wild: t.wild, seed: t.seed}
	if !h.pattern.exact() {
		n.wild = append(slices.Clip(t.wild), h)
		return n
	}
	n.exact = maps.Clone(t.exact)
	n.exact[h.sub.Pattern] = append(slices.Clip(t.exact[h.sub.Pattern]), h)
	return n
}

func (t *table) has(h *Handle) bool { return slices.Contains(t.all, h) }

// without returns a table that lacks h.
func (t *table) without(h *Handle) *table {
	return build(slices.DeleteFunc(slices.Clone(t.all), func(o *Handle) bool { return o == h }), t.seed)
}

// lookup returns the route of (source, typ). It does not allocate for what the
// memo holds.
func (t *table) lookup(source, typ string) *route {
	at := t.slot(source, typ)
	for i := range uint64(memoWays) {
		r := t.memo[(at+i)%memoSlots].Load()
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
	for i := range uint64(memoWays) {
		if t.memo[(at+i)%memoSlots].CompareAndSwap(nil, r) {
			return r
		}
	}
	t.memo[(at+(at>>32)%memoWays)%memoSlots].Store(r)
	return r
}

// route works out who matches, in the order of Subscribe.
func (t *table) route(source, typ string) *route {
	r := &route{source: source, typ: typ}
	for _, h := range t.exact[typ] {
		r.add(h)
	}
	for _, h := range t.wild {
		if h.pattern.match(typ) {
			r.add(h)
		}
	}
	for _, hs := range [][]*Handle{r.tell, r.required, r.block} {
		slices.SortFunc(hs, func(a, b *Handle) int { return cmp.Compare(a.number, b.number) })
	}
	r.needs = len(r.required)+len(r.block) > 0
	return r
}

func (r *route) add(h *Handle) {
	switch {
	case h.sub.Source != "" && h.sub.Source != r.source:
	case h.sub.Required:
		r.required = append(r.required, h)
	case h.sub.Overflow == Block:
		r.block = append(r.block, h)
	default:
		r.tell = append(r.tell, h)
	}
}
