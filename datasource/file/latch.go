package file

import (
	"context"
	"sync"
)

// latches are locks by id: whoever changes a document's file, or what is known
// of it, holds its latch. There is no other order: nobody waits for one while
// holding another.
type latches struct {
	mu sync.Mutex
	m  map[string]*latch
}

type latch struct {
	held chan struct{} // of room for one
	refs int           // holder and those who wait
}

// acquire waits for the latch, at most as long as ctx does.
func (l *latches) acquire(ctx context.Context, id string) error {
	l.mu.Lock()
	x := l.m[id]
	if x == nil {
		if l.m == nil {
			l.m = map[string]*latch{}
		}
		x = &latch{held: make(chan struct{}, 1)}
		l.m[id] = x
	}
	x.refs++
	l.mu.Unlock()
	select {
	case x.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		l.drop(id, x)
		return ctx.Err()
	}
}

func (l *latches) release(id string) {
	l.mu.Lock()
	x := l.m[id]
	l.mu.Unlock()
	<-x.held
	l.drop(id, x)
}

func (l *latches) drop(id string, x *latch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.refs--; x.refs == 0 {
		delete(l.m, id)
	}
}
