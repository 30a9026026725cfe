package datasourcetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// testContent: what was stored is what is read, byte for byte.
func testContent(t *testing.T, s suite) {
	r := s.open(t, "orders")
	for name, data := range map[string]string{
		"null":    `null`,
		"scalar":  `"text"`,
		"empty":   `{}`,
		"unicode": `{"a":"äöü 漢字 🚀 \u0000 \ud83d\ude80 ` + "\u2028" + `"}`,
		"numbers": `[9007199254740993,18446744073709551616,1e400,-0,0.1000,1E+2,123456789012345678901234567890.5]`,
		"spaces":  "{ \"b\" : 1 ,\n\t\"a\" : [ 1 , 2 ] }",
		"twice":   `{"a":1,"a":2}`,
		"large":   `"` + strings.Repeat("0123456789abcdef", 1<<16) + `"`,
		"deep":    strings.Repeat(`{"a":[`, 500) + strings.Repeat(`]}`, 500),
	} {
		d := doc(name, 1)
		d.Data, d.Meta = modelspec.FromJSON([]byte(data)), modelspec.FromJSON([]byte(`{"flows":[{"id":"f1","new":1}],"later":{"x":[]}}`))
		r.put(d)
		got := r.get(name)
		raw, err := got.Data.JSON()
		if err != nil || string(raw) != data {
			t.Errorf("%s: data is now %.200s, %v", name, raw, err)
		}
		wantSame(t, got, d)
	}
	r.put(datasource.Document{ID: "bare", Revision: 1})
	wantSame(t, r.get("bare"), datasource.Document{ID: "bare", Revision: 1})

	typed := doc("typed", 1)
	typed.Data = modelspec.Of(struct {
		Name string `json:"name"`
	}{"n"})
	r.put(typed)
	raw, err := r.get("typed").Data.JSON()
	if err != nil || string(raw) != `{"name":"n"}` {
		t.Errorf("a Go value is now %s, %v", raw, err)
	}
	testUnknown(t, r)
}

// testUnknown: what a newer version wrote survives an older one.
func testUnknown(t *testing.T, r room) {
	const text = `{"format":2,"id":"newer","rev":1,"data":{"a":1},"zone":{"x": [1, 2]},"Data":9007199254740993}`
	d, err := datasource.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r.put(d)
	got := r.get("newer")
	if b := encode(t, got); string(b) != text {
		t.Errorf("a newer envelope is now\n%s, was\n%s", b, text)
	}
	got.Revision++
	r.put(got)
	if b := encode(t, r.get("newer")); string(b) != strings.Replace(text, `"rev":1`, `"rev":2`, 1) {
		t.Errorf("a newer envelope is after an update\n%s", b)
	}
	for d, err := range r.c.List(r.ctx, datasource.Query{After: datasource.Position{ID: "large"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if d.ID == "newer" && !strings.Contains(string(encode(t, d)), `"zone":{"x": [1, 2]}`) {
			t.Error("List lost an unknown member")
		}
	}
}

func testTimes(t *testing.T, s suite) {
	r := s.open(t, "orders")
	d := doc("a", 1)
	d.Created = time.Date(2020, 2, 29, 23, 59, 59, 999999999, time.FixedZone("x", -5*3600))
	d.Updated, d.Due = time.Now(), time.Now().Add(time.Hour)
	d.Claim = datasource.Claim{Host: "h\"1", Epoch: 7, Until: time.Now()}
	d.Schema = 3
	r.put(d)
	got := r.get("a")
	for _, x := range []struct{ got, want time.Time }{{got.Created, d.Created}, {got.Updated, d.Updated}, {got.Due, d.Due}, {got.Claim.Until, d.Claim.Until}} {
		if !x.got.Equal(x.want) || x.got.Location() != time.UTC || strings.Contains(x.got.String(), "m=") {
			t.Errorf("time %v, stored as %v", x.got, x.want)
		}
	}
	wantSame(t, got, d)
}

func testCancel(t *testing.T, s suite) {
	r := s.open(t, "orders")
	r.put(doc("a", 1, entry("i", "k")))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	check := func(what string, err error) {
		t.Helper()
		if modelspec.CodeOf(err) != modelspec.ErrCanceled {
			t.Errorf("%s with a canceled context: %v", what, err)
		}
	}
	_, err := r.c.Get(ctx, "a")
	check("Get", err)
	check("Put", r.c.Put(ctx, doc("b", 1)))
	_, err = r.c.Due(ctx, time.Now(), datasource.Mark{}, 1)
	check("Due", err)
	check("Purge", r.c.Purge(ctx, "a", 1))
	for _, q := range []datasource.Query{{}, {Index: "i"}} {
		n := 0
		for _, err := range r.c.List(ctx, q) {
			check("List", err)
			n++
		}
		if n != 1 {
			t.Errorf("List with a canceled context yields %d times, not the error once", n)
		}
	}
	r.getFails("b", modelspec.ErrNotFound)
	for i := range 300 {
		r.put(doc(fmt.Sprint("c", i), 1))
	}
	ctx, cancel = context.WithCancel(s.ctx)
	defer cancel()
	n, last := 0, error(nil)
	for _, err := range r.c.List(ctx, datasource.Query{}) {
		n, last = n+1, err
		cancel()
	}
	if check("List", last); n > 200 {
		t.Errorf("List went on for %d documents after its context ended", n)
	}
}

// testCollections: none sees anything of another, whatever their names.
func testCollections(t *testing.T, s suite) {
	names := []string{"a", "a.b", "a-b", "a_b", "ab", "A", "a.", ".", "-", "a.a", strings.Repeat("a", 128)}
	for i, name := range names {
		r := s.open(t, name)
		d := doc("x", 1, unique("i", "k"), entry("i.a", "k"))
		d.Due = time.Unix(int64(i+1), 0)
		r.put(d)
		r.put(doc("only."+fmt.Sprint(i), 1, entry("i", "l")))
	}
	for i, name := range names {
		r := s.open(t, name)
		r.wantList(datasource.Query{}, "only."+fmt.Sprint(i), "x")
		r.wantList(datasource.Query{Index: "i"}, "x", "only."+fmt.Sprint(i))
		r.wantList(datasource.Query{Index: "i.a"}, "x")
		r.wantDue(time.Unix(1000, 0), datasource.Mark{}, 9, datasource.Mark{At: time.Unix(int64(i+1), 0), ID: "x"})
	}
	for _, name := range []string{"", "a/b", "a b", "a:b", "é", "a\x00b", strings.Repeat("a", 129)} {
		if _, err := s.store.Collection(name); modelspec.CodeOf(err) != modelspec.ErrInvalid {
			t.Errorf("Collection(%q): %v", name, err)
		}
	}
}
