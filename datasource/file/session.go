package file

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/modelspec"
)

// session is an open directory. Two goroutines may belong to it: the one that
// looks for outside edits and the one that tells of them; close ends and
// awaits both.
type session struct {
	cfg   Config
	root  *os.Root
	held  *os.File // the lock
	seed  maphash.Seed
	cache cache
	news  news

	ctx   context.Context // ends with close
	stop  context.CancelFunc
	loops sync.WaitGroup

	gate   sync.RWMutex // held for a moment only: closed and users change together
	closed atomic.Bool
	users  sync.WaitGroup // calls that use the directory

	mu          sync.Mutex
	collections map[string]*opening
}

// opening is a collection that somebody opens or has opened.
type opening struct {
	done chan struct{}
	c    *collection
	err  error
}

func open(cfg Config) (*session, error) {
	if err := makeDir(cfg.Dir, cfg.NoSync); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(cfg.Dir)
	if err != nil {
		return nil, err
	}
	held, err := lock(root)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if err := checkLayout(root, cfg.NoSync); err != nil {
		return nil, errors.Join(err, unlock(held), root.Close())
	}
	s := &session{cfg: cfg, root: root, held: held, seed: maphash.MakeSeed(), collections: map[string]*opening{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if s.cache.limit = cfg.CacheBytes; s.cache.limit == 0 {
		s.cache.limit = defaultCache
	}
	if cfg.Watch >= 0 {
		s.loops.Go(s.watch)
	}
	if cfg.OnChange != nil {
		s.news.bell = make(chan struct{}, 1)
		s.loops.Go(s.tellAll)
	}
	return s, nil
}

// checkLayout refuses what a newer version has laid out in another way.
func checkLayout(root *os.Root, noSync bool) error {
	found, err := root.ReadFile(layoutName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return writeLayout(root, noSync)
	case err != nil:
		return err
	case len(found) == 0 || string(found) == layout[:1]: // cut short by a crash, or by an editor
		return writeLayout(root, noSync)
	case string(found) != layout:
		return &modelspec.Error{Code: modelspec.ErrRefused,
			Message: fmt.Sprintf("%s says layout %.40q, not %q: the data is of a newer version, or not of this driver", layoutName, found, layout)}
	}
	return nil
}

func writeLayout(root *os.Root, noSync bool) error {
	f, err := root.OpenFile(layoutName, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(layout)
	if err == nil && !noSync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil && !noSync {
		err = syncDir(root)
	}
	return err
}

// collection opens the collection, once: who comes meanwhile waits.
func (s *session) collection(name string) (*collection, error) {
	if !s.enter() {
		return nil, errClosed("file: open collection " + name)
	}
	defer s.leave()
	s.mu.Lock()
	o := s.collections[name]
	first := o == nil
	if first {
		o = &opening{done: make(chan struct{})}
		s.collections[name] = o
	}
	s.mu.Unlock()
	if !first {
		<-o.done
		return o.c, o.err
	}
	c, err := s.load(name)
	if err != nil {
		o.err = c.wrap("open", "", err)
		s.mu.Lock()
		delete(s.collections, name) // to be tried again
		s.mu.Unlock()
	} else {
		o.c = c
	}
	close(o.done)
	return o.c, o.err
}

// all are the collections that are open.
func (s *session) all() (out []*collection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.collections {
		select {
		case <-o.done:
			if o.c != nil {
				out = append(out, o.c)
			}
		default:
		}
	}
	return out
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
	s.stop()
	s.loops.Wait()
	s.cache.clear()
	var errs []error
	for _, c := range s.all() {
		errs = append(errs, c.folder.Load().close())
	}
	return errors.Join(append(errs, s.root.Close(), unlock(s.held))...)
}

// watch looks for outside edits until the session ends.
func (s *session) watch() {
	every := s.cfg.Watch
	if every == 0 {
		every = defaultWatch
	}
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		}
		began := time.Now()
		for _, c := range s.all() {
			if err := c.poll(s.ctx, true); err != nil && s.ctx.Err() == nil {
				s.warn("file: look for outside edits", "collection", c.name, "error", err)
			}
		}
		timer.Reset(max(every, 20*time.Since(began)))
	}
}

func (s *session) warn(message string, args ...any) {
	if s.cfg.Logger != nil {
		s.cfg.Logger.Warn(message, args...)
	}
}

// sum tells one text from another as long as the session is open.
func (s *session) sum(text []byte) uint64 { return maphash.Bytes(s.seed, text) }
