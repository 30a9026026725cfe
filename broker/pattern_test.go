package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
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
		{"bad ignore", broker.Subscription{Pattern: ">", Ignore: []string{"a", "b."}, Handler: ignore}, "/Ignore/1 invalid (it has an empty token"},
		{"many ignored", broker.Subscription{Pattern: ">", Ignore: make([]string, 65), Handler: ignore}, "at most 64"},
		{"all ignored", broker.Subscription{Pattern: "a.b", Ignore: []string{"a.*"}, Handler: ignore}, "leaves nothing"},
		{"negative delay", broker.Subscription{Pattern: ">", Delay: -1, Handler: ignore}, "zero for none"},
		{"long delay", broker.Subscription{Pattern: ">", Delay: 400 * 24 * time.Hour, Handler: ignore}, "up to 8784h"},
		{"long group", broker.Subscription{Pattern: ">", Group: strings.Repeat("g", 257), Handler: ignore}, "at most 256"},
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

// FuzzPattern compares with a regular expression and a check written from the
// rules.
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
		want := reference(pattern).MatchString(typ)
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

// reference is pattern as a regular expression.
func reference(pattern string) *regexp.Regexp {
	var tokens []string
	for _, token := range strings.Split(pattern, ".") {
		switch token {
		case "*":
			token = `[^.]*`
		case ">":
			token = `.*`
		default:
			token = regexp.QuoteMeta(token)
		}
		tokens = append(tokens, token)
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(tokens, `\.`) + `$`)
}

// Subscriptions of all kinds of patterns come and go, and at each time an event
// reaches exactly those that match it.
func TestPatternsAmongMany(t *testing.T) {
	f := start(t)
	random := rand.New(rand.NewPCG(1, 2))
	tokens := func(words string) string {
		out := make([]string, 1+random.IntN(4))
		for i := range out {
			out[i] = string(words[random.IntN(len(words))])
		}
		return strings.Join(out, ".")
	}
	type one struct {
		*broker.Handle
		pattern, ignore *regexp.Regexp
		took            *int
	}
	var open []one
	for step := range 1500 {
		if step > 500 && random.IntN(2) == 0 {
			i := random.IntN(len(open))
			open[i].Close()
			open = slices.Delete(open, i, i+1)
		} else {
			took := new(int)
			s := broker.Subscription{Pattern: tokens("abc**"), Required: true, Handler: func(context.Context, broker.Event) error { *took++; return nil }}
			if random.IntN(3) == 0 {
				s.Pattern += ".>"
			}
			s.Ignore = []string{tokens("xab*") + ".x"}
			if h, err := f.Subscribe(s); err == nil {
				open = append(open, one{h, reference(s.Pattern), reference(s.Ignore[0]), took})
			}
		}
		typ := tokens("abcx")
		before := make([]int, len(open))
		for i, o := range open {
			before[i] = *o.took
		}
		f.publish(broker.Event{Type: typ})
		needed := false
		for i, o := range open {
			needed = needed || o.pattern.MatchString(typ) && !o.ignore.MatchString(typ)
			if got, want := *o.took-before[i] == 1, o.pattern.MatchString(typ) && !o.ignore.MatchString(typ); got != want {
				t.Fatalf("step %d: %v but not %v took %q: %t, want %t", step, o.pattern, o.ignore, typ, got, want)
			}
		}
		if f.Needs("", typ) != needed {
			t.Fatalf("step %d: needs %q: %t, want %t", step, typ, !needed, needed)
		}
	}
	if len(open) < 300 {
		t.Errorf("only %d subscriptions: too few for a shared index", len(open))
	}
}

// Ignored types are left out of the pattern.
func TestIgnore(t *testing.T) {
	f := start(t)
	f.subscribe(broker.Subscription{Pattern: "order.>", Ignore: []string{"order.deleted", "order.item.*", "*.secret.>"}, Required: true, Handler: ignore})
	for typ, want := range map[string]bool{
		"order.approved": true, "order.deleted": false, "order.item.added": false, "order.item.added.x": true,
		"order.secret.x.y": false, "order.secret": true, "customer.created": false,
	} {
		if f.Needs("order", typ) != want {
			t.Errorf("%s: want %t", typ, want)
		}
	}
}
