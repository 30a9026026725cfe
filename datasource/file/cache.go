package file

import (
	"sync"
	"sync/atomic"

	"github.com/org/aegis/datasource"
)

// entryCost is what a body takes in bytes beside its text, generously.
const entryCost = 1 << 10

// cache bounds the memory of bodies. They hang at their versions, where they
// are found without it; it knows which do, and chooses by the clock algorithm
// who gives his up. Safe for concurrent use.
type cache struct {
	mu    sync.Mutex
	ring  []*version // in the order of the clock
	hand  int
	bytes int64
	limit int64 // negative: nothing is kept
}

// slot is a version's place in the cache.
type slot struct {
	used    atomic.Bool
	cost    int64 // 0: not in the ring
	at      int
	retired bool // is not to be in the ring any more
}

// add keeps the body of v for now.
func (c *cache) add(v *version, d *datasource.Document, size int) {
	cost := 2*int64(size) + entryCost // twice: text and what is decoded of it
	if cost > c.limit/8 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.cost != 0 || v.retired {
		return
	}
	for c.bytes+cost > c.limit {
		c.evict()
	}
	v.cost, v.at = cost, len(c.ring)
	c.ring = append(c.ring, v)
	c.bytes += cost
	v.body.Store(d)
}

// retire forgets v, which was replaced. kept, if not nil, stays its body as
// long as somebody refers to v.
func (c *cache) retire(v *version, kept *datasource.Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v.retired = true
	c.remove(v)
	v.body.Store(kept)
}

// pass gives the place of old to v, which has the same body, if it has one.
func (c *cache) pass(old, v *version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.missing || v.damage != nil {
		v.retired = true
		c.remove(old)
	}
	if old.cost != 0 {
		v.cost, v.at = old.cost, old.at
		c.ring[v.at], old.cost = v, 0
		v.body.Store(old.body.Load())
	}
	old.retired = true
}

func (c *cache) evict() {
	for {
		if c.hand >= len(c.ring) {
			c.hand = 0
		}
		if v := c.ring[c.hand]; !v.used.Swap(false) {
			c.remove(v)
			v.body.Store(nil)
			return
		}
		c.hand++
	}
}

func (c *cache) remove(v *version) {
	if v.cost == 0 {
		return
	}
	last := c.ring[len(c.ring)-1]
	c.ring[v.at], last.at = last, v.at
	c.ring[len(c.ring)-1] = nil
	c.ring = c.ring[:len(c.ring)-1]
	c.bytes -= v.cost
	v.cost = 0
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.ring {
		v.retired, v.cost = true, 0
		v.body.Store(nil)
	}
	c.ring, c.hand, c.bytes = nil, 0, 0
}
