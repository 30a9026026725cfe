package query_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

const sample = `{"name":"Ann \"A\"","price":9007199254740993,"weight":0.10,"open":true,"since":"2024-01-01T12:00:00+02:00",
 "home":{"city":"Rome","zip":null},"tags":["red","blue"],"grid":[[1,2],[3]],"items":[{"sku":"a","qty":1},{"sku":"b"},{}],
 "any":{"deep":[{"x":1},{"x":"y"}]},"more":{"k":7},"parent":{"name":"P","parent":{"price":3}}}`

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{`name = "Ann \"A\""`, true}, {`name = 'Ann "A"'`, true}, {`name != "Ann"`, true}, {`name contains "\"A"`, true},
		{`name starts "Ann"`, true}, {`name ends "Ann"`, false}, {`name starts ""`, true}, {`name > "Ann"`, true}, {`name < "B"`, true},
		{`price = 9007199254740993`, true}, {`price = 9007199254740992`, false}, {`price > 9007199254740992`, true},
		{`price < 9007199254740994`, true}, {`price = 9007199254740993.0`, true}, {`price in (1, 9007199254740993)`, true},
		{`price < 99999999999999999999999999999`, true}, {`price not in (1, 2)`, true},
		{`weight = 0.1`, true}, {`weight = 1e-1`, true}, {`weight > 0.09999999999999999999999999`, true}, {`weight < 0.1000000000000000000000001`, true},
		{`weight = 0.1000000000000000055511151231257827`, false}, {`weight < 1e400`, true}, {`weight > -1e400`, true},
		{`open = true`, true}, {`open > false`, true}, {`open != true`, false}, {`open in (false)`, false},
		{`since = "2024-01-01T10:00:00Z"`, true}, {`since > "2024-01-01T09:59:59.999Z"`, true}, {`since in ("2024-01-01T11:00:00+01:00")`, true}, {`since < "2024-01-01T10:00:00Z"`, false},
		{`home.city = "Rome"`, true}, {`home.zip = null`, true}, {`exists(home.zip)`, false}, {`exists(home)`, true}, {`home = null`, false}, {`exists(note)`, false},
		{`note = null`, true}, {`note != "x"`, true}, {`note < "x"`, false}, {`note >= ""`, false}, {`not note < "x"`, true}, {`note not in ("a", null)`, false},
		{`tags = "red"`, true}, {`tags contains "blue"`, true}, {`tags contains "lu"`, false}, {`tags != "red"`, false}, {`tags starts "bl"`, true}, {`tags in ("x","blue")`, true},
		{`tags > "blue" and tags < "red"`, true}, {`grid = 3`, true}, {`grid contains 2`, true}, {`grid = 4`, false},
		{`items.sku = "b"`, true}, {`items.sku = null`, true}, {`items.qty = 1`, true}, {`items.qty = null`, true}, {`exists(items.qty)`, true}, {`items.sku contains "a"`, true},
		{`items.sku = "a" and items.qty != 1`, false}, {`any.deep.x = 1`, true}, {`any.deep.x = "y"`, true}, {`any.deep.x = "1"`, false}, {`any.deep.x contains "y"`, true},
		{`any.nothing = null`, true}, {`exists(any.deep.x)`, true}, {`more.k >= 7`, true}, {`parent.parent.price = 3`, true}, {`parent.price = null`, true},
		{`id = "o1"`, true}, {`createTime > "2000-01-01T00:00:00Z"`, true}, {`exists(updateTime)`, false},
		{`price = 1 or open = true and not exists(note)`, true}, {`(price = 1 or open = true) and exists(note)`, false},
	} {
		d := document("o1", sample)
		d.Created = time.Now()
		if got, err := where(t, c.text).Match(d); err != nil || got != c.want {
			t.Errorf("%s: %v %v", c.text, got, err)
		}
	}
}

