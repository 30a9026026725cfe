package datasourcetest

import (
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// reopen closes the store and opens its storage again.
func (s suite) reopen(t *testing.T) datasource.Store {
	t.Helper()
	s.close()
	store := s.harness.Reopen(t)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return store
}

func testReopen(t *testing.T, s suite) {
	r := s.open(t, "orders")
	at := time.Date(2026, 5, 1, 0, 0, 0, 1, time.UTC)
	d := doc("a", 1, unique("mail", "m"), entry("city", "b\x00nn"))
	d.Due, d.Meta = at, modelspec.FromJSON([]byte(`{"flows":[]}`))
	r.put(d)
	r.put(doc("b", 1, entry("city", "aachen")))
	r.put(doc("c", 1, unique("mail", "c")))
	dead := r.put(gone("c", 2))
	if s.harness.Reopen == nil {
		return
	}
	r = openRoom(t, s.ctx, s.reopen(t), "orders")
	wantSame(t, r.get("a"), d)
	wantSame(t, r.get("c"), dead)
	r.wantList(datasource.Query{}, "a", "b")
	r.wantList(datasource.Query{Index: "city"}, "b", "a")
	r.wantDue(at, datasource.Mark{}, 9, datasource.Mark{At: at, ID: "a"})
	r.putFails(doc("a", 1), modelspec.ErrConflict)
	r.putFails(doc("x", 1, unique("mail", "m")), modelspec.ErrExists)
	r.put(doc("x", 1, unique("mail", "c")))
	r.put(doc("a", 2))
	r.wantList(datasource.Query{Index: "mail"}, "x")
	r.wantDue(at, datasource.Mark{}, 9)
}
