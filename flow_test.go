package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// A handler that fails has changed nothing, however deep it wrote.
func TestAFailedHandlerChangesNothing(t *testing.T) {
	m := shop.Orders()
	spoil := port.Command[shop.Order, port.None]{Name: "spoil", Handle: func(o *shop.Order, _ context.Context, _ port.None) error {
		o.Items[0].Qty = 999
		return modelspec.ErrRefused
	}}
	m.Ports, m.Publishes = []modelspec.Port[shop.Order]{spoil}, nil
	h, r := boot(t, aegis.Config{Models: aegis.Models{m, shop.Customers}})
	create(t, r, "o1")
	if err := spoil.Invoke(t.Context(), h, "o1", none); !errors.Is(err, modelspec.ErrRefused) || find(t, r, "o1").Items[0].Qty != 2 {
		t.Errorf("%v, %+v", err, find(t, r, "o1"))
	}
}

// Find gives a copy; nobody changes what is stored by changing it.
func TestFindIsACopy(t *testing.T) {
	_, r := boot(t, aegis.Config{})
	create(t, r, "o1")
	o := find(t, r, "o1")
	o.Items[0].Qty = 77
	if find(t, r, "o1").Items[0].Qty != 2 {
		t.Error("the stored document was changed through a copy")
	}
}

// Closing a host in the middle of a call is no answer: the next one goes on.
func TestCloseIsNoFailure(t *testing.T) {
	disk, s := datasourcetest.Bytes(), newService()
	shipping := make(chan struct{})
	h, r := boot(t, aegis.Config{Datasource: keepOpen{disk}, Logger: quiet, Adapters: append(s.adapters("ship"), adapter.Bind(shop.Ship, func(ctx context.Context, _ shop.Parcel) (shop.Shipment, error) {
		close(shipping)
		<-ctx.Done()
		return shop.Shipment{}, ctx.Err()
	}))})
	h.Start(t.Context())
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	<-shipping
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h, r = boot(t, aegis.Config{Datasource: disk, Adapters: s.adapters()})
	settle(t, h, 0)
	if o := find(t, r, "o1"); o.Status != shop.Shipped || s.asked("undo authorize") != 0 {
		t.Errorf("%s, %d refunds", o.Status, s.asked("undo authorize"))
	}
}

// keepOpen is a store that a second host goes on with.
type keepOpen struct{ datasource.Store }

func (keepOpen) Close() error { return nil }

// Commands, workers and watchers at one document: nothing lost, nothing out of
// order, nothing told twice to a watcher.
func TestOneHotDocument(t *testing.T) {
	for _, required := range []bool{false, true} {
		t.Run(fmt.Sprint("required ", required), func(t *testing.T) {
			var mu sync.Mutex
			seen := map[string]bool{}
			var last int64
			all := make(chan struct{})
			queue := 4096
			if required {
				queue = 0
			}
			h, r := boot(t, aegis.Config{Subscriptions: aegis.Subscriptions{{Pattern: "order.touched", Required: required, Queue: queue, Handler: func(_ context.Context, e broker.Event) error {
				o, err := modelspec.As[shop.Order](e.Data)
				mu.Lock()
				defer mu.Unlock()
				if !seen[e.ID] && o.Touches != last+1 {
					t.Errorf("touch %d after %d", o.Touches, last)
				}
				seen[e.ID], last = true, max(last, o.Touches)
				if len(seen) == 1600 {
					close(all)
				}
				return err
			}}}})
			h.Start(t.Context())
			create(t, r, "o1")
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 200 {
						for {
							_, err := shop.Touch().Invoke(t.Context(), h, "o1", none)
							if err == nil {
								break
							}
							if !errors.Is(err, modelspec.ErrConflict) {
								t.Error(err)
								return
							}
						}
					}
				})
			}
			wg.Wait()
			if o := find(t, r, "o1"); o.Touches != 1600 {
				t.Fatalf("%d touches", o.Touches)
			}
			<-all
		})
	}
}

