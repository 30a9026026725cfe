package query_test

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

func groups(t *testing.T, raw string, docs ...string) (string, error) {
	t.Helper()
	s := newStore(t, spec(t))
	for i, d := range docs {
		s.put(document(fmt.Sprintf("d%03d", i), d))
	}
	rows, err := query.RunGroups(compile(t, mustParse(t, raw)).Plan(s.spec), s.walk, func(d *query.Document) query.Document { return *d }, 0)
	if err != nil {
		return "", err
	}
	return toJSON(t, rows), nil
}

func TestGroups(t *testing.T) {
	docs := []string{
		`{"status":"open","price":9007199254740993,"weight":0.1,"items":[{"qty":1,"sku":"a"},{"qty":2,"sku":"c"}],"since":"2024-01-01T12:00:00+02:00"}`,
		`{"status":"open","price":1,"weight":0.2,"since":"2024-01-01T10:00:00Z","open":true}`,
		`{"status":"shut","price":9223372036854775807,"weight":1e300,"open":true,"items":[{"sku":"b"}]}`,
		`{"status":"shut","price":9223372036854775807}`,
		`{"price":-5}`,
	}
	for _, c := range []struct{ url, want string }{
		{"__aggregate=count", `[{"by":{},"count":5}]`},
		{"__group=status", `[{"by":{"status":null},"count":1},{"by":{"status":"open"},"count":2},{"by":{"status":"shut"},"count":2}]`},
		{"__group=status&__aggregate=sum:price,avg:weight", `[{"by":{"status":null},"sum:price":-5,"avg:weight":null},{"by":{"status":"open"},"sum:price":9007199254740994,"avg:weight":0.15},{"by":{"status":"shut"},"sum:price":18446744073709551614,"avg:weight":1e300}]`},
		{"status=open&__aggregate=sum:weight,min:weight,max:price,min:since", `[{"by":{},"sum:weight":0.3,"min:weight":0.1,"max:price":9007199254740993,"min:since":"2024-01-01T10:00:00Z"}]`},
		{"__aggregate=sum:items.qty,avg:items.qty,max:items.sku,min:note", `[{"by":{},"sum:items.qty":3,"avg:items.qty":1.5,"max:items.sku":"c","min:note":null}]`},
		{"__group=since", `[{"by":{"since":null},"count":3},{"by":{"since":"2024-01-01T10:00:00Z"},"count":2}]`},
		{"__group=open,status&__aggregate=count", `[{"by":{"open":null,"status":null},"count":1},{"by":{"open":null,"status":"open"},"count":1},{"by":{"open":null,"status":"shut"},"count":1},{"by":{"open":true,"status":"open"},"count":1},{"by":{"open":true,"status":"shut"},"count":1}]`},
		{"status=nothing&__group=status", `[]`},
		{"status=nothing&__aggregate=count,sum:price,avg:price,max:price", `[{"by":{},"count":0,"sum:price":0,"avg:price":null,"max:price":null}]`},
	} {
		if got, err := groups(t, c.url, docs...); err != nil || got != c.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.url, err, got, c.want)
		}
	}
	got, err := groups(t, "__group=any&__aggregate=count", `{"any":1}`, `{"any":1.0}`, `{"any":"1"}`, `{"any":10e-1}`, `{"any":-0}`, `{"any":0.0}`, `{"any":{}}`, `{"any":[7,3]}`)
	if want := `[{"by":{"any":0},"count":2},{"by":{"any":1},"count":3},{"by":{"any":3},"count":1},{"by":{"any":"1"},"count":1},{"by":{"any":{}},"count":1}]`; got != want || err != nil {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	c := compile(t, mustParse(t, "__group=name"))
	add := func(g *query.Groups, n int, pad string) (err error) {
		for i := range n {
			if err = g.Add(document("a", fmt.Sprintf(`{"name":"%d%s"}`, i, pad))); err != nil {
				return err
			}
		}
		return nil
	}
	g := c.Groups()
	if err := add(g, query.MaxGroups, ""); err != nil {
		t.Fatal(err)
	}
	if err := add(g, query.MaxGroups+1, ""); !errors.Is(err, modelspec.ErrExhausted) {
		t.Error(err)
	}
	if err := add(c.Groups(), 900, strings.Repeat("x", 10_000)); !errors.Is(err, modelspec.ErrExhausted) {
		t.Error(err)
	}
	g = compile(t, mustParse(t, "__aggregate=sum:any.x")).Groups()
	if err := g.Add(document("d7", `{"any":{"x":1e1001}}`)); !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "document d7") {
		t.Error(err)
	}
	if err := g.Add(document("a", `{"any":[{"x":1e999},{"x":-1e999},{"x":1e-999}]}`)); err != nil || string(g.Rows()[0].Figures[0].Value) != "1e-999" {
		t.Error(g.Rows(), err)
	}
}

