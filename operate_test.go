package aegis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var ann = aegis.Operator{Caller: &aegis.Caller{Subject: "ann"}, Reason: "the carrier says so"}

// theFlow is the only flow of an order.
func theFlow(t testing.TB, h *aegis.Host, id string) aegis.Flow {
	t.Helper()
	fs, err := h.FlowsOf(t.Context(), "order", id)
	if err != nil || len(fs) != 1 {
		t.Fatalf("flows of %s: %d, %v", id, len(fs), err)
	}
	return fs[0]
}

// listed is the ids of the documents whose flows are in the state.
func listed(t testing.TB, h *aegis.Host, q aegis.FlowQuery) (ids []string) {
	t.Helper()
	p, err := h.ListFlows(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range p.Flows {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

func attention(t testing.TB, h *aegis.Host) []string {
	t.Helper()
	return listed(t, h, aegis.FlowQuery{State: aegis.FlowAttention})
}

func signed(t testing.TB, f aegis.Flow, what ...string) {
	t.Helper()
	var have []string
	for _, x := range f.Hands {
		have = append(have, x.What)
		if x.By != "ann" || x.Reason != ann.Reason || x.Time.IsZero() {
			t.Errorf("signed %+v", x)
		}
	}
	if !slices.Equal(have, what) {
		t.Errorf("hands %v, want %v", have, what)
	}
}

// started runs f over a started host, in fake time.
func started(t *testing.T, cfg aegis.Config, f func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order])) {
	synctest.Test(t, func(t *testing.T) {
		cfg.Logger = quiet
		h, r := boot(t, cfg)
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		f(t, h, r)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// An undo that was refused is asked again when an operator says so, under the
// same key, and then the flow is undone.
func TestOperatorRetriesAStuckUndo(t *testing.T) {
	s := newService()
	s.answer("ship", modelspec.Refuse("no carrier"))
	s.answer("undo pick", modelspec.Refuse("the shelf is full"))
	started(t, aegis.Config{Adapters: s.adapters()}, func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order]) {
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		sleep(time.Minute)
		f := theFlow(t, h, "o1")
		if f.State != aegis.FlowAttention || s.count("undo authorize") != 0 || !slices.Equal(attention(t, h), []string{"o1"}) {
			t.Fatalf("%s, %v, attention %v", f.State, s.order, attention(t, h))
		}
		f, err := h.RetryFlow(t.Context(), "order", "o1", f.ID, ann)
		if err != nil || f.State != aegis.FlowUndoing || len(attention(t, h)) != 0 {
			t.Errorf("%s, %v, attention %v", f.State, err, attention(t, h))
		}
		sleep(time.Minute)
		if f = theFlow(t, h, "o1"); f.State != aegis.FlowAttention || s.asked("undo pick") != 2 {
			t.Errorf("refused again: %s, asked %d times", f.State, s.asked("undo pick"))
		}
		s.answer("undo pick", nil)
		if _, err := h.UndoFlow(t.Context(), "order", "o1", f.ID, ann); err != nil {
			t.Error(err)
		}
		sleep(100 * time.Millisecond)
		f = theFlow(t, h, "o1")
		if want := []string{"authorize", "pick", "undo pick", "undo authorize"}; f.State != aegis.FlowUndone || !slices.Equal(s.order, want) || find(t, r, "o1").Status != shop.Canceled {
			t.Errorf("%s, %v, order %s", f.State, s.order, find(t, r, "o1").Status)
		}
		signed(t, f, "retry", "undo")
		if incidents, err := h.Incidents(t.Context()); err != nil || len(incidents) != 0 {
			t.Errorf("incidents %v, %v", incidents, err)
		}
	})
}

// What waits for a service with growing pauses is tried at once, and the pauses
// begin anew.
func TestOperatorRetriesWhatWaits(t *testing.T) {
	for name, down := range map[string]error{"not sent": &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true}, "unknown": modelspec.ErrDeadline} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			s.answer("ship", down)
			started(t, aegis.Config{Adapters: s.adapters()}, func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order]) {
				create(t, r, "o1")
				approve(t.Context(), h, "o1")
				sleep(2 * time.Hour)
				f, before := theFlow(t, h, "o1"), s.asked("ship")
				if f.State != aegis.FlowRunning || before < 10 {
					t.Fatalf("%s, asked %d times", f.State, before)
				}
				if _, err := h.RetryFlow(t.Context(), "order", "o1", f.ID, ann); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if n := s.asked("ship"); n != before+1 {
					t.Errorf("asked %d times more, without a pause", n-before)
				}
				s.answer("ship", nil)
				f, err := h.RetryFlow(t.Context(), "order", "o1", f.ID, ann)
				synctest.Wait()
				if o := find(t, r, "o1"); err != nil || o.Status != shop.Shipped || s.count("ship") != 1 {
					t.Errorf("%v, order %s, %d shipments", err, o.Status, s.count("ship"))
				}
				signed(t, f, "retry", "retry")
			})
		})
	}
}

