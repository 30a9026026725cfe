package memory_test

import (
	"iter"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

func TestConformance(t *testing.T) {
	datasourcetest.Run(t, datasourcetest.Harness{Open: func(testing.TB) datasource.Store { return memory.New() }})
}

// A Store that was never made by New works.
func TestZeroStore(t *testing.T) {
	var store memory.Store
	c, err := store.Collection("x")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put(t.Context(), datasource.Document{ID: "a", Revision: 1}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err = store.Collection("x"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "a"); err != nil {
		t.Errorf("Close lost a document: %v", err)
	}
}

// A Go value stays the Go value that it is.
func TestKeepsValues(t *testing.T) {
	c, err := memory.New().Collection("x")
	if err != nil {
		t.Fatal(err)
	}
	type order struct{ Total int }
	v := modelspec.Of(order{7})
	if err := c.Put(t.Context(), datasource.Document{ID: "a", Revision: 1, Data: v}); err != nil {
		t.Fatal(err)
	}
	d, err := c.Get(t.Context(), "a")
	if err != nil || d.Data != v || !d.Data.Native() {
		t.Errorf("the value is another one, or met JSON: %v", err)
	}
}

// Old versions are kept for walks that may ask for them, one a walk at most,
// and for nobody else.
func TestVersions(t *testing.T) {
	c, err := memory.New().Collection("x")
	if err != nil {
		t.Fatal(err)
	}
	revision := int64(0)
	put := func(times int) {
		t.Helper()
		for range times {
			revision++
			for _, id := range []string{"a", "b"} {
				if err := c.Put(t.Context(), datasource.Document{ID: id, Revision: revision}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	want := func(n int) {
		t.Helper()
		if got := memory.Versions(c, "b"); got != n {
			t.Fatalf("%d versions are kept, want %d", got, n)
		}
	}
	put(10)
	want(1)
	next, stop := iter.Pull2(c.List(t.Context(), datasource.Query{}))
	defer stop()
	if d, err, ok := next(); !ok || err != nil || d.Revision != 10 {
		t.Fatal(d, err, ok)
	}
	put(10)
	want(2)
	other, stopOther := iter.Pull2(c.List(t.Context(), datasource.Query{Desc: true}))
	defer stopOther()
	if d, err, ok := other(); !ok || err != nil || d.Revision != 20 {
		t.Fatal(d, err, ok)
	}
	put(10)
	want(3)
	if d, err, ok := next(); !ok || err != nil || d.Revision != 10 {
		t.Fatalf("the walk began at revision 10 and yields %d: %v", d.Revision, err)
	}
	stop()
	stopOther()
	put(1)
	want(1)
}