// Native to native makes no JSON, through all of the seam.
func TestNoJSONBetweenNatives(t *testing.T) {
	shouted.Store(0)
	noop := port.Inbound[loud, shout, shout]{Name: "noop", Produces: modelspec.EventName("loud.noop"), Handle: func(l *loud, _ context.Context, s shout) (shout, error) { l.X = s; return s, nil }}
	m := modelspec.Model[loud]{Name: "loud", Ports: []modelspec.Port[loud]{noop}}
	h, err := aegis.New(aegis.Config{Models: aegis.Models{m}, Subscriptions: aegis.Subscriptions{{Pattern: ">", Handler: func(context.Context, broker.Event) error { return nil }}}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := aegis.NewRepository(h, m)
	r.Create(t.Context(), "1", loud{})
	ctx := aegis.WithCaller(aegis.WithKey(t.Context(), "k"), aegis.Caller{Subject: "ann"})
	if _, err := noop.Invoke(ctx, h, "1", shout{2}); err != nil {
		t.Fatal(err)
	}
	l, err := r.Find(t.Context(), "1")
	if n := shouted.Load(); err != nil || n != 0 || l.X.N != 2 {
		t.Errorf("%d conversions, %+v, %v", n, l, err)
	}
}

type loud struct {
	ID string `json:"id"`
	X  shout  `json:"x"`
}

type shout struct{ N int }

var shouted atomic.Int64

func (s shout) MarshalJSON() ([]byte, error) { shouted.Add(1); return fmt.Append(nil, s.N), nil }
func (s *shout) UnmarshalJSON(b []byte) error {
	shouted.Add(1)
	_, err := fmt.Sscan(string(b), &s.N)
	return err
}

// A handler that goes on after a call of unknown outcome has it taken back,
// and keeps what was answered.
func TestSurvivedUnknownCallIsUndone(t *testing.T) {
	a, b := reacts("a", "", "", true), reacts("b", "", "", true)
	act := port.Command[doc, port.None]{Name: "act", Handle: func(d *doc, ctx context.Context, _ port.None) error {
		if _, err := a.Call(ctx, d); err != nil {
			return err
		}
		_, _ = b.Call(ctx, d) // falls back
		return nil
	}}
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{act, a, b}}
	s := newService()
	as := aegis.Adapters{bind(s, a, none), adapter.BindUndo(b, func(ctx context.Context, _ port.None) (port.None, error) {
		s.do(ctx, "b") // it lands, and the answer is lost
		return none, modelspec.ErrDeadline
	}, func(ctx context.Context, k adapter.Taken[port.None, port.None]) error {
		if k.Answer != nil || k.Key == "" {
			t.Errorf("undo was told %+v", k)
		}
		return s.undo(ctx, "b")
	})}
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: as})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	if err := act.Invoke(t.Context(), h, "1", none); err != nil {
		t.Fatal(err)
	}
	settle(t, h, 0)
	if want := []string{"a", "b", "undo b"}; !slices.Equal(s.order, want) {
		t.Errorf("effects %v, want %v", s.order, want)
	}
}

// Undo is told what it takes back: the request as it was then, and the answer.
func TestUndoIsToldWhatItTakesBack(t *testing.T) {
	s := newService()
	s.answer("ship", modelspec.Refuse("no carrier"))
	var told []adapter.Taken[shop.Payment, shop.Authorization]
	m := shop.Orders()
	inflate := port.Command[shop.Order, port.None]{Name: "inflate", Handle: func(o *shop.Order, _ context.Context, _ port.None) error { o.Total = 1_000_000; return nil }}
	m.Ports = append(m.Ports, inflate)
	var h *aegis.Host
	as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(ctx context.Context, p shop.Payment) (shop.Authorization, error) {
		return shop.Authorization{ID: "auth-" + p.OrderID}, inflate.Invoke(context.Background(), h, p.OrderID, none)
	}, func(_ context.Context, k adapter.Taken[shop.Payment, shop.Authorization]) error {
		told = append(told, k)
		return nil
	}))
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Customers}, Adapters: as})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	settle(t, h, 0)
	if len(told) != 1 || told[0].Request.Amount != 900 || told[0].Answer == nil || told[0].Answer.ID != "auth-o1" || told[0].Key == "" {
		t.Errorf("undo was told %+v", told)
	}
	if o := find(t, r, "o1"); o.Status != shop.Canceled {
		t.Errorf("order %s", o.Status)
	}
}

