package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
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

// A history is one or two commands on one document, told over several lives of
// a host, each of which may end or be lied to at any of its writes. Whatever
// happens, what was acknowledged is run or taken back, and each effect happens
// at most once.
type history struct {
	command string // approve or express
	refuse  bool   // express: the handler refuses after it has acted
	once    bool   // the client does not come back after a crash
	ship    error  // what shipping answers
	faults  []fault
	second  string // another command: "", touch, other key, same key, no key
	at      int    // before which read of the first life the second command comes
	unbound bool   // the first life has no adapter for picking
	undos   int    // how often each undo fails
	late    bool   // the first authorization lands after its caller gave up
	chatty  bool   // the next life runs a version that logs more and has a port more
	rival   int    // a second host, two minutes ahead, does what is due before this write
}

type fault struct {
	n    int    // the n-th write of the life
	mode string // crash-before, crash-after, fail-before, fail-after, conflict-after
}

var modes = []string{"crash-before", "crash-after", "fail-before", "fail-after", "conflict-after"}

func (h history) String() string {
	type plain history
	return fmt.Sprintf("%+v", plain(h))
}

// world is what survives a crash.
type world struct {
	*service
	disk   datasource.Store
	evMu   sync.Mutex
	events []broker.Event
	undid  map[string]int
	late   bool
}

var errDead = errors.New("the process is dead")

// life is one process.
type life struct {
	w       *world
	f       fault
	hook    func(n int) // before the n-th write
	between func(n int) // before the n-th read
	mu      sync.Mutex
	puts    int
	gets    int
	lied    bool
	dead    bool
	fired   bool
}

func (l *life) plan(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
	l.mu.Lock()
	if l.dead {
		l.mu.Unlock()
		return datasourcetest.Fault{Before: errDead}
	}
	if op.Kind != datasourcetest.Put {
		if op.Kind == datasourcetest.Get {
			l.gets++
		}
		n, between, back := l.gets, l.between, l.lied
		l.lied = false
		l.mu.Unlock()
		if between != nil && !back && op.Kind == datasourcetest.Get {
			between(n)
		}
		return datasourcetest.Fault{}
	}
	l.puts++
	n, hook := l.puts, l.hook
	hit := n == l.f.n
	l.lied = hit // the next read looks what became of the write, under its lock
	l.fired = l.fired || hit
	l.mu.Unlock()
	if hook != nil {
		hook(n)
	}
	if !hit {
		return datasourcetest.Fault{Done: func(err error) { l.mu.Lock(); l.lied = err != nil; l.mu.Unlock() }}
	}
	die := func(error) { l.mu.Lock(); l.dead = true; l.mu.Unlock() }
	lost := errors.New("disk: " + l.f.mode)
	switch l.f.mode {
	case "crash-before":
		die(nil)
		return datasourcetest.Fault{Before: errDead}
	case "crash-after":
		return datasourcetest.Fault{After: errDead, Done: die}
	case "fail-before":
		return datasourcetest.Fault{Before: lost}
	case "fail-after":
		return datasourcetest.Fault{After: lost}
	}
	return datasourcetest.Fault{After: modelspec.ErrConflict}
}

func (l *life) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// mortal is bind for a service that a dead process does not reach.
func mortal[M, Req, Res any](l *life, h history, p port.Outbound[M, Req, Res], res Res) adapter.Adapter {
	do := func(ctx context.Context, _ Req) (r Res, err error) {
		if l.gone() {
			return r, errDead
		}
		if err := l.w.do(ctx, p.Name); err != nil {
			return r, err
		}
		if p.Name == "authorize" && h.late && !l.w.late {
			l.w.late = true
			return r, modelspec.ErrDeadline
		}
		return res, nil
	}
	if !p.Undo {
		return adapter.Bind(p, do)
	}
	return adapter.BindUndo(p, do, func(ctx context.Context, k adapter.Taken[Req, Res]) error {
		if l.gone() {
			return errDead
		}
		if l.w.undid[p.Name]++; l.w.undid[p.Name] <= h.undos {
			return modelspec.ErrUnavailable
		}
		return l.w.undo(ctx, p.Name)
	})
}

