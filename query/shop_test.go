package query_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

// thing has a member of every type, indexed and not.
type thing struct {
	ID      string         `json:"id"`
	Name    string         `json:"name" aegis:"index"`
	Status  string         `json:"status" aegis:"index"`
	Mail    string         `json:"mail" aegis:"unique"`
	Price   int64          `json:"price" aegis:"index"`
	Weight  float64        `json:"weight" aegis:"index"`
	Open    bool           `json:"open" aegis:"index"`
	Since   time.Time      `json:"since" aegis:"index"`
	Note    *string        `json:"note,omitempty"`
	Count   *int64         `json:"count,omitempty" aegis:"index"`
	Home    place          `json:"home"`
	Items   []line         `json:"items"`
	Tags    []string       `json:"tags"`
	Grid    [][]int        `json:"grid"`
	Any     any            `json:"any"`
	More    map[string]int `json:"more"`
	Secret  string         `json:"secret" aegis:"writeonly"`
	Vault   vault          `json:"vault"`
	Odd     string         `json:"a__gt"`
	Parent  *thing         `json:"parent,omitempty"`
	Version uint64         `json:"version,omitempty"`
}

type place struct {
	City string  `json:"city" aegis:"index"`
	Zip  *string `json:"zip"`
}

type line struct {
	SKU  string  `json:"sku"`
	Qty  int     `json:"qty"`
	Cost float64 `json:"cost"`
	Pin  string  `json:"pin" aegis:"writeonly"`
}

type vault struct {
	Key string `json:"key" aegis:"writeonly"`
	Tag string `json:"tag"`
}

var once = sync.OnceValues(modelspec.Model[thing]{Name: "thing"}.Spec)

func spec(t testing.TB) *modelspec.Spec {
	t.Helper()
	s, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schema(t testing.TB) *modelspec.Schema {
	t.Helper()
	s, err := modelspec.SchemaOf[thing]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parse(t testing.TB, raw string) (*query.Query, error) {
	t.Helper()
	terms, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return query.ParseURL(terms, schema(t))
}

func mustParse(t testing.TB, raw string) *query.Query {
	t.Helper()
	q, err := parse(t, raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return q
}

func compile(t testing.TB, q *query.Query) *query.Compiled {
	t.Helper()
	c, err := query.Compile(q, schema(t))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func where(t testing.TB, text string) *query.Compiled {
	t.Helper()
	return compile(t, mustParse(t, "__where="+url.QueryEscape(text)))
}

func document(id, raw string) query.Document {
	return query.Document{ID: id, Data: modelspec.FromJSON([]byte(raw))}
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

var (
	long  = strings.Repeat("é", 256)
	texts = []string{"", "a", "A", "ab", "abc", "b", "é", "\U0010FFFF", "\uD7FF", "\uE000", "a\"b\\c", "x,y", "null", "5", long, long + "a", long + "b", long[:508], long[:510] + "z", strings.Repeat("z", 600)}
	times = []time.Time{time.Unix(0, 0).UTC(), time.Unix(0, 1).UTC(), time.Date(2024, 1, 1, 12, 0, 0, 0, time.FixedZone("", 7200)), time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC), {}}
	ints  = []int64{0, 1, -1, 2, 10, 1 << 53, 1<<53 + 1, -(1 << 53) - 1, 1<<63 - 1, -1 << 63}
	reals = []float64{0, 1, -1, 0.1, 0.25, 1e300, -1e300, 1e-9, 2, 10}
)

func optional[T any](r *rand.Rand, v T) *T {
	if r.IntN(3) == 0 {
		return nil
	}
	return &v
}

func randomThing(r *rand.Rand, n int) thing {
	t := thing{
		Name: pick(r, texts...), Status: pick(r, "open", "shut", "gone"), Price: pick(r, ints...), Weight: pick(r, reals...),
		Open: r.IntN(2) == 0, Since: pick(r, times...), Note: optional(r, pick(r, texts...)), Count: optional(r, pick(r, ints...)),
		Home: place{pick(r, texts...), optional(r, "00100")}, Secret: "s",
	}
	if r.IntN(4) > 0 {
		t.Mail = fmt.Sprintf("m%d@x", n)
	}
	for range r.IntN(3) {
		t.Items = append(t.Items, line{SKU: pick(r, texts[:8]...), Qty: r.IntN(4), Cost: pick(r, reals...)})
		t.Tags = append(t.Tags, pick(r, texts[:8]...))
		t.Grid = append(t.Grid, []int{r.IntN(3), r.IntN(3)})
	}
	t.Any = pick[any](r, nil, "a", 5.0, true, []any{"a", 1.0}, map[string]any{"b": "a"})
	return t
}

func toJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// randomExpr makes a condition on members of thing.
func randomExpr(r *rand.Rand, depth int) query.Expr {
	if depth > 0 {
		switch r.IntN(6) {
		case 0, 1:
			return query.And{randomExpr(r, depth-1), randomExpr(r, depth-1)}
		case 2:
			return query.Or{randomExpr(r, depth-1), randomExpr(r, depth-1)}
		case 3:
			return query.Not{Expr: randomExpr(r, depth-1)}
		}
	}
	return randomCompare(r)
}

func randomCompare(r *rand.Rand) query.Expr {
	type member struct {
		path  string
		value func() any
		text  bool
	}
	text := func() any { return pick(r, texts...) }
	whole := func() any { return pick(r, ints...) }
	m := pick(r,
		member{"id", func() any { return fmt.Sprintf("d%03d", r.IntN(130)) }, true},
		member{"name", text, true}, member{"status", func() any { return pick(r, "open", "shut", "x") }, true},
		member{"mail", func() any { return pick(r, "", "m3@x", "m5@x", "m") }, true},
		member{"price", whole, false}, member{"count", whole, false}, member{"weight", func() any { return pick(r, reals...) }, false},
		member{"open", func() any { return r.IntN(2) == 0 }, false}, member{"since", func() any { return pick(r, times...) }, false},
		member{"note", text, true}, member{"home.city", text, true}, member{"home.zip", func() any { return "00100" }, true},
		member{"items.sku", text, true}, member{"items.qty", func() any { return r.IntN(4) }, false}, member{"tags", text, true},
		member{"grid", func() any { return r.IntN(3) }, false}, member{"createTime", func() any { return pick(r, times...) }, false},
	)
	op := pick(r, query.Eq, query.Ne, query.Gt, query.Gte, query.Lt, query.Lte, query.In, query.Nin, query.Exists, query.Contains, query.Starts, query.Ends)
	list := m.path == "tags" || m.path == "grid"
	if !m.text && (op == query.Starts || op == query.Ends || op == query.Contains && !list) {
		op = query.Gte
	}
	c := query.Compare{Path: m.path, Op: op}
	switch op {
	case query.Exists:
		if r.IntN(2) == 0 {
			c.Values = []any{r.IntN(2) == 0}
		}
	case query.In, query.Nin:
		for range 1 + r.IntN(4) {
			c.Values = append(c.Values, m.value())
		}
		if r.IntN(5) == 0 {
			c.Values = append(c.Values, nil)
		}
	case query.Eq, query.Ne:
		c.Values = []any{m.value()}
		if r.IntN(8) == 0 {
			c.Values[0] = nil
		}
	default:
		c.Values = []any{m.value()}
	}
	return c
}
