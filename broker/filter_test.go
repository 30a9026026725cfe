package broker_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// with is an event with data.
func with(id, data string) broker.Event {
	e := event(id)
	e.Data = modelspec.FromJSON([]byte(data))
	return e
}

// A filter holds for each kind of subscription; what it holds back is counted
// and concerns nobody.
func TestFilter(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var got seen
		s.Name, s.Handler = "gold", got.take
		s.Filter = broker.Filter{Match: map[string]any{"customer.tier": "gold"}, Where: "data.total > 100"}
		h := f.subscribe(s)
		f.publish(
			with("1", `{"customer":{"tier":"gold"},"total":101}`),
			with("2", `{"customer":{"tier":"gold"},"total":100}`),
			with("3", `{"customer":{"tier":"none"},"total":101}`),
			event("4"),
		)
		synctest.Wait()
		got.want(t, "1")
		if n := h.Stats(); n.Delivered != 1 || n.Filtered != 3 || n.FilterErrors != 0 || n.Dropped != 0 {
			t.Errorf("%+v", n)
		}
		if len(f.failed()) != 0 {
			t.Errorf("reported %q", f.failed())
		}
	})
}

func TestFilterMatch(t *testing.T) {
	const data = `{"a":1,"b":{"c":"x","d":null,"e":[1,{"f":2.50}]},"n":12345678901234567891234,"t":true,"e":{}}`
	for _, c := range []struct {
		match map[string]any
		want  bool
	}{
		{map[string]any{"a": 1}, true},
		{map[string]any{"a": 1.0}, true},
		{map[string]any{"a": uint8(1)}, true},
		{map[string]any{"a": "1"}, false},
		{map[string]any{"a": true}, false},
		{map[string]any{"a": nil}, false},
		{map[string]any{"b.c": "x"}, true},
		{map[string]any{"b": map[string]any{"c": "x"}}, true},
		{map[string]any{"b": map[string]any{"c": "x", "z": 1}}, false},
		{map[string]any{"b.c": "x", "b": map[string]any{"c": "y"}}, false},
		{map[string]any{"b.d": nil}, true},
		{map[string]any{"b.z": nil}, false},
		{map[string]any{"b.c.d": "x"}, false},
		{map[string]any{"b.e": []any{1, map[string]any{"f": 2.5}}}, true},
		{map[string]any{"b.e": []any{1, map[string]any{}}}, false},
		{map[string]any{"b.e": []any{1}}, false},
		{map[string]any{"b.e": []any{map[string]any{"f": 2.5}, 1}}, false},
		{map[string]any{"n": modelspec.FromJSON([]byte("12345678901234567891234"))}, true},
		{map[string]any{"n": modelspec.FromJSON([]byte("12345678901234567891235"))}, false},
		{map[string]any{"t": true, "a": 1}, true},
		{map[string]any{"t": false}, false},
		{map[string]any{"t": []any{}}, false},
		{map[string]any{"e": map[string]any{}}, true},
		{map[string]any{"a": map[string]any{}}, false},
		{map[string]any{"b": map[string]any{}}, true},
	} {
		f := start(t)
		var got seen
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Match: c.match}, Handler: got.take})
		f.publish(with("1", data))
		if (len(got.ids) == 1) != c.want {
			t.Errorf("%v matches: %t, want %t", c.match, !c.want, c.want)
		}
	}
}