// A retry of what has not failed changes nothing.
func TestOperatorRetriesWhatIsUnderWay(t *testing.T) {
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: keepOpen{datasourcetest.Bytes()}, Adapters: s.adapters()})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	f, err := h.RetryFlow(t.Context(), "order", "o1", theFlow(t, h, "o1").ID, ann)
	if err != nil || f.State != aegis.FlowRunning || len(f.Hands) != 0 {
		t.Errorf("%s, %v, hands %v", f.State, err, f.Hands)
	}
}

// At its deadline a flow that reached nobody needs a person, who may have it
// go on, go back, or stay as it is.
func TestOperatorAtTheDeadline(t *testing.T) {
	type hand func(context.Context, *aegis.Host, string) (aegis.Flow, error)
	for name, c := range map[string]struct {
		do     hand
		now    aegis.FlowState
		end    aegis.FlowState
		status shop.Status
	}{
		"retry": {func(ctx context.Context, h *aegis.Host, f string) (aegis.Flow, error) {
			return h.RetryFlow(ctx, "order", "o1", f, ann)
		}, aegis.FlowRunning, aegis.FlowCompleted, shop.Shipped},
		"undo": {func(ctx context.Context, h *aegis.Host, f string) (aegis.Flow, error) {
			return h.UndoFlow(ctx, "order", "o1", f, ann)
		}, aegis.FlowUndoing, aegis.FlowUndone, shop.Canceled},
		"abandon": {func(ctx context.Context, h *aegis.Host, f string) (aegis.Flow, error) {
			return h.AbandonFlow(ctx, "order", "o1", f, ann)
		}, aegis.FlowAbandoned, aegis.FlowAbandoned, shop.Approved},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService()
			s.answer("ship", &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true})
			started(t, aegis.Config{Adapters: s.adapters()}, func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order]) {
				create(t, r, "o1")
				approve(t.Context(), h, "o1")
				sleep(25 * time.Hour)
				f := theFlow(t, h, "o1")
				if f.State != aegis.FlowAttention {
					t.Fatal(f.State)
				}
				s.answer("ship", nil)
				f, err := c.do(t.Context(), h, f.ID)
				if err != nil || f.State != c.now || len(attention(t, h)) != 0 {
					t.Errorf("%s, %v", f.State, err)
				}
				if c.now != aegis.FlowAbandoned && time.Until(f.Deadline) < 23*time.Hour {
					t.Errorf("deadline %v", f.Deadline)
				}
				sleep(2 * time.Second)
				if f = theFlow(t, h, "o1"); f.State != c.end || find(t, r, "o1").Status != c.status || s.count("undo authorize") != s.count("undo pick") {
					t.Errorf("%s, order %s, %v", f.State, find(t, r, "o1").Status, s.order)
				}
				signed(t, f, name)
				if ids := listed(t, h, aegis.FlowQuery{State: c.end}); !slices.Equal(ids, []string{"o1"}) {
					t.Errorf("%s: %v", c.end, ids)
				}
				if ids := listed(t, h, aegis.FlowQuery{}); len(ids) != 0 {
					t.Errorf("open: %v", ids)
				}
			})
		})
	}
}

