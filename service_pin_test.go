package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// bureau is a service that books: it knows its own keys, and takes no other's
// back.
type bureau struct {
	*service
	during func() // at each call; nil: nothing
}

type booker interface {
	Book(context.Context, wanted) (shelved, error)
	Ask(context.Context, wanted) error
	Cancel(context.Context, adapter.Taken[wanted, shelved]) error
}

func newBureau() *bureau { return &bureau{service: newService()} }

func (d *bureau) Book(ctx context.Context, w wanted) (shelved, error) {
	return shelved{"A1"}, d.Ask(ctx, w)
}

func (d *bureau) Ask(ctx context.Context, _ wanted) error {
	err := d.do(ctx, "book")
	if d.during != nil {
		d.during()
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

func (d *bureau) Cancel(ctx context.Context, _ adapter.Taken[wanted, shelved]) error {
	return d.undo(ctx, "book")
}

// The ways in which a port is asked.
const (
	byFlow     = "a step"
	byFan      = "a step beside another" // which is announced
	byHandler  = "a handler's call"
	byAwait    = "awaited"
	byFanAwait = "awaited beside another"
)

var ways = []string{byFlow, byFan, byHandler, byAwait, byFanAwait}

// pinning is a sale whose booking goes via one of two services, and what
// happens after that.
type pinning struct {
	t     *testing.T
	how   string
	disk  datasource.Store
	book  port.Outbound[sale, wanted, shelved]
	a, b  *bureau
	other *service // behind all other ports
	chose map[string]string

	h     *aegis.Host
	sales aegis.Repository[sale]
}

func (p *pinning) model() modelspec.Model[sale] {
	booked := modelspec.EventName("sale.booked")
	ports := []modelspec.Port[sale]{p.book, port.Outbound[sale, port.None, port.None]{Name: "last", Model: "sale", On: []modelspec.EventRef{booked}, Request: func(*sale) port.None { return none }}}
	switch p.how {
	case byHandler:
		ports = append(ports, port.Command[sale, sale]{Name: "charge", Model: "sale", On: []modelspec.EventRef{sold}, Produces: booked, Handle: func(s *sale, ctx context.Context, _ sale) error {
			_, err := p.book.Call(ctx, s)
			return err
		}})
	case byFan, byFanAwait:
		ports = append(ports, port.Outbound[sale, port.None, port.None]{Name: "side", Model: "sale", On: []modelspec.EventRef{sold}, Delay: 20 * time.Hour, Request: func(*sale) port.None { return none }})
	}
	return sales(ports...)
}

func (p *pinning) adapters() aegis.Adapters {
	var as aegis.Adapters
	for _, x := range p.model().Ports {
		if o, ok := x.(port.Outbound[sale, port.None, port.None]); ok {
			as = append(as, bind(p.other, o, none))
		}
	}
	if p.book.Await != nil {
		return append(as, adapter.AskViaUndo(p.book, "a", booker.Ask, booker.Cancel))
	}
	return append(as, adapter.ViaUndo(p.book, "a", booker.Book, booker.Cancel))
}

func (p *pinning) open() {
	p.t.Helper()
	var err error
	p.h, err = aegis.New(aegis.Config{Logger: quiet, Datasource: keepOpen{p.disk}, Models: aegis.Models{p.model()}, Adapters: p.adapters(),
		Services: aegis.Services{"a": p.a, "b": p.b}, Bindings: p.chose})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.h.Close() })
	if err := p.h.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.sales = aegis.NewRepository(p.h, p.model())
}

// reopen is a restart with other bindings.
func (p *pinning) reopen(service string) {
	p.t.Helper()
	if err := p.h.Close(); err != nil {
		p.t.Error(err)
	}
	p.chose = map[string]string{"sale.book": service}
	p.open()
}

func (p *pinning) rebind(service string) {
	p.t.Helper()
	p.must(p.h.Rebind(p.t.Context(), map[string]string{"sale.book": service}))
}

func (p *pinning) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *pinning) sell(id string) {
	p.t.Helper()
	_, err := p.sales.Create(p.t.Context(), id, sale{SKU: "x"})
	p.must(err)
	p.must(sell.Invoke(p.t.Context(), p.h, id, none))
	sleep(time.Second)
}

// answer answers what is awaited.
func (p *pinning) answer(id string) {
	p.t.Helper()
	if p.book.Await != nil {
		p.must(p.book.Complete(p.t.Context(), p.h, id, shelved{"A1"}))
		sleep(time.Second)
	}
}

