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
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// witness counts what is observed.
type witness struct {
	mu   sync.Mutex
	seen map[string]int
	why  map[string]error // the last error
}

func (w *witness) observe(o aegis.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen, w.why = map[string]int{}, map[string]error{}
	}
	w.seen[o.Kind]++
	w.why[o.Kind] = o.Err
}

func (w *witness) count(kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[kind]
}

func (w *witness) cause(kind string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.why[kind])
}

type quietPort = port.Outbound[sale, port.None, port.None]

// stepOn is a port that leaves its name in the sale.
func stepOn(name, on string) quietPort {
	return quietPort{Name: name, Model: "sale", On: []modelspec.EventRef{modelspec.EventName(on)}, Produces: modelspec.EventName("sale." + name),
		Request: func(*sale) port.None { return none }, Reply: func(s *sale, _ port.None) error { s.Marks = append(s.Marks, name); return nil }}
}

// atWork is a host at work, with the sales in it.
func atWork(t testing.TB, disk datasource.Store, m modelspec.Model[sale], cfg aegis.Config, ids ...string) (*aegis.Host, aegis.Repository[sale]) {
	t.Helper()
	cfg.Logger, cfg.Datasource, cfg.Models = quiet, disk, append(cfg.Models, m)
	h, err := aegis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ss := aegis.NewRepository(h, m)
	for _, id := range ids {
		if _, err := ss.Create(t.Context(), id, sale{State: "new"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, ss
}

func sellAll(t testing.TB, h *aegis.Host, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := sell.Invoke(t.Context(), h, id, none); err != nil {
			t.Fatal(err)
		}
	}
}

func ids(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(prefix, i)
	}
	return out
}

// count says how many of the sales stand how.
func states(t testing.TB, ss aegis.Repository[sale], ids []string, show func(sale) string) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, id := range ids {
		s, err := ss.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		out[show(s)]++
	}
	return out
}

func standing(s sale) string { return strings.TrimSpace(s.State + " " + strings.Join(s.Marks, " ")) }

