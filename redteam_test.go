package aegis_test

import (
	"bytes"
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
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// A component that is not loaded yet compensates nothing.
func TestRT01MissingAdapterCompensates(t *testing.T) {
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: s.adapters("ship")})
	create(t, r, "o1")
	if err := approve(t.Context(), h, "o1"); err != nil {
		t.Fatal(err)
	}
	settle(t, h, 0)
	if o := find(t, r, "o1"); o.Status != shop.Approved || s.asked("undo authorize") != 0 || s.count("pick") != 1 {
		t.Errorf("nothing was ever asked of shipping: order is %s, %d refunds", o.Status, s.asked("undo authorize"))
	}
	if err := h.Bind(t.Context(), bind(s, shop.Ship, shop.Shipment{TrackingID: "1Z"})); err != nil {
		t.Fatal(err)
	}
	settle(t, h, time.Minute)
	if o := find(t, r, "o1"); o.Status != shop.Shipped {
		t.Errorf("shipping was loaded: order is %s", o.Status)
	}
}

// An open breaker, before which nothing is sent, compensates nothing.
func TestRT01bOpenBreakerCompensatesTheRest(t *testing.T) {
	m := shop.Orders()
	ship := shop.Ship
	ship.Policy = port.Policy{Breaker: port.Breaker{Failures: 3, Open: time.Hour}}
	m.Ports = []modelspec.Port[shop.Order]{shop.Approve(), shop.Authorize, shop.Pick, ship}
	m.Publishes = nil
	s := newService()
	s.answer("ship", modelspec.ErrUnavailable)
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Customers}, Adapters: s.adapters("courier", "price")})
	for i := range 100 {
		id := fmt.Sprintf("o%03d", i)
		create(t, r, id)
		approve(t.Context(), h, id)
	}
	settle(t, h, 0)
	for i := range 100 {
		if o := find(t, r, fmt.Sprintf("o%03d", i)); o.Status == shop.Canceled {
			t.Errorf("order %d was canceled; shipping was asked %d times", i, s.asked("ship"))
		}
	}
	if s.asked("ship") > 3 || s.count("undo authorize") != 0 {
		t.Errorf("an open breaker let %d calls through; %d refunds", s.asked("ship"), s.count("undo authorize"))
	}
}

// A refused command leaves a running flow alone.
func TestRT02RefusedCommandUndoesOtherFlow(t *testing.T) {
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: s.adapters()})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	_, err := shop.Express().Invoke(aegis.WithKey(t.Context(), "k"), h, "o1", shop.Rush{Refuse: true})
	if !errors.Is(err, modelspec.ErrRefused) {
		t.Fatal(err)
	}
	settle(t, h, 0)
	if o := find(t, r, "o1"); o.Status != shop.Shipped {
		t.Errorf("approve was acknowledged, express refused: order is %s", o.Status)
	}
	if s.count("courier") != 1 || s.count("undo courier") != 1 || s.count("undo authorize") != 0 {
		t.Errorf("effects %v", s.order)
	}
}

type doc struct {
	ID string `json:"id"`
}

func produces(name, event string) port.Inbound[doc, port.None, port.None] {
	return port.Inbound[doc, port.None, port.None]{Name: name, Produces: modelspec.EventName(event), Handle: func(*doc, context.Context, port.None) (port.None, error) { return none, nil }}
}

func reacts(name, on, event string, undo bool) port.Outbound[doc, port.None, port.None] {
	p := port.Outbound[doc, port.None, port.None]{Name: name, Undo: undo, Request: func(*doc) port.None { return none }}
	if on != "" {
		p.On = []modelspec.EventRef{modelspec.EventName(on)}
	}
	if event != "" {
		p.Produces = modelspec.EventName(event)
	}
	return p
}

// What is committed while another flow is being undone is run all the same.
func TestRT03CommittedWhileUndoingIsLost(t *testing.T) {
	goA, goB := produces("goA", "d.a"), produces("goB", "d.b")
	a1, a2, b1 := reacts("a1", "d.a", "d.a1", true), reacts("a2", "d.a1", "", false), reacts("b1", "d.b", "", false)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{goA, goB, a1, a2, b1}}
	var h *aegis.Host
	var berr error
	undos := 0
	s := newService()
	s.answer("a2", modelspec.ErrRefused)
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{
		bind(s, a2, none), bind(s, b1, none),
		adapter.BindUndo(a1, func(context.Context, port.None) (port.None, error) { return none, nil }, func(context.Context, adapter.Taken[port.None, port.None]) error {
			if undos++; undos == 1 {
				_, berr = goB.Invoke(context.Background(), h, "1", none)
			}
			return nil
		})}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	goA.Invoke(t.Context(), h, "1", none)
	settle(t, h, 0)
	if berr != nil || s.count("b1") != 1 || undos != 1 {
		t.Errorf("goB was acknowledged (%v) during the undo; its step ran %d times, %d undos", berr, s.count("b1"), undos)
	}
}

