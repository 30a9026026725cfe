package file

import (
	"fmt"
	"sync"
)

// news are the outside edits that nobody has been told of yet: each document
// once, so they are no more than there are documents.
type news struct {
	mu    sync.Mutex
	known map[edit]bool
	order []edit
	bell  chan struct{} // of room for one; nil: nobody listens
}

type edit struct{ collection, id string }

func (n *news) add(e edit) {
	if n.bell == nil {
		return
	}
	n.mu.Lock()
	if !n.known[e] {
		if n.known == nil {
			n.known = map[edit]bool{}
		}
		n.known[e] = true
		n.order = append(n.order, e)
	}
	n.mu.Unlock()
	select {
	case n.bell <- struct{}{}:
	default:
	}
}

// take returns what there is and forgets it.
func (n *news) take() []edit {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.order
	n.order = nil
	clear(n.known)
	return out
}

// tellAll calls OnChange until the session ends, and then for what is left.
func (s *session) tellAll() {
	for {
		ended := false
		select {
		case <-s.news.bell:
		case <-s.ctx.Done():
			ended = true
		}
		for _, e := range s.news.take() {
			s.tell(e)
		}
		if ended {
			return
		}
	}
}

func (s *session) tell(e edit) {
	defer func() {
		if p := recover(); p != nil {
			s.warn("file: OnChange panics", "collection", e.collection, "id", e.id, "panic", fmt.Sprint(p))
		}
	}()
	s.cfg.OnChange(e.collection, e.id)
}
