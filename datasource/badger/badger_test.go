package badger_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

func harness(cfg badger.Config) datasourcetest.Harness {
	return datasourcetest.Harness{
		Open: func(t testing.TB) datasource.Store {
			cfg.Dir = t.TempDir()
			return badger.New(cfg)
		},
		Reopen: func(testing.TB) datasource.Store { return badger.New(cfg) },
	}
}

func TestConformance(t *testing.T) { datasourcetest.Run(t, harness(badger.Config{})) }

// Without the cache, and without waiting for the disk, the answers are the same.
func TestConformanceNoCache(t *testing.T) {
	datasourcetest.Run(t, harness(badger.Config{CacheBytes: -1, NoSync: true}))
}

// With a cache that is too small, entries come and go all the time.
func TestConformanceSmallCache(t *testing.T) {
	datasourcetest.Run(t, harness(badger.Config{CacheBytes: 16 * 3000, NoSync: true}))
}

func TestCompareWithMemory(t *testing.T) {
	store := badger.New(badger.Config{Dir: t.TempDir(), NoSync: true})
	defer store.Close()
	datasourcetest.Compare(t, 4, 2000, memory.New(), store)
}

func TestNewIsInert(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	store := badger.New(badger.Config{Dir: dir})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("New touched the disk: %v", err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Collection("x"); modelspec.CodeOf(err) != modelspec.ErrUnavailable {
		t.Errorf("Collection after Close: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	if err := badger.New(badger.Config{}).Open(ctx); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Errorf("no Dir: %v", err)
	}
	dir := t.TempDir()
	first := badger.New(badger.Config{Dir: dir})
	if err := first.Open(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Open(ctx); err != nil {
		t.Errorf("Open again: %v", err)
	}
	second := badger.New(badger.Config{Dir: dir})
	err := second.Open(ctx)
	if modelspec.CodeOf(err) != modelspec.ErrUnavailable || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a directory in use: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.Open(ctx); err != nil { // the mistake was not for ever
		t.Errorf("a directory that is free again: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := badger.New(badger.Config{Dir: file}).Open(ctx); err == nil {
		t.Error("a file was opened as a directory")
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := badger.New(badger.Config{Dir: dir}).Open(canceled); modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("canceled: %v", err)
	}
}

// After Close everything is unavailable, also what is in memory.
func TestClosed(t *testing.T) {
	ctx := t.Context()
	store := badger.New(badger.Config{Dir: t.TempDir()})
	c, err := store.Collection("x")
	if err != nil {
		t.Fatal(err)
	}
	d := datasource.Document{ID: "a", Revision: 1}
	if err := c.Put(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatalf("Close again: %v", err)
	}
	check := func(what string, err error) {
		t.Helper()
		if modelspec.CodeOf(err) != modelspec.ErrUnavailable {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	_, err = c.Get(ctx, "a")
	check("Get", err)
	d.Revision = 2
	check("Put", c.Put(ctx, d))
	check("Purge", c.Purge(ctx, "a", 1))
	_, err = c.Due(ctx, time.Now(), datasource.Mark{}, 1)
	check("Due", err)
	for _, err := range c.List(ctx, datasource.Query{}) {
		check("List", err)
	}
	check("Open", store.Open(ctx))
}
