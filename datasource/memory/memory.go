package memory

import (
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Store keeps collections in memory. Its zero value is ready. Safe for
// concurrent use.
type Store struct {
	mu          sync.RWMutex
	collections map[string]*collection
}

// New returns an empty Store.
func New() *Store { return &Store{} }

// Collection returns the collection of that name, made if need be. The error
// is modelspec.ErrInvalid, for a name that no driver takes.
func (s *Store) Collection(name string) (datasource.Collection, error) {
	s.mu.RLock()
	c := s.collections[name]
	s.mu.RUnlock()
	if c != nil {
		return c, nil
	}
	if err := datasource.ValidCollection(name); err != nil {
		return nil, fmt.Errorf("memory: open collection: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.collections[name]; c != nil {
		return c, nil
	}
	if s.collections == nil {
		s.collections = map[string]*collection{}
	}
	c = newCollection(name)
	s.collections[name] = c
	return c, nil
}

// Close does nothing: there is nothing to flush, and nothing is lost. The
// Store can be used on, by the next host for instance.
func (s *Store) Close() error { return nil }

// shards is how many locks the map of ids is split over. It bounds how often
// two callers meet, not how many there may be.
const shards = 32

// collection finds documents by id without its lock; everything else, which
// is what writers and walks do, is under mu. Lock order: mu, then a shard's.
type collection struct {
	name   string
	seed   maphash.Seed
	shards [shards]shard

	mu      sync.RWMutex
	seq     uint64 // of the last write
	open    int    // walks that are under way
	newest  uint64 // seq at which the youngest of them began
	ids     *ordered[entry]
	due     *ordered[due]
	indexes map[string]*ordered[entry]
}

type shard struct {
	mu sync.RWMutex
	m  map[string]*record
	_  [32]byte // keep neighbours off one cache line
}

func newCollection(name string) *collection {
	c := &collection{name: name, seed: maphash.MakeSeed(), indexes: map[string]*ordered[entry]{}}
	c.ids, c.due = newOrdered(entryLess), newOrdered(dueLess)
	for i := range c.shards {
		c.shards[i].m = map[string]*record{}
	}
	return c
}

func (c *collection) shard(id string) *shard {
	return &c.shards[maphash.String(c.seed, id)%shards]
}

func (c *collection) record(id string) *record {
	s := c.shard(id)
	s.mu.RLock()
	r := s.m[id]
	s.mu.RUnlock()
	return r
}

func (c *collection) fail(code modelspec.Code, verb, id, cause string) error {
	return &modelspec.Error{Code: code, Message: "memory: " + verb + " " + c.name + "/" + id + ": " + cause}
}

func (c *collection) wrap(verb, id string, err error) error {
	return fmt.Errorf("memory: %s %s/%s: %w", verb, c.name, id, err)
}
