package badger_test

import (
	"fmt"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
)

func revision(n int64) datasource.Document { return datasource.Document{ID: "a", Revision: n} }

// What a reader found before a commit must not be kept after anybody may have
// seen what the commit wrote: each order in which the two can meet.
func TestCacheOrder(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(badger.Cache)
		want int64 // 0: nothing is kept
	}{
		{"a read alone is kept", func(c badger.Cache) { c.Fill(c.Lease("a"), revision(1), 10) }, 1},
		{"a write is kept", func(c badger.Cache) { c.Begin("a"); c.Finish(revision(2), 10) }, 2},
		{"read, fill inside the commit", func(c badger.Cache) {
			lease := c.Lease("a")
			c.Begin("a")
			c.Fill(lease, revision(1), 10)
		}, 0},
		{"read, fill after the commit", func(c badger.Cache) {
			lease := c.Lease("a")
			c.Begin("a")
			c.Finish(revision(2), 10)
			c.Fill(lease, revision(1), 10)
		}, 2},
		{"read, fill after a commit whose outcome nobody knows", func(c badger.Cache) {
			lease := c.Lease("a")
			c.Begin("a")
			c.Forget("a")
			c.Fill(lease, revision(1), 10)
		}, 0},
		{"read and fill inside the commit", func(c badger.Cache) {
			c.Begin("a")
			c.Fill(c.Lease("a"), revision(1), 10)
		}, 0},
		{"read inside the commit, fill after it", func(c badger.Cache) {
			c.Begin("a")
			lease := c.Lease("a")
			c.Forget("a")
			c.Fill(lease, revision(1), 10)
		}, 0},
		{"the old lease does not end the new one", func(c badger.Cache) {
			old := c.Lease("a")
			c.Begin("a")
			c.Forget("a")
			lease := c.Lease("a")
			c.Fill(old, revision(1), 10)
			c.Fill(lease, revision(2), 10)
		}, 2},
		{"the old revision is given out until the commit ends", func(c badger.Cache) {
			c.Begin("a")
			c.Finish(revision(1), 10)
			c.Begin("a")
		}, 1},
		{"an unknown outcome forgets", func(c badger.Cache) {
			c.Begin("a")
			c.Finish(revision(1), 10)
			c.Begin("a")
			c.Forget("a")
		}, 0},
	} {
		cache := badger.NewCache(1 << 20)
		c.do(cache)
		if d, _ := cache.Get("a"); d.Revision != c.want {
			t.Errorf("%s: revision %d is kept, want %d", c.name, d.Revision, c.want)
		}
	}
}

func TestCacheBounds(t *testing.T) {
	const limit = 1 << 20
	cache := badger.NewCache(limit)
	for i := range 5000 {
		id := fmt.Sprint("d", i)
		d := datasource.Document{ID: id, Revision: 1}
		if i%2 == 0 {
			cache.Begin(id)
			cache.Finish(d, i%3000)
		} else {
			cache.Fill(cache.Lease(id), d, i%3000)
		}
		cache.Get(fmt.Sprint("d", i/2))
	}
	entries, bytes, notes := cache.Size()
	if bytes > limit || entries < 100 || notes != 0 {
		t.Errorf("%d entries of %d bytes, %d notes", entries, bytes, notes)
	}
	cache.Begin("large")
	cache.Finish(datasource.Document{ID: "large"}, limit)
	if _, ok := cache.Get("large"); ok {
		t.Error("a document larger than its share is kept")
	}
	for i := range 5000 {
		cache.Forget(fmt.Sprint("d", i))
	}
	if entries, bytes, _ := cache.Size(); entries != 0 || bytes != 0 {
		t.Errorf("%d entries of %d bytes are left", entries, bytes)
	}
}
