package query_test

import (
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

func TestPlan(t *testing.T) {
	s := spec(t)
	for _, c := range []struct{ url, want string }{
		{"", "walk id"},
		{"__sort=-id", "walk id backwards"},
		{"id=a", `walk id in [is "a"]`},
		{"id__starts=ab", `walk id in ["ab".."ac"]`},
		{"status=open", `walk status in [is "open"]`},
		{"status=open&__sort=-id", `walk status backwards in [is "open"]`},
		{"status__in=open,shut", `walk status in [is "open"], [is "shut"]; sort in memory; after 1000 documents: walk id; compare status in ("open", "shut")`},
		{"status__in=open,shut&__sort=status", `walk status in [is "open"], [is "shut"]`},
		{"__where=status%3D'open'+or+status+in+('shut','open')&__sort=status", `walk status in [is "open"], [is "shut"]`},
		{"status=open&name=x", `walk name in [is "x"]; compare status = "open"`},
		{"name__starts=ab&__sort=-name", `walk name backwards in ["ab".."ac"]`},
		{"name__gt=a&name__lte=b&__sort=name", `walk name in ["a".."b"]`},
		{"name__lt=a&name__gt=b", `walk name, of which nothing can match; sort in memory`},
		{"status=open&__sort=-price", `walk status in [is "open"]; sort in memory; after 1000 documents: walk price backwards; compare status = "open"`},
		{"status=open&__sort=-price&__count", `walk status in [is "open"]; sort in memory`},
		{"status=open&__sort=note", `walk status in [is "open"]; sort in memory`},
		{"price__gt=5&__sort=price", `walk price in [5..], [other]; compare price > 5`},
		{"price=5&__sort=price", `walk price in [is 5], [other]; compare price = 5`},
		{"price=99999999999999999999", `walk id; compare price = 99999999999999999999`},
		{"weight__lt=1.5&__sort=weight", `walk weight in [..1.5], [other]; compare weight < 1.5`},
		{"open=true", `walk open in [is true]`},
		{"since__gte=2024-01-01T00:00:00Z&__sort=since", `walk since in ["2024-01-01T00:00:00Z"..]`},
		{"mail=a@b&__sort=price", `walk mail in [is "a@b"]; sort in memory`},
		{"mail=", `walk id; compare mail = ""`},
		{"__sort=mail", `walk id; sort in memory`},
		{"mail__gt=a&__sort=mail", `walk mail in ["a"..]`},
		{"home.city=Rome", `walk home.city in [is "Rome"]`},
		{"home.zip=1", `walk id; compare home.zip = "1"`},
		{"count__exists=true&__sort=count", `walk count in [null..]`},
		{"count__exists=false", `walk id; compare not exists(count)`},
		{"__where=count%3Dnull", `walk count in [is null]`},
		{"__where=count+in+(null,5)&__sort=count", `walk count in [is null], [is 5], [other]; compare count in (null, 5)`},
		{"__sort=price,name", `walk price; sort runs in memory`},
		{"status__ne=open", `walk id; compare status != "open"`},
		{"__where=status%3D'a'+or+price%3D1", `walk id; compare status = "a" or price = 1`},
	} {
		q, err := parse(t, c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if got := compile(t, q).Plan(s).Explain().String(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.url, got, c.want)
		}
	}
	if got := compile(t, mustParse(t, "status=open")).Plan(nil).Explain().String(); got != `walk id; compare status = "open"` {
		t.Error(got)
	}
}

func TestExplainIsJSON(t *testing.T) {
	e := compile(t, mustParse(t, "status=open&price__gt=5&__sort=-price")).Plan(spec(t)).Explain()
	want := `{"where":"price \u003e 5 and status = \"open\"","index":"status","ranges":[{"is":"open"}],"rest":"price \u003e 5","sort":"-price","order":"memory","budget":1000,` +
		`"else":{"index":"price","ranges":[{"from":5},{"other":true}],"desc":true,"rest":"price \u003e 5 and status = \"open\"","order":"index"}}`
	if got := toJSON(t, e); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever is asked, by whatever way, the answer is that of a look at every
// document.
func TestMetamorphicPlansChangeNoAnswer(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	s := randomStore(t, r, 100)
	byIndex := 0
	for range 700 {
		q := query.Query{Sort: randomSort(r), Limit: 1 + r.IntN(60)}
		if r.IntN(5) > 0 {
			q.Where = randomExpr(r, 2)
		}
		c := compile(t, &q)
		want := s.all(c)
		if p := c.Plan(s.spec); p.Index != "" {
			byIndex++
		}
		if got, _ := s.pages(q, s.spec, 0); !slices.Equal(got, want) {
			t.Fatalf("%v %v\n%s\ngot  %v\nwant %v", q.Where, q.Sort, c.Plan(s.spec).Explain(), got, want)
		}
		if got, _ := s.pages(q, nil, 0); !slices.Equal(got, want) {
			t.Fatalf("%v %v without indexes\ngot  %v\nwant %v", q.Where, q.Sort, got, want)
		}
		q.Offset, q.Count = r.IntN(20), true
		page, err := s.run(compile(t, &q).Plan(s.spec), 0)
		if err != nil || page.Total != len(want) {
			t.Fatalf("%v: %d of %d %v", q.Where, page.Total, len(want), err)
		}
		q.Count = false
		if got, _ := s.pages(q, s.spec, 0); !slices.Equal(got, want[min(q.Offset, len(want)):]) {
			t.Fatalf("%v %v skip %d\ngot  %v\nwant %v", q.Where, q.Sort, q.Offset, got, want)
		}
		if p := c.Plan(s.spec); p.Else != nil {
			got, err := s.run(p.Else, 0)
			if err != nil || len(got.Documents) != min(len(want), q.Limit) {
				t.Fatalf("%v %v: the other way finds %d %v", q.Where, q.Sort, len(got.Documents), err)
			}
			for i, d := range got.Documents {
				if d.ID != want[i] {
					t.Fatalf("%v %v: the other way finds %s at %d", q.Where, q.Sort, d.ID, i)
				}
			}
		}
	}
	if byIndex < 200 {
		t.Errorf("only %d plans use an index", byIndex)
	}
}

// What stands in an index under the key of another type is found all the same.
func TestNumbersWithoutAKeyAreFound(t *testing.T) {
	s := newStore(t, remote(t, `{"type":"object","properties":{"n":{"type":"integer","x-index":true},"f":{"type":"number","x-index":true}}}`))
	for i, raw := range []string{`{"n":5,"f":1}`, `{"n":99999999999999999999,"f":1e400}`, `{"n":-99999999999999999999,"f":0.1}`, `{"n":5.0,"f":0.10000000000000000001}`, `{}`} {
		s.put(document(fmt.Sprint("d", i), raw))
	}
	for _, c := range []struct{ text, want string }{
		{"n = 5", "d0 d3"}, {"n > 4", "d0 d1 d3"}, {"n < 5", "d2"}, {"n = 99999999999999999999", "d1"}, {"n in (5, 99999999999999999999)", "d0 d1 d3"}, {"n = null", "d4"},
		{"f > 1", "d1"}, {"f >= 1e400", "d1"}, {"f = 0.1", "d2"}, {"f > 0.1", "d0 d1 d3"}, {"f <= 0.1", "d2"}, {"f < 0.10000000000000000001", "d2"},
	} {
		e, err := query.ParseWhere(c.text)
		if err != nil {
			t.Fatal(err)
		}
		comp, err := query.Compile(&query.Query{Where: e}, s.spec.Descriptor().Schema)
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.run(comp.Plan(s.spec), 0)
		var got []string
		for _, d := range page.Documents {
			got = append(got, d.ID)
		}
		if strings.Join(got, " ") != c.want || err != nil {
			t.Errorf("%s: %v %v, not %s: %s", c.text, got, err, c.want, comp.Plan(s.spec).Explain())
		}
	}
}

func TestRunEndsEarly(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	s := randomStore(t, r, 100)
	for _, sort := range [][]query.Order{nil, {query.Desc("id")}, {query.Asc("price")}, {query.Desc("name")}} {
		q := query.Query{Where: query.Text("note").Exists(), Sort: sort, Limit: 10}
		got, pages := s.pages(q, s.spec, 7)
		if want := s.all(compile(t, &q)); !slices.Equal(got, want) || pages < 14 {
			t.Errorf("%v: %d pages\ngot  %v\nwant %v", sort, pages, got, want)
		}
	}
	_, err := s.run(compile(t, &query.Query{Sort: []query.Order{query.Asc("note")}}).Plan(s.spec), 99)
	if !errors.Is(err, modelspec.ErrExhausted) {
		t.Error(err)
	}
	s.looked = 0
	page, err := s.run(compile(t, &query.Query{Sort: []query.Order{query.Asc("price"), query.Asc("name")}, Limit: 3}).Plan(s.spec), 0)
	if err != nil || len(page.Documents) != 3 || s.looked > 40 {
		t.Errorf("%d documents were looked at for a page of 3 of runs in order: %v", s.looked, err)
	}
	boom := errors.New("boom")
	_, err = query.Run(compile(t, &query.Query{}).Plan(nil), func(query.Step) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) { yield(0, boom) }
	}, func(*int) query.Document { return query.Document{} }, 0)
	if err != boom {
		t.Error(err)
	}
}

func TestSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	s := randomStore(t, r, 60)
	for _, desc := range []bool{false, true} {
		q := query.Query{Where: query.Text("status").In("gone", "shut"), Sort: []query.Order{{Path: "status", Desc: desc}, {Path: "id", Desc: desc}}, Limit: 7}
		c := compile(t, &q)
		p := c.Plan(s.spec)
		if steps := p.Steps(); !p.Ordered || len(steps) != 2 || steps[0].Range.Has("sgone") == desc {
			t.Errorf("%v: %v", desc, steps)
		}
		want := s.all(c)
		if got, _ := s.pages(q, s.spec, 0); !slices.Equal(got, want) || len(want) < 20 {
			t.Errorf("%v:\ngot  %v\nwant %v", desc, got, want)
		}
		page, err := s.run(p, 0)
		if err != nil {
			t.Fatal(err)
		}
		q.Cursor, q.Count = page.Next, true
		page, err = s.run(compile(t, &q).Plan(s.spec), 0)
		if err != nil || page.Total != len(want) || page.Documents[0].ID != want[7] {
			t.Errorf("%v: %d of %d %v", desc, page.Total, len(want), err)
		}
	}
	last := s.all(compile(t, &query.Query{Where: query.Text("status").Eq("gone")}))
	q := query.Query{Where: query.Text("status").In("gone", "shut"), Sort: []query.Order{query.Asc("status")}}
	c := compile(t, &q)
	key, err := c.Key(s.docs[last[len(last)-1]])
	if err != nil {
		t.Fatal(err)
	}
	q.Cursor = c.Cursor(key)
	if steps := compile(t, &q).Plan(s.spec).Steps(); len(steps) != 2 || steps[0].After != (query.Position{Key: "sgone", ID: key.ID}) || steps[1].After != (query.Position{}) {
		t.Errorf("%+v", steps)
	}
}

