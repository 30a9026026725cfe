package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// An answer for nobody, for a flow that has ended, and several answers at once
// by all ways there are: one wins, and the others change nothing.
func TestAnswersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{}
		p := port.Outbound[sale, wanted, shelved]{Name: "ask", Model: "sale", On: []modelspec.EventRef{sold}, Produces: modelspec.EventName("sale.asked"),
			Request: func(s *sale) wanted { return wanted{ID: s.ID} }, Reply: func(s *sale, r shelved) error { s.Marks = append(s.Marks, "asked"); s.Shelf = r.Shelf; return nil },
			Await: &port.Await{Key: "/id", For: time.Hour, On: []port.From{{Event: modelspec.EventName("yes"), Source: outside, Key: "/id"}}, Fail: []port.From{{Event: modelspec.EventName("no"), Source: outside, Key: "/id"}}}}
		next := stepOn("next", "sale.asked")
		s := newService()
		all := ids("s", 50)
		h, ss := atWork(t, datasourcetest.Bytes(), sales(p, next), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{bind(s, next, none), adapter.Ask(p, func(context.Context, wanted) error { return nil })}}, all...)
		defer h.Close()
		yes := func(typ, id, key string) error {
			return h.Publish(t.Context(), broker.Event{ID: id, Source: outside, Type: typ, Data: modelspec.Of(map[string]any{"id": key, "shelf": id})})
		}
		if err := yes("yes", "0", "nobody"); err != nil || w.count(flow.AnswerUnknown) != 1 {
			t.Errorf("an answer for nobody: %v, %v", err, w.seen)
		}
		if err := yes("yes", "1", strings.Repeat("x", 1<<20)); err != nil || w.count(flow.AnswerUnknown) != 2 {
			t.Errorf("a key of 1 MiB: %v, %v", err, w.seen)
		}
		sellAll(t, h, all...)
		time.Sleep(time.Minute)
		for _, id := range all {
			var won atomic.Int32
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					if g%2 == 0 {
						if err := p.Complete(t.Context(), h, id, shelved{fmt.Sprint(g)}); err == nil {
							won.Add(1)
						} else if !errors.Is(err, modelspec.ErrNotFound) {
							t.Error(err)
						}
						return
					}
					if err := yes("yes", fmt.Sprint(g, id), id); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if won.Load() > 1 {
				t.Errorf("%s: %d answers were taken", id, won.Load())
			}
		}
		time.Sleep(time.Minute)
		if got := states(t, ss, all, standing); got["sold asked next"] != 50 || s.count("next") != 50 {
			t.Error(got, s.effect)
		}
		// Its flow has ended: neither an answer nor a refusal does anything.
		if err := errors.Join(yes("yes", "late", "s0"), yes("no", "late too", "s0")); err != nil {
			t.Error(err)
		}
		if err := p.Complete(t.Context(), h, "s0", shelved{"late"}); !errors.Is(err, modelspec.ErrNotFound) {
			t.Error(err)
		}
		if err := p.Refuse(t.Context(), h, "s0", nil); !errors.Is(err, modelspec.ErrNotFound) {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		if got := states(t, ss, all, standing); got["sold asked next"] != 50 || w.count(flow.UndoStarted) != 0 {
			t.Error(got, w.seen)
		}
	})
}