// An answer that the model cannot take undoes nothing: it is folded later.
func TestReplyThatFailsUndoesNothing(t *testing.T) {
	broken := true
	m := shop.Orders()
	auth := shop.Authorize
	auth.Reply = func(o *shop.Order, a shop.Authorization) error {
		if broken {
			return errors.New("a bug")
		}
		o.PaymentID = a.ID
		return nil
	}
	m.Ports = []modelspec.Port[shop.Order]{shop.Approve(), auth, shop.Pick, shop.Ship}
	m.Publishes = nil
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Customers}, Adapters: s.adapters("courier", "price")})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	settle(t, h, time.Minute)
	if find(t, r, "o1").Status != shop.Approved || s.asked("undo authorize") != 0 || s.asked("authorize") != 1 {
		t.Errorf("asked %v", s.calls)
	}
	broken = false
	settle(t, h, time.Hour)
	if o := find(t, r, "o1"); o.Status != shop.Shipped || o.PaymentID != "auth-1" || s.asked("authorize") != 1 {
		t.Errorf("%+v, asked %v", o, s.calls)
	}
}

// At the deadline: what was never sent needs a person, what may have happened
// is taken back.
func TestDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		status shop.Status
		bound  bool
	}{
		"not sent": {nil, shop.Approved, false},
		"unknown":  {modelspec.ErrDeadline, shop.Canceled, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.answer("ship", c.answer)
				as := s.adapters()
				if !c.bound {
					as = s.adapters("ship")
				}
				h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: as, Logger: quiet})
				h.Start(t.Context())
				create(t, r, "o1")
				approve(t.Context(), h, "o1")
				time.Sleep(23 * time.Hour)
				synctest.Wait()
				if o := find(t, r, "o1"); o.Status != shop.Approved {
					t.Errorf("before the deadline: %s", o.Status)
				}
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				incidents, err := h.Incidents(t.Context())
				if o := find(t, r, "o1"); err != nil || o.Status != c.status || (len(incidents) == 1) != !c.bound {
					t.Errorf("after it: %s, incidents %v, %v", o.Status, incidents, err)
				}
				h.Close()
			})
		})
	}
}

// Optional and exclusive ports.
func TestOptionalAndExclusive(t *testing.T) {
	first, second := produces("first", "d.go"), produces("second", "d.go")
	a, b := reacts("a", "d.go", "d.a", false), reacts("b", "d.go", "", false)
	b.Optional, a.Exclusive = true, true
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{first, second, a, b}}
	s := newService()
	s.answer("b", modelspec.ErrRefused)
	var ended, others atomic.Int64
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, a, none), bind(s, b, none)}, Observer: func(o aegis.Observation) {
		if o.Kind == "flow.ended" {
			ended.Add(1)
		} else if o.Err == nil {
			others.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	if _, err := first.Invoke(t.Context(), h, "1", none); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Invoke(t.Context(), h, "1", none); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("a second flow with an exclusive port: %v", err)
	}
	settle(t, h, 0)
	if _, err := second.Invoke(t.Context(), h, "1", none); err != nil {
		t.Errorf("after the first flow has ended: %v", err)
	}
	settle(t, h, 0)
	if s.count("a") != 2 || s.asked("b") != 2 || ended.Load() != 2 || others.Load() != 0 {
		t.Errorf("asked %v, %d flows ended, %d other things were seen", s.calls, ended.Load(), others.Load())
	}
}

