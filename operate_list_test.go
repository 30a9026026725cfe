package aegis_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// fates are adapters that bring the flow of an order to where its id says:
// w waits, c completes, u is undone, a needs attention, b goes back for ever.
func fates(s *service) aegis.Adapters {
	return append(s.adapters("ship", "pick"),
		adapter.Bind(shop.Ship, func(_ context.Context, p shop.Parcel) (shop.Shipment, error) {
			switch p.OrderID[0] {
			case 'w':
				return shop.Shipment{}, adapter.NotSent(errors.New("closed"))
			case 'c':
				return shop.Shipment{TrackingID: "1Z"}, nil
			}
			return shop.Shipment{}, modelspec.ErrRefused
		}),
		adapter.BindUndo(shop.Pick, func(context.Context, shop.Parcel) (port.None, error) { return none, nil },
			func(_ context.Context, k adapter.Taken[shop.Parcel, port.None]) error {
				switch k.Request.OrderID[0] {
				case 'a':
					return modelspec.ErrRefused
				case 'b':
					return modelspec.ErrDeadline
				}
				return nil
			}))
}

// pages reads a list to its end.
func pages(t testing.TB, h *aegis.Host, q aegis.FlowQuery) (ids []string) {
	t.Helper()
	seen := map[string]bool{}
	for range 1000 {
		p, err := h.ListFlows(t.Context(), q)
		if err != nil || q.Limit > 0 && len(p.Flows) > q.Limit {
			t.Fatalf("%+v: %d flows, %v", q, len(p.Flows), err)
		}
		for _, f := range p.Flows {
			if seen[f.Flow.ID] {
				t.Errorf("%+v: %s %s is listed twice", q, f.Model, f.ID)
			}
			seen[f.Flow.ID], ids = true, append(ids, f.Model+" "+f.ID+" "+string(f.Flow.State))
		}
		if q.Cursor = p.Next; q.Cursor == "" {
			return ids
		}
	}
	t.Fatalf("%+v has no end", q)
	return nil
}

// 300 flows, by model, state and age, in pages of any size.
func TestListFlows(t *testing.T) {
	states := map[string]aegis.FlowState{"w": aegis.FlowRunning, "c": aegis.FlowCompleted, "u": aegis.FlowUndone, "a": aegis.FlowAttention, "b": aegis.FlowUndoing}
	for name, store := range map[string]datasource.Store{"memory": nil, "bytes": datasourcetest.Bytes()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, mail := produces("start", "d.go"), reacts("mail", "d.go", "", false)
				ds := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, mail}}
				h, r := boot(t, aegis.Config{Datasource: store, Models: aegis.Models{shop.Orders(), shop.Customers, ds}, Adapters: fates(newService()), Logger: quiet})
				for _, when := range []string{"old", "new"} {
					for i := range 30 {
						for fate := range states {
							id := fmt.Sprintf("%s-%s-%d", fate, when, i)
							create(t, r, id)
							if err := approve(t.Context(), h, id); err != nil {
								t.Fatal(err)
							}
						}
					}
					if when == "old" {
						time.Sleep(time.Hour)
						settle(t, h, 0)
					}
				}
				settle(t, h, 0) // the old ones that have ended are in the history, the new ones are not
				aegis.NewRepository(h, ds).Create(t.Context(), "1", doc{})
				for range 3 { // three flows of one document
					if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
						t.Fatal(err)
					}
				}
				for _, limit := range []int{1, 7, 0, 500} {
					for fate, state := range states {
						for age, n := range map[[2]time.Duration]int{{}: 60, {30 * time.Minute, 0}: 30, {0, 30 * time.Minute}: 30, {30 * time.Minute, 40 * time.Minute}: 0} {
							ids := pages(t, h, aegis.FlowQuery{Model: "order", State: state, Older: age[0], Newer: age[1], Limit: limit})
							if len(ids) != n || slices.ContainsFunc(ids, func(id string) bool {
								return !strings.HasPrefix(id, "order "+fate) || !strings.HasSuffix(id, " "+string(state))
							}) {
								t.Errorf("%s, age %v, limit %d: %d flows, want %d: %v", state, age, limit, len(ids), n, ids)
							}
						}
					}
					if ids := pages(t, h, aegis.FlowQuery{Model: "order", Limit: limit}); len(ids) != 180 {
						t.Errorf("open: %d, limit %d", len(ids), limit)
					}
					if ids := pages(t, h, aegis.FlowQuery{Limit: limit}); len(ids) != 183 || !strings.HasPrefix(ids[0], "d 1") {
						t.Errorf("open, of all models: %d, limit %d", len(ids), limit)
					}
				}
			})
		})
	}
}