// An undo that fails once is asked again, and no later command erases its flow.
func TestRT04TransientUndoIsStuckAndErased(t *testing.T) {
	for _, hiccup := range []error{modelspec.ErrUnavailable, modelspec.ErrRefused} {
		goA, goB := produces("goA", "d.a"), produces("goB", "d.b")
		a1, a2, b1 := reacts("a1", "d.a", "d.a1", true), reacts("a2", "d.a1", "", false), reacts("b1", "d.b", "", false)
		m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{goA, goB, a1, a2, b1}}
		s := newService()
		s.answer("a2", modelspec.ErrRefused)
		s.answer("undo a1", hiccup)
		disk := datasourcetest.Bytes()
		h, err := aegis.New(aegis.Config{Datasource: disk, Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, a1, none), bind(s, a2, none), bind(s, b1, none)}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
		goA.Invoke(t.Context(), h, "1", none)
		settle(t, h, 0)
		s.answer("undo a1", nil)
		if _, err := goB.Invoke(t.Context(), h, "1", none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 2*time.Minute)
		incidents, err := h.Incidents(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case s.count("b1") != 1:
			t.Errorf("%v: goB's step ran %d times", hiccup, s.count("b1"))
		case hiccup == modelspec.ErrUnavailable && (s.count("undo a1") != 1 || len(incidents) != 0):
			t.Errorf("the undo had one hiccup and was not asked again: %s", metaText(t, disk, "d", "1"))
		case hiccup == modelspec.ErrRefused && (len(incidents) != 1 || !strings.Contains(metaText(t, disk, "d", "1"), `"a1"`)):
			t.Errorf("a refused undo must wait for a person: incidents %v, %s", incidents, metaText(t, disk, "d", "1"))
		}
	}
}

// money is a service idempotent by key.
type money struct {
	mu    sync.Mutex
	seen  map[string]int64
	total int64
	keys  []string
}

type acc struct {
	ID  string `json:"id"`
	Amt int64  `json:"amt"`
	N   int64  `json:"n"`
}

type pay struct {
	Amt  int64
	Fail bool
}

var charge = port.Outbound[acc, int64, port.None]{Name: "charge", Request: func(a *acc) int64 { return a.Amt }}

func payModel(chatty bool) (modelspec.Model[acc], port.Inbound[acc, pay, port.None]) {
	p := port.Inbound[acc, pay, port.None]{Name: "pay", Handle: func(a *acc, ctx context.Context, p pay) (port.None, error) {
		a.Amt = p.Amt
		if chatty {
			modelspec.Log(ctx, 0, "paying", nil)
		}
		if _, err := charge.Call(ctx, a); err != nil {
			return none, err
		}
		a.N++
		if p.Fail {
			return none, modelspec.ErrRefused
		}
		return none, nil
	}}
	return modelspec.Model[acc]{Name: "acc", Ports: []modelspec.Port[acc]{p, charge}}, p
}

func (m *money) adapter() adapter.Adapter {
	return adapter.Bind(charge, func(ctx context.Context, n int64) (port.None, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		key := adapter.Key(ctx)
		m.keys = append(m.keys, key)
		if _, ok := m.seen[key]; !ok {
			m.seen[key] = n
			m.total += n
		}
		return none, nil
	})
}