func TestMatchOfWhatIsNoDocument(t *testing.T) {
	c := where(t, `items.sku = "a" or name = "x" or exists(any)`)
	for _, raw := range []string{"", "null", "[]", "5", `"x"`, "{}"} {
		if ok, err := c.Match(document("a", raw)); ok || err != nil {
			t.Errorf("%q: %v %v", raw, ok, err)
		}
	}
	for _, raw := range []string{"{", `{"items"`, `{"items":`, `{"items":[`, `{"items":[{"sku":"`, `{"items":[1 2]}`, `{"name" "x"}`, `{"q":}`, `{"q":]}`, `{x:1}`} {
		if _, err := c.Match(document("a", raw)); !errors.Is(err, modelspec.ErrDataLoss) {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if ok, err := where(t, `exists(name)`).Match(query.Document{}); ok || err != nil {
		t.Error(ok, err)
	}
}

// The same random conditions on the same random documents have equal answers
// here and in the plain evaluation.
func TestMatchIsWhatItSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	isTime := map[string]bool{"since": true, "createTime": true}
	matched := 0
	for n := range 3000 {
		e := randomExpr(r, 3)
		c := compile(t, &query.Query{Where: e})
		d := document(pick(r, "d001", "d002"), toJSON(t, randomThing(r, n)))
		d.Created = pick(r, times...)
		raw, _ := d.Data.JSON()
		got, err := c.Match(d)
		want := naive{d.ID, d.Created, treeOf(string(raw)), isTime}.holds(c.Query().Where)
		if err != nil || got != want {
			t.Fatalf("%s of %s: %v %v, not %v", e, raw, got, err, want)
		}
		if got {
			matched++
		}
	}
	if matched < 500 || matched > 2500 {
		t.Errorf("%d of 3000 match: the conditions say too little", matched)
	}
}

func TestLimitsHoldInGo(t *testing.T) {
	deep, wide := query.Field[bool]("open").Eq(true), query.Or{}
	for range query.MaxDepth {
		deep = query.Not{Expr: deep}
	}
	for range query.MaxNodes {
		wide = append(wide, query.Field[bool]("open").Eq(true))
	}
	for _, q := range []query.Query{
		{Where: deep}, {Where: wide}, {Where: query.Text("name").Eq(strings.Repeat("x", query.MaxValues))}, {Where: query.Field[int]("price").In(make([]int, query.MaxIn+1)...)},
		{Limit: -1}, {Limit: query.MaxLimit + 1}, {Offset: query.MaxOffset + 1}, {Fields: make([]string, query.MaxFields+1)}, {Sort: make([]query.Order, query.MaxSort+1)},
		{Group: &query.Group{By: make([]string, query.MaxBy+1)}}, {Group: &query.Group{Aggregate: make([]query.Aggregate, query.MaxTerms+1)}}, {Group: &query.Group{}, Limit: 1},
	} {
		if _, err := query.Compile(&q, schema(t)); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%.80v: %v", q, err)
		}
	}
	deep = deep.(query.Not).Expr
	if _, err := query.Compile(&query.Query{Where: deep}, schema(t)); err != nil {
		t.Error(err)
	}
	if _, err := query.Compile(&query.Query{Where: wide[1:]}, schema(t)); err != nil {
		t.Error(err)
	}
}

func TestCompiledIsForMany(t *testing.T) {
	c := compile(t, mustParse(t, "items.sku=a&price__gt=1&__sort=price"))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			yes, no := document("a", sample), document("b", `{"items":[{"sku":"b"}],"price":5}`)
			for range 200 {
				ok, err := c.Match(yes)
				other, err2 := c.Match(no)
				key, err3 := c.Key(yes)
				if !ok || other || key.ID != "a" || errors.Join(err, err2, err3) != nil {
					t.Errorf("%d: %v %v %v", i, ok, other, key)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestBuilder(t *testing.T) {
	e := query.Field[int64]("price").Gt(10).And(query.Text("status").In("a", "b"), query.Field[time.Time]("since").Lt(times[3]).Or(query.Text("note").Missing()))
	want := `price > 10 and status in ("a", "b") and (since < "2024-01-01T10:00:00Z" or not exists(note))`
	if e.String() != want {
		t.Errorf("%s\n%s", e, want)
	}
	c := compile(t, &query.Query{Where: e})
	if got := c.Query().Where.String(); got != want {
		t.Error(got)
	}
	type status string
	for _, e := range []query.Expr{
		query.Field[status]("status").Eq("a"), query.Field[float32]("weight").Between(0.5, 1), query.Field[uint8]("price").Nin(1, 2), query.Field[bool]("open").Ne(true),
		query.Field[int]("grid").Contains(1), query.Text("tags").Contains("x"), query.Field[string]("any.x").Exists(),
	} {
		if _, err := query.Compile(&query.Query{Where: e}, schema(t)); err != nil {
			t.Errorf("%s: %v", e, err)
		}
	}
	for _, e := range []query.Expr{
		query.Field[string]("price").Eq("1"), query.Text("prize").Eq("x"), query.Field[float64]("price").Eq(1.5), query.And{}, query.Or{}, query.Not{}, query.And{nil},
		query.Field[int]("secret").Eq(1), query.Compare{Path: "price", Op: "like", Values: []any{1}}, query.Compare{Path: "price", Op: query.Eq}, query.Compare{Path: "price", Op: query.Gt, Values: []any{nil}},
		query.Compare{Path: "name", Op: query.Eq, Values: []any{[]int{1}}}, query.Compare{Path: "home", Op: query.Gt, Values: []any{1}}, query.Text("name").Eq("\xff"),
	} {
		if _, err := query.Compile(&query.Query{Where: e}, schema(t)); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%v: %v", e, err)
		}
	}
}
