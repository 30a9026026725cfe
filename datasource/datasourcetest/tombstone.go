package datasourcetest

import (
	"errors"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

func testTombstone(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.put(doc("a", 1, entry("status", "open")))
	r.put(doc("b", 1, entry("status", "open")))
	dead := gone("a", 2)
	dead.Index = []datasource.Entry{entry("status", "open")} // a tombstone has none, whatever is asked
	r.put(dead)
	got := r.get("a")
	if !got.Gone || got.Revision != 2 || len(got.Index) != 0 {
		t.Fatalf("Get of a tombstone: %+v", got)
	}
	r.wantList(datasource.Query{}, "b")
	r.wantList(datasource.Query{Desc: true}, "b")
	r.wantList(datasource.Query{Index: "status"}, "b")
	r.wantList(datasource.Query{Index: "status", Key: new("open")}, "b")
	r.putFails(doc("a", 1), modelspec.ErrConflict)
	r.put(doc("a", 3, entry("status", "again"))) // a re-creation goes on counting
	r.wantList(datasource.Query{}, "a", "b")
	r.wantList(datasource.Query{Index: "status"}, "a", "b")
}

func testPurge(t *testing.T, s suite) {
	r := s.open(t, "orders")
	purge := func(id string, revision int64, want error) {
		t.Helper()
		if err := r.c.Purge(s.ctx, id, revision); !errors.Is(err, want) {
			t.Fatalf("Purge(%s, %d): %v, want %v", id, revision, err, want)
		}
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	purge("a", 1, nil)
	r.put(doc("a", 1))
	purge("a", 1, modelspec.ErrConflict) // it is not a tombstone
	dead := gone("a", 2)
	dead.Due = at
	r.put(dead)
	purge("a", 1, modelspec.ErrConflict)
	purge("a", 3, modelspec.ErrConflict)
	r.get("a")
	r.wantDue(at, datasource.Mark{}, 10, datasource.Mark{At: at, ID: "a"})
	purge("a", 2, nil)
	purge("a", 2, nil)
	r.getFails("a", modelspec.ErrNotFound)
	r.wantDue(at, datasource.Mark{}, 10)
	r.wantList(datasource.Query{})
	r.putFails(doc("a", 3), modelspec.ErrConflict)
	r.put(doc("a", 1))
	r.wantList(datasource.Query{}, "a")
}
