package datasourcetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Harness is how [Run] gets the stores of a driver.
type Harness struct {
	// Open returns a new, empty store. Run closes it.
	Open func(t testing.TB) datasource.Store
	// Reopen opens the storage of the last Open again, after Run has closed
	// it. Nil: the driver is not durable, and durability is not tested.
	Reopen func(t testing.TB) datasource.Store
}

// Run tests that the driver does what datasource.Store and
// datasource.Collection promise. Each part is a subtest on a store of its own.
func Run(t *testing.T, h Harness) {
	for _, part := range []struct {
		name string
		test func(*testing.T, suite)
	}{
		{"Put", testPut}, {"PutTwice", testPutTwice}, {"PutInvalid", testPutInvalid},
		{"PutConcurrent", testPutConcurrent}, {"Linearizable", testLinearizable},
		{"Tombstone", testTombstone}, {"Purge", testPurge},
		{"Due", testDue}, {"DueChanges", testDueChanges},
		{"List", testList}, {"Index", testIndex}, {"IndexKeys", testIndexKeys}, {"IndexChanges", testIndexChanges},
		{"IndexSeveral", testIndexSeveral}, {"ListWhileWriting", testListWhileWriting}, {"ListPutInside", testListPutInside},
		{"Unique", testUnique}, {"UniqueFreed", testUniqueFreed}, {"UniqueConcurrent", testUniqueConcurrent},
		{"Content", testContent}, {"Times", testTimes}, {"Cancel", testCancel}, {"Collections", testCollections},
		{"Reopen", testReopen}, {"ReopenRandom", testReopenRandom}, {"Random", testRandom},
	} {
		t.Run(part.name, func(t *testing.T) {
			s := suite{harness: h, store: h.Open(t), ctx: t.Context()}
			closed := false
			s.close = func() {
				if closed {
					return
				}
				closed = true
				if err := s.store.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			defer s.close()
			part.test(t, s)
		})
	}
}

type suite struct {
	harness Harness
	store   datasource.Store
	ctx     context.Context
	close   func() // closes store, the first time
}

func (s suite) open(t *testing.T, name string) room {
	t.Helper()
	return openRoom(t, s.ctx, s.store, name)
}

func openRoom(t *testing.T, ctx context.Context, s datasource.Store, name string) room {
	t.Helper()
	c, err := s.Collection(name)
	if err != nil {
		t.Fatalf("Collection(%q): %v", name, err)
	}
	return room{t: t, ctx: ctx, c: c}
}

// room is a collection in a test: what must succeed does, or the test ends.
type room struct {
	t   *testing.T
	ctx context.Context
	c   datasource.Collection
}

func (r room) put(d datasource.Document) datasource.Document {
	r.t.Helper()
	if err := r.c.Put(r.ctx, d); err != nil {
		r.t.Fatalf("Put(%s, revision %d): %v", d.ID, d.Revision, err)
	}
	return d
}

// putFails asserts the code of a Put.
func (r room) putFails(d datasource.Document, want modelspec.Code) {
	r.t.Helper()
	err := r.c.Put(r.ctx, d)
	if !errors.Is(err, want) {
		r.t.Fatalf("Put(%s, revision %d): %v, want code %s", d.ID, d.Revision, err, want)
	}
}

func (r room) get(id string) datasource.Document {
	r.t.Helper()
	d, err := r.c.Get(r.ctx, id)
	if err != nil {
		r.t.Fatalf("Get(%s): %v", id, err)
	}
	return d
}

func (r room) getFails(id string, want modelspec.Code) {
	r.t.Helper()
	if _, err := r.c.Get(r.ctx, id); !errors.Is(err, want) {
		r.t.Fatalf("Get(%s): %v, want code %s", id, err, want)
	}
}

// list is the ids that q yields.
func (r room) list(q datasource.Query) []string {
	r.t.Helper()
	var out []string
	for d, err := range r.c.List(r.ctx, q) {
		if err != nil {
			r.t.Fatalf("List(%+v): %v", q, err)
		}
		out = append(out, d.ID)
	}
	return out
}

func (r room) wantList(q datasource.Query, want ...string) {
	r.t.Helper()
	if got := r.list(q); fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Fatalf("List(%s): %v, want %v", describe(q), got, want)
	}
}

func describe(q datasource.Query) string {
	key := "any key"
	if q.Key != nil {
		key = fmt.Sprintf("key %q", *q.Key)
	}
	return fmt.Sprintf("index %q, %s, after %q, desc %t", q.Index, key, q.After, q.Desc)
}

func (r room) wantDue(until time.Time, after datasource.Mark, limit int, want ...datasource.Mark) {
	r.t.Helper()
	got, err := r.c.Due(r.ctx, until, after, limit)
	if err != nil {
		r.t.Fatalf("Due: %v", err)
	}
	same := len(got) == len(want)
	for i := 0; same && i < len(got); i++ {
		same = got[i].ID == want[i].ID && got[i].At.Equal(want[i].At)
	}
	if !same {
		r.t.Fatalf("Due(until %v, after %v, limit %d):\n got %v\nwant %v", until, after, limit, got, want)
	}
}

// wantSame asserts that both are the same to whoever reads them.
func wantSame(t testing.TB, got, want datasource.Document) {
	t.Helper()
	if g, w := encode(t, got), encode(t, want); !bytes.Equal(g, w) {
		t.Fatalf("document %s:\n got %.2000s\nwant %.2000s", want.ID, g, w)
	}
}

func encode(t testing.TB, d datasource.Document) []byte {
	t.Helper()
	b, err := datasource.Encode(d)
	if err != nil {
		t.Fatalf("Encode(%s): %v", d.ID, err)
	}
	return b
}

// doc is a document of the revision, with some data.
func doc(id string, revision int64, index ...datasource.Entry) datasource.Document {
	return datasource.Document{
		Format: datasource.Format, ID: id, Inc: "inc", Revision: revision, By: fmt.Sprintf("by-%d", revision), Index: index,
		Data: modelspec.FromJSON(fmt.Appendf(nil, `{"id":%q,"n":%d}`, id, revision)),
	}
}

func gone(id string, revision int64) datasource.Document {
	d := doc(id, revision)
	d.Gone = true
	return d
}

func entry(name, key string) datasource.Entry { return datasource.Entry{Name: name, Key: key} }

func unique(name, key string) datasource.Entry {
	return datasource.Entry{Name: name, Key: key, Unique: true}
}