// What cannot be done is refused, and says why.
func TestOperatorIsRefused(t *testing.T) {
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: keepOpen{datasourcetest.Bytes()}, Adapters: s.adapters("ship")})
	create(t, r, "o1", "o2")
	approve(t.Context(), h, "o1")
	running := theFlow(t, h, "o1").ID
	ctx := t.Context()
	refused := func(what string, code error, want string, err error) {
		t.Helper()
		if !errors.Is(err, code) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %v with %q", what, err, code, want)
		}
	}
	_, err := h.AbandonFlow(ctx, "order", "o1", running, ann)
	refused("abandon what goes well", modelspec.ErrRefused, "authorize has not failed", err)
	_, err = h.RetryFlow(ctx, "order", "o2", running, ann)
	refused("a flow of another document", modelspec.ErrNotFound, "has no flow", err)
	_, err = h.RetryFlow(ctx, "order", "o1", "nothing/../ of that kind", ann)
	refused("no flow", modelspec.ErrNotFound, "has no flow", err)
	_, err = h.UndoFlow(ctx, "order", "o3", running, ann)
	refused("no document", modelspec.ErrNotFound, "o3 does not exist", err)
	_, err = h.FlowOf(ctx, "horse", "o1", running)
	refused("no model", modelspec.ErrNotFound, "customer, order", err)
	_, err = h.FlowsOf(ctx, "order", "o3")
	refused("flows of no document", modelspec.ErrNotFound, "o3 does not exist", err)
	_, err = h.RetryFlow(ctx, "order", "o1", running, aegis.Operator{Reason: strings.Repeat("x", 501)})
	refused("a long reason", modelspec.ErrInvalid, "500 bytes", err)

	settle(t, h, 0) // authorized and picked, and ship is not bound
	if _, err = h.AbandonFlow(aegis.WithCaller(ctx, *ann.Caller), "order", "o1", running, aegis.Operator{Reason: ann.Reason}); err != nil {
		t.Fatal(err)
	}
	if _, err = h.AbandonFlow(ctx, "order", "o1", running, ann); err != nil {
		t.Errorf("a second time: %v", err)
	}
	_, err = h.RetryFlow(ctx, "order", "o1", running, ann)
	refused("retry what is abandoned", modelspec.ErrRefused, "it is abandoned", err)
	signed(t, theFlow(t, h, "o1"), "abandon")
	if _, err = h.UndoFlow(ctx, "order", "o1", running, ann); err != nil {
		t.Errorf("undo what was abandoned: %v", err)
	}
	settle(t, h, 0)
	if f := theFlow(t, h, "o1"); f.State != aegis.FlowUndone || s.count("undo authorize") != 1 {
		t.Errorf("%s, %v", f.State, s.order)
	}
	_, err = h.AbandonFlow(ctx, "order", "o1", running, ann)
	refused("abandon what is undone", modelspec.ErrRefused, "it is undone", err)
}

// An operator's hand and an attempt under way: what the attempt does is taken
// back, and an end that an operator made stays.
func TestOperatorMeetsAnAttempt(t *testing.T) {
	for name, c := range map[string]struct {
		undo   bool
		answer error
		state  aegis.FlowState
		want   []string
	}{
		"undo, and it succeeds":      {true, nil, aegis.FlowUndone, []string{"book", "undo book"}},
		"undo, and nobody knows":     {true, modelspec.ErrDeadline, aegis.FlowUndone, []string{"book", "undo book"}},
		"abandon, and it succeeds":   {false, nil, aegis.FlowAbandoned, []string{"book"}},
		"abandon, and it is refused": {false, modelspec.ErrRefused, aegis.FlowAbandoned, []string{"book"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, book := produces("start", "d.go"), reacts("book", "d.go", "", true)
				m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, book}}
				s, n := newService(), 0
				under, answer := make(chan struct{}), make(chan error)
				a := adapter.BindUndo(book, func(ctx context.Context, _ port.None) (port.None, error) {
					if n++; n == 1 && !c.undo {
						return none, &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true} // fails once: may be abandoned
					}
					if err := s.do(ctx, "book"); err != nil {
						return none, err
					}
					close(under)
					return none, <-answer
				}, func(ctx context.Context, _ adapter.Taken[port.None, port.None]) error { return s.undo(ctx, "book") })
				h, err := aegis.New(aegis.Config{Models: aegis.Models{m}, Adapters: aegis.Adapters{a}, Logger: quiet})
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				h.Start(t.Context())
				aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
				start.Invoke(t.Context(), h, "1", none)
				<-under
				fs, err := h.FlowsOf(t.Context(), "d", "1")
				if err != nil {
					t.Fatal(err)
				}
				if c.undo {
					_, err = h.UndoFlow(t.Context(), "d", "1", fs[0].ID, ann)
				} else {
					_, err = h.AbandonFlow(t.Context(), "d", "1", fs[0].ID, ann)
				}
				if err != nil {
					t.Fatal(err)
				}
				answer <- c.answer
				sleep(time.Hour)
				f, err := h.FlowOf(t.Context(), "d", "1", fs[0].ID)
				if err != nil || f.State != c.state || !slices.Equal(s.order, c.want) {
					t.Errorf("%s, %v, effects %v", f.State, err, s.order)
				}
			})
		})
	}
}