// A route is exactly once without a service's help, forwards and back.
func TestRoute(t *testing.T) {
	type stock struct {
		ID   string   `json:"id"`
		Left int      `json:"left"`
		For  []string `json:"for"`
	}
	type ask struct{ Order string }
	reserve := port.Inbound[stock, ask, port.None]{Name: "reserve", Handle: func(s *stock, _ context.Context, a ask) (port.None, error) {
		if s.Left == 0 {
			return none, modelspec.Refuse("sold out")
		}
		s.Left, s.For = s.Left-1, append(s.For, a.Order)
		return none, nil
	}}
	release := port.Inbound[stock, ask, port.None]{Name: "release", Handle: func(s *stock, _ context.Context, a ask) (port.None, error) {
		s.Left, s.For = s.Left+1, slices.DeleteFunc(s.For, func(o string) bool { return o == a.Order })
		return none, nil
	}}
	m := modelspec.Model[stock]{Name: "stock", Ports: []modelspec.Port[stock]{reserve, release}}
	to := func(p shop.Parcel) (string, ask) { return p.Items[0].SKU, ask{p.OrderID} }
	run := func(t *testing.T, ship error) (stock, shop.Order) {
		s := newService()
		s.answer("ship", ship)
		n := 0
		store := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			if op.Kind == datasourcetest.Put && op.Collection == "stock" {
				if n++; n%2 == 0 {
					return datasourcetest.Fault{After: errors.New("connection lost")}
				}
			}
			return datasourcetest.Fault{}
		})
		as := append(s.adapters("pick"), adapter.RouteUndo(shop.Pick, reserve, to, release, func(k adapter.Taken[shop.Parcel, port.None]) (string, ask) { return to(k.Request) }))
		h, r := boot(t, aegis.Config{Datasource: store, Models: aegis.Models{shop.Orders(), shop.Customers, m}, Adapters: as})
		stocks := aegis.NewRepository(h, m)
		if _, err := stocks.Create(t.Context(), "tea", stock{Left: 3}); err != nil {
			t.Fatal(err)
		}
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		settle(t, h, 0)
		settle(t, h, time.Minute)
		st, err := stocks.Find(t.Context(), "tea")
		if err != nil {
			t.Fatal(err)
		}
		return st, find(t, r, "o1")
	}
	if st, o := run(t, nil); st.Left != 2 || !slices.Equal(st.For, []string{"o1"}) || o.Status != shop.Shipped {
		t.Errorf("%+v, %s", st, o.Status)
	}
	if st, o := run(t, modelspec.Refuse("no carrier")); st.Left != 3 || len(st.For) != 0 || o.Status != shop.Canceled {
		t.Errorf("%+v, %s", st, o.Status)
	}
}

// A document at which processes die is tried alone, and then left to a person.
func TestDocumentThatKillsItsHost(t *testing.T) {
	disk := datasourcetest.Bytes()
	s := newService()
	asked := 0
	boom := func() *aegis.Host {
		var dead atomic.Bool
		store := datasourcetest.Faulty(disk, func(context.Context, datasourcetest.Op) datasourcetest.Fault {
			if dead.Load() {
				return datasourcetest.Fault{Before: errDead}
			}
			return datasourcetest.Fault{}
		})
		as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(_ context.Context, p shop.Payment) (shop.Authorization, error) {
			if p.OrderID == "bad" {
				asked++
				dead.Store(true) // whatever the process does from now on reaches no disk
				return shop.Authorization{}, errDead
			}
			return shop.Authorization{ID: "a"}, nil
		}, func(context.Context, adapter.Taken[shop.Payment, shop.Authorization]) error { return nil }))
		h, _ := boot(t, aegis.Config{Datasource: store, Adapters: as, Logger: quiet})
		return h
	}
	h := boom()
	r := aegis.NewRepository(h, shop.Orders())
	create(t, r, "bad", "good")
	approve(t.Context(), h, "bad")
	approve(t.Context(), h, "good")
	for range 8 {
		h.Settle(t.Context(), time.Now().Add(time.Hour))
		h = boom()
	}
	settle(t, h, 2*time.Hour)
	incidents, err := h.Incidents(t.Context())
	if err != nil || len(incidents) != 1 || incidents[0].ID != "bad" || incidents[0].Reason != "quarantined" || asked > 5 {
		t.Errorf("it killed %d processes; incidents %v, %v", asked, incidents, err)
	}
	if o := find(t, aegis.NewRepository(h, shop.Orders()), "good"); o.Status != shop.Shipped {
		t.Errorf("the other order is %s", o.Status)
	}
}

