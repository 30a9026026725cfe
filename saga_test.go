package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// sale and stock are two models that know each other by events only.
type sale struct {
	ID     string   `json:"id"`
	SKU    string   `json:"sku" aegis:"index"`
	State  string   `json:"state"`
	Shelf  string   `json:"shelf,omitempty"`
	Marks  []string `json:"marks,omitempty"`
	Refuse string   `json:"refuse,omitempty"`
}

type stock struct {
	ID     string   `json:"id"`
	Left   int      `json:"left"`
	For    []string `json:"for,omitempty"`
	SaleID string   `json:"saleId,omitempty"`
	Shelf  string   `json:"shelf,omitempty"`
}

type wanted struct {
	ID  string `json:"id"`
	SKU string `json:"sku"`
}

type shelved struct {
	Shelf string `json:"shelf"`
}

var (
	sold     = modelspec.Event[sale]{Type: "sale.sold"}
	reserved = modelspec.Event[stock]{Type: "stock.reserved"}
	refused  = modelspec.Event[stock]{Type: "stock.refused"}
)

var sell = port.Command[sale, port.None]{Name: "sell", Model: "sale", Produces: sold, Handle: func(s *sale, _ context.Context, _ port.None) error {
	s.State = "sold"
	return nil
}}

// reserve asks the stock by the event that runs it, and waits for its answer.
func reserve() port.Outbound[sale, wanted, shelved] {
	return port.Outbound[sale, wanted, shelved]{Name: "reserve", Model: "sale", On: []modelspec.EventRef{sold}, Produces: modelspec.EventName("sale.reserved"), Undo: true,
		Request: func(s *sale) wanted { return wanted{s.ID, s.SKU} }, Keys: []string{"shelf"},
		Await: &port.Await{Key: "/id", For: time.Hour, On: []port.From{{Event: reserved, Key: "/saleId"}}, Fail: []port.From{{Event: refused, Key: "/saleId"}}}}
}

func sales(ports ...modelspec.Port[sale]) modelspec.Model[sale] {
	return modelspec.Model[sale]{Name: "sale", Ports: append([]modelspec.Port[sale]{sell}, ports...), OnUndone: func(s *sale) error { s.State = "undone"; return nil }}
}

// stocks take sale.sold by correlation, and sale.undone too.
func stocks() modelspec.Model[stock] {
	take := port.Command[stock, wanted]{Name: "take", On: []modelspec.EventRef{port.From{Event: sold, Key: "/sku"}},
		Handle: func(s *stock, ctx context.Context, w wanted) error {
			s.SaleID, s.Shelf = w.ID, "A7"
			if s.Left == 0 {
				return refused.Publish(ctx, *s)
			}
			s.Left--
			s.For = append(s.For, w.ID)
			return reserved.Publish(ctx, *s)
		}}
	back := port.Command[stock, wanted]{Name: "back", On: []modelspec.EventRef{port.From{Event: modelspec.EventName("sale.undone"), Key: "/sku"}},
		Handle: func(s *stock, _ context.Context, w wanted) error {
			if i := slices.Index(s.For, w.ID); i >= 0 {
				s.For, s.Left = slices.Delete(s.For, i, i+1), s.Left+1
			}
			return nil
		}}
	return modelspec.Model[stock]{Name: "stock", Ports: []modelspec.Port[stock]{take, back}, Publishes: []modelspec.EventRef{reserved, refused}}
}

func asks(p port.Outbound[sale, wanted, shelved], asked *[]string, mu *sync.Mutex) adapter.Adapter {
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		*asked = append(*asked, what)
	}
	return adapter.AskUndo(p, func(_ context.Context, w wanted) error { note("ask " + w.ID); return nil },
		func(_ context.Context, w adapter.Taken[wanted, shelved]) error {
			note("undo " + w.Request.ID)
			return nil
		})
}