func bankHost(t *testing.T, m *money, store datasource.Store, chatty bool) (*aegis.Host, port.Inbound[acc, pay, port.None]) {
	model, p := payModel(chatty)
	h, err := aegis.New(aegis.Config{Datasource: store, Models: aegis.Models{model}, Adapters: aegis.Adapters{m.adapter()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	aegis.NewRepository(h, model).Create(t.Context(), "1", acc{})
	return h, p
}

// Two commands never share a key, whatever text a client's key is.
func TestRT05TwoCommandsOneKey(t *testing.T) {
	bank := &money{seen: map[string]int64{}}
	h, p := bankHost(t, bank, datasourcetest.Bytes(), false)
	p.Invoke(t.Context(), h, "1", pay{Amt: 10, Fail: true})
	if _, err := p.Invoke(t.Context(), h, "1", pay{Amt: 500}); err != nil || bank.total != 510 {
		t.Errorf("pay(10) refused, pay(500) acknowledged (%v): charged %d, keys %v", err, bank.total, bank.keys)
	}
	for _, key := range []string{"1", "2", "3", "c", "r", "c2", "1.0"} {
		p.Invoke(aegis.WithKey(t.Context(), key), h, "1", pay{Amt: 1})
	}
	p.Invoke(aegis.WithKey(aegis.WithCaller(t.Context(), aegis.Caller{Subject: "eve"}), "1"), h, "1", pay{Amt: 1})
	if len(bank.seen) != 10 {
		t.Errorf("10 commands had %d keys: %v", len(bank.seen), bank.keys)
	}
}

// A new version that logs one line more gives an effect no new key.
func TestRT06DeployShiftsKeys(t *testing.T) {
	bank, disk := &money{seen: map[string]int64{}}, datasourcetest.Bytes()
	for i, chatty := range []bool{false, true} {
		var st datasource.Store = disk
		if i == 0 {
			st = datasourcetest.Faulty(disk, func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
				if op.Kind == datasourcetest.Put && op.N == 2 { // 1 is the create
					return datasourcetest.Fault{Before: errors.New("crash")}
				}
				return datasourcetest.Fault{}
			})
		}
		h, p := bankHost(t, bank, st, chatty)
		p.Invoke(aegis.WithKey(t.Context(), "cmd-1"), h, "1", pay{Amt: 10})
	}
	if bank.total != 10 || len(bank.keys) != 2 {
		t.Errorf("one command under one key, asked again after a crash and a deploy: charged %d, keys %v", bank.total, bank.keys)
	}
}

// A receipt is not forgotten for others, and answers its own command only.
func TestRT07Receipts(t *testing.T) {
	for name, store := range map[string]datasource.Store{"memory": nil, "bytes": datasourcetest.Bytes()} {
		t.Run(name, func(t *testing.T) {
			h, r := boot(t, aegis.Config{Datasource: store})
			create(t, r, "o1")
			const n = 200
			for i := range n {
				if _, err := shop.Touch().Invoke(aegis.WithKey(t.Context(), fmt.Sprint("k", i)), h, "o1", none); err != nil {
					t.Fatal(err)
				}
				if i%50 == 0 {
					settle(t, h, 0)
				}
			}
			settle(t, h, 0)
			for i := range n {
				shop.Touch().Invoke(aegis.WithKey(t.Context(), fmt.Sprint("k", i)), h, "o1", none)
			}
			if o := find(t, r, "o1"); o.Touches != n {
				t.Errorf("%d commands, each asked twice: %d touches", n, o.Touches)
			}
			for _, key := range []string{"k0", "k199"} {
				_, err := shop.Approve().Invoke(aegis.WithKey(t.Context(), key), h, "o1", shop.Approval{})
				if !errors.Is(err, modelspec.ErrInvalid) || find(t, r, "o1").Status == shop.Approved {
					t.Errorf("approve under a key that touch has used: %v", err)
				}
			}
			ctx := aegis.WithKey(t.Context(), "a")
			shop.Approve().Invoke(ctx, h, "o1", shop.Approval{By: "ann"})
			if _, err := shop.Approve().Invoke(ctx, h, "o1", shop.Approval{By: "bob"}); !errors.Is(err, modelspec.ErrInvalid) {
				t.Errorf("the same key with another argument: %v", err)
			}
			if _, err := shop.Approve().Invoke(aegis.WithCaller(ctx, aegis.Caller{Subject: "eve"}), h, "o1", shop.Approval{By: "ann"}); !errors.Is(err, modelspec.ErrRefused) {
				t.Errorf("somebody else's key answered: %v", err)
			}
		})
	}
}

// A driver that answers a conflict to a write of its own that happened.
func TestRT08OwnWriteConflicts(t *testing.T) {
	for _, after := range []error{modelspec.ErrConflict, errors.New("connection lost")} {
		st := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			if op.Kind == datasourcetest.Put && op.N == 2 {
				return datasourcetest.Fault{After: after}
			}
			return datasourcetest.Fault{}
		})
		h, r := boot(t, aegis.Config{Datasource: st})
		create(t, r, "o1")
		_, err := shop.Touch().Invoke(t.Context(), h, "o1", none)
		if o := find(t, r, "o1"); o.Touches != 1 || err != nil {
			t.Errorf("one command, %d touches, %v", o.Touches, err)
		}
	}
}

