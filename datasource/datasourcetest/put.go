package datasourcetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

func testPut(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.getFails("o1", modelspec.ErrNotFound)
	r.putFails(doc("o1", 2), modelspec.ErrConflict)
	r.getFails("o1", modelspec.ErrNotFound)
	first := r.put(doc("o1", 1))
	wantSame(t, r.get("o1"), first)
	for _, revision := range []int64{1, 3, 100} {
		r.putFails(doc("o1", revision), modelspec.ErrConflict)
		wantSame(t, r.get("o1"), first)
	}
	second := r.put(doc("o1", 2))
	wantSame(t, r.get("o1"), second)
	r.putFails(doc("o1", 1), modelspec.ErrConflict)
	r.put(doc("o2", 1))
	wantSame(t, r.get("o1"), second)
}

// testPutTwice is a driver, or the way to it, that asks a second time after
// the answer to the first was lost.
func testPutTwice(t *testing.T, s suite) {
	r := s.open(t, "orders")
	mine := doc("o1", 1)
	mine.By = "nonce"
	r.put(mine)
	r.putFails(mine, modelspec.ErrConflict)
	if by := r.get("o1").By; by != "nonce" {
		t.Fatalf("By is %q: whose the stored revision is cannot be told", by)
	}
	again := doc("o1", 2)
	r.put(again)
	r.putFails(again, modelspec.ErrConflict)
}

func testPutInvalid(t *testing.T, s suite) {
	r := s.open(t, "orders")
	for _, id := range []string{"", "a b", "a/b", "é", "a\x00b", "a\nb", strings.Repeat("a", 129)} {
		r.putFails(doc(id, 1), modelspec.ErrInvalid)
	}
	for _, revision := range []int64{0, -1} {
		r.putFails(doc("o1", revision), modelspec.ErrInvalid)
	}
	for _, e := range []datasource.Entry{entry("", "k"), entry("a b", "k"), entry("i\x00", "k"), entry("i", strings.Repeat("k", datasource.MaxKey+1))} {
		r.putFails(doc("o1", 1, e), modelspec.ErrInvalid)
	}
	late := doc("o1", 1)
	late.Due = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)
	r.putFails(late, modelspec.ErrInvalid)
	r.getFails("o1", modelspec.ErrNotFound)
	r.wantList(datasource.Query{})
	r.put(doc("AZaz09._~:@-", 1))
	r.put(doc(strings.Repeat("a", 128), 1, entry("i", strings.Repeat("k", datasource.MaxKey))))
}

// testPutConcurrent: of all who write a revision one wins, and it is the one
// whose document is there.
func testPutConcurrent(t *testing.T, s suite) {
	const writers, revisions = 16, 15
	r := s.open(t, "orders")
	for revision := int64(1); revision <= revisions; revision++ {
		var won [writers]bool
		var others atomic.Int32
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				d := doc("hot", revision, unique("slug", fmt.Sprint(w)))
				d.By = fmt.Sprint(w)
				switch err := r.c.Put(s.ctx, d); {
				case err == nil:
					won[w] = true
				case errors.Is(err, modelspec.ErrConflict):
					others.Add(1)
				default:
					t.Errorf("Put: %v", err)
				}
			})
		}
		wg.Wait()
		got := r.get("hot")
		if others.Load() != writers-1 || got.Revision != revision {
			t.Fatalf("revision %d: %d of %d writers met a conflict, revision %d is stored", revision, others.Load(), writers, got.Revision)
		}
		for w := range won {
			if won[w] != (got.By == fmt.Sprint(w)) {
				t.Fatalf("revision %d: writer %d won: %t, but the document is by %s", revision, w, won[w], got.By)
			}
			want := []string{"hot"}
			if !won[w] {
				want = nil
			}
			r.wantList(datasource.Query{Index: "slug", Key: new(fmt.Sprint(w))}, want...)
		}
	}
}

// testLinearizable: whoever begins to read after something was acknowledged,
// or seen by anybody, sees that or newer.
func testLinearizable(t *testing.T, s suite) {
	const writers, readers, revisions = 2, 4, 60
	r := s.open(t, "orders")
	var seen [writers]atomic.Int64
	raise := func(w int, revision int64) {
		for old := seen[w].Load(); old < revision && !seen[w].CompareAndSwap(old, revision); old = seen[w].Load() {
		}
	}
	done := make(chan struct{})
	var wg, rg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for revision := int64(1); revision <= revisions; revision++ {
				if err := r.c.Put(s.ctx, doc(fmt.Sprint("o", w), revision)); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				raise(w, revision)
			}
		})
	}
	for range readers {
		rg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for w := range writers {
					floor := seen[w].Load()
					d, err := r.c.Get(s.ctx, fmt.Sprint("o", w))
					if err != nil && (floor > 0 || !errors.Is(err, modelspec.ErrNotFound)) {
						t.Errorf("Get: %v", err)
						return
					}
					if d.Revision < floor {
						t.Errorf("Get returns revision %d, %d was seen before", d.Revision, floor)
						return
					}
					raise(w, d.Revision)
				}
			}
		})
	}
	wg.Wait()
	close(done)
	rg.Wait()
}