// A document that a write moves from one part of a walk to the next is listed
// once.
func TestMovedDocumentIsListedOnce(t *testing.T) {
	for _, sort := range []string{"status", "note"} {
		c := compile(t, mustParse(t, "status__in=open,shut&__sort="+sort))
		page, err := query.Run(c.Plan(spec(t)), func(s query.Step) iter.Seq2[query.Document, error] {
			status, _ := s.Range.Point()
			return func(yield func(query.Document, error) bool) {
				yield(document("a", `{"status":"`+status[1:]+`"}`), nil)
			}
		}, func(d *query.Document) query.Document { return *d }, 0)
		if err != nil || len(page.Documents) != 1 || page.Looked != 2 {
			t.Errorf("%s: %d documents, %d looked at, %v", sort, len(page.Documents), page.Looked, err)
		}
	}
}

// A walk that turns out to be long is given up for the one in order.
func TestRunTakesTheOtherWay(t *testing.T) {
	s := newStore(t, spec(t))
	for i := range 1500 {
		s.put(document(fmt.Sprintf("d%04d", i), fmt.Sprintf(`{"status":"open","price":%d}`, i)))
	}
	q := mustParse(t, "status=open&__sort=-price&__limit=5")
	page, err := s.run(compile(t, q).Plan(s.spec), 0)
	if err != nil || len(page.Documents) != 5 || page.Documents[0].ID != "d1499" || page.Looked != 1000+6 || s.looked != 1000+1+6 {
		t.Errorf("%d documents, %d and %d looked at: %v", len(page.Documents), page.Looked, s.looked, err)
	}
}