func TestFilterWhere(t *testing.T) {
	e := with("e1", `{"total":120.5,"n":7,"big":12345678901234567891234,"lines":[{"sku":"x1","n":2},{"sku":"y"}],"note":"Hello","id":9007199254740993,"when":"2026-11-23T12:00:00Z"}`)
	e.Hop, e.Time = 3, time2026
	e.Caller = &modelspec.Caller{Subject: "ann", Tenant: "acme", Claims: map[string]any{"roles": []string{"clerk"}, "level": 3}}
	for _, c := range []struct {
		where string
		want  bool
	}{
		{`type == "order.approved" && source == "order" && subject == "o1" && id == "e1" && hop == 3`, true},
		{`data.total > 100 and data.n == 7`, true},
		{`data.n == 7.0`, true},
		{`data.big > 1e22`, true},
		{`data.id == 9007199254740993 && data.id != 9007199254740992`, true},
		{`any(data.lines, .sku startsWith "x")`, true},
		{`all(data.lines, .n != nil)`, false},
		{`count(data.lines, .n == 2) == 1 && len(data.lines) == 2`, true},
		{`sum(map(data.lines, .n ?? 0)) == 2`, true},
		{`data.note matches "^H.*o$"`, true},
		{`lower(data.note) == "hello" && data.note contains "ell"`, true},
		{`data.note + "!" == "Hello!"`, true},
		{`data.missing == nil && data.a?.b?.c == nil`, true},
		{`"total" in data && !("x" in data)`, true},
		{`data.n in [5, 6, 7] && data.n not in [8]`, true},
		{`caller.subject == "ann" && caller.tenant == "acme" && "clerk" in caller.claims.roles && caller.claims.level == 3`, true},
		{`time > date("2026-01-01T00:00:00Z") && date(data.when) > time`, true},
		{`let n = data.n; n * 2 == 14`, true},
		{`if data.n > 5 { true } else { false }`, true},
		{`data.n > 5 ? data.flag : true`, false}, // null is false
		{`get(data.lines, 1).sku == "y" && data.lines[-1].sku == "y"`, true},
		{`data.lines | filter(.n > 1 || false) | len() == 1`, false}, // fails: the second has no n
		{`max(data.n, 9) == 9 && abs(-1) == 1`, true},
		{`[1, 2] == [1, 2] && {"a": 1}.a == 1`, true},
	} {
		f := start(t)
		var got seen
		f.subscribe(broker.Subscription{Name: "w", Pattern: ">", Required: true, Filter: broker.Filter{Where: c.where}, Handler: got.take})
		f.publish(e)
		if (len(got.ids) == 1) != c.want {
			t.Errorf("%s: %t, want %t; reported %v", c.where, !c.want, c.want, f.failures)
		}
	}
}

// An event without a caller or data has empty ones.
func TestFilterOfBareEvent(t *testing.T) {
	f := start(t)
	var got seen
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: got.take,
		Filter: broker.Filter{Where: `caller.subject == "" && caller.tenant == "" && caller.claims.x == nil && data == nil`}})
	f.publish(event("1"))
	got.want(t, "1")
	if len(f.failures) != 0 {
		t.Error(f.failures[0].Err)
	}
}

