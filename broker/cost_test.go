package broker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

var time2026 = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// large is data of about a megabyte: long lists, a long text, deep nesting.
var large = `{"a":[` + strings.Repeat(`{"k":"`+strings.Repeat("v", 20)+`"},`, 20_000) + `1],"s":"` + strings.Repeat("ab", 250_000) + `","d":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`

// costly are expressions that would take minutes or gigabytes for large data.
var costly = []string{
	`all(data.a, all(data.a, all(data.a, # != 2)))`,
	`any(data.a, # in data.a && false)`,
	`all(data.a, data.a == data.a)`,
	`all(data.a, data.s != data.s + "x")`,
	`all(data.a, !(data.s matches "(a|b|ab|ba)*c$"))`,
	`all(data.a, !(data.s contains "bbbbb"))`,
	`all(data.a, upper(data.s) != "x")`,
	`all(data.a, len(data.s) > 1)`,
	`all(data.a, max([1, 2]) == 2 && string(data) != "")`,
	`let a = data.s + data.s; let b = a + a; let c = b + b; let d = c + c; let e = d + d; let f = e + e; let g = f + f; g + g != ""`,
	`let a = [data, data]; let b = [a, a, a, a]; let c = [b, b, b, b]; let d = [c, c, c, c]; let e = [d, d, d, d]; [e, e] == [e, e] && string(e) == ""`,
	`map(data.a, map(data.a, map(data.a, #))) == nil`,
	`count(filter(data.a, true), len(filter(data.a, true)) > 0) > 0`,
	`all(data.a, sum(map(data.a, 1)) > 0)`,
	`data.d == data.d && all(data.a, data.d == data.d)`,
	`all(data.a, indexOf(data.s, "bbb") < 0)`,
	`all(data.a, data.s < data.s || true)`,
	`data.s matches "((a|b)*(ab|ba)*){9}c$"`,
}

// Whatever an expression does, it ends soon.
func TestFilterCost(t *testing.T) {
	for _, where := range costly {
		f := start(t)
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Where: where}, Handler: ignore})
		f.publish(with("1", `{}`)) // to compile nothing in the measured time
		begun := time.Now()
		f.publish(with("1", large))
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s took %v", where, took)
		}
		if last := f.failures[len(f.failures)-1]; !errors.Is(last.Err, modelspec.ErrExhausted) {
			t.Errorf("%s: %v", where, last.Err)
		}
	}
}

// An ordinary expression has steps enough for an ordinary event that is large.
func TestFilterCostSuffices(t *testing.T) {
	f := start(t)
	var got seen
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: got.take, Filter: broker.Filter{
		Where: `"s" in data && len(data.a) > 3 && len(data.s) > 0 && !any(data.a, (#?.k ?? "") == "x")`}})
	f.publish(with("1", `{"s":"x","a":[`+strings.Repeat(`{"k":"v"},`, 10_000)+`{"k":"w"}]}`))
	got.want(t, "1")
	for _, failure := range f.failures {
		t.Error(failure.Err)
	}
}

// FuzzWhere asks for no more than an answer in time.
func FuzzWhere(f *testing.F) {
	for _, where := range costly {
		f.Add(where, `{"a":[1,2,{"k":"v"}],"s":"abab","d":[[]]}`)
	}
	for _, where := range []string{
		`data.total > 100 && any(data.lines, .sku startsWith "x")`, `type matches "^a" or time < date("2026-01-01")`, `caller.claims.x?.y ?? false`,
		`data[0:2] == [1] && {"a": data}.a[hop]`, `let x = data; x | map(# * 2) | find(# > 1) in [1.5e3, 0x1f, -1]`, "`raw` == 'a\\u00e9' ? not true : !false",
		`duration("1h") > duration(data)`, `data ^ 2 ** -3 % 4 == 0`, `findLastIndex(data, {# > 1; true}) == first(data)`, `b"ab" == data`, `/* c */ true // d`,
	} {
		f.Add(where, `{"total":1,"lines":[{"sku":"x"}]}`)
	}
	f.Fuzz(func(t *testing.T, where, data string) {
		if len(data) > 1<<12 {
			return
		}
		failed := make(chan broker.Failure, 2)
		b := broker.New(broker.Config{OnFailure: func(f broker.Failure) { failed <- f }})
		defer b.Close()
		h, err := b.Subscribe(broker.Subscription{Pattern: ">", Required: true, Filter: broker.Filter{Where: where}, Handler: ignore})
		if err != nil {
			if !errors.Is(err, modelspec.ErrInvalid) || strings.Contains(err.Error(), "goroutine ") {
				t.Fatal(err)
			}
			return
		}
		begun := time.Now()
		for range 2 { // with one answer
			e := with("1", data)
			e.Time = time2026
			if err := b.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%q took %v", where, took)
		}
		switch s := h.Stats(); uint64(2) {
		case s.Delivered, s.Filtered, s.FilterErrors:
		default:
			if where != "" {
				t.Errorf("%q has two answers: %+v", where, s)
			}
		}
		close(failed)
		for failure := range failed {
			if c := modelspec.CodeOf(failure.Err); c != modelspec.ErrInvalid && c != modelspec.ErrExhausted {
				t.Errorf("%q fails with %v", where, failure.Err)
			}
		}
	})
}