// want compares what the bureaus have been asked, and done.
func (p *pinning) want(when, a, b string) {
	p.t.Helper()
	say := func(d *bureau) string {
		return fmt.Sprintf("%d booked %d undone", d.count("book"), d.count("undo book"))
	}
	if say(p.a) != a || say(p.b) != b {
		p.t.Errorf("%s: at a %s (%v), want %s; at b %s (%v), want %s", when, say(p.a), p.a.calls, a, say(p.b), p.b.calls, b)
	}
}

func (p *pinning) untouched(when string) {
	p.t.Helper()
	if p.b.asked("book")+p.b.asked("undo book") != 0 {
		p.t.Errorf("%s: b was asked: %v", when, p.b.calls)
	}
}

// flow is the sale's only flow, and its booking.
func (p *pinning) flow(id string) (aegis.Flow, string) {
	p.t.Helper()
	fs, err := p.h.FlowsOf(p.t.Context(), "sale", id)
	if err != nil || len(fs) != 1 {
		p.t.Fatal(len(fs), err)
	}
	why := ""
	for _, s := range fs[0].Steps {
		if s.Error != nil {
			why += s.Error.Message
		}
	}
	return fs[0], why
}

func pin(t *testing.T, ways []string, f func(t *testing.T, p *pinning)) {
	for _, how := range ways {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &pinning{t: t, how: how, disk: datasourcetest.Bytes(), a: newBureau(), b: newBureau(), other: newService()}
				p.book = port.Outbound[sale, wanted, shelved]{Name: "book", Model: "sale", Undo: true, Request: func(s *sale) wanted { return wanted{s.ID, s.SKU} }, Keys: []string{"shelf"}}
				if how != byHandler {
					p.book.On, p.book.Produces = []modelspec.EventRef{sold}, modelspec.EventName("sale.booked")
				}
				if how == byAwait || how == byFanAwait {
					p.book.Await = &port.Await{Key: "/id", For: 10 * time.Hour}
				}
				p.open()
				f(t, p)
				p.must(p.h.Close())
			})
		})
	}
}

const (
	nothing = "0 booked 0 undone"
	booked  = "1 booked 0 undone"
	undone  = "1 booked 1 undone"
)

var errLost = fmt.Errorf("connection reset") // nobody knows what became of it

// A call whose outcome is unknown is asked again at the service that it was
// made at, over a rebinding and a restart; what begins later goes to the new
// one.
func TestUnknownCallIsAskedAgainWhereItWasMade(t *testing.T) {
	pin(t, ways, func(t *testing.T, p *pinning) {
		p.a.answer("book", errLost)
		p.sell("s1")
		before := p.a.asked("book")
		p.rebind("b")
		sleep(10 * time.Minute)
		p.untouched("rebound")
		p.reopen("b")
		sleep(10 * time.Minute)
		p.untouched("restarted")
		if p.a.asked("book") <= before {
			t.Errorf("a was asked %d times", p.a.asked("book"))
		}
		p.a.answer("book", nil)
		sleep(10 * time.Minute)
		p.answer("s1")
		p.want("healed", booked, nothing)
		p.untouched("healed")
		if p.other.count("last") != 1 {
			t.Error("the flow did not go on")
		}
		p.sell("s2")
		p.answer("s2")
		p.want("the next one", booked, booked)
	})
}

// What was done is undone where it was done.
func TestUndoIsAskedWhereTheCallWasMade(t *testing.T) {
	pin(t, ways, func(t *testing.T, p *pinning) {
		p.other.answer("last", adapter.NotSent(errLost))
		p.sell("s1")
		p.answer("s1")
		p.rebind("b")
		p.other.answer("last", modelspec.ErrRefused)
		sleep(time.Hour)
		p.want("refused later", undone, nothing)
		p.untouched("refused later")
		if f, _ := p.flow("s1"); f.State != aegis.FlowUndone {
			t.Error(f.State)
		}
	})
}