// A document with a flow that needs a person and one that goes on is in two
// places, and each of its flows is listed once.
func TestListFlowsOfOneDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, mail := produces("start", "d.go"), reacts("mail", "d.go", "", false)
		m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, mail}}
		h, err := aegis.New(aegis.Config{Models: aegis.Models{m}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		h.Start(t.Context())
		aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
		for range 2 {
			if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
				t.Fatal(err)
			}
			sleep(23 * time.Hour)
		}
		for state, n := range map[aegis.FlowState]int{"": 2, aegis.FlowAttention: 1, aegis.FlowRunning: 1, aegis.FlowUndoing: 0} {
			if ids := pages(t, h, aegis.FlowQuery{State: state, Limit: 1}); len(ids) != n {
				t.Errorf("%q: %v", state, ids)
			}
		}
	})
}

// A list that finds little looks at so many documents and no more.
func TestListFlowsIsBounded(t *testing.T) {
	start, mail := produces("start", "d.go"), reacts("mail", "d.go", "", false)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, mail}}
	h, err := aegis.New(aegis.Config{Models: aegis.Models{m}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := aegis.NewRepository(h, m)
	for i := range 10_100 {
		id := fmt.Sprint(i)
		if _, err := r.Create(t.Context(), id, doc{}); err != nil {
			t.Fatal(err)
		}
		if _, err := start.Invoke(t.Context(), h, id, none); err != nil {
			t.Fatal(err)
		}
	}
	q := aegis.FlowQuery{State: aegis.FlowUndoing}
	p, err := h.ListFlows(t.Context(), q)
	if err != nil || p.Next == "" || len(p.Flows) != 0 {
		t.Fatalf("%d flows, next %q, %v", len(p.Flows), p.Next, err)
	}
	q.Cursor = p.Next
	if p, err = h.ListFlows(t.Context(), q); err != nil || p.Next != "" {
		t.Errorf("then: next %q, %v", p.Next, err)
	}
	if ids := pages(t, h, aegis.FlowQuery{State: aegis.FlowRunning, Limit: 500}); len(ids) != 10_100 {
		t.Errorf("%d running", len(ids))
	}
}

// A query that means nothing is refused, and says which term.
func TestListFlowsRefuses(t *testing.T) {
	h, r := boot(t, aegis.Config{Adapters: newService().adapters(), Datasource: keepOpen{datasourcetest.Bytes()}})
	create(t, r, "o1", "o2")
	approve(t.Context(), h, "o1")
	approve(t.Context(), h, "o2")
	p, err := h.ListFlows(t.Context(), aegis.FlowQuery{Model: "order", Limit: 1})
	if err != nil || p.Next == "" {
		t.Fatal(p, err)
	}
	for name, c := range map[string]struct {
		q    aegis.FlowQuery
		code error
		want string
	}{
		"state":          {aegis.FlowQuery{State: "walking"}, modelspec.ErrInvalid, "/state"},
		"model":          {aegis.FlowQuery{Model: "ordr"}, modelspec.ErrNotFound, "customer, order"},
		"limit":          {aegis.FlowQuery{Limit: 501}, modelspec.ErrInvalid, "/limit"},
		"below":          {aegis.FlowQuery{Limit: -1}, modelspec.ErrInvalid, "/limit"},
		"age":            {aegis.FlowQuery{Older: -1}, modelspec.ErrInvalid, "/older"},
		"ages":           {aegis.FlowQuery{Older: 2, Newer: 1}, modelspec.ErrInvalid, "/newer"},
		"cursor":         {aegis.FlowQuery{Cursor: "x"}, modelspec.ErrInvalid, "/cursor"},
		"another model":  {aegis.FlowQuery{Cursor: p.Next}, modelspec.ErrInvalid, "/cursor"},
		"another state":  {aegis.FlowQuery{Model: "order", State: aegis.FlowRunning, Cursor: p.Next}, modelspec.ErrInvalid, "/cursor"},
		"another age":    {aegis.FlowQuery{Model: "order", Older: time.Hour, Cursor: p.Next}, modelspec.ErrInvalid, "/cursor"},
		"another length": {aegis.FlowQuery{Model: "order", Limit: 5, Cursor: p.Next}, nil, ""},
	} {
		if _, err := h.ListFlows(t.Context(), c.q); !errors.Is(err, c.code) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Cursors come from outside: whatever they are, a list ends, and shows nothing
// that was not asked for.
func FuzzFlowCursor(f *testing.F) {
	s := newService()
	h, r := boot(f, aegis.Config{Adapters: fates(s), Logger: quiet})
	for _, id := range []string{"w1", "c1", "u1", "a1", "b1", "w2", "c2", "u2", "a2", "b2"} {
		create(f, r, id)
		approve(f.Context(), h, id)
	}
	settle(f, h, 0)
	for _, state := range []aegis.FlowState{"", aegis.FlowAttention, aegis.FlowCompleted} {
		p, err := h.ListFlows(f.Context(), aegis.FlowQuery{State: state, Limit: 1})
		if err != nil {
			f.Fatal(err)
		}
		b, _ := base64.RawURLEncoding.DecodeString(p.Next)
		f.Add(string(state), b)
	}
	f.Add("", []byte("{}"))
	f.Fuzz(func(t *testing.T, state string, cursor []byte) {
		q := aegis.FlowQuery{State: aegis.FlowState(state), Cursor: base64.RawURLEncoding.EncodeToString(cursor)}
		p, err := h.ListFlows(t.Context(), q)
		if err != nil {
			if !errors.Is(err, modelspec.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		for _, x := range p.Flows {
			if state != "" && x.Flow.State != q.State || x.Model != "order" {
				t.Errorf("%s is %s", x.ID, x.Flow.State)
			}
		}
	})
}

// A dead letter goes once more to those who have not had it, or is dropped.
func TestDeadLetters(t *testing.T) {
	told := map[string]int{}
	fail := map[string]error{"second": errors.New("the ledger is closed")}
	sub := func(name string, required bool) broker.Subscription {
		return broker.Subscription{Name: name, Pattern: "order.touched", Required: required, Handler: func(context.Context, broker.Event) error {
			told[name]++
			return fail[name]
		}}
	}
	disk := keepOpen{datasourcetest.Bytes()}
	boots := func(subs ...broker.Subscription) (*aegis.Host, aegis.Repository[shop.Order]) {
		return boot(t, aegis.Config{Datasource: disk, Subscriptions: subs, Logger: quiet})
	}
	h, r := boots(sub("first", true), sub("second", true))
	create(t, r, "o1", "o2")
	for _, id := range []string{"o1", "o2"} {
		if _, err := shop.Touch().Invoke(t.Context(), h, id, none); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		settle(t, h, time.Duration(i)*10*time.Minute)
	}
	page, err := h.DeadLetters(t.Context(), 1, "")
	if err != nil || len(page.Letters) != 1 || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	next, err := h.DeadLetters(t.Context(), 0, page.Next)
	if err != nil || len(next.Letters) != 1 || next.Next != "" || next.Letters[0].ID == page.Letters[0].ID {
		t.Fatalf("%+v, %v", next, err)
	}
	for _, c := range []string{"!", "Lg=="} {
		if _, err := h.DeadLetters(t.Context(), 0, c); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("cursor %q: %v", c, err)
		}
	}
	l := page.Letters[0]
	if !strings.Contains(l.Error, "ledger") || l.Event.Type != "order.touched" || l.Time.IsZero() {
		t.Errorf("%+v", l)
	}
	clear(told)
	if err := h.RetryDeadLetter(t.Context(), l.ID, ann); !errors.Is(err, modelspec.ErrUnavailable) || !strings.Contains(err.Error(), "ledger") || told["second"] != 1 {
		t.Errorf("%v, told %v", err, told)
	}
	clear(told)
	delete(fail, "second")
	none, _ := boots()
	if err := none.RetryDeadLetter(t.Context(), l.ID, ann); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("where nobody requires it: %v", err)
	}
	if err := h.RetryDeadLetter(t.Context(), l.ID, ann); err != nil || told["first"] != 0 || told["second"] != 1 {
		t.Errorf("%v, told %v", err, told)
	}
	if err := h.RetryDeadLetter(t.Context(), l.ID, ann); !errors.Is(err, modelspec.ErrNotFound) {
		t.Errorf("a letter that was taken: %v", err)
	}
	if err := h.DropDeadLetter(t.Context(), next.Letters[0].ID, ann); err != nil {
		t.Error(err)
	}
	if page, err = h.DeadLetters(t.Context(), 0, ""); err != nil || len(page.Letters) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
	if err := h.DropDeadLetter(t.Context(), "../no letter", ann); !errors.Is(err, modelspec.ErrNotFound) {
		t.Error(err)
	}
}