// An event of one model runs a port of another, whose event answers the first
// one's port; a refusal takes back, and the other model hears of that.
func TestSagaOverModels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var mu sync.Mutex
		p := reserve()
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{sales(p), stocks()}, Adapters: aegis.Adapters{asks(p, &asked, &mu)}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ss, st := aegis.NewRepository(h, sales(p)), aegis.NewRepository(h, stocks())
		h.Start(t.Context())
		st.Create(t.Context(), "apple", stock{Left: 1})
		for _, id := range []string{"s1", "s2"} {
			if _, err := ss.Create(t.Context(), id, sale{SKU: "apple", State: "new"}); err != nil {
				t.Fatal(err)
			}
			if err := sell.Invoke(t.Context(), h, id, none); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		first, _ := ss.Find(t.Context(), "s1")
		second, _ := ss.Find(t.Context(), "s2")
		apple, _ := st.Find(t.Context(), "apple")
		if first.State != "sold" || first.Shelf != "A7" || second.State != "undone" || apple.Left != 0 || !slices.Equal(apple.For, []string{"s1"}) {
			t.Errorf("%+v\n%+v\n%+v", first, second, apple)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, a := range asked { // an answer may be faster than who asks
			if a != "ask s1" && a != "ask s2" {
				t.Error(asked)
			}
		}
	})
}

// An answer that comes later parks the flow, survives the host, is taken once,
// and has its time.
func TestAnswerLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := datasourcetest.Bytes()
		var asked []string
		var mu sync.Mutex
		p := reserve()
		p.Await = &port.Await{Key: "/id", For: time.Hour}
		begin := func() (*aegis.Host, aegis.Repository[sale]) {
			h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: keepOpen{disk}, Models: aegis.Models{sales(p)}, Adapters: aegis.Adapters{asks(p, &asked, &mu)}})
			if err != nil {
				t.Fatal(err)
			}
			h.Start(t.Context())
			return h, aegis.NewRepository(h, sales(p))
		}
		h, ss := begin()
		for _, id := range []string{"s1", "s2", "s3"} {
			ss.Create(t.Context(), id, sale{SKU: "x"})
			sell.Invoke(t.Context(), h, id, none)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		h.Close()
		h, ss = begin()
		if err := p.Complete(t.Context(), h, "s1", shelved{"B1"}); err != nil {
			t.Fatal(err)
		}
		if err := p.Complete(t.Context(), h, "s1", shelved{"B2"}); !errors.Is(err, modelspec.ErrNotFound) {
			t.Errorf("a second answer: %v", err)
		}
		if err := p.Complete(t.Context(), h, "nobody", shelved{"B2"}); !errors.Is(err, modelspec.ErrNotFound) {
			t.Errorf("an answer that nobody waits for: %v", err)
		}
		if err := h.CompletePort(t.Context(), p.Ref(), "s2", modelspec.Of(map[string]any{"shelf": 7}), nil); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("an answer that does not fit: %v", err)
		}
		if err := p.Refuse(t.Context(), h, "s2", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if err := p.Complete(t.Context(), h, "s3", shelved{"B3"}); !errors.Is(err, modelspec.ErrNotFound) {
			t.Errorf("an answer that comes too late: %v", err)
		}
		for id, want := range map[string]string{"s1": "sold B1", "s2": "undone ", "s3": "undone "} {
			if s, _ := ss.Find(t.Context(), id); s.State+" "+s.Shelf != want {
				t.Errorf("%s: %+v", id, s)
			}
		}
		mu.Lock()
		slices.Sort(asked)
		if fmt.Sprint(asked) != "[ask s1 ask s2 ask s3 undo s3]" {
			t.Error(asked)
		}
		mu.Unlock()
		h.Close()
	})
}

// Fan-out and fan-in: the joining port runs once, when all before it have.
func TestJoin(t *testing.T) {
	step := func(name, on, produces string) port.Outbound[sale, port.None, port.None] {
		return port.Outbound[sale, port.None, port.None]{Name: name, Model: "sale", On: []modelspec.EventRef{modelspec.EventName(on)}, Produces: modelspec.EventName(produces),
			Request: func(*sale) port.None { return none }, Reply: func(s *sale, _ port.None) error { s.Marks = append(s.Marks, name); return nil }}
	}
	a, b := step("a", "sale.sold", "sale.a"), step("b", "sale.sold", "sale.b")
	b.Delay = time.Hour
	c := step("c", "sale.a", "sale.c")
	c.On, c.All = append(c.On, modelspec.EventName("sale.b")), true
	first := step("first", "sale.a", "sale.first")
	first.On, first.Repeats = append(first.On, modelspec.EventName("sale.b")), 1
	in := port.Command[sale, sale]{Name: "in", Model: "sale", On: []modelspec.EventRef{modelspec.EventName("sale.c")}, Handle: func(s *sale, _ context.Context, was sale) error {
		s.Marks = append(s.Marks, fmt.Sprintf("in%d", len(was.Marks)))
		return nil
	}}
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		m := sales(a, b, c, first, in)
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, a, none), bind(s, b, none), bind(s, c, none), bind(s, first, none)}})
		if err != nil {
			t.Fatal(err)
		}
		h.Start(t.Context())
		ss := aegis.NewRepository(h, m)
		ss.Create(t.Context(), "s1", sale{})
		sell.Invoke(t.Context(), h, "s1", none)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if d, _ := ss.Find(t.Context(), "s1"); fmt.Sprint(d.Marks) != "[a first]" {
			t.Error(d.Marks)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if d, _ := ss.Find(t.Context(), "s1"); fmt.Sprint(d.Marks) != "[a first b c in4]" {
			t.Error(d.Marks)
		}
		h.Close()
	})
}