// One unreadable document stops nothing but itself, and is listed.
func TestRT09PoisonStopsSweep(t *testing.T) {
	disk := datasourcetest.Bytes()
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: disk, Adapters: s.adapters()})
	c, _ := disk.Collection("order")
	for id, meta := range map[string]string{"a-poison": `{"flows":"v2"}`, "b-newer": `{"flows":[{"id":"x","cause":{"kind":"command","id":"x"},"state":"pondering"}]}`} {
		err := c.Put(t.Context(), datasource.Document{ID: id, Inc: "I", Revision: 1, Due: time.Now(), Data: modelspec.FromJSON([]byte(`{"id":"x"}`)), Meta: modelspec.FromJSON([]byte(meta))})
		if err != nil {
			t.Fatal(err)
		}
	}
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	settle(t, h, 0)
	if o := find(t, r, "o1"); o.Status != shop.Shipped {
		t.Errorf("a healthy order behind unreadable documents: %s", o.Status)
	}
	incidents, err := h.Incidents(t.Context())
	if err != nil || len(incidents) != 2 {
		t.Errorf("the unreadable documents are listed: %v, %v", incidents, err)
	}
	if !strings.Contains(metaText(t, disk, "order", "b-newer"), "pondering") {
		t.Error("what a newer host wrote was changed")
	}
}

// lying is a module whose replies have no document.
type lying struct{}

func (lying) Handle(_ context.Context, c modelspec.Call) (modelspec.Reply, error) {
	switch c.Op {
	case modelspec.OpInvoke:
		return modelspec.Reply{}, nil
	case modelspec.OpNew:
		return modelspec.Reply{Doc: c.Doc}, nil
	}
	return modelspec.Reply{Doc: modelspec.FromJSON([]byte("null"))}, nil
}

// A reply without a document changes nothing, and null is none.
func TestRT13ReplyWithoutDocument(t *testing.T) {
	s, err := shop.Orders().Spec()
	if err != nil {
		t.Fatal(err)
	}
	sp, err := modelspec.New(*s.Descriptor(), lying{})
	if err != nil {
		t.Fatal(err)
	}
	disk := datasourcetest.Bytes()
	h, r := boot(t, aegis.Config{Datasource: disk, Models: aegis.Models{sp, shop.Customers}})
	create(t, r, "o1")
	shop.Touch().Invoke(t.Context(), h, "o1", none)
	if _, err := r.Update(t.Context(), "o1", func(*shop.Order) error { return nil }); err == nil {
		t.Error("null was taken for a document")
	}
	d := envelope(t, disk, "order", "o1")
	if b, _ := d.Data.JSON(); !bytes.Contains(b, []byte(`"customerId":"c1"`)) {
		t.Errorf("stored data %s", b)
	}
}

// A relation leads to the document that the stored key names, and no other.
func TestRT14RelationIsAMasterKey(t *testing.T) {
	var got string
	m := shop.Orders()
	steal := port.Inbound[shop.Order, port.None, port.None]{Name: "steal", Handle: func(o *shop.Order, ctx context.Context, _ port.None) (port.None, error) {
		o.CustomerID = "c-other"
		v, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbGet, Target: "buyer", Key: "c-other"})
		if err == nil {
			b, _ := v.JSON()
			got = string(b)
		}
		o.CustomerID = "c1"
		return none, nil
	}}
	m.Ports = []modelspec.Port[shop.Order]{steal}
	m.Publishes = nil
	h, r := boot(t, aegis.Config{Models: aegis.Models{m, shop.Customers}})
	create(t, r, "o1")
	customers := aegis.NewRepository(h, shop.Customers)
	customers.Create(t.Context(), "c1", shop.Customer{Email: "mine@b", Limit: 1})
	customers.Create(t.Context(), "c-other", shop.Customer{Email: "secret@b", Limit: 7})
	if _, err := steal.Invoke(t.Context(), h, "o1", none); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(got, "secret") || !strings.Contains(got, "mine") {
		t.Errorf("order o1 belongs to c1; its handler read %s", got)
	}
}

