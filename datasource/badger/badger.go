package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/dgraph-io/badger/v4"
	compression "github.com/dgraph-io/badger/v4/options"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Config configures a [Store]. Only Dir is required.
type Config struct {
	// Dir is where the data is, made if need be. One process at a time.
	Dir string
	// NoSync leaves it to the operating system when to write to the disk. A
	// killed process then still loses nothing, but a machine that loses power
	// loses its last writes, acknowledged ones too. Zero: each write is on the
	// disk when Put returns, which costs what the disk takes to say so, shared
	// by all that write at the same time.
	NoSync bool
	// MemTableSize is how many bytes of writes are collected in memory before
	// a table is made of them. It takes up to three times that, and the making
	// of tables as much again. More is faster under constant writing, and one
	// document's index entries may take 15 % of it. Zero: 8 MiB, the least.
	MemTableSize int64
	// CacheBytes bounds the memory of documents that need not be decoded
	// again. Zero: 32 MiB. Negative: no cache.
	CacheBytes int64
	// GCInterval is how often room of large documents (over 1 MiB) that were
	// replaced is given back to the disk. Zero: 10 minutes.
	GCInterval time.Duration
	// Logger gets what the engine says. Nil: it is not asked.
	Logger *slog.Logger
}

const (
	minMemTable       = 8 << 20
	defaultCache      = 32 << 20
	defaultGCInterval = 10 * time.Minute
	valueThreshold    = 1 << 20
)

// Store is a directory of collections. It opens the directory at first use, or
// by [Store.Open]. Safe for concurrent use.
type Store struct {
	cfg    Config
	opened atomic.Pointer[session] // nil before Open and after Close

	mu          sync.Mutex // guards what follows
	closed      bool
	collections map[string]*collection
}

// New returns a Store that has touched nothing yet.
func New(cfg Config) *Store { return &Store{cfg: cfg} }

// Open opens the directory. It is not needed: the first Collection opens too;
// but a host that calls it learns at its start what is wrong. Opening again
// does nothing. The errors are modelspec.ErrInvalid (no Dir),
// modelspec.ErrUnavailable (in use by another process, or closed),
// modelspec.ErrRefused (the data of something else, or of a newer version),
// and whatever the file system says.
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
		return nil, errClosed("open " + s.cfg.Dir)
	case s.cfg.Dir == "":
		return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "badger: open: Config.Dir is empty: name a directory for the data"}
	case ctx.Err() != nil:
		return nil, fmt.Errorf("badger: open %s: %w", s.cfg.Dir, ctx.Err())
	}
	o, err := open(s.cfg)
	if err != nil {
		return nil, err
	}
	s.opened.Store(o)
	return o, nil
}

// Collection returns the collection of that name; it opens the directory if
// nobody has yet. The errors are those of Open, and modelspec.ErrInvalid for a
// name that no driver takes.
func (s *Store) Collection(name string) (datasource.Collection, error) {
	if err := datasource.ValidCollection(name); err != nil {
		return nil, fmt.Errorf("badger: open collection: %w", err)
	}
	o, err := s.session(context.Background())
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.collections[name]
	if c == nil {
		if s.collections == nil {
			s.collections = map[string]*collection{}
		}
		c = newCollection(o, name)
		s.collections[name] = c
	}
	return c, nil
}

// Close waits for what is under way, a List with its consumer included, and
// closes the directory. What is asked afterwards is modelspec.ErrUnavailable.
// Closing again does nothing. Do not call it from inside a List.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	o := s.opened.Swap(nil)
	if o == nil {
		return nil
	}
	return o.close()
}

// options are sized for a store inside somebody else's process.
func options(cfg Config) engine.Options {
	o := engine.DefaultOptions(cfg.Dir)
	o.SyncWrites = !cfg.NoSync
	o.MemTableSize = max(cfg.MemTableSize, minMemTable)
	o.NumMemtables = 2
	o.NumCompactors = 2
	o.Compression = compression.None // blocks are used as they are mapped: no cache of them, and half of the memory
	o.BlockCacheSize = 0
	o.ValueThreshold = valueThreshold
	o.ValueLogFileSize = 64 << 20
	o.DetectConflicts = false // one goroutine writes: there are none
	o.MetricsEnabled = false  // they are global to the process
	o.Logger = nil
	if cfg.Logger != nil {
		o.Logger = logger{cfg.Logger}
	}
	return o
}

func open(cfg Config) (*session, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("badger: open %s: %w", cfg.Dir, err)
	}
	db, err := engine.Open(options(cfg))
	if err != nil {
		if strings.Contains(err.Error(), "directory lock") {
			return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true,
				Message: "badger: open " + cfg.Dir + ": another process, or another Store of this one, has it open: close that one or use another directory"}
		}
		return nil, fmt.Errorf("badger: open %s: %w", cfg.Dir, err)
	}
	if err := checkLayout(db, cfg.Dir); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return newSession(db, cfg), nil
}

// checkLayout refuses data that was not written in this layout of keys, and
// marks an empty directory as its own.
func checkLayout(db *engine.DB, dir string) error {
	found, empty := "", true
	err := db.View(func(txn *engine.Txn) error {
		it := txn.NewIterator(engine.IteratorOptions{})
		it.Rewind()
		empty = !it.Valid()
		it.Close()
		item, err := txn.Get([]byte(layoutKey))
		if errors.Is(err, engine.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return item.Value(func(v []byte) error { found = string(v); return nil })
	})
	switch {
	case err != nil:
		return fmt.Errorf("badger: open %s: %w", dir, err)
	case found == layout:
		return nil
	case !empty:
		return &modelspec.Error{Code: modelspec.ErrRefused,
			Message: fmt.Sprintf("badger: open %s: the data has layout %q, not %q: it is of a newer version, or not of this driver", dir, found, layout)}
	}
	return db.Update(func(txn *engine.Txn) error { return txn.Set([]byte(layoutKey), []byte(layout)) })
}

func errClosed(what string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "badger: " + what + ": the store is closed", NotSent: true}
}

// logger hands the engine's messages on.
type logger struct{ to *slog.Logger }

func (l logger) log(level slog.Level, format string, args []any) {
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, "badger: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l logger) Errorf(format string, args ...any)   { l.log(slog.LevelError, format, args) }
func (l logger) Warningf(format string, args ...any) { l.log(slog.LevelWarn, format, args) }
func (l logger) Infof(format string, args ...any)    { l.log(slog.LevelDebug, format, args) }
func (l logger) Debugf(format string, args ...any)   { l.log(slog.LevelDebug-4, format, args) }