// Events from outside create, update and run, once each.
func TestEventsFromOutside(t *testing.T) {
	m := sales(port.Command[sale, wanted]{Name: "mark", Model: "sale", On: []modelspec.EventRef{port.From{Event: modelspec.EventName("shop.marked"), Source: "https://shop", Key: "/sku", Field: "sku"}},
		Handle: func(s *sale, _ context.Context, w wanted) error { s.Marks = append(s.Marks, w.ID); return nil }})
	m.CreateOn = []modelspec.From{{Event: modelspec.EventName("shop.opened"), Source: "https://shop", Key: modelspec.Subject}}
	m.UpdateOn = []modelspec.From{{Event: modelspec.EventName("shop.changed"), Source: "https://shop", Key: modelspec.Subject}}
	disk := datasourcetest.Bytes()
	h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: disk, Models: aegis.Models{m}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ss := aegis.NewRepository(h, m)
	send := func(id, typ, subject string, data any) error {
		return h.Publish(t.Context(), broker.Event{ID: id, Source: "https://shop", Type: typ, Subject: subject, Data: modelspec.Of(data)})
	}
	for range 2 {
		for _, err := range []error{
			send("1", "shop.opened", "s1", map[string]any{"sku": "x", "state": "new", "other": 1}),
			send("2", "shop.changed", "s1", map[string]any{"state": "changed"}),
			send("3", "shop.marked", "", wanted{ID: "m", SKU: "x"}),
			send("4", "shop.marked", "", wanted{ID: "m", SKU: "nobody"}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		settle(t, h, 0)
	}
	if s, err := ss.Find(t.Context(), "s1"); err != nil || s.State != "changed" || fmt.Sprint(s.Marks) != "[m]" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := h.Publish(t.Context(), broker.Event{ID: "5", Source: "sale", Type: "sale.sold", Subject: "s1"}); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("an event that says it is the model's: %v", err)
	}
	if err := send("6", "shop.opened", "s1", map[string]any{"sku": "x"}); err != nil {
		t.Errorf("an event that never can be taken is a dead letter: %v", err)
	}
}

// Where a port has certainly done nothing, another one is asked, or a default
// taken.
func TestFallback(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		bound  bool
		deflt  bool
		want   string
	}{
		"works":               {nil, true, false, "main"},
		"refused":             {modelspec.ErrRefused, true, false, "spare"},
		"nobody answers":      {nil, false, false, "spare"},
		"unknown":             {modelspec.ErrDeadline, true, false, ""},
		"default":             {modelspec.ErrRefused, true, true, "house"},
		"default not reached": {nil, true, true, "main"},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(name string) port.Outbound[sale, wanted, shelved] {
				return port.Outbound[sale, wanted, shelved]{Name: name, Model: "sale", Undo: true, Request: func(s *sale) wanted { return wanted{ID: s.ID} }, Keys: []string{"shelf"}}
			}
			spare, main := ask("spare"), ask("main")
			main.On, main.Produces = []modelspec.EventRef{sold}, modelspec.EventName("sale.shelved")
			if c.deflt {
				main.Default = &shelved{"house"}
			} else {
				main.Fallback = &spare
			}
			last := port.Outbound[sale, port.None, port.None]{Name: "last", Model: "sale", On: []modelspec.EventRef{modelspec.EventName("sale.shelved")}, Request: func(*sale) port.None { return none }}
			byHand := port.Command[sale, port.None]{Name: "byHand", Model: "sale", Handle: func(s *sale, ctx context.Context, _ port.None) error {
				_, err := main.Call(ctx, s)
				return err
			}}
			s := newService()
			s.answer("main", c.answer)
			as := aegis.Adapters{bind(s, spare, shelved{"spare"}), bind(s, last, none)}
			if c.bound {
				as = append(as, bind(s, main, shelved{"main"}))
			}
			m := sales(main, spare, last, byHand)
			h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: as})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			ss := aegis.NewRepository(h, m)
			ss.Create(t.Context(), "flow", sale{})
			ss.Create(t.Context(), "hand", sale{})
			sell.Invoke(t.Context(), h, "flow", none)
			settle(t, h, 0)
			byHand.Invoke(t.Context(), h, "hand", none)
			for _, id := range []string{"flow", "hand"} {
				if d, _ := ss.Find(t.Context(), id); d.Shelf != c.want {
					t.Errorf("%s: %+v", id, d)
				}
			}
			// What was done in its place is taken back like itself.
			s.answer("last", modelspec.ErrRefused)
			ss.Create(t.Context(), "back", sale{})
			sell.Invoke(t.Context(), h, "back", none)
			settle(t, h, 0)
			if c.want == "" || c.want == "house" {
				return
			}
			if d, _ := ss.Find(t.Context(), "back"); d.State != "undone" || s.count("undo "+c.want) != 1 {
				t.Errorf("%+v, %v", d, s.effect)
			}
		})
	}
}

