package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

func harness(cfg file.Config) datasourcetest.Harness {
	return datasourcetest.Harness{
		Open: func(t testing.TB) datasource.Store {
			cfg.Dir = t.TempDir()
			return file.New(cfg)
		},
		Reopen: func(testing.TB) datasource.Store { return file.New(cfg) },
	}
}

func TestConformance(t *testing.T) { datasourcetest.Run(t, harness(file.Config{})) }

// Without the cache, without waiting for the disk, and while the folders are
// searched all the time, the answers are the same.
func TestConformanceNoCache(t *testing.T) {
	datasourcetest.Run(t, harness(file.Config{CacheBytes: -1, NoSync: true, Watch: time.Microsecond}))
}

// With a cache that is too small, bodies come and go all the time.
func TestConformanceSmallCache(t *testing.T) {
	datasourcetest.Run(t, harness(file.Config{CacheBytes: 16 << 10, NoSync: true, Watch: time.Microsecond}))
}

func TestCompareWithMemory(t *testing.T) {
	store := file.New(file.Config{Dir: t.TempDir(), NoSync: true})
	defer store.Close()
	datasourcetest.Compare(t, 4, 2000, memory.New(), store)
}

func TestNewIsInert(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	store := file.New(file.Config{Dir: dir})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("New touched the disk: %v", err)
	}
	if got := store.Damaged(); got != nil {
		t.Errorf("Damaged before Open: %v", got)
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
	if err := file.New(file.Config{}).Open(ctx); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Errorf("no Dir: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "deep", "er")
	first := file.New(file.Config{Dir: dir})
	if err := first.Open(ctx); err != nil {
		t.Fatal(err)
	}
	if err := first.Open(ctx); err != nil {
		t.Errorf("Open again: %v", err)
	}
	second := file.New(file.Config{Dir: dir})
	err := second.Open(ctx)
	if modelspec.CodeOf(err) != modelspec.ErrUnavailable || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), "close that one") {
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
	plain := filepath.Join(dir, "file")
	write(t, plain, "")
	if err := file.New(file.Config{Dir: plain}).Open(ctx); modelspec.CodeOf(err) != modelspec.ErrUnavailable {
		t.Errorf("a file was opened as a directory: %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := file.New(file.Config{Dir: dir}).Open(canceled); modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("canceled: %v", err)
	}
	write(t, filepath.Join(dir, ".layout"), "2\n")
	err = file.New(file.Config{Dir: dir}).Open(ctx)
	if modelspec.CodeOf(err) != modelspec.ErrRefused || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("another layout: %v", err)
	}
	write(t, filepath.Join(dir, ".layout"), "") // cut short by a crash
	third := file.New(file.Config{Dir: dir})
	if err := third.Open(ctx); err != nil {
		t.Errorf("an empty layout: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
}

// After Close everything is unavailable, also what is in memory.
func TestClosed(t *testing.T) {
	ctx := t.Context()
	store := file.New(file.Config{Dir: t.TempDir()})
	c := collection(t, store, "x")
	d := datasource.Document{ID: "a", Revision: 1}
	if err := c.Put(ctx, d); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(what string, err error) {
		t.Helper()
		if modelspec.CodeOf(err) != modelspec.ErrUnavailable {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
	_, err := c.Get(ctx, "a")
	check("Get", err)
	d.Revision = 2
	check("Put", c.Put(ctx, d))
	check("Purge", c.Purge(ctx, "a", 1))
	_, err = c.Due(ctx, time.Now(), datasource.Mark{}, 1)
	check("Due", err)
	n := 0
	for _, err := range c.List(ctx, datasource.Query{}) {
		check("List", err)
		n++
	}
	if n != 1 {
		t.Errorf("List yields %d times after Close", n)
	}
	check("Open", store.Open(ctx))
	check("Look", store.Look(ctx))
}

func collection(t testing.TB, store datasource.Store, name string) datasource.Collection {
	t.Helper()
	c, err := store.Collection(name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
