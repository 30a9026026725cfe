package badger

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/dgraph-io/badger/v4"
)

// session is an open directory. Two goroutines belong to it: the writer and
// the collector of garbage; close ends and awaits both.
type session struct {
	db    *engine.DB
	cfg   Config
	cache *cache

	requests chan *request
	stop     chan struct{}
	loops    sync.WaitGroup

	gate   sync.RWMutex // held for a moment only: closed and users change together
	closed atomic.Bool
	users  sync.WaitGroup // calls that use db
}

func newSession(db *engine.DB, cfg Config) *session {
	s := &session{db: db, cfg: cfg, requests: make(chan *request, maxBatch), stop: make(chan struct{})}
	size := cfg.CacheBytes
	if size == 0 {
		size = defaultCache
	}
	s.cache = newCache(size)
	s.loops.Go(s.write)
	s.loops.Go(s.collect)
	return s
}

// enter keeps the directory open until leave. It reports whether it is.
func (s *session) enter() bool {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed.Load() {
		return false
	}
	s.users.Add(1)
	return true
}

func (s *session) leave() { s.users.Done() }

func (s *session) close() error {
	s.gate.Lock()
	s.closed.Store(true)
	s.gate.Unlock()
	s.users.Wait()
	close(s.stop)
	s.loops.Wait()
	s.cache.clear()
	return s.db.Close()
}

// collect gives back the room of large values that were replaced.
func (s *session) collect() {
	every := s.cfg.GCInterval
	if every <= 0 {
		every = defaultGCInterval
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
		err := s.db.RunValueLogGC(0.5)
		if err != nil && !errors.Is(err, engine.ErrNoRewrite) && s.cfg.Logger != nil {
			s.cfg.Logger.Warn("badger: collect garbage", "error", err)
		}
	}
}