// An undo whose outcome the model cannot take is given to it again.
func TestOperatorRetriesTheModel(t *testing.T) {
	broken := true
	m := shop.Orders()
	m.OnUndone = func(o *shop.Order) error {
		if broken {
			return errors.New("a bug")
		}
		o.Status = shop.Canceled
		return nil
	}
	s := newService()
	s.answer("ship", modelspec.Refuse("no carrier"))
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Customers}, Adapters: s.adapters(), Logger: quiet})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	settle(t, h, 0)
	f := theFlow(t, h, "o1")
	if f, err := h.RetryFlow(t.Context(), "order", "o1", f.ID, ann); err != nil || f.State != aegis.FlowAttention {
		t.Fatal(f.State, err)
	}
	broken = false
	f, err := h.RetryFlow(t.Context(), "order", "o1", f.ID, ann)
	if err != nil || f.State != aegis.FlowUndone || find(t, r, "o1").Status != shop.Canceled || s.asked("undo pick") != 1 {
		t.Errorf("%s, %v, order %s", f.State, err, find(t, r, "o1").Status)
	}
}

// Documents in quarantine are listed with what holds them, and let go.
func TestQuarantineIsLifted(t *testing.T) {
	for _, whole := range []bool{false, true} {
		disk, s := datasourcetest.Bytes(), newService()
		var deadly atomic.Bool
		deadly.Store(true)
		life := func() (*aegis.Host, aegis.Repository[shop.Order]) {
			var dead atomic.Bool
			store := datasourcetest.Faulty(keepOpen{disk}, func(context.Context, datasourcetest.Op) datasourcetest.Fault {
				if dead.Load() {
					return datasourcetest.Fault{Before: errDead}
				}
				return datasourcetest.Fault{}
			})
			as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(ctx context.Context, _ shop.Payment) (shop.Authorization, error) {
				dead.Store(deadly.Load())
				if dead.Load() {
					return shop.Authorization{}, errDead
				}
				return shop.Authorization{ID: "a"}, s.do(ctx, "authorize")
			}, func(ctx context.Context, _ adapter.Taken[shop.Payment, shop.Authorization]) error {
				return s.undo(ctx, "authorize")
			}))
			return boot(t, aegis.Config{Datasource: store, Adapters: as, Logger: quiet})
		}
		h, r := life()
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		for range 8 {
			h.Settle(t.Context(), time.Now().Add(time.Hour))
			h, r = life()
		}
		page, err := h.ListFlows(t.Context(), aegis.FlowQuery{})
		if err != nil || len(page.Flows) != 1 || page.Flows[0].Held == "" || page.Flows[0].Flow.State != aegis.FlowRunning {
			t.Fatalf("%+v, %v", page, err)
		}
		deadly.Store(false)
		if whole {
			err = h.RetryDocument(t.Context(), "order", "o1", ann)
		} else {
			_, err = h.RetryFlow(t.Context(), "order", "o1", page.Flows[0].Flow.ID, ann)
			signed(t, theFlow(t, h, "o1"), "retry")
		}
		settle(t, h, 0)
		incidents, _ := h.Incidents(t.Context())
		if o := find(t, r, "o1"); err != nil || o.Status != shop.Shipped || len(incidents) != 0 {
			t.Errorf("%v, order %s, incidents %v", err, o.Status, incidents)
		}
	}
}