// Mistakes are found at Subscribe, with their place.
func TestFilterRefuses(t *testing.T) {
	long := strings.Repeat("x", 1000)
	deep := map[string]any{}
	for i := range 300 {
		deep[fmt.Sprint(i)] = i
	}
	for _, c := range []struct {
		filter broker.Filter
		want   string
	}{
		{broker.Filter{Where: "data.total >"}, "/Filter/Where invalid (line 1, column 12: unexpected token EOF"},
		{broker.Filter{Where: "true &&\n  dta.x"}, "line 2, column 3: unknown name dta"},
		{broker.Filter{Where: "type > 5"}, "line 1, column 6: invalid operation: > (mismatched types string and int)"},
		{broker.Filter{Where: "hop + 1"}, "expected bool, but got int"},
		{broker.Filter{Where: "caller.role == 1"}, "line 1, column 8: unknown field role"},
		{broker.Filter{Where: "data.f(1)"}, "line 1, column 6: only the built-in functions"},
		{broker.Filter{Where: "time.Year() == 1"}, "only the built-in functions"},
		{broker.Filter{Where: "shell(1)"}, "only the built-in functions"},
		{broker.Filter{Where: "type(data) == 1"}, "only the built-in functions"},
		{broker.Filter{Where: `"x" in keys(data)`}, "keys is not available"},
		{broker.Filter{Where: "now() > time"}, "line 1, column 1: now is not available"},
		{broker.Filter{Where: `time == date("2026", "2006", "Europe/Berlin")`}, "no time zone"},
		{broker.Filter{Where: "len(1..1000000) > 1"}, "ranges are not available"},
		{broker.Filter{Where: "reduce(data.a, #acc + #acc, data.s) == 1"}, "reduce is not available"},
		{broker.Filter{Where: `repeat("a", 1000000) == "a"`}, "repeat is not available"},
		{broker.Filter{Where: `id matches data.re`}, "must be a literal text"},
		{broker.Filter{Where: `id matches "("`}, "missing closing )"},
		{broker.Filter{Where: `id matches "((a{100}){10}){10}"`}, "invalid repeat count"},
		{broker.Filter{Where: `id matches "` + strings.Repeat("a{1000}", 50) + `"`}, "too large"},
		{broker.Filter{Where: `id == "` + long + long + `"`}, "use at most 1024"},
		{broker.Filter{Where: strings.Repeat("!", 300) + "true"}, "maximum allowed nodes"},
		{broker.Filter{Where: "$env.type == 1"}, "unknown name $env"},
		{broker.Filter{Where: "_meter == 1"}, "unknown name _meter"},
		{broker.Filter{Where: "let _meter = 1; true"}, "unknown name _meter"},
		{broker.Filter{Where: "_weigh(1, 2, 3)"}, "unknown name _weigh"},
		{broker.Filter{Where: "("}, "unexpected token EOF"},
		{broker.Filter{Where: "\xff"}, "line 1"},
		{broker.Filter{Match: map[string]any{"a..b": 1}}, "/Filter/Match invalid (the name \"a..b\" has an empty part"},
		{broker.Filter{Match: map[string]any{"": 1}}, "empty part"},
		{broker.Filter{Match: map[string]any{"a": func() {}}}, "cannot be written as JSON"},
		{broker.Filter{Match: map[string]any{"a": long + strings.Repeat("y", 64<<10)}}, "use at most 65536"},
		{broker.Filter{Match: deep}, "more than 256 values"},
	} {
		_, err := broker.New(broker.Config{}).Subscribe(broker.Subscription{Name: "n", Pattern: "a.b", Filter: c.filter, Handler: ignore})
		if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) || strings.Contains(fmt.Sprint(err), "\n") ||
			!strings.HasPrefix(fmt.Sprint(err), `broker: subscribe n to "a.b": `) {
			t.Errorf("%.60v: got %v, want %q", c.filter, err, c.want)
		}
	}
}

// A filter that fails holds the event back; that is counted each time and
// reported the first, second, fourth and eighth.
func TestFilterFailures(t *testing.T) {
	for where, code := range map[string]modelspec.Code{
		`data.total > 100`:   modelspec.ErrInvalid,
		`data.text`:          modelspec.ErrInvalid,
		`data.text == 1 / 0`: "",
		`data.a.b.c == 1`:    modelspec.ErrInvalid,
		`all(data.big, all(data.big, all(data.big, # > 0)))`: modelspec.ErrExhausted,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			var got seen
			h := f.subscribe(broker.Subscription{Name: "w", Pattern: ">", Required: true, Filter: broker.Filter{Where: where}, Handler: got.take})
			for i := range 10 {
				f.publish(with(fmt.Sprint(i), `{"text":"x","big":[`+strings.Repeat("1,", 999)+`1]}`))
			}
			if code == "" {
				return
			}
			got.want(t)
			if s := h.Stats(); s.FilterErrors != 10 || s.Filtered != 0 || s.Failed != 0 {
				t.Errorf("%s: %+v", where, s)
			}
			if want := []string{"w 0 false", "w 1 false", "w 3 false", "w 7 false"}; !slices.Equal(f.failed(), want) {
				t.Errorf("%s: reported %q, want %q", where, f.failed(), want)
			}
			for _, failure := range f.failures {
				if !failure.Filter || modelspec.CodeOf(failure.Err) != code || !strings.HasPrefix(failure.Err.Error(), "broker: filter order.approved for w: failure ") {
					t.Errorf("%s: %+v", where, failure.Err)
				}
			}
		})
	}
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Match: map[string]any{"a": 1}}, Handler: ignore})
	f.publish(with("bad", `{"a":1`), with("worse", `{"a":1} x`))
	if len(f.failures) != 2 || modelspec.CodeOf(f.failures[0].Err) != modelspec.ErrInvalid {
		t.Errorf("data that is no JSON: %v", f.failures)
	}
}