func (w *world) boot(t *testing.T, h history, n int, f fault) (*aegis.Host, *life) {
	l := &life{w: w, f: f}
	m := shop.Orders()
	if h.chatty && n > 0 {
		more := port.Outbound[shop.Order, port.None, port.None]{Name: "extra", Request: func(*shop.Order) port.None { return none }}
		express := port.Inbound[shop.Order, shop.Rush, port.None]{Name: "express", Produces: modelspec.EventName("order.expressed"), Handle: func(o *shop.Order, ctx context.Context, r shop.Rush) (port.None, error) {
			modelspec.Log(ctx, 0, "express", nil)
			return shop.Express().Handle(o, ctx, r)
		}}
		m.Ports = append(slices.DeleteFunc(slices.Clone(m.Ports), func(p modelspec.Port[shop.Order]) bool {
			d, err := p.Describe()
			return err == nil && d.Name == "express"
		}), more, express)
	}
	as := aegis.Adapters{
		mortal(l, h, shop.Authorize, shop.Authorization{ID: "auth-1"}), mortal(l, h, shop.Ship, shop.Shipment{TrackingID: "1Z"}),
		mortal(l, h, shop.Courier, shop.Shipment{TrackingID: "C1"}), mortal(l, h, shop.Price, shop.PriceTold{}),
	}
	if !h.unbound || n > 0 {
		as = append(as, mortal(l, h, shop.Pick, none))
	}
	host, err := aegis.New(aegis.Config{Models: aegis.Models{m, shop.Customers}, Datasource: datasourcetest.Faulty(w.disk, l.plan), Adapters: as,
		Subscriptions: aegis.Subscriptions{{Pattern: ">", Required: true, Handler: func(_ context.Context, e broker.Event) error {
			if l.gone() {
				return errDead
			}
			w.evMu.Lock()
			defer w.evMu.Unlock()
			w.events = append(w.events, e)
			return nil
		}}}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return host, l
}

// outcome is what the client knows in the end.
type outcome struct {
	approved, expressed bool // acknowledged
	touched             int
	refused             bool // the command was refused or taken back: it will not be asked again
}

func (h history) ask(ctx context.Context, host *aegis.Host, o *outcome) {
	ctx = aegis.WithKey(ctx, "cmd-1")
	for range 3 {
		var err error
		if h.command == "approve" {
			if _, err = shop.Approve().Invoke(ctx, host, "o1", shop.Approval{By: "ann"}); err == nil {
				o.approved = true
			}
		} else if _, err = shop.Express().Invoke(ctx, host, "o1", shop.Rush{Refuse: h.refuse}); err == nil {
			o.expressed = true
		}
		if err == nil {
			return
		}
		if errors.Is(err, modelspec.ErrRefused) || errors.Is(err, modelspec.ErrConflict) && strings.Contains(err.Error(), "taken") {
			o.refused = true
			return
		}
	}
}

func (h history) askSecond(ctx context.Context, host *aegis.Host, o *outcome) {
	var err error
	switch h.second {
	case "touch":
		_, err = shop.Touch().Invoke(ctx, host, "o1", none)
	case "other key":
		_, err = shop.Touch().Invoke(aegis.WithKey(ctx, "cmd-2"), host, "o1", none)
	case "same key":
		if _, err := shop.Touch().Invoke(aegis.WithKey(ctx, "cmd-1"), host, "o1", none); err == nil {
			o.touched += 100 // may happen only if the first command has left no receipt yet
		}
		return
	case "express":
		if _, err := shop.Express().Invoke(aegis.WithKey(ctx, "cmd-3"), host, "o1", shop.Rush{}); err == nil {
			o.expressed = true
		}
		return
	}
	if err == nil {
		o.touched++
	}
}

// run tells the history and returns whether its first fault happened.
func (h history) run(t *testing.T) (fired bool) {
	w := &world{service: newService(), disk: datasourcetest.Bytes(), undid: map[string]int{}}
	w.fail["ship"] = h.ship
	ctx := t.Context()
	var o outcome
	start := time.Now()
	for n := range len(h.faults) + 3 {
		var f fault
		if n < len(h.faults) {
			f = h.faults[n]
		}
		host, l := w.boot(t, h, n, f)
		busy := false
		l.between = func(get int) {
			if busy || n > 0 || get != h.at || h.second == "" {
				return
			}
			busy = true
			h.askSecond(ctx, host, &o)
			busy = false
		}
		l.hook = func(put int) {
			if busy || n > 0 {
				return
			}
			busy = true
			if put == h.rival {
				rival, _ := w.boot(t, h, 1, fault{})
				rival.Settle(ctx, time.Now().Add(2*time.Minute))
			}
			busy = false
		}
		r := aegis.NewRepository(host, shop.Orders())
		host.Settle(ctx, time.Now())
		for range 3 { // a client that asks again after an error
			if _, err := r.Create(aegis.WithKey(ctx, "new"), "o1", shop.Seed()); err == nil {
				break
			}
		}
		if !h.once || n == 0 {
			if !o.approved && !o.expressed && !o.refused || h.second == "express" && !o.approved && !o.refused {
				h.ask(ctx, host, &o)
			}
		}
		for i := range 3 {
			host.Settle(ctx, start.Add(time.Duration(n*3+i)*30*time.Minute))
		}
		fired = fired || n == 0 && l.fired
	}
	last, _ := w.boot(t, h, 9, fault{})
	for i := range 6 {
		if err := last.Settle(ctx, start.Add(time.Duration(12+i)*time.Hour/2+6*time.Hour)); err != nil {
			t.Errorf("%v: the last life: %v", h, err)
		}
	}
	h.check(t, w, last, o)
	return fired
}

// check is what must hold of every history.
func (h history) check(t *testing.T, w *world, host *aegis.Host, o outcome) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%v:\n  %s\n  effects %v, outcome %+v\n  %s", h, fmt.Sprintf(format, args...), w.order, o, metaText(t, w.disk, "order", "o1"))
	}
	order := find(t, aegis.NewRepository(host, shop.Orders()), "o1")
	e := w.effect
	for p, n := range e {
		if most := 1; n > most && !(p == "courier" && h.command == "express" && h.second == "express") && !(p == "undo courier") {
			bad("%s happened %d times", p, n)
		}
	}
	switch order.Status {
	case shop.Shipped:
		if e["ship"] != 1 || e["undo authorize"]+e["undo pick"] != 0 || e["authorize"] != 1 || e["pick"] != 1 {
			bad("shipped")
		}
	case shop.Canceled:
		if h.ship == nil || e["authorize"] != e["undo authorize"] || e["pick"] != e["undo pick"] || e["ship"] != 0 {
			bad("canceled")
		}
		if e["pick"] == 1 && slices.Index(w.order, "undo pick") > slices.Index(w.order, "undo authorize") {
			bad("not in reverse order")
		}
	default:
		if e["authorize"] != 0 || o.approved {
			bad("approval acknowledged %t, and the order is %s", o.approved, order.Status)
		}
	}
	if o.approved && h.ship == nil && order.Status != shop.Shipped {
		bad("acknowledged, and not shipped")
	}
	couriers := 0
	if o.expressed {
		couriers++
	}
	if got := e["courier"] - e["undo courier"]; got != couriers && !(h.once && got == 1) && !(h.second == "express" && got <= 2 && got >= couriers) {
		bad("%d couriers are on their way", got)
	}
	if int(order.Touches) < o.touched%100 {
		bad("%d touches were acknowledged, %d are stored", o.touched, order.Touches)
	}
	h.checkEvents(bad, w)
	if d := envelope(t, w.disk, "order", "o1"); !d.Due.IsZero() {
		bad("still due at %v", d.Due)
	}
	if is, err := host.Incidents(t.Context()); err != nil || len(is) > 0 {
		bad("incidents %v, %v", is, err)
	}
}