// A service that is taken out is waited for, by what asks it again and by what
// undoes; so is one whose adapter has gone.
func TestRemovedServiceIsWaitedFor(t *testing.T) {
	pin(t, ways, func(t *testing.T, p *pinning) {
		p.a.answer("book", errLost)
		p.other.answer("last", adapter.NotSent(errLost))
		p.sell("s1")
		p.rebind("b")
		p.must(p.h.RemoveServices(t.Context(), "a"))
		p.a.answer("book", nil)
		sleep(time.Hour)
		if f, why := p.flow("s1"); f.State != aegis.FlowRunning || !strings.Contains(why, `service "a", which the call was made at, is not there`) {
			t.Errorf("%s: %s", f.State, why)
		}
		p.untouched("a is away")
		p.must(p.h.SetServices(t.Context(), aegis.Services{"a": p.a}))
		sleep(10 * time.Minute)
		p.answer("s1")
		p.want("a is back", booked, nothing)

		plain := adapter.BindUndo(p.book, p.b.Book, p.b.Cancel)
		plain.Model, plain.Asks = "sale", p.book.Await != nil
		p.must(p.h.Unbind(t.Context(), "sale.book"))
		p.must(p.h.Bind(t.Context(), plain))
		p.other.answer("last", modelspec.ErrRefused)
		sleep(time.Hour)
		if f, why := p.flow("s1"); f.State != aegis.FlowUndoing || !strings.Contains(why, "adapter.Via") {
			t.Errorf("%s: %s", f.State, why)
		}
		p.untouched("the adapter is away")
		p.must(p.h.Unbind(t.Context(), "sale.book"))
		p.must(p.h.Bind(t.Context(), p.adapters()[len(p.adapters())-1]))
		sleep(time.Hour)
		p.want("all is back", undone, nothing)
	})
}

// A call that has certainly reached nobody goes to whatever is bound by then.
func TestCallThatReachedNobodyMoves(t *testing.T) {
	for _, removed := range []bool{false, true} {
		pin(t, ways, func(t *testing.T, p *pinning) {
			p.a.answer("book", adapter.NotSent(errLost))
			if removed {
				p.must(p.h.RemoveServices(t.Context(), "a"))
			}
			p.sell("s1")
			p.rebind("b")
			sleep(10 * time.Minute)
			p.answer("s1")
			p.want("rebound", nothing, booked)
			p.other.answer("last", modelspec.ErrRefused)
			f, _ := p.flow("s1")
			_, err := p.h.UndoFlow(t.Context(), "sale", "s1", f.ID, ann)
			p.must(err)
			p.must(p.h.SetServices(t.Context(), aegis.Services{"a": p.a}))
			p.rebind("")
			sleep(10 * time.Minute)
			p.want("taken back", nothing, undone)
			if p.a.asked("undo book") != 0 {
				t.Error("a was asked for its undo")
			}
		})
	}
}

// What waits for a service goes on when there is one, and not at its next turn.
func TestBoundServiceIsAskedAtOnce(t *testing.T) {
	pin(t, ways, func(t *testing.T, p *pinning) {
		p.must(p.h.RemoveServices(t.Context(), "a"))
		p.sell("s1")
		sleep(time.Hour)
		p.must(p.h.SetServices(t.Context(), aegis.Services{"a": p.a}))
		sleep(time.Second)
		p.want("a is back", booked, nothing)

		p.other.answer("last", modelspec.ErrRefused)
		p.rebind("b")
		p.must(p.h.RemoveServices(t.Context(), "a"))
		p.answer("s1")
		if p.book.Await == nil {
			f, _ := p.flow("s1")
			if _, err := p.h.UndoFlow(t.Context(), "sale", "s1", f.ID, ann); err != nil && !errors.Is(err, modelspec.ErrRefused) {
				t.Fatal(err)
			}
		}
		sleep(time.Hour)
		p.want("a is away again", booked, nothing)
		p.must(p.h.SetServices(t.Context(), aegis.Services{"a": p.a}))
		sleep(time.Second)
		p.want("undone", undone, nothing)
	})
}

