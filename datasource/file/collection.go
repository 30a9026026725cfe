package file

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// shards is how many locks the map of ids is split over. It bounds how often
// two callers meet, not how many there may be.
const shards = 32

// collection knows of all its documents all but the bodies. Get finds one by
// its id without mu; writers and walks are under it for moments, never while
// they wait for the disk. Lock order: a latch, then mu, then a shard's or the
// cache's.
type collection struct {
	s       *session
	name    string
	folder  atomic.Pointer[folder]
	latches latches
	shards  [shards]shard
	polling sync.Mutex // one look at the folder at a time

	mu      sync.RWMutex
	seq     uint64     // of the last change
	open    int        // walks that are under way
	newest  uint64     // seq at which the youngest of them began
	kept    []*version // have older versions behind them
	ids     *ordered[place]
	due     *ordered[due]
	indexes map[string]*ordered[place]
	pending map[key]*flight // unique keys that a Put is about to take
	damage  map[string]error
}

type shard struct {
	mu sync.RWMutex
	m  map[string]*record
	_  [32]byte // keep neighbours off one cache line
}

func newCollection(s *session, name string) *collection {
	c := &collection{s: s, name: name, indexes: map[string]*ordered[place]{}, pending: map[key]*flight{}, damage: map[string]error{}}
	c.ids, c.due = newOrdered(placeLess), newOrdered(dueLess)
	for i := range c.shards {
		c.shards[i].m = map[string]*record{}
	}
	return c
}

func (c *collection) shard(id string) *shard {
	return &c.shards[maphash.String(c.s.seed, id)%shards]
}

func (c *collection) record(id string) *record {
	s := c.shard(id)
	s.mu.RLock()
	r := s.m[id]
	s.mu.RUnlock()
	return r
}

// current is the version that is known, nil if there is none.
func (c *collection) current(id string) *version {
	if r := c.record(id); r != nil {
		return r.cur.Load()
	}
	return nil
}

// publish makes v the newest version of the document. kept is the body of the
// one before, for walks, if it is known. The caller holds the document's latch.
func (c *collection) publish(id string, v *version, kept *datasource.Document) {
	c.mu.Lock()
	c.put(id, v, kept)
	warn := c.note(fileName(id), v.damage)
	c.mu.Unlock()
	warn()
}

func (c *collection) put(id string, v *version, kept *datasource.Document) {
	r := c.record(id)
	var old *version
	if r == nil {
		r = &record{id: id}
	} else {
		old = r.cur.Load()
	}
	c.seq++
	v.seq = c.seq
	if v.prev = c.older(old); v.prev != nil {
		c.kept = append(c.kept, v)
	}
	r.cur.Store(v)
	if old == nil {
		s := c.shard(id)
		s.mu.Lock()
		s.m[id] = r
		s.mu.Unlock()
		c.ids.insert(place{id: id, rec: r, first: true, last: true})
	} else {
		if v.prev != old {
			kept = nil
		}
		c.s.cache.retire(old, kept)
	}
	c.reindex(r, old, v)
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

// replace puts v in the place of the newest version, as the same one: only
// what is known of its file has changed.
func (c *collection) replace(id string, v *version) {
	c.mu.Lock()
	r := c.record(id)
	old := r.cur.Load()
	v.seq = old.seq
	if v.prev = old.prev; v.prev != nil {
		c.kept = append(c.kept, v)
	}
	c.s.cache.pass(old, v)
	r.cur.Store(v)
	warn := c.note(fileName(id), v.damage)
	c.mu.Unlock()
	warn()
}

// forget takes a document out that is no longer there.
func (c *collection) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.record(id)
	v := r.cur.Load()
	c.reindex(r, v, nil)
	c.ids.remove(place{id: id})
	s := c.shard(id)
	s.mu.Lock()
	delete(s.m, id)
	s.mu.Unlock()
	c.s.cache.retire(v, nil)
	c.note(fileName(id), nil)
}

// note keeps, or ends, that a file is damaged. The caller holds mu, and calls
// what is returned without it.
func (c *collection) note(file string, damage error) (warn func()) {
	was := c.damage[file]
	if damage == nil {
		delete(c.damage, file)
		return func() {}
	}
	c.damage[file] = damage
	if was != nil && was.Error() == damage.Error() {
		return func() {}
	}
	return func() { c.s.warn("file: a file is no document", "collection", c.name, "error", damage) }
}

// young reports whether a file that was changed then may be changed again and
// show the same time: clocks of file systems go by jumps.
func young(st stamp) bool {
	age := time.Since(time.Unix(0, st.modified))
	return age >= 0 && age < settle
}

// settle is how long after its last change a file is trusted to be whole.
const settle = 100 * time.Millisecond

func (c *collection) what(verb, id string) string { return "file: " + verb + " " + c.name + "/" + id }

func (c *collection) fail(code modelspec.Code, verb, id, cause string) error {
	return &modelspec.Error{Code: code, Message: c.what(verb, id) + ": " + cause}
}

// wrap gives an error of the file system its code.
func (c *collection) wrap(verb, id string, err error) error {
	switch {
	case modelspec.HasCode(err):
		return fmt.Errorf("%s: %w", c.what(verb, id), err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return c.fail(modelspec.ErrExhausted, verb, id, "the disk is full: make room: "+err.Error())
	}
	return c.fail(modelspec.ErrUnavailable, verb, id, err.Error())
}
