package aegis_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Ports that run one another for ever are refused, whatever leads from one to
// the next.
func TestCirclesAreRefused(t *testing.T) {
	a, b := stepOn("a", "sale.b"), stepOn("b", "sale.a")
	in := port.Command[sale, sale]{Name: "b", Model: "sale", On: []modelspec.EventRef{modelspec.EventName("sale.a")}, Produces: modelspec.EventName("sale.b"), Handle: func(*sale, context.Context, sale) error { return nil }}
	all := a
	all.On, all.All = append(all.On, sold), true
	for name, ports := range map[string][]modelspec.Port[sale]{"outbound": {a, b}, "handler": {a, in}, "itself": {stepOn("a", "sale.a")}, "join": {all, b}} {
		if _, err := aegis.New(aegis.Config{Logger: quiet, Models: aegis.Models{sales(ports...)}}); !errors.Is(err, modelspec.ErrInvalid) && !errors.Is(err, modelspec.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.Repeats = 1
	if _, err := aegis.New(aegis.Config{Logger: quiet, Models: aegis.Models{sales(a, b)}}); err != nil {
		t.Errorf("with Repeats: %v", err)
	}
}

// A circle over models ends at the limit of hops: the event is a dead letter,
// and the host goes on.
func TestCircleOverModels(t *testing.T) {
	turn := func(model, other string) modelspec.Model[ticket] {
		return modelspec.Model[ticket]{Name: model, Ports: []modelspec.Port[ticket]{
			port.Command[ticket, ticket]{Name: "go", Model: model, Repeats: 1, On: []modelspec.EventRef{port.From{Event: modelspec.EventName(other + ".gone"), Key: modelspec.Subject}}, Produces: modelspec.EventName(model + ".gone"),
				Handle: func(k *ticket, _ context.Context, _ ticket) error { k.N++; return nil }}}}
	}
	a, b := turn("ping", "pong"), turn("pong", "ping")
	synctest.Test(t, func(t *testing.T) {
		w := &witness{}
		h, err := aegis.New(aegis.Config{Logger: quiet, Observer: w.observe, Datasource: datasourcetest.Bytes(), Models: aegis.Models{a, b}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		as, bs := aegis.NewRepository(h, a), aegis.NewRepository(h, b)
		as.Create(t.Context(), "x", ticket{})
		bs.Create(t.Context(), "x", ticket{})
		h.Start(t.Context())
		for round := 1; round <= 2; round++ {
			if _, err := h.InvokePort(t.Context(), port.Ref{Model: "ping", Port: "go"}, "x", modelspec.Of(ticket{})); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			x, _ := as.Find(t.Context(), "x")
			y, _ := bs.Find(t.Context(), "x")
			if n := x.N + y.N; n < round*flow.MaxHops/2 || n > round*(flow.MaxHops+1) || w.count(flow.DeadLettered) != round || !strings.Contains(w.cause(flow.DeadLettered), "circle") {
				t.Errorf("%d runs, %v, %s", n, w.seen, w.cause(flow.DeadLettered))
			}
		}
	})
}

// A port that runs because its flow was taken back, and is refused, goes in a
// circle that no table shows. It ends with a dead letter.
func TestCircleOfUndone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := newService(), &witness{}
		again := stepOn("again", "sale.undone")
		again.On = append(again.On, sold)
		s.answer("again", modelspec.ErrRefused)
		h, ss := atWork(t, datasourcetest.Bytes(), sales(again), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{adapter.Bind(again, func(ctx context.Context, _ port.None) (port.None, error) {
			if s.asked("again") > 1000 {
				<-ctx.Done() // no test goes on for ever
			}
			return none, s.do(ctx, "again")
		})}}, "s1", "s2")
		sellAll(t, h, "s1")
		time.Sleep(time.Hour)
		if n := s.asked("again"); n > flow.MaxHops+1 {
			t.Errorf("asked %d times", n)
		}
		if w.count(flow.DeadLettered) != 1 || !strings.Contains(w.cause(flow.DeadLettered), "circle") {
			t.Errorf("%v, %s", w.seen, w.cause(flow.DeadLettered))
		}
		s.answer("again", nil)
		sellAll(t, h, "s2")
		time.Sleep(time.Minute)
		if got := states(t, ss, []string{"s2"}, standing); got["sold again"] != 1 {
			t.Error(got)
		}
		h.Close()
	})
}