// Ended flows move to the history, and the envelope does not grow.
func TestEnvelopeDoesNotGrow(t *testing.T) {
	disk := datasourcetest.Bytes()
	s := newService()
	m := shop.Orders()
	again := port.Command[shop.Order, port.None]{Name: "again", Produces: shop.Approvals, Handle: func(o *shop.Order, _ context.Context, _ port.None) error { o.Status = shop.Approved; return nil }}
	m.Ports = append(m.Ports, again)
	h, r := boot(t, aegis.Config{Datasource: disk, Models: aegis.Models{m, shop.Customers}, Adapters: s.adapters()})
	create(t, r, "o1")
	size := 0
	for i := range 50 {
		if err := again.Invoke(t.Context(), h, "o1", none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 0)
		settle(t, h, time.Minute)
		if n := len(metaText(t, disk, "order", "o1")); i == 5 {
			size = n
		} else if i > 5 && n > size+64 {
			t.Fatalf("after %d flows the host's part is %d bytes, after 5 it was %d", i, n, size)
		}
	}
	c, err := disk.Collection("order.history")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range c.List(t.Context(), datasource.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 50 || s.count("ship") != 50 {
		t.Errorf("50 flows, %d in the history, %d shipments", n, s.count("ship"))
	}
}

// Lists are bounded, sorted, filtered and resumed.
func TestList(t *testing.T) {
	type item struct {
		ID    string `json:"id"`
		Kind  string `json:"kind" aegis:"index"`
		Price int    `json:"price" aegis:"index"`
		Mod   string `json:"mod" aegis:"index"`
		Note  string `json:"note"`
	}
	m := modelspec.Model[item]{Name: "item"}
	for name, store := range map[string]datasource.Store{"memory": nil, "bytes": datasourcetest.Bytes()} {
		t.Run(name, func(t *testing.T) {
			h, err := aegis.New(aegis.Config{Models: aegis.Models{m}, Datasource: store})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			r := aegis.NewRepository(h, m)
			for i := range 120 {
				kind := "even"
				if i%2 == 1 {
					kind = "odd"
				}
				if _, err := r.Create(t.Context(), fmt.Sprintf("i%03d", i), item{Kind: kind, Price: (i * 37) % 100, Mod: fmt.Sprint(i % 3)}); err != nil {
					t.Fatal(err)
				}
			}
			count := func(q aegis.Query) (n int, prices []int) {
				t.Helper()
				for e, err := range r.List(t.Context(), q) {
					if err != nil {
						t.Fatal(err)
					}
					n++
					prices = append(prices, e.Data.Price)
				}
				return n, prices
			}
			if n, _ := count(aegis.Query{Limit: 7}); n != 120 {
				t.Errorf("all: %d", n)
			}
			if n, ps := count(aegis.Query{Sort: "-price", Limit: 7}); n != 120 || !slices.IsSortedFunc(ps, func(a, b int) int { return b - a }) {
				t.Errorf("sorted: %d %v", n, ps)
			}
			if n, ps := count(aegis.Query{Sort: "price", Equal: map[string]string{"kind": "odd", "mod": "1"}, Limit: 3}); n != 20 || !slices.IsSorted(ps) {
				t.Errorf("filtered: %d %v", n, ps)
			}
			if n, _ := count(aegis.Query{Equal: map[string]string{"price": "37"}}); n != 2 {
				t.Errorf("by number: %d", n)
			}
			for _, q := range []aegis.Query{{Sort: "note"}, {Sort: "nothing"}, {Equal: map[string]string{"note": "x"}}, {Limit: 501}, {Equal: map[string]string{"price": "cheap"}}} {
				for _, err := range r.List(t.Context(), q) {
					if !errors.Is(err, modelspec.ErrInvalid) {
						t.Errorf("%+v: %v", q, err)
					}
				}
			}
		})
	}
}

// What is wrong with a Config is told all at once, and says how to mend it.
func TestNewTellsAllThatIsWrong(t *testing.T) {
	type bad struct {
		ID   string `json:"id"`
		Name string `json:"name" aegis:"requierd"`
	}
	lost := modelspec.Model[doc]{Name: "lost", Relations: []modelspec.Relation[doc]{modelspec.BelongsTo[doc, doc]{Name: "owner", Model: "nobody", Key: "id"}}}
	for name, c := range map[string]struct {
		cfg  aegis.Config
		want []string
	}{
		"malformed": {aegis.Config{Models: aegis.Models{modelspec.Model[bad]{Name: "bad"}, modelspec.Model[doc]{Name: "Not A Name"}}}, []string{"bad", "requierd", "required", "Not A Name"}},
		"twice":     {aegis.Config{Models: aegis.Models{modelspec.Model[doc]{Name: "d"}, modelspec.Model[doc]{Name: "d"}}}, []string{"d"}},
		"endpoint":  {aegis.Config{Models: aegis.Models{modelspec.Model[doc]{Name: "box"}, modelspec.Model[doc]{Name: "crate", Endpoint: "boxes"}}}, []string{"box", "crate", "boxes", "Endpoint"}},
		"relation":  {aegis.Config{Models: aegis.Models{lost}}, []string{"lost", "owner", "nobody"}},
		"circle":    {aegis.Config{Models: aegis.Models{modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{reacts("a", "d.x", "d.y", false), reacts("b", "d.y", "d.x", false)}}}}, []string{"d.x", "d.y", "Repeats"}},
		"undo":      {aegis.Config{Models: aegis.Models{shop.Orders(), shop.Customers}, Adapters: aegis.Adapters{{Model: "order", Port: "pick", Call: func(context.Context, *modelspec.Value) (*modelspec.Value, error) { return nil, nil }}}}, []string{"order.pick", "BindUndo"}},
	} {
		h, err := aegis.New(c.cfg)
		if err == nil {
			h.Close()
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", name, w, err)
			}
		}
	}
}