// A handler that an event runs acts as a part of the flow: what it did is taken
// back with it, and a failure for a time does nothing twice.
func TestHandlerAsStep(t *testing.T) {
	for name, c := range map[string]struct {
		hook  error
		last  error
		state string
		undos int
	}{
		"works":                   {nil, nil, "sold", 0},
		"refuses after acting":    {modelspec.ErrRefused, nil, "undone", 1},
		"what follows is refused": {nil, modelspec.ErrRefused, "undone", 1},
		"fails for a time":        {modelspec.ErrUnavailable, nil, "sold", 0},
	} {
		t.Run(name, func(t *testing.T) {
			pay := port.Outbound[sale, port.None, port.None]{Name: "pay", Model: "sale", Undo: true, Request: func(*sale) port.None { return none }}
			runs := 0
			charge := port.Command[sale, sale]{Name: "charge", Model: "sale", On: []modelspec.EventRef{sold}, Produces: modelspec.EventName("sale.charged"), Handle: func(s *sale, ctx context.Context, _ sale) error {
				if _, err := pay.Call(ctx, s); err != nil {
					return err
				}
				if runs++; runs < 3 && c.hook == modelspec.ErrUnavailable || c.hook == modelspec.ErrRefused {
					return c.hook
				}
				s.Marks = append(s.Marks, "charged")
				return nil
			}}
			last := port.Outbound[sale, port.None, port.None]{Name: "last", Model: "sale", On: []modelspec.EventRef{modelspec.EventName("sale.charged")}, Request: func(*sale) port.None { return none }}
			s := newService()
			s.answer("last", c.last)
			m := sales(pay, charge, last)
			h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, pay, none), bind(s, last, none)}})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			ss := aegis.NewRepository(h, m)
			ss.Create(t.Context(), "s1", sale{})
			sell.Invoke(t.Context(), h, "s1", none)
			settle(t, h, time.Hour)
			d, _ := ss.Find(t.Context(), "s1")
			if d.State != c.state || s.count("pay") != 1 || s.count("undo pay") != c.undos {
				t.Errorf("%+v, %v", d, s.effect)
			}
		})
	}
}

// A required subscriber that wants events later gets each at its time, in order
// and also after a crash, and holds nobody else up.
func TestRequiredDelayIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := datasourcetest.Bytes()
		var mu sync.Mutex
		var got []string
		note := func(who string) broker.Handler {
			return func(_ context.Context, e broker.Event) error {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, who+" "+e.Type+" "+time.Since(e.Time).Truncate(time.Hour).String())
				return nil
			}
		}
		begin := func() (*aegis.Host, aegis.Repository[sale]) {
			m := sales()
			h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: keepOpen{disk}, Models: aegis.Models{m}, Subscriptions: aegis.Subscriptions{
				{Name: "now", Pattern: "sale.>", Required: true, Handler: note("now")},
				{Name: "then", Pattern: "sale.>", Required: true, Delay: 2 * time.Hour, Handler: note("then")},
			}})
			if err != nil {
				t.Fatal(err)
			}
			h.Start(t.Context())
			return h, aegis.NewRepository(h, m)
		}
		h, ss := begin()
		ss.Create(t.Context(), "s1", sale{})
		time.Sleep(time.Hour)
		sell.Invoke(t.Context(), h, "s1", none)
		time.Sleep(time.Minute)
		synctest.Wait()
		h.Close()
		h, _ = begin()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		h.Close()
		mu.Lock()
		defer mu.Unlock()
		// At least once: the next process does not know who has had what waits.
		want := "[now sale.created 0s now sale.sold 0s now sale.created 2h0m0s then sale.created 2h0m0s now sale.sold 1h0m0s then sale.sold 2h0m0s]"
		if fmt.Sprint(got) != want {
			t.Errorf("\n%s\n%s", fmt.Sprint(got), want)
		}
	})
}

