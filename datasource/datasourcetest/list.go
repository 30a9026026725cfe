package datasourcetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

func testList(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.wantList(datasource.Query{})
	ids := []string{"-", ".", "0", "00", "1", "10", "2", ":", "@", "A", "Z", "_", "a", "a.", "aa", "z", "~"}
	for i := range ids {
		r.put(doc(ids[(i*5)%len(ids)], 1))
	}
	r.wantList(datasource.Query{}, ids...)
	r.wantList(datasource.Query{Index: "none"})
	r.wantList(datasource.Query{Key: new("ignored without an index")}, ids...)
	back := slices.Clone(ids)
	slices.Reverse(back)
	r.wantList(datasource.Query{Desc: true}, back...)
	for i := range ids {
		r.wantList(datasource.Query{After: datasource.Position{ID: ids[i]}}, ids[i+1:]...)
		r.wantList(datasource.Query{After: datasource.Position{ID: back[i]}, Desc: true}, back[i+1:]...)
	}
	r.wantList(datasource.Query{After: datasource.Position{ID: "000"}}, ids[4:]...) // there is none
	r.wantList(datasource.Query{After: datasource.Position{ID: "000"}, Desc: true}, "00", "0", ".", "-")
	n := 0
	for range r.c.List(s.ctx, datasource.Query{}) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Fatalf("%d documents before break", n)
	}
	for d, err := range r.c.List(s.ctx, datasource.Query{After: datasource.Position{ID: "z"}}) {
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, d, doc("~", 1))
	}
}

// position is where the document stands in the index.
func position(d datasource.Document, index string) datasource.Position {
	for _, e := range d.Index {
		if e.Name == index {
			return datasource.Position{Key: e.Key, ID: d.ID}
		}
	}
	return datasource.Position{ID: d.ID}
}