// Adapters that hang stop nobody else.
func TestRT16HungAdaptersStarve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(ctx context.Context, p shop.Payment) (shop.Authorization, error) {
			if p.OrderID != "o999" {
				<-ctx.Done()
				return shop.Authorization{}, ctx.Err()
			}
			return shop.Authorization{ID: "a"}, nil
		}, func(context.Context, adapter.Taken[shop.Payment, shop.Authorization]) error { return nil }))
		h, r := boot(t, aegis.Config{Adapters: as})
		if err := h.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids := []string{"o998", "o997", "o996", "o999"}
		create(t, r, ids...)
		for _, id := range ids {
			approve(t.Context(), h, id)
		}
		synctest.Wait()
		if o := find(t, r, "o999"); o.Status != shop.Shipped {
			t.Errorf("three orders hang in their provider; the other is %s", o.Status)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A document made again under its old id has keys of its own.
func TestRT17RecreatedIDRepeatsKeys(t *testing.T) {
	keys := map[string]int{}
	as := append(newService().adapters("authorize"), adapter.BindUndo(shop.Authorize, func(ctx context.Context, _ shop.Payment) (shop.Authorization, error) {
		keys[adapter.Key(ctx)]++
		return shop.Authorization{}, nil
	}, func(context.Context, adapter.Taken[shop.Payment, shop.Authorization]) error { return nil }))
	m := shop.Orders()
	m.OnDelete = nil
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m, shop.Customers}, Adapters: as})
	for range 2 {
		create(t, r, "o1")
		approve(aegis.WithKey(t.Context(), "k"), h, "o1")
		settle(t, h, 0)
		if err := r.Delete(t.Context(), "o1"); err != nil {
			t.Fatal(err)
		}
	}
	if len(keys) != 2 {
		t.Errorf("two orders, one after the other, under one id: payment keys %v", keys)
	}
}