func TestSumsGrowOutOf64Bits(t *testing.T) {
	for sign, want := range map[string]string{"": "19999999999999999980", "-": "-19999999999999999980"} {
		g := compile(t, mustParse(t, "__aggregate=sum:price")).Groups()
		for range 20 {
			if err := g.Add(document("a", `{"price":`+sign+`999999999999999999}`)); err != nil {
				t.Fatal(err)
			}
		}
		if got := string(g.Rows()[0].Figures[0].Value); got != want {
			t.Error(got)
		}
	}
}

// Sums and averages are those of fractions.
func TestSumsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		g := compile(t, mustParse(t, "__aggregate=sum:any.x,avg:any.x")).Groups()
		want, n := new(big.Rat), 1+r.IntN(7)
		for range n {
			text := pick(r, "0", "-0.5", "9223372036854775807", "999999999999999999", "-999999999999999999", "0.1", "1e20", "123456789.987654321", "1e-15", "3")
			x, _ := new(big.Rat).SetString(text)
			want.Add(want, x)
			if err := g.Add(document("a", `{"any":{"x":`+text+`}}`)); err != nil {
				t.Fatal(err)
			}
		}
		figures := g.Rows()[0].Figures
		if got, ok := new(big.Rat).SetString(string(figures[0].Value)); !ok || got.Cmp(want) != 0 {
			t.Fatalf("%s is not %s", figures[0].Value, want)
		}
		want.Quo(want, big.NewRat(int64(n), 1))
		got, _ := new(big.Rat).SetString(string(figures[1].Value))
		off := new(big.Rat).Sub(got, want)
		limit := new(big.Rat).Mul(want, big.NewRat(1, 1e18))
		limit.Quo(limit, big.NewRat(2e15, 1)) // half of the last of 34 digits, at most
		if off.Abs(off).Cmp(limit.Abs(limit)) > 0 {
			t.Fatalf("%s is not %s", figures[1].Value, want.FloatString(40))
		}
	}
}

func TestSelect(t *testing.T) {
	doc := `{"id":"o1", "name" : "n", "home":{"city":"Rome","zip":null},"items":[{"sku":"a","qty":1},5,{"qty":2}],"tags":["x"], "any":{"a":{"b":1}}}`
	for _, c := range []struct{ fields, want string }{
		{"name", `{"id":"o1","name" : "n"}`},
		{"home.city,any", `{"id":"o1","home":{"city":"Rome"},"any":{"a":{"b":1}}}`},
		{"items.sku,tags", `{"id":"o1","items":[{"sku":"a"},null,{}],"tags":["x"]}`},
		{"home,home.city", `{"id":"o1","home":{"city":"Rome","zip":null}}`},
		{"any.a.b.c,note", `{"id":"o1","any":{"a":{"b":null}}}`},
	} {
		got, err := compile(t, mustParse(t, "__fields="+c.fields)).Select([]byte(doc))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", c.fields, err, got, c.want)
		}
	}
	c := compile(t, mustParse(t, "__fields=name,items.sku"))
	for i := range len(doc) {
		if got, err := c.Select([]byte(doc[:i])); err == nil {
			t.Fatalf("%s became %s", doc[:i], got)
		}
	}
	if got, _ := compile(t, &query.Query{}).Select([]byte(doc)); string(got) != doc {
		t.Error(string(got))
	}
}