// Run refuses to open the house to the world unless that is written down.
func TestRunOnOtherAddresses(t *testing.T) {
	h, err := aegis.New(aegis.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "example.com:80"} {
		if err := h.Run(t.Context(), addr); !errors.Is(err, modelspec.ErrDenied) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// Run ends without an error when its context does.
func TestRunEnds(t *testing.T) {
	h, err := aegis.New(aegis.Config{Models: aegis.Models{shop.Customers}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx, "127.0.0.1:0") }()
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A document has at most 16 open flows: the next command is refused, whole.
func TestOpenFlowsAreBounded(t *testing.T) {
	start, wait := produces("start", "d.go"), reacts("wait", "d.go", "", false)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, wait}}
	s := newService()
	disk := datasourcetest.Bytes()
	h, err := aegis.New(aegis.Config{Datasource: disk, Models: aegis.Models{m}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	for range 16 {
		if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
			t.Fatal(err)
		}
	}
	rev := envelope(t, disk, "d", "1").Revision
	if _, err := start.Invoke(t.Context(), h, "1", none); !errors.Is(err, modelspec.ErrExhausted) || envelope(t, disk, "d", "1").Revision != rev {
		t.Errorf("the 17th: %v", err)
	}
	if err := h.Bind(t.Context(), bind(s, wait, none)); err != nil {
		t.Fatal(err)
	}
	settle(t, h, time.Hour)
	if s.count("wait") != 16 {
		t.Errorf("%d steps ran", s.count("wait"))
	}
	if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
		t.Error(err)
	}
}

// A command that a crash cut off, asked again from a version that begins with
// another call, is taken back and not run forward.
func TestAdoptedByOtherCode(t *testing.T) {
	disk, s := datasourcetest.Bytes(), newService()
	a, b := reacts("a", "", "", true), reacts("b", "", "", true)
	life := func(first port.Outbound[doc, port.None, port.None], crash bool) (*aegis.Host, port.Command[doc, port.None]) {
		act := port.Command[doc, port.None]{Name: "act", Handle: func(d *doc, ctx context.Context, _ port.None) error {
			_, err := first.Call(ctx, d)
			return err
		}}
		store := datasourcetest.Faulty(disk, func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			if crash && op.Kind == datasourcetest.Put && op.N > 2 {
				return datasourcetest.Fault{Before: errDead}
			}
			return datasourcetest.Fault{}
		})
		m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{act, a, b}}
		h, err := aegis.New(aegis.Config{Datasource: store, Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, a, none), bind(s, b, none)}, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
		return h, act
	}
	ctx := aegis.WithKey(t.Context(), "k")
	h, act := life(a, true)
	if err := act.Invoke(ctx, h, "1", none); err == nil {
		t.Fatal("the crash did not happen")
	}
	h, act = life(b, false)
	for range 2 {
		if err := act.Invoke(ctx, h, "1", none); !errors.Is(err, modelspec.ErrConflict) {
			t.Errorf("asked again by other code: %v", err)
		}
	}
	settle(t, h, time.Hour)
	if want := []string{"a", "undo a"}; !slices.Equal(s.order, want) {
		t.Errorf("effects %v, want %v", s.order, want)
	}
}

