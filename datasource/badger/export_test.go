package badger

import "github.com/org/aegis/datasource"

// Cache is the cache of one collection.
type Cache struct{ c *cache }

func NewCache(limit int64) Cache { return Cache{newCache(limit)} }

func at(id string) place { return place{id: id} }

func (c Cache) Get(id string) (datasource.Document, bool) { return c.c.get(at(id)) }
func (c Cache) Lease(id string) uint64                    { return c.c.lease(at(id)) }
func (c Cache) Begin(id string)                           { c.c.begin(at(id)) }

func (c Cache) Fill(lease uint64, d datasource.Document, size int) {
	c.c.fill(at(d.ID), lease, &d, size)
}

func (c Cache) Finish(d datasource.Document, size int) { c.c.finish(at(d.ID), &d, size) }
func (c Cache) Forget(id string)                       { c.c.finish(at(id), nil, 0) }

// Size is what is kept, in entries and bytes, and what is noted beside.
func (c Cache) Size() (entries int, bytes int64, notes int) {
	for i := range c.c.shards {
		s := &c.c.shards[i]
		if len(s.m) != len(s.ring) {
			panic("the ring and the map differ")
		}
		entries, bytes, notes = entries+len(s.m), bytes+s.bytes, notes+len(s.writing)+len(s.leases)
	}
	return entries, bytes, notes
}