// Who filtered an event out has not taken it, and gets it when its filter has
// changed by the next attempt.
func TestFilterIsNotTaken(t *testing.T) {
	f := start(t)
	var got seen
	s := broker.Subscription{Name: "consumer", Pattern: ">", Required: true, Filter: broker.Filter{Where: "data.n == 2"}, Handler: got.take}
	h := f.subscribe(s)
	healthy := false
	f.subscribe(broker.Subscription{Name: "sick", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
		if healthy {
			return nil
		}
		return errors.New("no")
	}})
	f.subscribe(broker.Subscription{Name: "well", Pattern: ">", Required: true, Filter: broker.Filter{Where: "data.n == 1"}, Handler: ignore})
	taken, err := f.Deliver(t.Context(), with("1", `{"n":1}`), nil)
	if err == nil || !slices.Equal(taken, []string{"well"}) {
		t.Fatalf("taken by %q, %v", taken, err)
	}
	s.Filter = broker.Filter{}
	f.subscribe(s)
	h.Close()
	healthy = true
	if _, err := f.Deliver(t.Context(), with("1", `{"n":1}`), taken); err != nil {
		t.Fatal(err)
	}
	got.want(t, "1")
}

// The data is decoded once however many filters look, and not at all if none
// does: a Go value never becomes JSON then.
func TestFilterDecodesOnce(t *testing.T) {
	type order struct {
		Lines []int `json:"lines"`
	}
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Where: `type == "x" || caller.tenant == "x"`}, Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: "customer.>", Required: true, Filter: broker.Filter{Where: "data.n == 1"}, Handler: ignore})
	e := event("1")
	e.Data = modelspec.Of(order{Lines: make([]int, 1000)})
	f.publish(e)
	if !e.Data.Native() {
		t.Error("the data was encoded for nobody")
	}
	e.Data = with("", `[`+strings.Repeat("[1],", 999)+`[1]]`).Data
	publish := func(filters int) float64 {
		f := start(t)
		for range filters {
			f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Match: map[string]any{"a": 1}}, Handler: ignore})
			f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Where: "len(data) == 7"}, Handler: ignore})
		}
		return testing.AllocsPerRun(20, func() { f.publish(e) })
	}
	if one, many := publish(1), publish(20); one < 1000 || many > one+1000 {
		t.Errorf("%v allocations for two filters, %v for forty", one, many)
	}
}

// The subscription keeps a copy of what it was made with.
func TestFilterIsCopied(t *testing.T) {
	f := start(t)
	var got seen
	inner := map[string]any{"b": 1}
	s := broker.Subscription{Pattern: "order.*", Ignore: []string{"order.deleted"}, Required: true, Filter: broker.Filter{Match: map[string]any{"a": inner}, Where: "hop == 0"}, Handler: got.take}
	h := f.subscribe(s)
	inner["b"], s.Ignore[0] = 2, "order.approved"
	f.publish(with("1", `{"a":{"b":1}}`))
	got.want(t, "1")
	if stats := h.Stats(); fmt.Sprint(stats.Filter.Match) != "map[a:map[b:1]]" || stats.Filter.Where != "hop == 0" || !reflect.DeepEqual(stats.Ignore, []string{"order.deleted"}) {
		t.Errorf("%+v", stats)
	}
}