// checkEvents wants one id for each fact, and first deliveries in order.
func (h history) checkEvents(bad func(string, ...any), w *world) {
	seen := map[string]bool{}
	last := int64(0)
	for _, e := range w.events {
		var inc string
		var rev, n int64
		if _, err := fmt.Sscanf(strings.ReplaceAll(e.ID, ".", " "), "%s %d %d", &inc, &rev, &n); err != nil {
			bad("event id %s", e.ID)
		}
		if !seen[e.ID] && rev*100+n < last {
			bad("event %s of type %s was told after a later one", e.ID, e.Type)
		}
		if !seen[e.ID] {
			last = rev*100 + n
		}
		seen[e.ID] = true
	}
	types := map[string]int{}
	for id := range seen {
		for _, e := range w.events {
			if e.ID == id {
				types[e.Type]++
				break
			}
		}
	}
	for _, typ := range []string{"order.created", "order.approved", "order.authorized", "order.picked", "order.shipped", "order.undone"} {
		if types[typ] > 1 {
			bad("%s is %d events", typ, types[typ])
		}
	}
}

var base = []history{
	{command: "approve"},
	{command: "approve", ship: modelspec.Refuse("no carrier")},
	{command: "approve", once: true},
	{command: "approve", once: true, ship: modelspec.Refuse("no carrier")},
	{command: "express"},
	{command: "express", refuse: true},
	{command: "express", once: true},
}

// Every fault at every write, and then again faults in the life after it.
func TestEveryCrashEndsWell(t *testing.T) {
	runs := 0
	for _, h := range base {
		for _, mode := range modes {
			for n := 1; ; n++ {
				h.faults = []fault{{n, mode}}
				runs++
				if !h.run(t) {
					break
				}
				for k := 1; k < 10; k += 2 {
					h.faults = []fault{{n, mode}, {k, modes[(n+k)%len(modes)]}}
					h.run(t)
					runs++
				}
				if t.Failed() {
					t.FailNow()
				}
			}
		}
	}
	t.Logf("%d histories", runs)
}

// Histories with all their dimensions, drawn by seeds. A seed that ever failed
// stays in the list.
func TestDrawnHistories(t *testing.T) {
	n := 3000
	if raceDetector {
		n = 500 // each takes ten times as long
	}
	for seed := range n {
		drawn(uint64(seed)).run(t)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func drawn(seed uint64) history {
	r := rand.New(rand.NewPCG(seed, 2026))
	pick := func(ss ...string) string { return ss[r.IntN(len(ss))] }
	h := history{command: pick("approve", "approve", "express"), refuse: r.IntN(4) == 0, once: r.IntN(4) == 0,
		second: pick("", "touch", "other key", "same key", "express"), at: 1 + r.IntN(16), unbound: r.IntN(3) == 0,
		undos: r.IntN(3), late: r.IntN(3) == 0, chatty: r.IntN(3) == 0, rival: r.IntN(12)}
	if r.IntN(2) == 0 {
		h.ship = modelspec.Refuse("no carrier")
	}
	for range 1 + r.IntN(3) {
		h.faults = append(h.faults, fault{1 + r.IntN(12), pick(modes...)})
	}
	return h
}