// Pages go on behind the last document, whatever was written in between.
func TestCursorUnderWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	s := randomStore(t, r, 60)
	for _, sort := range [][]query.Order{nil, {query.Asc("price")}, {query.Desc("status"), query.Asc("name")}} {
		q := query.Query{Sort: sort, Limit: 7}
		var seen []string
		last := query.Key{}
		for n := 0; ; n++ {
			c := compile(t, &q)
			page, err := s.run(c.Plan(s.spec), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range page.Documents {
				key, _ := c.Key(d)
				if last.ID != "" && c.Compare(last, key) >= 0 {
					t.Fatalf("%v: %s after %s", sort, key.ID, last.ID)
				}
				last = key
				seen = append(seen, d.ID)
			}
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
			gone := page.Documents[len(page.Documents)-1].ID // also the one the cursor stands at
			s.remove(gone)
			s.put(document(fmt.Sprintf("a%03d", n), toJSON(t, randomThing(r, n))))
		}
		slices.Sort(seen)
		for id := range s.docs {
			if _, ok := slices.BinarySearch(seen, id); !ok && id[0] == 'd' {
				t.Errorf("%v: %s was there all the time, and is not listed", sort, id)
			}
		}
	}
}

func TestCursorIsOfItsQuery(t *testing.T) {
	s := randomStore(t, rand.New(rand.NewPCG(1, 1)), 20)
	page, err := s.run(compile(t, mustParse(t, "price__gte=-9&__sort=price&__limit=2")).Plan(s.spec), 0)
	if err != nil || page.Next == "" {
		t.Fatal(page, err)
	}
	for _, raw := range []string{"__sort=price", "price__gte=-8&__sort=price", "price__gte=-9&__sort=-price", "price__gte=-9&__sort=price,name"} {
		q := mustParse(t, raw)
		q.Cursor = page.Next
		if _, err := query.Compile(q, schema(t)); !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), "/__cursor") {
			t.Errorf("%s takes a cursor that is not its own: %v", raw, err)
		}
	}
	for _, text := range []string{"x", "AQ", page.Next[:len(page.Next)-2], page.Next + "AA", strings.Repeat("A", 9000)} {
		q := mustParse(t, "price__gte=-9&__sort=price&__limit=2")
		q.Cursor = text
		if _, err := query.Compile(q, schema(t)); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%.20s is taken: %v", text, err)
		}
	}
	q := mustParse(t, "price__gte=-9&__sort=price&__limit=9&__fields=name&__cursor="+page.Next) // page length and members may change
	if _, err := query.Compile(q, schema(t)); err != nil {
		t.Error(err)
	}
}

// The order is total: antisymmetric, transitive, and equal for one document
// only.
func TestOrderIsTotal(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 60 {
		c := compile(t, &query.Query{Sort: append(randomSort(r), query.Order{Path: "any.b", Desc: r.IntN(2) == 0})})
		var keys []query.Key
		for i := range 24 {
			k, err := c.Key(document(fmt.Sprintf("d%02d", i), toJSON(t, randomThing(r, i))))
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		for i, a := range keys {
			for j, b := range keys {
				if n := c.Compare(a, b); n != -c.Compare(b, a) || (n == 0) != (i == j) {
					t.Fatalf("%v %v: %d", a, b, n)
				}
				for _, d := range keys {
					if c.Compare(a, b) < 0 && c.Compare(b, d) < 0 && c.Compare(a, d) >= 0 {
						t.Fatalf("%v %v %v", a, b, d)
					}
				}
			}
		}
	}
}

func TestOrderOfMixedValues(t *testing.T) {
	c, err := query.Compile(&query.Query{Sort: []query.Order{query.Asc("v")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var last query.Key
	for i, raw := range []string{`{}`, `{"v":null}`, `{"v":[]}`, `{"v":false}`, `{"v":true}`, `{"v":-1e9}`, `{"v":2}`, `{"v":[30,10]}`, `{"v":10.5}`, `{"v":""}`, `{"v":"a"}`, `{"v":"b"}`, `{"v":{}}`} {
		key, err := c.Key(document(fmt.Sprintf("d%02d", i), raw))
		if err != nil || i > 0 && c.Compare(last, key) >= 0 {
			t.Errorf("%s: %v after %v: %v", raw, key, last, err)
		}
		last = key
	}
}