// A handler takes back what the flows before it did, with its own change.
func TestTakeBackFlows(t *testing.T) {
	ship := port.Outbound[sale, port.None, port.None]{Name: "ship", Model: "sale", On: []modelspec.EventRef{sold}, Undo: true, Request: func(*sale) port.None { return none }}
	refuse := false
	cancel := port.Command[sale, port.None]{Name: "cancel", Model: "sale", Handle: func(s *sale, ctx context.Context, _ port.None) error {
		s.State = "canceled"
		if err := modelspec.TakeBackFlows(ctx); err != nil {
			return err
		}
		if refuse {
			return modelspec.ErrRefused
		}
		return nil
	}}
	m := sales(ship, cancel)
	s := newService()
	h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, ship, none)}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ss := aegis.NewRepository(h, m)
	ss.Create(t.Context(), "s1", sale{})
	for range 2 {
		sell.Invoke(t.Context(), h, "s1", none)
		settle(t, h, time.Minute)
	}
	s.answer("ship", modelspec.ErrUnavailable)
	sell.Invoke(t.Context(), h, "s1", none)
	settle(t, h, 0)
	refuse = true
	if err := cancel.Invoke(t.Context(), h, "s1", none); !errors.Is(err, modelspec.ErrRefused) || s.asked("undo ship") != 0 {
		t.Errorf("a handler that refuses takes nothing back: %v, %v", err, s.calls)
	}
	refuse = false
	if err := cancel.Invoke(t.Context(), h, "s1", none); err != nil {
		t.Fatal(err)
	}
	settle(t, h, time.Hour)
	if s.count("ship") != 2 || s.count("undo ship") != 2 {
		t.Errorf("%v", s.effect)
	}
	flows, err := h.FlowsOf(t.Context(), "sale", "s1")
	for _, f := range flows {
		if f.State != aegis.FlowUndone {
			t.Errorf("%+v", f)
		}
	}
	if err != nil || len(flows) != 3 {
		t.Errorf("%d flows, %v", len(flows), err)
	}
	if err := cancel.Invoke(t.Context(), h, "s1", none); err != nil || s.count("undo ship") != 2 {
		t.Errorf("again: %v, %v", err, s.effect)
	}
}

// A step that waits for another flow of its document goes on when that has got
// on, not at its next pause.
func TestNextInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := port.Outbound[sale, port.None, port.None]{Name: "busy", Model: "sale", On: []modelspec.EventRef{modelspec.EventName("sale.go")}, Exclusive: true, Request: func(*sale) port.None { return none }}
		begin := port.Command[sale, sale]{Name: "begin", Model: "sale", On: []modelspec.EventRef{port.From{Event: modelspec.EventName("out.go"), Source: "out", Key: modelspec.Subject}}, Produces: modelspec.EventName("sale.go"),
			Handle: func(*sale, context.Context, sale) error { return nil }}
		m := sales(begin, busy)
		var at, now atomic.Int32
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{adapter.Bind(busy, func(context.Context, port.None) (port.None, error) {
			if now.Add(1) > 1 {
				t.Error("an exclusive port is asked by two flows at a time")
			}
			time.Sleep(20 * time.Second)
			now.Add(-1)
			at.Add(1)
			return none, nil
		})}})
		if err != nil {
			t.Fatal(err)
		}
		h.Start(t.Context())
		aegis.NewRepository(h, m).Create(t.Context(), "s1", sale{})
		for _, id := range []string{"1", "2", "3"} {
			if err := h.Publish(t.Context(), broker.Event{ID: id, Source: "out", Type: "out.go", Subject: "s1", Data: modelspec.Of(sale{})}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(70 * time.Second)
		synctest.Wait()
		h.Close()
		if n := at.Load(); n != 3 {
			t.Errorf("asked %d times", n)
		}
	})
}
