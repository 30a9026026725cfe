package aegis_test

import (
	"context"
	"fmt"
	"sync"
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

// A provider that is away for ten minutes cancels nothing: all orders wait, and
// go on when it is back, each once.
func TestProviderDown(t *testing.T) {
	for name, down := range map[string]error{
		"nobody there":        &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "connection refused", NotSent: true},
		"no answer":           modelspec.ErrUnavailable,
		"acts, and is silent": modelspec.ErrDeadline,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newService(), &witness{}
				pay, ship := stepOn("pay", "sale.sold"), stepOn("ship", "sale.pay")
				pay.Undo, ship.Undo = true, true
				back := time.Now().Add(10 * time.Minute)
				do := func(ctx context.Context, _ port.None) (port.None, error) {
					isBack := !time.Now().Before(back)
					if !isBack && down != modelspec.ErrDeadline {
						return none, down
					}
					if err := s.do(ctx, "pay"); err != nil || isBack {
						return none, err
					}
					return none, down
				}
				all := ids("s", 1000)
				h, ss := atWork(t, datasourcetest.Bytes(), sales(pay, ship), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{
					adapter.BindUndo(pay, do, func(ctx context.Context, _ adapter.Taken[port.None, port.None]) error { return s.undo(ctx, "pay") }), bind(s, ship, none)}}, all...)
				defer h.Close()
				sellAll(t, h, all...)
				time.Sleep(time.Until(back) - time.Millisecond)
				synctest.Wait()
				if got := states(t, ss, all, standing); got["sold"] != 1000 {
					t.Errorf("while it is away: %v", got)
				}
				time.Sleep(6 * time.Minute)
				synctest.Wait()
				if got := states(t, ss, all, standing); got["sold pay ship"] != 1000 {
					t.Errorf("when it is back: %v", got)
				}
				if s.count("pay") != 1000 || s.count("ship") != 1000 || s.count("undo pay") != 0 || w.count(flow.UndoStarted) != 0 || w.count(flow.FlowEnded) != 1000 {
					t.Errorf("effects %v, seen %v", s.effect, w.seen)
				}
			})
		})
	}
}

// Of ten providers one hangs. The flows of the others take as long as they do
// without it.
func TestOneProviderHangs(t *testing.T) {
	run := func(t *testing.T, hang bool) (took map[string]time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			took = map[string]time.Duration{}
			var mu sync.Mutex
			m := sales()
			var as aegis.Adapters
			release := make(chan struct{})
			for i := range 10 {
				p := stepOn(fmt.Sprint("ask", i), "sale.sold")
				p.Produces = nil
				p.Request = func(s *sale) port.None { return none }
				// A sale asks the provider of its SKU only.
				name := p.Name
				in := port.Command[sale, port.None]{Name: fmt.Sprint("sell", i), Model: "sale", Produces: modelspec.EventName("sale." + fmt.Sprint("sold", i)), Handle: func(*sale, context.Context, port.None) error { return nil }}
				p.On = []modelspec.EventRef{in.Produces}
				m.Ports = append(m.Ports, in, p)
				as = append(as, adapter.Bind(p, func(ctx context.Context, _ port.None) (port.None, error) {
					if i == 3 && hang {
						<-release // whatever its context says
						return none, nil
					}
					time.Sleep(50 * time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					took[name] = max(took[name], time.Since(start(t)))
					return none, nil
				}))
			}
			var all []string
			for i := range 10 {
				if i != 3 {
					all = append(all, ids(fmt.Sprint("p", i, "-"), 20)...)
				}
			}
			all = append(ids("p3-", 300), all...) // more than the host does at once, and first
			h, ss := atWork(t, datasourcetest.Bytes(), m, aegis.Config{Adapters: as}, all...)
			for _, id := range all {
				if _, err := h.InvokePort(t.Context(), port.Ref{Model: "sale", Port: "sell" + id[1:2]}, id, port.Of(none)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			if got := states(t, ss, all, func(s sale) string { return fmt.Sprint(len(s.Marks)) }); hang && got["1"] != 180 || !hang && got["1"] != 480 {
				t.Errorf("hangs %v: %v", hang, got)
			}
			close(release)
			time.Sleep(time.Minute)
			if got := states(t, ss, all, func(s sale) string { return fmt.Sprint(len(s.Marks)) }); got["1"] != 480 {
				t.Errorf("it goes on: %v", got)
			}
			h.Close()
		})
		return took
	}
	well, ill := run(t, false), run(t, true)
	for name, d := range well {
		if name != "ask3" && ill[name] != d {
			t.Errorf("%s: %v where all are well, %v beside one that hangs", name, d, ill[name])
		}
	}
}

// start is when a bubble began.
func start(testing.TB) time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }
