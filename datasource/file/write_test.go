package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/modelspec"
)

func openCollection(t testing.TB, cfg file.Config) datasource.Collection {
	t.Helper()
	cfg.Dir = t.TempDir()
	store := file.New(cfg)
	c, err := store.Collection("orders")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A document is as large as an envelope may be, or refused as a whole.
func TestLarge(t *testing.T) {
	c := openCollection(t, file.Config{CacheBytes: -1})
	ctx := t.Context()
	for _, n := range []int{1<<20 - 200, 1 << 20, 3 << 20, 15 << 20} {
		d := datasource.Document{ID: fmt.Sprint("d", n), Revision: 1, Data: modelspec.FromJSON([]byte(`"` + strings.Repeat("x", n) + `"`))}
		if err := c.Put(ctx, d); err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		got, err := c.Get(ctx, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err := got.Data.JSON(); err != nil || len(raw) != n+2 {
			t.Fatalf("%d bytes are %d: %v", n, len(raw), err)
		}
	}
	if err := c.Put(ctx, datasource.Document{ID: "huge", Revision: 1, Data: modelspec.FromJSON([]byte(`"` + strings.Repeat("x", 17<<20) + `"`))}); modelspec.CodeOf(err) != modelspec.ErrExhausted {
		t.Errorf("17 MiB: %v", err)
	}
	many := datasource.Document{ID: "many", Revision: 1}
	for i := range datasource.MaxIndex {
		many.Index = append(many.Index, datasource.Entry{Name: "i", Key: fmt.Sprintf("%0*d", datasource.MaxKey, i)})
	}
	if err := c.Put(ctx, many); err != nil {
		t.Fatal(err)
	}
}

// All that write at once get their own answer.
func TestConcurrentWriters(t *testing.T) {
	const writers, each = 32, 20
	c := openCollection(t, file.Config{NoSync: true})
	ctx := t.Context()
	var wg sync.WaitGroup
	var conflicts, taken atomic.Int64
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				own := datasource.Document{ID: fmt.Sprintf("w%d", w), Revision: int64(n) + 1,
					Index: []datasource.Entry{{Name: "slug", Key: fmt.Sprintf("%d-%d", w, n), Unique: true}, {Name: "n", Key: fmt.Sprint(n)}}}
				if err := c.Put(ctx, own); err != nil {
					t.Errorf("own document: %v", err)
				}
				switch err := c.Put(ctx, datasource.Document{ID: fmt.Sprintf("shared%d", n), Revision: 1}); {
				case errors.Is(err, modelspec.ErrConflict):
					conflicts.Add(1)
				case err != nil:
					t.Errorf("shared document: %v", err)
				}
				err := c.Put(ctx, datasource.Document{ID: fmt.Sprintf("u%d-%d", w, n), Revision: 1,
					Index: []datasource.Entry{{Name: "name", Key: fmt.Sprint(n), Unique: true}}})
				if errors.Is(err, modelspec.ErrExists) {
					taken.Add(1)
				} else if err != nil {
					t.Errorf("unique key: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if want := int64((writers - 1) * each); conflicts.Load() != want || taken.Load() != want {
		t.Errorf("%d conflicts and %d keys taken, want %d of both", conflicts.Load(), taken.Load(), want)
	}
	key := fmt.Sprint(each - 1)
	n := 0
	for _, err := range c.List(ctx, datasource.Query{Index: "n", Key: &key}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != writers {
		t.Errorf("%d of %d documents under the last key", n, writers)
	}
}

// Close waits for what is under way, answers everybody, and leaves no
// goroutine behind.
func TestCloseWhileWriting(t *testing.T) {
	dir := t.TempDir()
	store := file.New(file.Config{Dir: dir, NoSync: true, OnChange: func(string, string) {}})
	c, err := store.Collection("orders")
	if err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var acknowledged [writers]int64
	started := make(chan struct{}, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			for revision := int64(1); ; revision++ {
				err := c.Put(ctx, datasource.Document{ID: fmt.Sprint("o", w), Revision: revision})
				if modelspec.CodeOf(err) == modelspec.ErrUnavailable {
					return
				}
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if acknowledged[w] = revision; revision == 10 {
					started <- struct{}{}
				}
			}
		})
	}
	for range writers {
		<-started
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("datasource/file.(*session)")) {
		t.Errorf("a goroutine is left:\n%s", stacks)
	}
	again := file.New(file.Config{Dir: dir})
	defer again.Close()
	c, err = again.Collection("orders")
	if err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		d, err := c.Get(t.Context(), fmt.Sprint("o", w))
		if err != nil || d.Revision != acknowledged[w] {
			t.Errorf("writer %d: revision %d was acknowledged, %d is there: %v", w, acknowledged[w], d.Revision, err)
		}
	}
}

// A write that fails before it changed anything says so, and the next one is
// none the worse.
func TestWriteFails(t *testing.T) {
	e := openEdited(t)
	e.put("a", 1, `{"n":1}`)
	inWay := filepath.Join(e.dir, "orders", ".new.a.json") // where it would write
	if err := os.MkdirAll(filepath.Join(inWay, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := e.c.Put(t.Context(), datasource.Document{ID: "a", Revision: 2})
	failure, ok := errors.AsType[*modelspec.Error](err)
	if !ok || failure.Code != modelspec.ErrUnavailable || !failure.NotSent {
		t.Fatalf("%+v", err)
	}
	e.want("a", 1, `{"n":1}`)
	if err := os.RemoveAll(inWay); err != nil {
		t.Fatal(err)
	}
	write(t, inWay, "left by a write that could not even clean up")
	e.put("a", 2, `{"n":2}`)
	e.want("a", 2, `{"n":2}`)
}

// What a crash left is removed at the next opening, and is no document.
func TestTornWrite(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "orders")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, ".new.a.json"), `{"format":1,"id":"a","re`)
	write(t, filepath.Join(folder, "b.json"), `{"format":1,"id":"b","rev":1}`)
	store := file.New(file.Config{Dir: dir})
	defer store.Close()
	c := collection(t, store, "orders")
	if _, err := c.Get(t.Context(), "a"); modelspec.CodeOf(err) != modelspec.ErrNotFound {
		t.Errorf("a torn write: %v", err)
	}
	if _, err := c.Get(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(folder, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if len(store.Damaged()) != 0 {
		t.Errorf("Damaged: %v", store.Damaged())
	}
}

// Who waits for another writer of the document waits as long as its context.
func TestCancelWhileWaiting(t *testing.T) { synctest.Test(t, testCancelWhileWaiting) }

func testCancelWhileWaiting(t *testing.T) {
	store := file.New(file.Config{Dir: t.TempDir(), NoSync: true, Watch: -1})
	defer store.Close()
	c := collection(t, store, "orders")
	release := file.Hold(c, "a")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := c.Put(ctx, datasource.Document{ID: "b", Revision: 1}); err != nil {
		t.Errorf("another document: %v", err)
	}
	if err := c.Put(ctx, datasource.Document{ID: "a", Revision: 1}); modelspec.CodeOf(err) != modelspec.ErrDeadline {
		t.Errorf("Put: %v", err)
	}
	release()
	if err := c.Put(t.Context(), datasource.Document{ID: "a", Revision: 1}); err != nil {
		t.Errorf("Put after that: %v", err)
	}
}

// Old bodies are kept for walks that may ask for them, one a walk at most, and
// no longer than they walk.
func TestOlderKept(t *testing.T) {
	for _, size := range []int64{0, -1} {
		store := file.New(file.Config{Dir: t.TempDir(), NoSync: true, CacheBytes: size})
		defer store.Close()
		c := collection(t, store, "x")
		revision := int64(0)
		put := func(times int) {
			t.Helper()
			for range times {
				revision++
				for _, id := range []string{"a", "b"} {
					d := datasource.Document{ID: id, Revision: revision, Index: []datasource.Entry{{Name: "i", Key: fmt.Sprint(revision)}}}
					if err := c.Put(t.Context(), d); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		want := func(n int) {
			t.Helper()
			if got := file.Older(c, "b"); got != n {
				t.Fatalf("%d older versions are kept, want %d", got, n)
			}
		}
		put(10)
		want(0)
		next, stop := iter.Pull2(c.List(t.Context(), datasource.Query{Index: "i"}))
		defer stop()
		if d, err, ok := next(); !ok || err != nil || d.Revision != 10 {
			t.Fatal(d, err, ok)
		}
		put(10)
		want(1)
		other, stopOther := iter.Pull2(c.List(t.Context(), datasource.Query{Desc: true}))
		defer stopOther()
		if d, err, ok := other(); !ok || err != nil || d.Revision != 20 {
			t.Fatal(d, err, ok)
		}
		put(10)
		want(2)
		if d, err, ok := next(); !ok || err != nil || d.Revision != 10 {
			t.Fatalf("the walk began at revision 10 and yields %d: %v", d.Revision, err)
		}
		stop()
		want(2)
		stopOther()
		want(0)
	}
}

// Every walk sees every document once, whatever moves in its index meanwhile
// and although no body is in memory.
func TestWalkWhileWriting(t *testing.T) {
	const documents, walks = 4, 400
	c := openCollection(t, file.Config{NoSync: true, CacheBytes: -1})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	ready := make(chan struct{}, documents)
	for i := range documents {
		wg.Go(func() {
			for revision := int64(1); ctx.Err() == nil; revision++ {
				d := datasource.Document{ID: fmt.Sprint("d", i), Revision: revision, Index: []datasource.Entry{{Name: "i", Key: fmt.Sprint(revision % 7)}}}
				if err := c.Put(ctx, d); err != nil && ctx.Err() == nil {
					t.Errorf("Put: %v", err)
					return
				}
				if revision == 1 {
					ready <- struct{}{}
				}
			}
		})
	}
	for range documents {
		<-ready
	}
	for n := range walks {
		seen := map[string]int{}
		for d, err := range c.List(t.Context(), datasource.Query{Index: "i", Desc: n%2 == 0}) {
			if err != nil {
				t.Fatal(err)
			}
			seen[d.ID]++
		}
		if len(seen) != documents {
			t.Fatalf("walk %d: %v", n, seen)
		}
	}
	cancel()
	wg.Wait()
}

// The memory of bodies is bounded, whatever is read and written.
func TestCacheBounded(t *testing.T) {
	const limit = 64 << 10
	c := openCollection(t, file.Config{NoSync: true, CacheBytes: limit})
	for revision := int64(1); revision <= 3; revision++ {
		for i := range 200 {
			d := datasource.Document{ID: fmt.Sprint("d", i), Revision: revision, Data: modelspec.FromJSON([]byte(`"` + strings.Repeat("x", i*20) + `"`))}
			if err := c.Put(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
		for _, err := range c.List(t.Context(), datasource.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if n, bytes := file.Cached(c); bytes > limit || n < 5 {
			t.Fatalf("%d bodies of %d bytes in all, of at most %d", n, bytes, limit)
		}
	}
}

// An editor and a writer at the same document: its revisions only grow, and
// the last edit stands.
func TestEditWhileWriting(t *testing.T) {
	const edits, writes = 100, 300
	dir := t.TempDir()
	store := file.New(file.Config{Dir: dir, NoSync: true, Watch: time.Microsecond})
	defer store.Close()
	c := collection(t, store, "orders")
	path := filepath.Join(dir, file.Path("orders", "a"))
	if err := c.Put(t.Context(), datasource.Document{ID: "a", Revision: 1, Data: modelspec.FromJSON([]byte(`0`))}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var last atomic.Int64
	wg.Go(func() { // the revisions that anybody sees only grow
		for n := 0; n < writes; {
			d, err := c.Get(t.Context(), "a")
			if err != nil {
				if code := modelspec.CodeOf(err); code != modelspec.ErrUnavailable {
					t.Errorf("Get: %v", err)
					return
				}
				continue
			}
			if d.Revision < last.Load() {
				t.Errorf("revision %d after %d", d.Revision, last.Load())
				return
			}
			last.Store(d.Revision)
			d.Revision++
			switch err := c.Put(t.Context(), d); modelspec.CodeOf(err) {
			case modelspec.ErrConflict, modelspec.ErrUnavailable:
			default:
				if err != nil {
					t.Errorf("Put: %v", err)
					return
				}
			}
			n++
		}
	})
	edit := func(i int) {
		temp := filepath.Join(dir, "edit")
		write(t, temp, fmt.Sprintf(`{"format":1,"id":"a","rev":1,"data":%d}`, i))
		if err := os.Rename(temp, path); err != nil {
			t.Error(err)
		}
	}
	for i := range edits {
		edit(i)
	}
	wg.Wait()
	edit(edits)
	if err := store.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := c.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := d.Data.JSON(); err != nil || string(raw) != fmt.Sprint(edits) || d.Revision < last.Load() {
		t.Errorf("revision %d with %s, %v; the last edit was %d", d.Revision, raw, err, edits)
	}
}