// An older host keeps what a newer one wrote in the envelope and in the data.
func TestRT18OlderHostErases(t *testing.T) {
	disk := datasourcetest.Bytes()
	h, _ := boot(t, aegis.Config{Datasource: disk})
	c, _ := disk.Collection("order")
	data := `{"id":"o1","customerId":"c1","items":[{"sku":"x","price":1,"qty":1}],"total":1,"status":"pending","giftNote":"v2"}`
	put := func(id, meta string, format int) {
		t.Helper()
		d, err := datasource.Decode([]byte(fmt.Sprintf(`{"format":%d,"id":%q,"inc":"I","rev":1,"by":"b","data":%s,"meta":%s,"shard":"eu"}`, format, id, strings.Replace(data, "o1", id, 1), meta)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Put(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	put("o1", `{"quota":{"left":7},"flows":[{"id":"f","cause":{"kind":"command","id":"x"},"state":"completed","ended":"2026-01-02T03:04:05Z","cost":3}]}`, 1)
	put("o2", `{}`, 2)
	if _, err := shop.Touch().Invoke(t.Context(), h, "o1", none); err != nil {
		t.Fatal(err)
	}
	d := envelope(t, disk, "order", "o1")
	b, err := datasource.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"giftNote":"v2"`, `"quota":{"left":7}`, `"shard":"eu"`, `"cost":3`, `"touches":1`} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("one touch by the older version lost %s: %s", want, b)
		}
	}
	if _, err := shop.Touch().Invoke(t.Context(), h, "o2", none); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("a document of a newer format was written: %v", err)
	}
}

// A client's bad input shuts nothing for others: inbound ports have no breaker.
func TestRT19InputOpensBreaker(t *testing.T) {
	m := shop.Orders()
	note := port.Inbound[shop.Order, shop.Note, port.None]{Name: "note", Handle: func(o *shop.Order, _ context.Context, n shop.Note) (port.None, error) {
		if n.Text == "" {
			return none, errors.New("text is empty")
		}
		return none, nil
	}}
	m.Ports, m.Publishes = []modelspec.Port[shop.Order]{note}, nil
	h, r := boot(t, aegis.Config{Models: aegis.Models{m, shop.Customers}})
	create(t, r, "o1", "o2")
	for range 50 {
		if _, err := note.Invoke(t.Context(), h, "o1", shop.Note{}); !errors.Is(err, modelspec.ErrRefused) {
			t.Fatalf("an error without a code, of a handler: %v", err)
		}
	}
	if _, err := note.Invoke(t.Context(), h, "o2", shop.Note{Text: "hello"}); err != nil {
		t.Errorf("50 bad inputs by one client; a good one by another: %v", err)
	}
	note.Policy = port.Policy{Breaker: port.Breaker{Failures: 5}}
	m.Ports = []modelspec.Port[shop.Order]{note}
	if _, err := aegis.New(aegis.Config{Models: aegis.Models{m, shop.Customers}}); err == nil {
		t.Error("a breaker before an inbound port was accepted")
	}
}

// A handler that was taken for dead does nothing more.
func TestRT20LeaseEndsHandlerDoesNot(t *testing.T) {
	book, mail := reacts("book", "", "", true), reacts("mail", "", "", false)
	disk, s := datasourcetest.Bytes(), newService()
	var other *aegis.Host
	act := port.Inbound[doc, port.None, port.None]{Name: "act", Handle: func(d *doc, ctx context.Context, _ port.None) (port.None, error) {
		if _, err := book.Call(ctx, d); err != nil {
			return none, err
		}
		other.Settle(context.Background(), time.Now().Add(time.Hour)) // another host, whose clock is ahead
		_, err := mail.Call(ctx, d)
		return none, err
	}}
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{act, book, mail}}
	host := func() *aegis.Host {
		h, err := aegis.New(aegis.Config{Datasource: disk, Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, book, none), bind(s, mail, none)}})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := host()
	other = host()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	_, err := act.Invoke(aegis.WithKey(t.Context(), "k"), h, "1", none)
	settle(t, other, time.Hour)
	if !errors.Is(err, modelspec.ErrConflict) || !slices.Equal(s.order, []string{"book", "undo book"}) {
		t.Errorf("%v; command: %v", s.order, err)
	}
	// in its own process a command that is alive is not taken over at all
	h2, s2 := h, s
	other, s2.order = h2, nil
	s2.keys = map[string]map[string]bool{}
	if _, err := act.Invoke(t.Context(), h2, "1", none); err != nil || !slices.Equal(s2.order, []string{"book", "mail"}) {
		t.Errorf("%v; command: %v", s2.order, err)
	}
}

// Create never answers with somebody else's document.
func TestRT21CreateReads(t *testing.T) {
	_, r := boot(t, aegis.Config{})
	victim, mine := shop.Seed(), shop.Seed()
	victim.CustomerID, mine.CustomerID = "victim", "attacker"
	if _, err := r.Create(aegis.WithKey(t.Context(), "k"), "o1", victim); err != nil {
		t.Fatal(err)
	}
	if e, err := r.Create(t.Context(), "o1", mine); !errors.Is(err, modelspec.ErrExists) {
		t.Errorf("create(o1, attacker) answered %+v, %v", e, err)
	}
	if e, err := r.Create(aegis.WithKey(t.Context(), "k"), "o1", mine); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("another body under the same key answered %+v, %v", e, err)
	}
	if e, err := r.Create(aegis.WithKey(t.Context(), "k"), "o1", victim); err != nil || e.Revision != 1 {
		t.Errorf("asked again: %+v, %v", e, err)
	}
	a, err := r.Create(aegis.WithKey(t.Context(), "k2"), "", mine)
	b, err2 := r.Create(aegis.WithKey(t.Context(), "k2"), "", mine)
	if err != nil || err2 != nil || a.ID != b.ID {
		t.Errorf("a keyed create, asked twice: %v %v, %v %v", a.ID, b.ID, err, err2)
	}
}

// Ports whose events go in a circle are refused, unless it is bounded.
func TestRT22Circle(t *testing.T) {
	start, a, b := produces("start", "d.ping"), reacts("a", "d.ping", "d.pong", false), reacts("b", "d.pong", "d.ping", false)
	s := newService()
	cfg := func() aegis.Config {
		return aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, a, b}}}, Adapters: aegis.Adapters{bind(s, a, none), bind(s, b, none)}}
	}
	if _, err := aegis.New(cfg()); err == nil || !strings.Contains(err.Error(), "d.p") {
		t.Fatalf("the circle was accepted, or is not named: %v", err)
	}
	b.Repeats = 3
	h, err := aegis.New(cfg())
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, modelspec.Model[doc]{Name: "d"}).Create(t.Context(), "1", doc{})
	start.Invoke(t.Context(), h, "1", none)
	settle(t, h, 0)
	if s.count("b") != 3 || s.count("a") != 4 {
		t.Errorf("a ran %d times, b, which may 3 times, %d", s.count("a"), s.count("b"))
	}
}

// One call cannot fill the envelope.
func TestRT23EventStorm(t *testing.T) {
	m := shop.Orders()
	storm := port.Inbound[shop.Order, port.None, port.None]{Name: "storm", Handle: func(o *shop.Order, ctx context.Context, _ port.None) (port.None, error) {
		for range 50_000 {
			if err := shop.Noted.Publish(ctx, shop.Note{Text: string(make([]byte, 100))}); err != nil {
				return none, err
			}
		}
		return none, nil
	}}
	big := port.Inbound[shop.Order, port.None, port.None]{Name: "big", Handle: func(o *shop.Order, ctx context.Context, _ port.None) (port.None, error) {
		return none, shop.Noted.Publish(ctx, shop.Note{Text: string(make([]byte, 2<<20))})
	}}
	m.Ports = []modelspec.Port[shop.Order]{storm, big}
	disk := datasourcetest.Bytes()
	h, r := boot(t, aegis.Config{Datasource: disk, Models: aegis.Models{m, shop.Customers}, Subscriptions: aegis.Subscriptions{{Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { return nil }}}})
	create(t, r, "o1")
	for _, p := range []port.Inbound[shop.Order, port.None, port.None]{storm, big} {
		if _, err := p.Invoke(t.Context(), h, "o1", none); !errors.Is(err, modelspec.ErrExhausted) || len(metaText(t, disk, "order", "o1")) > 1<<20 {
			t.Errorf("%s: %v, an envelope of %d bytes", p.Name, err, len(metaText(t, disk, "order", "o1")))
		}
	}
}

// A subscriber that cannot digest one event stops neither others nor, for
// ever, its subject.
func TestRT25PoisonEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var taken atomic.Int64
		s := newService()
		var told atomic.Int64
		watch := func(o aegis.Observation) {
			if o.Kind == "event.deadlettered" {
				told.Add(1)
			}
		}
		h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: s.adapters(), Observer: watch,
			Subscriptions: aegis.Subscriptions{{Name: "picky", Pattern: ">", Required: true, Handler: func(_ context.Context, e broker.Event) error {
				if e.Subject == "a1" && e.Type == "order.created" {
					return errors.New("cannot digest")
				}
				taken.Add(1)
				return nil
			}}}})
		h.Start(t.Context())
		create(t, r, "a1", "o1")
		approve(t.Context(), h, "a1")
		approve(t.Context(), h, "o1")
		time.Sleep(time.Second)
		synctest.Wait()
		for _, id := range []string{"a1", "o1"} {
			if o := find(t, r, id); o.Status != shop.Shipped {
				t.Errorf("%s is %s", id, o.Status)
			}
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		h.Close()
		if n := taken.Load(); n != 9 { // five of o1, and four of a1 after the poisoned one
			t.Errorf("%d events were taken: the subject of the poisoned one did not go on", n)
		}
		if told.Load() == 0 {
			t.Error("nobody was told of the dead letter")
		}
	})
}

// A component answers no port of another one without a grant, and two models
// with ports of one name do not meet.
func TestRT26AdapterCapture(t *testing.T) {
	stolen := federation.Component{Name: "weather", Adapters: []adapter.Adapter{{Port: "authorize", Call: func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
		return modelspec.FromJSON([]byte(`{"ID":"forged"}`)), nil
	}}}}
	s := newService()
	h, err := aegis.New(aegis.Config{Models: aegis.Models{shop.Orders(), shop.Customers}, Components: aegis.Components{stolen}, Adapters: s.adapters("authorize")})
	if err == nil {
		defer h.Close()
		r := aegis.NewRepository(h, shop.Orders())
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		settle(t, h, 0)
		if o := find(t, r, "o1"); o.PaymentID == "forged" {
			t.Error("a bare port name captured another component's port")
		}
	}
	other := port.Outbound[doc, port.None, port.None]{Name: "ship", Request: func(*doc) port.None { return none }}
	m := modelspec.Model[doc]{Name: "other", Ports: []modelspec.Port[doc]{other, port.Inbound[doc, port.None, port.None]{Name: "go", Handle: func(d *doc, ctx context.Context, _ port.None) (port.None, error) { return other.Call(ctx, d) }}}}
	hit := 0
	h2, r := boot(t, aegis.Config{Models: aegis.Models{shop.Orders(), shop.Customers, m}, Adapters: append(s.adapters(), adapter.Bind(other, func(context.Context, port.None) (port.None, error) { hit++; return none, nil }))})
	create(t, r, "o1")
	approve(t.Context(), h2, "o1")
	settle(t, h2, 0)
	if o := find(t, r, "o1"); o.Status != shop.Shipped || hit != 0 {
		t.Errorf("order %s, the other model's adapter was asked %d times", o.Status, hit)
	}
	if _, err := aegis.New(aegis.Config{Models: aegis.Models{shop.Orders(), shop.Customers}, Adapters: append(s.adapters(), bind(s, shop.Ship, shop.Shipment{}))}); err == nil {
		t.Error("one port was bound twice")
	}
}

// After everything was published, next to nothing is due.
func TestRT27EverythingIsDueAfterRestart(t *testing.T) {
	for _, required := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			disk := datasourcetest.Bytes()
			var told atomic.Int64
			queue := 4096
			if required {
				queue = 0
			}
			subs := aegis.Subscriptions{{Pattern: ">", Required: required, Queue: queue, Handler: func(context.Context, broker.Event) error { told.Add(1); return nil }}}
			h, r := boot(t, aegis.Config{Datasource: disk, Subscriptions: subs})
			h.Start(t.Context())
			for i := range 1000 {
				id := fmt.Sprint("o", i)
				create(t, r, id)
				shop.Touch().Invoke(t.Context(), h, id, none)
			}
			time.Sleep(3 * time.Second)
			synctest.Wait()
			c, _ := disk.Collection("order")
			due, err := c.Due(t.Context(), time.Now().Add(time.Hour), datasource.Mark{}, 2000)
			if err != nil || len(due) > 10 || told.Load() != 2000 {
				t.Errorf("required %t: 1,000 idle documents, %d events told: %d are due (%v)", required, told.Load(), len(due), err)
			}
			h.Close()
		})
	}
}

// An undo never overtakes the effect that it takes back.
func TestRT28UndoOvertakesEffect(t *testing.T) {
	s := newService()
	landed := make(chan struct{})
	first := true
	as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(ctx context.Context, _ shop.Payment) (shop.Authorization, error) {
		key := adapter.Key(ctx)
		if first { // the request is in a queue on its way, and its sender gives up
			first = false
			go func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.land("authorize", key)
				close(landed)
			}()
			return shop.Authorization{}, modelspec.ErrDeadline
		}
		<-landed
		return shop.Authorization{ID: "a"}, s.do(ctx, "authorize")
	}, func(ctx context.Context, _ adapter.Taken[shop.Payment, shop.Authorization]) error {
		return s.undo(ctx, "authorize")
	}))
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: as})
	create(t, r, "o1")
	approve(t.Context(), h, "o1")
	settle(t, h, 0)
	if find(t, r, "o1").Status == shop.Canceled || s.asked("undo authorize") != 0 {
		t.Error("an attempt without an answer was undone")
	}
	settle(t, h, time.Minute)
	if o := find(t, r, "o1"); o.Status != shop.Shipped || o.PaymentID != "a" || s.count("authorize") != 1 {
		t.Errorf("order %+v, effects %v", o, s.order)
	}
}

// A panic ends the call it happens in, and nothing else.
func TestRT29PanicInWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		as := append(s.adapters("authorize"), adapter.BindUndo(shop.Authorize, func(_ context.Context, p shop.Payment) (shop.Authorization, error) {
			if p.OrderID == "bad" {
				panic("query of death")
			}
			return shop.Authorization{ID: "a"}, nil
		}, func(context.Context, adapter.Taken[shop.Payment, shop.Authorization]) error { return nil }))
		h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Adapters: as, Subscriptions: aegis.Subscriptions{
			{Name: "live", Pattern: ">", Handler: func(context.Context, broker.Event) error { panic("subscriber") }},
		}})
		h.Start(t.Context())
		create(t, r, "bad", "good")
		approve(t.Context(), h, "bad")
		approve(t.Context(), h, "good")
		time.Sleep(time.Second)
		synctest.Wait()
		if o := find(t, r, "good"); o.Status != shop.Shipped {
			t.Errorf("the other order is %s", o.Status)
		}
		h.Close()
	})
}

// Handlers of other shapes that act behind the host's back.
func TestEffectsOfTwoGoroutines(t *testing.T) {
	var errs [2]error
	started, release := make(chan struct{}), make(chan struct{})
	slow := reacts("slow", "", "", false)
	act := port.Inbound[doc, port.None, port.None]{Name: "act", Handle: func(d *doc, ctx context.Context, _ port.None) (port.None, error) {
		done := make(chan struct{})
		go func() { _, errs[0] = slow.Call(ctx, d); close(done) }()
		<-started
		_, errs[1] = slow.Call(ctx, d)
		close(release)
		<-done
		return none, nil
	}}
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{act, slow}}
	h, err := aegis.New(aegis.Config{Models: aegis.Models{m}, Adapters: aegis.Adapters{adapter.Bind(slow, func(context.Context, port.None) (port.None, error) { close(started); <-release; return none, nil })}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	if _, err := act.Invoke(t.Context(), h, "1", none); err != nil || errs[0] != nil || !errors.Is(errs[1], modelspec.ErrRefused) {
		t.Errorf("%v, %v", err, errs)
	}
}
