package broker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		yes, not []string
	}{
		{"order.approved", []string{"order.approved"}, []string{"order", "order.approve", "order.approved.x", "Order.approved", ""}},
		{"order", []string{"order"}, []string{"order.approved", "orders", "", "."}},
		{"order.*", []string{"order.approved", "order."}, []string{"order", "order.item.added", "customer.created", "orders.created"}},
		{"*.created", []string{"order.created", "customer.created", ".created"}, []string{"created", "order.item.created", "order.created.x"}},
		{"*", []string{"order", ""}, []string{"order.created"}},
		{"a.*.c", []string{"a.b.c", "a..c"}, []string{"a.c", "a.b.b.c", "a.b.c.d"}},
		{"order.>", []string{"order.approved", "order.item.added", "order.a.b.c", "order."}, []string{"order", "orders.x", ""}},
		{"*.*.>", []string{"a.b.c", "a.b.c.d"}, []string{"a.b", "a"}},
		{">", []string{"order", "order.approved", "a.b.c.d", ""}, nil},
	} {
		f := start(t)
		f.subscribe(broker.Subscription{Pattern: c.pattern, Required: true, Handler: ignore})
		for range 2 { // worked out, and remembered
			for _, typ := range c.yes {
				if !f.Needs("order", typ) {
					t.Errorf("%q does not match %q", c.pattern, typ)
				}
			}
			for _, typ := range c.not {
				if f.Needs("order", typ) {
					t.Errorf("%q matches %q", c.pattern, typ)
				}
			}
		}
	}
}

func TestSubscribeRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		s    broker.Subscription
		want string
	}{
		{"no pattern", broker.Subscription{Handler: ignore}, `">" for everything`},
		{"no handler", broker.Subscription{Pattern: ">"}, "set the function"},
		{"empty token", broker.Subscription{Pattern: "a..b", Handler: ignore}, "remove the dot"},
		{"last dot", broker.Subscription{Pattern: "a.", Handler: ignore}, "remove the dot"},
		{"rest in between", broker.Subscription{Pattern: "a.>.b", Handler: ignore}, "must be the last"},
		{"half a wildcard", broker.Subscription{Pattern: "order.app*", Handler: ignore}, "whole tokens"},
		{"half a rest", broker.Subscription{Pattern: "order.a>", Handler: ignore}, "whole tokens"},
		{"space", broker.Subscription{Pattern: "order approved", Handler: ignore}, "space"},
		{"not UTF-8", broker.Subscription{Pattern: "a\xff", Handler: ignore}, "control character"},
		{"long", broker.Subscription{Pattern: strings.Repeat("a", 257), Handler: ignore}, "at most 256"},
		{"negative queue", broker.Subscription{Pattern: ">", Queue: -1, Handler: ignore}, "zero for 256"},
		{"huge queue", broker.Subscription{Pattern: ">", Queue: 1<<20 + 1, Handler: ignore}, "1 to 1048576"},
		{"overflow", broker.Subscription{Pattern: ">", Overflow: 2, Handler: ignore}, "DropOldest or Block"},
		{"required queue", broker.Subscription{Pattern: ">", Required: true, Queue: 1, Handler: ignore}, "leave Queue and Overflow zero"},
		{"required block", broker.Subscription{Pattern: ">", Required: true, Overflow: broker.Block, Handler: ignore}, "leave Queue and Overflow zero"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			_, err := f.Subscribe(c.s)
			if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.want) || !strings.HasPrefix(fmt.Sprint(err), "broker: subscribe ") {
				t.Errorf("got %v, want invalid_argument with %q", err, c.want)
			}
			if n := len(f.Subscriptions()); n != 0 {
				t.Errorf("%d subscriptions after a refusal", n)
			}
		})
	}
}

// FuzzPattern compares with a matcher and a check written from the rules.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"order.*", "order.approved"}, {">", ""}, {"a.>", "a"}, {"a.>", "a."}, {"*.*", "."}, {"a..b", "a..b"},
		{"a*", "a*"}, {"a\xff", "a\xff"}, {"*.>", "x.y.z"}, {"\u00a0.é", "\u00a0.é"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, typ string) {
		b := broker.New(broker.Config{})
		defer b.Close()
		_, err := b.Subscribe(broker.Subscription{Pattern: pattern, Required: true, Handler: ignore})
		if valid := valid(pattern); valid != (err == nil) {
			t.Fatalf("subscribe to %q: %v, want valid %t", pattern, err, valid)
		}
		if err != nil {
			if !errors.Is(err, modelspec.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		want := match(strings.Split(pattern, "."), strings.Split(typ, "."))
		for range 2 {
			if got := b.Needs("", typ); got != want {
				t.Fatalf("%q matches %q: %t, want %t", pattern, typ, got, want)
			}
		}
	})
}

func valid(pattern string) bool {
	tokens := strings.Split(pattern, ".")
	for i, token := range tokens {
		wild := token == "*" || token == ">" && i == len(tokens)-1
		if token == "" || !wild && strings.ContainsAny(token, "*>") {
			return false
		}
		for _, r := range token {
			if r <= 0x20 || r == 0x7f || r == utf8.RuneError {
				return false
			}
		}
	}
	return len(pattern) <= 256
}

func match(pattern, typ []string) bool {
	switch {
	case len(pattern) == 0 || len(typ) == 0:
		return len(pattern) == len(typ)
	case pattern[0] == ">":
		return true
	case pattern[0] != "*" && pattern[0] != typ[0]:
		return false
	}
	return match(pattern[1:], typ[1:])
}
