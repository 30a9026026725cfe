package badger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/modelspec"
)

func openCollection(t testing.TB, cfg badger.Config) datasource.Collection {
	t.Helper()
	cfg.Dir = t.TempDir()
	store := badger.New(cfg)
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
	c := openCollection(t, badger.Config{})
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
	// Index entries count too: they are in the same transaction.
	indexed := func(revision int64, name string, size int) datasource.Document {
		d := datasource.Document{ID: "many", Revision: revision}
		for i := range datasource.MaxIndex {
			d.Index = append(d.Index, datasource.Entry{Name: name, Key: fmt.Sprintf("%0*d", size, i)})
		}
		return d
	}
	if err := c.Put(ctx, indexed(1, "i", 100)); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(ctx, indexed(2, "j", 400)); err != nil {
		t.Fatal(err)
	}
	if err := c.Put(ctx, indexed(3, "k", datasource.MaxKey)); modelspec.CodeOf(err) != modelspec.ErrExhausted {
		t.Errorf("more than a transaction: %v", err)
	}
	if d, err := c.Get(ctx, "many"); err != nil || d.Revision != 2 {
		t.Errorf("revision %d after a write that was refused: %v", d.Revision, err)
	}
}

// All that write at once get their own answer, whatever batch they are in.
func TestConcurrentBatches(t *testing.T) {
	const writers, each = 32, 20
	c := openCollection(t, badger.Config{NoSync: true})
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
	store := badger.New(badger.Config{Dir: dir, NoSync: true})
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
	if bytes.Contains(stacks, []byte("badger.(*session)")) || bytes.Contains(stacks, []byte("dgraph-io")) {
		t.Errorf("a goroutine is left:\n%s", stacks)
	}
	again := badger.New(badger.Config{Dir: dir})
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
