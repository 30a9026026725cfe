package badger

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/datasource"
)

// cache keeps documents that were written or read lately, so that a revision
// is decoded once. It is never ahead of what is durable, and never behind what
// anybody has seen:
//
//   - begin, before a commit, forbids to fill in what is read meanwhile, and
//     finish, after it, puts the new revision in: until then all readers get
//     the old one from the cache, or whatever the engine has.
//   - A reader that finds nothing takes a lease, reads, and fills in only if
//     its lease still stands. begin breaks it.
//
// It is bounded in bytes and entries per shard; the clock algorithm chooses
// who goes. Safe for concurrent use.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

const (
	cacheShards = 16
	entryCost   = 1 << 10 // bytes that an entry takes beside its text, generously
)

// place names a document in a directory.
type place struct {
	collection *collection
	id         string
}

type cacheShard struct {
	mu      sync.RWMutex
	m       map[place]*cached
	ring    []*cached // in the order of the clock
	hand    int
	bytes   int64
	limit   int64 // negative: nothing is kept
	writing map[place]bool
	leases  map[place]uint64
	issued  uint64
}

type cached struct {
	place place
	doc   datasource.Document
	cost  int64
	at    int // in ring
	used  atomic.Bool
}

func newCache(limit int64) *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		s := &c.shards[i]
		s.limit = limit / cacheShards
		s.m, s.writing, s.leases = map[place]*cached{}, map[place]bool{}, map[place]uint64{}
	}
	return c
}

func (c *cache) shard(id string) *cacheShard {
	return &c.shards[maphash.String(c.seed, id)%cacheShards]
}

func (c *cache) get(p place) (datasource.Document, bool) {
	s := c.shard(p.id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := s.m[p]
	if e == nil {
		return datasource.Document{}, false
	}
	if !e.used.Load() { // a store only when it changes something: readers share the line
		e.used.Store(true)
	}
	return e.doc, true
}

// lease allows to fill p in, 0 if it does not.
func (c *cache) lease(p place) uint64 {
	s := c.shard(p.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit < 0 || s.writing[p] || s.leases[p] != 0 {
		return 0
	}
	s.issued++
	s.leases[p] = s.issued
	return s.issued
}

// fill ends the lease and keeps what was read under it. A nil d only ends it.
func (c *cache) fill(p place, lease uint64, d *datasource.Document, size int) {
	if lease == 0 {
		return
	}
	s := c.shard(p.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[p] != lease {
		return
	}
	delete(s.leases, p)
	if d != nil {
		s.put(p, *d, size)
	}
}

// begin announces a commit that changes p.
func (c *cache) begin(p place) {
	s := c.shard(p.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing[p] = true
	delete(s.leases, p)
}

// finish ends what begin began. A nil d forgets p: it is gone, or nobody knows.
func (c *cache) finish(p place, d *datasource.Document, size int) {
	s := c.shard(p.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, p)
	if d == nil {
		if e := s.m[p]; e != nil {
			s.remove(e)
		}
		return
	}
	s.put(p, *d, size)
}

func (c *cache) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		clear(s.m)
		s.ring, s.hand, s.bytes = nil, 0, 0
		s.mu.Unlock()
	}
}

// put needs the lock.
func (s *cacheShard) put(p place, d datasource.Document, size int) {
	if e := s.m[p]; e != nil {
		s.remove(e)
	}
	e := &cached{place: p, doc: d, cost: 2*int64(size) + entryCost} // twice: text and what is decoded of it
	if e.cost > s.limit {
		return
	}
	for s.bytes+e.cost > s.limit {
		s.evict()
	}
	e.at = len(s.ring)
	s.ring = append(s.ring, e)
	s.m[p] = e
	s.bytes += e.cost
}

func (s *cacheShard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		if e := s.ring[s.hand]; !e.used.Swap(false) {
			s.remove(e)
			return
		}
		s.hand++
	}
}

func (s *cacheShard) remove(e *cached) {
	last := s.ring[len(s.ring)-1]
	s.ring[e.at], last.at = last, e.at
	s.ring[len(s.ring)-1] = nil
	s.ring = s.ring[:len(s.ring)-1]
	delete(s.m, e.place)
	s.bytes -= e.cost
}
