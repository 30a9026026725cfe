package aegis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/orchestration"
	"github.com/org/aegis/port"
)

type till struct{ name string }

func (t till) pay(context.Context, shop.Payment) (shop.Authorization, error) {
	return shop.Authorization{ID: t.name}, nil
}

func (t till) refund(context.Context, adapter.Taken[shop.Payment, shop.Authorization]) error {
	return nil
}

// A document arranges a flow over ports that the code does not join, is
// changed live, and a broken one changes nothing.
func TestApply(t *testing.T) {
	step := func(name string) port.Outbound[sale, port.None, port.None] {
		return port.Outbound[sale, port.None, port.None]{Name: name, Model: "sale", Request: func(*sale) port.None { return none },
			Reply: func(s *sale, _ port.None) error { s.Marks = append(s.Marks, name); return nil }}
	}
	a, b, c := step("a"), step("b"), step("c")
	m := sales(a, b, c)
	s := newService()
	h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Orders(), shop.Customers},
		Services: aegis.Services{"one": till{"one"}, "two": till{"two"}},
		Adapters: append(s.adapters("authorize"), bind(s, a, none), bind(s, b, none), bind(s, c, none), adapter.ViaUndo(shop.Authorize, "one",
			func(t till, ctx context.Context, p shop.Payment) (shop.Authorization, error) { return t.pay(ctx, p) },
			func(t till, ctx context.Context, p adapter.Taken[shop.Payment, shop.Authorization]) error {
				return t.refund(ctx, p)
			})),
		Arrangement: parse(t, "version: 1\nflows:\n  first:\n    model: sale\n    start: sale.sold\n    steps: [a, c]\n")})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ss, os := aegis.NewRepository(h, m), aegis.NewRepository(h, shop.Orders())
	run := func(id string) string {
		t.Helper()
		ss.Create(t.Context(), id, sale{})
		if err := sell.Invoke(t.Context(), h, id, none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 0)
		settle(t, h, time.Minute) // past the delay
		d, _ := ss.Find(t.Context(), id)
		return strings.Join(d.Marks, " ")
	}
	pay := func(id string) string {
		t.Helper()
		create(t, os, id)
		approve(t.Context(), h, id)
		settle(t, h, 0)
		return find(t, os, id).PaymentID
	}
	if got := run("s1"); got != "a c" || pay("o1") != "one" {
		t.Errorf("as arranged at first: %s", got)
	}
	live := "version: 1\nbindings:\n  order.authorize: {service: two}\nflows:\n  first:\n    model: sale\n    start: sale.sold\n    steps: [b, {port: c, delay: 10s}, a]\n"
	if err := h.Apply(t.Context(), parse(t, live)); err != nil {
		t.Fatal(err)
	}
	if got := run("s2"); got != "b c a" || pay("o2") != "two" {
		t.Errorf("changed live: %s", got)
	}
	broken := parse(t, strings.Replace(live, "[b,", "[bb,", 1))
	var at *orchestration.Error
	if err := h.Apply(t.Context(), broken); !errors.As(err, &at) || at.Line != 8 || !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("a broken edit: %v", err)
	}
	if got := run("s3"); got != "b c a" {
		t.Errorf("after a broken edit: %s", got)
	}
	if err := h.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := run("s4"); got != "" || pay("o4") != "one" {
		t.Errorf("as the code says: %s", got)
	}
}

func parse(t *testing.T, text string) *orchestration.Document {
	t.Helper()
	d, err := orchestration.Parse([]byte(text), "flows.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}