// pages walks q in pages of n and checks that together they are the walk.
func (r room) pages(q datasource.Query, n int, want []string) {
	r.t.Helper()
	var got []string
	for more := true; more; {
		more = false
		taken := 0
		for d, err := range r.c.List(r.ctx, q) {
			if err != nil {
				r.t.Fatalf("List(%s): %v", describe(q), err)
			}
			got = append(got, d.ID)
			q.After = position(d, q.Index)
			if taken++; taken == n {
				more = true
				break
			}
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		r.t.Fatalf("pages of %d of %s: %v, want %v", n, describe(q), got, want)
	}
}

func testIndex(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.put(doc("e", 1, entry("city", "bonn"), entry("plan", "x")))
	r.put(doc("b", 1, entry("city", "bonn")))
	r.put(doc("d", 1, entry("city", "aachen")))
	r.put(doc("a", 1, entry("city", "celle")))
	r.put(doc("c", 1, entry("city", "bonn")))
	r.put(doc("f", 1))
	r.wantList(datasource.Query{Index: "city"}, "d", "b", "c", "e", "a")
	r.wantList(datasource.Query{Index: "city", Desc: true}, "a", "e", "c", "b", "d")
	r.wantList(datasource.Query{Index: "plan"}, "e")
	r.wantList(datasource.Query{Index: "city", Key: new("bonn")}, "b", "c", "e")
	r.wantList(datasource.Query{Index: "city", Key: new("bonn"), Desc: true}, "e", "c", "b")
	r.wantList(datasource.Query{Index: "city", Key: new("bon")})
	r.wantList(datasource.Query{Index: "cit", Key: new("bonn")})
	r.wantList(datasource.Query{Index: "city", Key: new("")})
	for _, c := range []struct {
		after datasource.Position
		key   *string
		desc  bool
		want  []string
	}{
		{after: datasource.Position{Key: "bonn", ID: "b"}, want: []string{"c", "e", "a"}},
		{after: datasource.Position{Key: "bonn", ID: "bb"}, want: []string{"c", "e", "a"}},
		{after: datasource.Position{Key: "bonn"}, want: []string{"b", "c", "e", "a"}},
		{after: datasource.Position{Key: "b"}, want: []string{"b", "c", "e", "a"}},
		{after: datasource.Position{Key: "zoo", ID: "a"}},
		{after: datasource.Position{Key: "bonn", ID: "e"}, desc: true, want: []string{"c", "b", "d"}},
		{after: datasource.Position{Key: "bonn"}, desc: true, want: []string{"d"}},
		{after: datasource.Position{Key: "bonn", ID: "b"}, key: new("bonn"), want: []string{"c", "e"}},
		{after: datasource.Position{Key: "bonn", ID: "c"}, key: new("bonn"), desc: true, want: []string{"b"}},
		{after: datasource.Position{Key: "aachen", ID: "z"}, key: new("bonn"), want: []string{"b", "c", "e"}},
		{after: datasource.Position{Key: "celle", ID: "a"}, key: new("bonn")},
		{after: datasource.Position{Key: "celle", ID: "a"}, key: new("bonn"), desc: true, want: []string{"e", "c", "b"}},
		{after: datasource.Position{Key: "aachen", ID: "z"}, key: new("bonn"), desc: true},
	} {
		r.wantList(datasource.Query{Index: "city", Key: c.key, After: c.after, Desc: c.desc}, c.want...)
	}
	for n := 1; n < 7; n++ {
		r.pages(datasource.Query{Index: "city"}, n, []string{"d", "b", "c", "e", "a"})
		r.pages(datasource.Query{Index: "city", Desc: true}, n, []string{"a", "e", "c", "b", "d"})
		r.pages(datasource.Query{Index: "city", Key: new("bonn")}, n, []string{"b", "c", "e"})
	}
}

// testIndexKeys: keys are bytes, in the order of bytes, and numbers keep theirs.
func testIndexKeys(t *testing.T, s suite) {
	r := s.open(t, "orders")
	keys := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00b", "a\x01", "ab", "a\xff", "ä", "\xff", "\xff\xff"}
	if !slices.IsSorted(keys) {
		t.Fatal("the table is out of order")
	}
	var want []string
	for i, key := range keys {
		want = append(want, fmt.Sprintf("d%02d", i))
		r.put(doc(want[i], 1, entry("k", key)))
	}
	r.wantList(datasource.Query{Index: "k"}, want...)
	for i, key := range keys {
		r.wantList(datasource.Query{Index: "k", Key: &key}, want[i])
		r.wantList(datasource.Query{Index: "k", Key: &key, Desc: true}, want[i])
		r.wantList(datasource.Query{Index: "k", After: datasource.Position{Key: key, ID: want[i]}}, want[i+1:]...)
	}
	n := s.open(t, "numbers")
	want = nil
	for i, v := range []float64{-1e300, -10, -9, -0.5, 0, 0.25, 2, 9, 10, 1 << 53, 1e300} {
		key, ok := modelspec.IndexKey(v)
		if !ok {
			t.Fatalf("IndexKey(%v) makes no key", v)
		}
		want = append(want, fmt.Sprintf("n%02d", i))
		n.put(doc(want[i], 1, entry("n", key)))
	}
	n.wantList(datasource.Query{Index: "n"}, want...)
	slices.Reverse(want)
	n.wantList(datasource.Query{Index: "n", Desc: true}, want...)
}

func testIndexChanges(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.put(doc("a", 1, entry("i", "1"), entry("j", "x")))
	r.put(doc("b", 1, entry("i", "2")))
	r.put(doc("a", 2, entry("i", "3"), entry("k", "x")))
	r.wantList(datasource.Query{Index: "i"}, "b", "a")
	r.wantList(datasource.Query{Index: "j"})
	r.wantList(datasource.Query{Index: "k"}, "a")
	r.put(doc("a", 3, entry("k", "x"), entry("i", "3"))) // the same, in another order
	r.wantList(datasource.Query{Index: "i"}, "b", "a")
	for d, err := range r.c.List(s.ctx, datasource.Query{Index: "k"}) {
		if err != nil || d.Revision != 3 {
			t.Fatalf("revision %d, %v: the index leads to an old revision", d.Revision, err)
		}
	}
	r.putFails(doc("a", 3, entry("i", "9")), modelspec.ErrConflict)
	r.wantList(datasource.Query{Index: "i", Key: new("9")})
	r.put(doc("a", 4))
	r.wantList(datasource.Query{Index: "i"}, "b")
	r.wantList(datasource.Query{Index: "k"})
}

// testIndexSeveral: a document under several keys of one index is found under
// each, and yielded once by a walk over all.
func testIndexSeveral(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.put(doc("a", 1, entry("sku", "m"), entry("sku", "a"), entry("sku", "z"), entry("sku", "a")))
	r.put(doc("b", 1, entry("sku", "b")))
	r.put(doc("c", 1, entry("sku", "m"), entry("sku", "n")))
	r.wantList(datasource.Query{Index: "sku"}, "a", "b", "c")
	r.wantList(datasource.Query{Index: "sku", Desc: true}, "a", "c", "b")
	r.wantList(datasource.Query{Index: "sku", Key: new("m")}, "a", "c")
	r.wantList(datasource.Query{Index: "sku", Key: new("z")}, "a")
	r.wantList(datasource.Query{Index: "sku", After: datasource.Position{Key: "a", ID: "a"}}, "b", "c")
	r.put(doc("a", 2, entry("sku", "m")))
	r.wantList(datasource.Query{Index: "sku", Key: new("a")})
	r.wantList(datasource.Query{Index: "sku", Key: new("m")}, "a", "c")
}

// testListWhileWriting: documents move ahead of and behind the walk. None is
// yielded twice, and those that stay are all there.
func testListWhileWriting(t *testing.T, s suite) {
	r := s.open(t, "orders")
	const n = 60
	for i := range n {
		r.put(doc(fmt.Sprintf("stay%02d", i), 1, entry("i", fmt.Sprintf("%02d", i))))
		r.put(doc(fmt.Sprintf("move%02d", i), 1, entry("i", fmt.Sprintf("%02d", i))))
	}
	for _, q := range []datasource.Query{{Index: "i"}, {Index: "i", Desc: true}, {}, {Desc: true}} {
		seen, stay, step := map[string]bool{}, 0, 0
		for d, err := range r.c.List(s.ctx, q) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[d.ID] {
				t.Fatalf("%s: %s for the second time", describe(q), d.ID)
			}
			if seen[d.ID] = true; d.ID[:4] == "stay" {
				stay++
			}
			id := fmt.Sprintf("move%02d", (step*7)%n)
			was := r.get(id)
			r.put(doc(id, was.Revision+1, entry("i", fmt.Sprintf("%02d", (step*13)%n))))
			if step++; step%4 == 0 {
				r.put(doc(fmt.Sprintf("new%v%v%d", q.Desc, q.Index != "", step), 1, entry("i", "55")))
			}
		}
		if stay != n {
			t.Fatalf("%s: %d of the %d documents that did not change", describe(q), stay, n)
		}
	}
}

// testListPutInside: whoever walks may write what it just got.
func testListPutInside(t *testing.T, s suite) {
	r := s.open(t, "orders")
	for i := range 10 {
		r.put(doc(fmt.Sprint("d", i), 1, entry("i", "k")))
	}
	for d, err := range r.c.List(s.ctx, datasource.Query{Index: "i"}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := r.c.Put(s.ctx, gone(d.ID, d.Revision+1)); err != nil {
			t.Fatal(err)
		}
		if err := r.c.Purge(s.ctx, d.ID, d.Revision+1); err != nil && !errors.Is(err, modelspec.ErrConflict) {
			t.Fatal(err)
		}
	}
	r.wantList(datasource.Query{})
	r.wantList(datasource.Query{Index: "i"})
}