// A second call under a correlation key that is waited for is not made before
// the first was answered.
func TestSecondCallUnderAKeyWaits(t *testing.T) {
	pin(t, []string{byAwait}, func(t *testing.T, p *pinning) {
		p.sell("s1")
		p.must(sell.Invoke(t.Context(), p.h, "s1", none))
		sleep(time.Hour)
		if n := p.a.asked("book"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		p.answer("s1")
		sleep(10 * time.Minute)
		if n := p.a.asked("book"); n != 2 {
			t.Errorf("after the first answer: asked %d times", n)
		}
		p.answer("s1")
		if n := p.other.count("last"); n != 2 {
			t.Errorf("%d went on", n)
		}
	})
}

// A host that ends during a call which was written down before knows where it
// was made.
func TestInterruptedCallIsAskedWhereItWasMade(t *testing.T) {
	pin(t, []string{byFan, byHandler}, func(t *testing.T, p *pinning) {
		hang := make(chan struct{})
		p.a.during = func() { <-hang }
		p.sell("s1")
		closed := make(chan error)
		go func() { closed <- p.h.Close() }()
		sleep(time.Second)
		close(hang)
		p.must(<-closed)
		p.a.answer("book", adapter.NotSent(errLost)) // of this one: the one before has booked
		p.reopen("b")
		sleep(time.Hour)
		p.untouched("restarted")
		p.a.answer("book", nil)
		sleep(time.Hour)
		p.want("healed", booked, nothing)
		if p.other.count("last") != 1 {
			t.Error("the flow did not go on")
		}
	})
}

// A command's call that is unknown is taken back where it was made, and so is
// what a command does under the key of one that died.
func TestCommandIsTakenBackWhereItActed(t *testing.T) {
	pin(t, []string{byHandler}, func(t *testing.T, p *pinning) {
		p.must(p.h.Close())
		byHand := port.Command[sale, port.None]{Name: "byHand", Model: "sale", Handle: func(s *sale, ctx context.Context, _ port.None) error {
			_, err := p.book.Call(ctx, s)
			return err
		}}
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: keepOpen{p.disk}, Models: aegis.Models{sales(p.book, byHand)}, Adapters: p.adapters()[1:], Services: aegis.Services{"a": p.a, "b": p.b}})
		p.must(err)
		p.h = h
		ss := aegis.NewRepository(h, sales())
		ss.Create(t.Context(), "s1", sale{})
		ctx, cancel := context.WithCancel(t.Context())
		p.a.during = cancel // it booked, and nobody heard of it
		if err := byHand.Invoke(ctx, h, "s1", none); err == nil {
			t.Error("it worked")
		}
		p.a.during = nil
		p.rebind("b")
		p.must(h.RemoveServices(t.Context(), "a"))
		settle(t, h, time.Minute)
		p.untouched("a is away")
		p.must(h.SetServices(t.Context(), aegis.Services{"a": p.a}))
		settle(t, h, time.Hour)
		p.want("settled", undone, nothing)
		p.untouched("settled")
	})
}

// An answer that is faster than who asks does not hide where that was.
func TestFastAnswerKeepsItsService(t *testing.T) {
	pin(t, []string{byAwait, byFanAwait}, func(t *testing.T, p *pinning) {
		p.other.answer("last", adapter.NotSent(errLost))
		p.a.during = func() { p.must(p.book.Complete(t.Context(), p.h, "s1", shelved{"A1"})) }
		p.sell("s1")
		p.a.during = nil
		p.rebind("b")
		p.other.answer("last", modelspec.ErrRefused)
		sleep(time.Hour)
		p.want("refused later", undone, nothing)
	})
}

// A second attempt of the same call stays at the service of the first.
func TestRetriesStayAtTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pinning{t: t, how: byFlow, disk: datasourcetest.Bytes(), a: newBureau(), b: newBureau(), other: newService()}
		p.book = port.Outbound[sale, wanted, shelved]{Name: "book", Model: "sale", On: []modelspec.EventRef{sold}, Undo: true, Policy: port.Policy{Retries: 3},
			Request: func(s *sale) wanted { return wanted{s.ID, s.SKU} }, Keys: []string{"shelf"}}
		p.open()
		p.a.answer("book", modelspec.ErrUnavailable)
		p.a.during = func() {
			p.a.answer("book", nil)
			p.rebind("b")
		}
		p.sell("s1")
		p.a.during = nil
		if p.a.asked("book") != 2 {
			t.Errorf("a was asked %d times", p.a.asked("book"))
		}
		p.want("retried", booked, nothing)
		p.untouched("retried")
		p.must(p.h.Close())
	})
}

// A service that is waited for no longer than the flow may take needs a person,
// and what was written before services had names is asked of what is bound.
func TestServiceIsNotWaitedForForEver(t *testing.T) {
	pin(t, []string{byFlow}, func(t *testing.T, p *pinning) {
		p.other.answer("last", adapter.NotSent(errLost))
		p.sell("s1")
		p.rebind("b")
		p.must(p.h.RemoveServices(t.Context(), "a"))
		p.other.answer("last", modelspec.ErrRefused)
		sleep(25 * time.Hour)
		f, why := p.flow("s1")
		if f.State != aegis.FlowAttention || !strings.Contains(why, `service "a"`) {
			t.Errorf("%s: %s", f.State, why)
		}
		p.must(p.h.SetServices(t.Context(), aegis.Services{"a": p.a}))
		_, err := p.h.RetryFlow(t.Context(), "sale", "s1", f.ID, ann)
		p.must(err)
		sleep(time.Minute)
		p.want("retried", undone, nothing)
	})
}

// A step that was written before services had names is undone by what is bound.
func TestStepWithoutServiceIsUndoneByWhatIsBound(t *testing.T) {
	pin(t, []string{byFlow}, func(t *testing.T, p *pinning) {
		p.other.answer("last", adapter.NotSent(errLost))
		p.sell("s1")
		p.must(p.h.Close())
		c, err := p.disk.Collection("sale")
		p.must(err)
		d, err := c.Get(t.Context(), "s1")
		p.must(err)
		b, err := d.Meta.JSON()
		p.must(err)
		old := strings.Replace(string(b), `"service":"a",`, "", 1)
		if old == string(b) || strings.Contains(old, `"service"`) {
			t.Fatal(string(b))
		}
		d.Meta, d.Revision = modelspec.FromJSON([]byte(old)), d.Revision+1
		p.must(c.Put(t.Context(), d))
		p.other.answer("last", modelspec.ErrRefused)
		p.reopen("b")
		sleep(time.Hour)
		if p.a.asked("undo book") != 0 || p.b.asked("undo book") != 1 {
			t.Errorf("a %v, b %v", p.a.calls, p.b.calls)
		}
	})
}

// stubborn is a pricer that answers what it is told.
type stubborn struct {
	total int64
	err   error
	asked int
}

func (s *stubborn) Price(context.Context, shop.PriceAsked) (shop.PriceTold, error) {
	s.asked++
	return shop.PriceTold{Total: s.total}, s.err
}

// The breaker before a port is that of the service behind it: another one
// begins closed, and one of the same name goes on.
func TestBreakerIsOfTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &stubborn{total: 1, err: modelspec.ErrUnavailable}, &stubborn{total: 2}
		h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": a, "spare": b}})
		for range 9 {
			ask()
		}
		if a.asked != 5 {
			t.Fatalf("a failing service was asked %d times", a.asked)
		}
		if err := h.SetServices(t.Context(), aegis.Services{"pricing": &stubborn{total: 3}}); err != nil {
			t.Fatal(err)
		}
		unavailable(t, ask) // of the same name
		if err := h.Rebind(t.Context(), map[string]string{"order.price": "spare"}); err != nil {
			t.Fatal(err)
		}
		answers(t, ask, 2)
		if err := h.Rebind(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		answers(t, ask, 2)
		if err := h.Rebind(t.Context(), map[string]string{"order.price": ""}); err != nil {
			t.Fatal(err)
		}
		answers(t, ask, 3)
		h.Close()
	})
}

// Calls that are asked again at the old service open no breaker of the new one.
func TestOldServiceOpensNoBreakerOfTheNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pinning{t: t, how: byFlow, disk: datasourcetest.Bytes(), a: newBureau(), b: newBureau(), other: newService()}
		p.book = port.Outbound[sale, wanted, shelved]{Name: "book", Model: "sale", On: []modelspec.EventRef{sold}, Undo: true, Policy: port.Policy{Breaker: port.Breaker{Failures: 2, Open: time.Hour}},
			Request: func(s *sale) wanted { return wanted{s.ID, s.SKU} }, Keys: []string{"shelf"}}
		p.open()
		p.a.answer("book", errLost)
		p.sell("s1")
		p.rebind("b")
		p.sell("s2")
		sleep(30 * time.Minute)
		p.sell("s3")
		if p.b.count("book") != 2 || p.a.asked("book") != 2 {
			t.Errorf("a %v, b %v", p.a.calls, p.b.calls)
		}
		p.a.answer("book", nil)
		sleep(2 * time.Hour)
		if p.a.count("book") != 1 {
			t.Errorf("a %v", p.a.calls)
		}
		if err := p.h.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// The service that a step was made at is told to whoever reads the flow.
func TestFlowTellsItsService(t *testing.T) {
	pin(t, ways, func(t *testing.T, p *pinning) {
		p.sell("s1")
		f, _ := p.flow("s1")
		for _, s := range f.Steps {
			if s.Port == "book" && s.Service != "a" || s.Port != "book" && s.Service != "" {
				t.Errorf("%+v", s)
			}
		}
	})
}
