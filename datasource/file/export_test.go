package file

import (
	"context"
	"time"

	"github.com/org/aegis/datasource"
)

func Escape(name string) string           { return escape(name) }
func Unescape(file string) (string, bool) { return unescape(file) }
func LayOut(raw []byte) []byte            { return layOut(raw) }

func ReadBack(text []byte) (datasource.Document, error) { return readBack(text) }

// Poll is what the watch does each time.
func (s *Store) Poll(ctx context.Context) error {
	for _, c := range s.opened.Load().all() {
		if err := c.poll(ctx, true); err != nil {
			return err
		}
	}
	return nil
}

// Known is how many documents the collection knows of.
func Known(c datasource.Collection) int {
	x := c.(*collection)
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.ids.tree.Len()
}

// Evict empties the cache.
func Evict(c datasource.Collection) {
	x := &c.(*collection).s.cache
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.ring) > 0 {
		x.evict()
	}
}

// Cached is what the cache holds.
func Cached(c datasource.Collection) (entries int, bytes int64) {
	x := &c.(*collection).s.cache
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.ring), x.bytes
}

// Older is how many versions of the document are kept behind the newest one.
func Older(c datasource.Collection, id string) int {
	x := c.(*collection)
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	for v := x.current(id).prev; v != nil; v = v.prev {
		n++
	}
	return n
}

// Settle returns when what was written until now is trusted to be whole.
func Settle(datasource.Collection) { <-time.After(settle) }

// Hold is a writer of the document that does not get on until release.
func Hold(c datasource.Collection, id string) (release func()) {
	x := c.(*collection)
	if err := x.latches.acquire(context.Background(), id); err != nil {
		panic(err)
	}
	return func() { x.latches.release(id) }
}