// What an adapter may do wrong, and what comes of it: nobody else is held up,
// nothing is done twice under a key, and the host can be closed.
func TestAdapterMisbehaves(t *testing.T) {
	t.Run("never returns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, release := newService(), make(chan struct{})
			ill, well := stepOn("ill", "sale.sold"), stepOn("well", "sale.sold")
			all := ids("s", 300)
			disk := datasourcetest.Bytes()
			cfg := aegis.Config{DrainAfter: time.Minute, Adapters: aegis.Adapters{bind(s, well, none),
				adapter.Bind(ill, func(context.Context, port.None) (port.None, error) { <-release; return none, nil })}}
			h, ss := atWork(t, keepOpen{disk}, sales(well, ill), cfg, all...)
			sellAll(t, h, all...)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := states(t, ss, all, standing); got["sold well"] != 300 {
				t.Errorf("beside one that never returns: %v", got)
			}
			done := make(chan struct{})
			go func() { h.Close(); close(done) }()
			select {
			case <-done:
			case <-time.After(10 * time.Minute):
				t.Error("the host cannot be closed while an adapter does not return")
			}
			close(release)
			<-done
		})
	})
	t.Run("panics", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, n := newService(), 0
			ill := stepOn("ill", "sale.sold")
			h, ss := atWork(t, datasourcetest.Bytes(), sales(ill), aegis.Config{Adapters: aegis.Adapters{adapter.Bind(ill, func(ctx context.Context, _ port.None) (port.None, error) {
				if n++; n < 4 {
					panic("ill")
				}
				return none, s.do(ctx, "ill")
			})}}, "s1")
			sellAll(t, h, "s1")
			time.Sleep(time.Minute)
			if got := states(t, ss, []string{"s1"}, standing); got["sold ill"] != 1 || s.count("ill") != 1 {
				t.Error(got)
			}
			h.Close()
		})
	})
	t.Run("always panics", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, w := newService(), &witness{}
			first, ill := stepOn("first", "sale.sold"), stepOn("ill", "sale.first")
			first.Undo = true
			h, ss := atWork(t, datasourcetest.Bytes(), sales(first, ill), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{bind(s, first, none), adapter.Bind(ill, func(context.Context, port.None) (port.None, error) { panic("ill") })}}, "s1")
			sellAll(t, h, "s1")
			time.Sleep(25 * time.Hour)
			if got := states(t, ss, []string{"s1"}, standing); got["undone first"] != 1 || s.count("undo first") != 1 || w.count(flow.UndoCompleted) != 1 {
				t.Error(got, w.seen)
			}
			h.Close()
		})
	})
	t.Run("an answer that the model refuses", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, w := newService(), &witness{}
			ill, next := stepOn("ill", "sale.sold"), stepOn("next", "sale.ill")
			ill.Undo = true
			var fixed atomic.Bool
			ill.Reply = func(s *sale, _ port.None) error {
				if !fixed.Load() {
					return errors.New("that makes no sense")
				}
				s.Marks = append(s.Marks, "ill")
				return nil
			}
			h, ss := atWork(t, datasourcetest.Bytes(), sales(ill, next), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{bind(s, ill, none), bind(s, next, none)}}, "s1", "s2")
			sellAll(t, h, "s1")
			time.Sleep(time.Hour)
			if s.asked("ill") != 1 || s.count("undo ill") != 0 {
				t.Errorf("asked %d times, taken back %d times", s.asked("ill"), s.count("undo ill"))
			}
			fixed.Store(true)
			time.Sleep(time.Hour)
			if got := states(t, ss, []string{"s1"}, standing); got["sold ill next"] != 1 || s.asked("ill") != 1 {
				t.Error(got)
			}
			fixed.Store(false)
			sellAll(t, h, "s2")
			time.Sleep(25 * time.Hour)
			at, err := h.Incidents(t.Context())
			if err != nil || len(at) != 1 || at[0].ID != "s2" || !strings.Contains(at[0].Error, "makes no sense") || s.count("undo ill") != 0 {
				t.Errorf("%+v, %v", at, err)
			}
			h.Close()
		})
	})
	t.Run("garbage", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, n := &witness{}, 0
			ill := port.Outbound[sale, wanted, shelved]{Name: "ill", Model: "sale", On: []modelspec.EventRef{sold}, Request: func(*sale) wanted { return wanted{} }, Keys: []string{"shelf"}}
			a := adapter.Bind(ill, func(context.Context, wanted) (shelved, error) { return shelved{}, nil })
			a.Call = func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				n++
				return modelspec.FromJSON([]byte(`{"shelf":`)), nil
			}
			h, ss := atWork(t, datasourcetest.Bytes(), sales(ill), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{a}}, "s1", "s2")
			sellAll(t, h, "s1")
			time.Sleep(25 * time.Hour)
			at, _ := h.Incidents(t.Context())
			if got := states(t, ss, []string{"s1"}, standing); got["sold"] != 1 || len(at) != 1 || at[0].ID != "s1" {
				t.Errorf("%v, asked %d times, %+v, %v", got, n, at, w.seen)
			}
			if _, err := ss.Update(t.Context(), "s1", func(s *sale) error { s.SKU = "y"; return nil }); err != nil {
				t.Errorf("its document: %v", err)
			}
			h.Close()
		})
	})
	t.Run("succeeds after its deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, w := newService(), &witness{}
			late, next := stepOn("late", "sale.sold"), stepOn("next", "sale.late")
			late.Undo, late.Policy.Timeout = true, time.Second
			do := func(ctx context.Context, _ port.None) (port.None, error) {
				time.Sleep(2 * time.Second) // whatever its context says
				return none, s.do(ctx, "late")
			}
			h, ss := atWork(t, datasourcetest.Bytes(), sales(late, next), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{bind(s, next, none),
				adapter.BindUndo(late, do, func(ctx context.Context, _ adapter.Taken[port.None, port.None]) error { return s.undo(ctx, "late") })}}, "s1")
			sellAll(t, h, "s1")
			time.Sleep(time.Hour)
			if got := states(t, ss, []string{"s1"}, standing); got["sold late next"] != 1 || s.count("late") != 1 || w.count(flow.UndoStarted) != 0 {
				t.Error(got, s.effect, w.seen)
			}
			h.Close()
		})
	})
}

// An undo that always fails needs a person, is listed, and holds up nothing.
func TestUndoAlwaysFails(t *testing.T) {
	for name, why := range map[string]error{"refused": modelspec.Refuse("never"), "away": modelspec.ErrUnavailable, "panic": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, w := newService(), &witness{}
				first, pay, last := stepOn("first", "sale.sold"), stepOn("pay", "sale.first"), stepOn("last", "sale.pay")
				first.Undo, pay.Undo = true, true
				s.answer("last", modelspec.ErrRefused)
				undo := func(context.Context, adapter.Taken[port.None, port.None]) error {
					if why == nil {
						panic("never")
					}
					return why
				}
				h, ss := atWork(t, datasourcetest.Bytes(), sales(first, pay, last), aegis.Config{Observer: w.observe, Adapters: aegis.Adapters{bind(s, first, none), bind(s, last, none),
					adapter.BindUndo(pay, func(ctx context.Context, _ port.None) (port.None, error) { return none, s.do(ctx, "pay") }, undo)}}, "s1", "s2")
				sellAll(t, h, "s1")
				time.Sleep(25 * time.Hour)
				at, err := h.Incidents(t.Context())
				if err != nil || len(at) != 1 || at[0].ID != "s1" || w.count(flow.UndoFailed) == 0 || w.count(flow.FlowAttention) != 1 {
					t.Errorf("%+v, %v, %v", at, err, w.seen)
				}
				if s.count("first") != 1 || s.count("undo first") != 0 {
					t.Errorf("what was done before it stays: %v", s.effect)
				}
				s.answer("last", nil)
				sellAll(t, h, "s1", "s2") // the same document, and another
				time.Sleep(time.Minute)
				if got := states(t, ss, []string{"s1", "s2"}, standing); got["sold first pay first pay last"] != 1 || got["sold first pay last"] != 1 {
					t.Error(got)
				}
				h.Close()
			})
		})
	}
}
