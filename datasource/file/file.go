package file

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Config configures a [Store]. Only Dir is required.
type Config struct {
	// Dir is where the data is, made if need be. One process at a time.
	Dir string
	// NoSync leaves it to the operating system when to write to the disk. A
	// killed process then still loses nothing, but a machine that loses power
	// loses its last writes, acknowledged ones too, and may leave files empty.
	// Zero: each write is on the disk when Put returns.
	NoSync bool
	// CacheBytes bounds the memory of documents that need not be read again.
	// One that takes more than an eighth of it is not kept. Zero: 32 MiB.
	// Negative: no cache.
	CacheBytes int64
	// Watch is how often the folders are searched for outside edits; it is
	// made longer where a search takes more than a twentieth of it. Zero: a
	// second. Negative: never, but for [Store.Look].
	Watch time.Duration
	// OnChange is told of each document that was changed or deleted from
	// outside, after Get shows it, one call at a time. Several changes of one
	// document may be told as one. It must not call Close. A panic in it is
	// logged. Nil: nobody is told.
	OnChange func(collection, id string)
	// Logger gets a warning for each file that is found to be no document, and
	// for what goes wrong in the background. Nil: nobody does; see
	// [Store.Damaged].
	Logger *slog.Logger
}

const (
	defaultCache = 32 << 20
	defaultWatch = time.Second
)

// Store is a directory of collections. It opens the directory at first use, or
// by [Store.Open]. Safe for concurrent use.
type Store struct {
	cfg    Config
	opened atomic.Pointer[session] // nil before Open and after Close

	mu     sync.Mutex // guards what follows, and opening and closing
	closed bool
}

// New returns a Store that has touched nothing yet.
func New(cfg Config) *Store { return &Store{cfg: cfg} }

// Open opens the directory. It is not needed: the first Collection opens too;
// but a host that calls it learns at its start what is wrong. Opening again
// does nothing. The errors are modelspec.ErrInvalid (no Dir),
// modelspec.ErrUnavailable (in use by another process, closed, or what the
// file system says) and modelspec.ErrRefused (the data of a newer version).
func (s *Store) Open(ctx context.Context) error {
	_, err := s.session(ctx)
	return err
}

// session returns the open directory.
func (s *Store) session(ctx context.Context) (*session, error) {
	if o := s.opened.Load(); o != nil {
		return o, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.opened.Load(); o != nil {
		return o, nil
	}
	switch {
	case s.closed:
		return nil, errClosed("file: open " + s.cfg.Dir)
	case s.cfg.Dir == "":
		return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "file: open: Config.Dir is empty: name a directory for the data"}
	case ctx.Err() != nil:
		return nil, fmt.Errorf("file: open %s: %w", s.cfg.Dir, ctx.Err())
	}
	o, err := open(s.cfg)
	if err != nil {
		if modelspec.HasCode(err) {
			return nil, fmt.Errorf("file: open %s: %w", s.cfg.Dir, err)
		}
		return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true, Message: "file: open " + s.cfg.Dir + ": " + err.Error()}
	}
	s.opened.Store(o)
	return o, nil
}

// Collection returns the collection of that name. The first time, it opens the
// directory if nobody has yet, and reads every document of the collection. The
// errors are those of Open, and modelspec.ErrInvalid for a name that no driver
// takes.
func (s *Store) Collection(name string) (datasource.Collection, error) {
	if err := datasource.ValidCollection(name); err != nil {
		return nil, fmt.Errorf("file: open collection: %w", err)
	}
	o, err := s.session(context.Background())
	if err != nil {
		return nil, err
	}
	return o.collection(name)
}

// Look searches the collections that are open for outside edits, now. What is
// not there any more is gone at once. The error joins those of folders that
// could not be read.
func (s *Store) Look(ctx context.Context) error {
	o, err := s.session(ctx)
	if err != nil {
		return err
	}
	if !o.enter() {
		return errClosed("file: look at " + s.cfg.Dir)
	}
	defer o.leave()
	var errs []error
	for _, c := range o.all() {
		if err := c.poll(ctx, false); err != nil {
			errs = append(errs, c.wrap("look at", "", err))
		}
	}
	return errors.Join(errs...)
}

// Damage is a file that ought to be a document and is none.
type Damage struct {
	Path       string // below Config.Dir, with slashes
	Collection string
	ID         string // empty: the name of the file is no document's
	Err        error  // modelspec.ErrDataLoss: says what is wrong with it
}

// Damaged lists the damaged files of the collections that are open, as they
// were last seen, by path. None is ever written over or removed.
func (s *Store) Damaged() []Damage {
	o := s.opened.Load()
	if o == nil {
		return nil
	}
	var out []Damage
	for _, c := range o.all() {
		c.mu.RLock()
		for file, err := range c.damage {
			id, _, ok := idOf(file)
			if !ok {
				id = ""
			}
			out = append(out, Damage{Path: escape(c.name) + "/" + file, Collection: c.name, ID: id, Err: err})
		}
		c.mu.RUnlock()
	}
	slices.SortFunc(out, func(a, b Damage) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// Close waits for what is under way, a List with its consumer included, and
// gives the directory free. What is asked afterwards is
// modelspec.ErrUnavailable. Closing again does nothing. Do not call it from
// inside a List or OnChange.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	o := s.opened.Swap(nil)
	if o == nil {
		return nil
	}
	if err := o.close(); err != nil {
		return fmt.Errorf("file: close %s: %w", s.cfg.Dir, err)
	}
	return nil
}

func errClosed(what string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: what + ": the store is closed", NotSent: true}
}