// A relation to many leads to those that hold the key, and a deleted one is
// not among them.
func TestRelations(t *testing.T) {
	type buyer struct {
		ID string `json:"id"`
	}
	type seen struct{ Orders []string }
	orders := modelspec.HasMany[buyer, shop.Order]{Name: "orders", Model: "order", Key: "customerId"}
	look := port.Inbound[buyer, port.None, seen]{Name: "look", Handle: func(b *buyer, ctx context.Context, _ port.None) (s seen, err error) {
		all, err := orders.List(ctx, b)
		for _, o := range all {
			s.Orders = append(s.Orders, o.ID)
		}
		return s, err
	}}
	m := modelspec.Model[buyer]{Name: "customer", Relations: []modelspec.Relation[buyer]{orders}, Ports: []modelspec.Port[buyer]{look}}
	h, r := boot(t, aegis.Config{Models: aegis.Models{shop.Orders(), m}, Datasource: datasourcetest.Bytes()})
	aegis.NewRepository(h, m).Create(t.Context(), "c1", buyer{})
	create(t, r, "o1", "o2", "o3")
	other := shop.Seed()
	other.CustomerID = "c2"
	r.Create(t.Context(), "o4", other)
	if err := r.Delete(t.Context(), "o2"); err != nil {
		t.Fatal(err)
	}
	got, err := look.Invoke(t.Context(), h, "c1", none)
	if err != nil || !slices.Equal(got.Orders, []string{"o1", "o3"}) {
		t.Errorf("%v, %v", got.Orders, err)
	}
}

// A handler whose document changed under it runs again, and does not ask twice
// what it has asked; one that then asks something else is taken back.
func TestRerunAsksOnce(t *testing.T) {
	for _, fickle := range []bool{false, true} {
		s := newService()
		book := port.Outbound[acc, int64, port.None]{Name: "book", Undo: true, Request: func(a *acc) int64 {
			if fickle {
				return a.N
			}
			return 1
		}}
		bump := port.Command[acc, port.None]{Name: "bump", Handle: func(a *acc, _ context.Context, _ port.None) error { a.N++; return nil }}
		act := port.Command[acc, port.None]{Name: "act", Handle: func(a *acc, ctx context.Context, _ port.None) error {
			_, err := book.Call(ctx, a)
			a.Amt++
			return err
		}}
		m := modelspec.Model[acc]{Name: "acc", Ports: []modelspec.Port[acc]{act, bump, book}}
		var h *aegis.Host
		asked := 0
		h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{adapter.BindUndo(book, func(ctx context.Context, _ int64) (port.None, error) {
			if asked++; asked == 1 {
				if err := bump.Invoke(context.Background(), h, "1", none); err != nil {
					t.Error(err)
				}
			}
			return none, s.do(ctx, "book")
		}, func(ctx context.Context, _ adapter.Taken[int64, port.None]) error { return s.undo(ctx, "book") })}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		r := aegis.NewRepository(h, m)
		r.Create(t.Context(), "1", acc{})
		err = act.Invoke(t.Context(), h, "1", none)
		settle(t, h, time.Hour)
		a, _ := r.Find(t.Context(), "1")
		switch {
		case asked != 1:
			t.Errorf("fickle %t: asked %d times", fickle, asked)
		case !fickle && (err != nil || a.Amt != 1 || a.N != 1 || s.count("undo book") != 0):
			t.Errorf("%v, %+v, %v", err, a, s.order)
		case fickle && (!errors.Is(err, modelspec.ErrConflict) || a.Amt != 0 || s.count("undo book") != 1):
			t.Errorf("fickle: %v, %+v, %v", err, a, s.order)
		}
	}
}

// A key answers for the port it was used with, also where the argument is the
// same.
func TestKeyOfAnotherPort(t *testing.T) {
	goA, goB := produces("goA", "d.a"), produces("goB", "d.b")
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{goA, goB}}
	h, err := aegis.New(aegis.Config{Models: aegis.Models{m}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	ctx := aegis.WithKey(t.Context(), "k")
	if _, err := goA.Invoke(ctx, h, "1", none); err != nil {
		t.Fatal(err)
	}
	if _, err := goB.Invoke(ctx, h, "1", none); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("goB under the key of goA: %v", err)
	}
}
