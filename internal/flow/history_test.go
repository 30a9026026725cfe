package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// history is what some clients want of a world, told over several lives of its
// host, each of which may end or be lied to at any of its writes.
type history struct {
	Orders  int                 // that are sold, o1 to o3, of one stock
	Left    int                 // how much of it there is
	Faults  []fault             // one a life
	Lives   []era               // the lives; those beyond are quiet
	Script  map[string][]string // what the calls outside come to
	Once    bool                // clients do not come back after a crash
	Rush    bool                // there is a courier, too
	Refused bool                // whose command refuses after it has acted
	Second  string              // another command for o1, at some moment: "", same key, other key, wrong port, rush, touch
	At      int                 // before which read of the first life it comes
	Rival   int                 // before which write of the first life a second host, two minutes ahead, does what is due
	Forget  int                 // before which read of the first life the pages of the ledger are deleted
	Again   bool                // o1 is deleted when it has ended, and made and sold again
	Deaf    int                 // how many events the subscriber refuses
	Silent  bool                // nobody answers invoices in time
}

// era is what is special about one life.
type era struct {
	Code    code
	Unbound []string
	Runs    bool            // the host is started; else it settles what is due
	Pace    []time.Duration // how long clients wait between what they do
}

func (h *history) String() string {
	b, _ := json.Marshal(h)
	return string(b)
}

// client is what the clients know.
type client struct {
	h       *history
	w       *world
	gen     []int  // how often each order was made again
	made    []bool // the order was acknowledged
	sold    []bool
	over    []bool // the command will not be asked again
	rushed  int    // acknowledged
	marked  bool   // the event from outside was acknowledged after o1 was there
	second  string // how the second command ended
	refused bool
}

func newClient(h *history, w *world) *client {
	return &client{h: h, w: w, gen: make([]int, h.Orders), made: make([]bool, h.Orders), sold: make([]bool, h.Orders), over: make([]bool, h.Orders)}
}

func (c *client) name(i int) string { return fmt.Sprintf("o%d", i+1) }
func (c *client) order(i int) string {
	return fmt.Sprintf("o%d-%d", i+1, c.gen[i])
}

// run tells the history, and returns whether its first fault happened.
func (h *history) run(t *testing.T) (fired bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { fired = h.tell(t) })
	return fired
}

func (h *history) tell(t *testing.T) (fired bool) {
	w := newWorld(cloneScript(h.Script))
	w.deaf = h.Deaf
	c := newClient(h, w)
	for n := range len(h.Faults) + len(h.Lives) {
		var f fault
		if n < len(h.Faults) {
			f = h.Faults[n]
		}
		e := era{Pace: []time.Duration{0, time.Second, time.Minute}}
		if n < len(h.Lives) {
			e = h.Lives[n]
		}
		host, l := w.boot(t, e.Code, e.Unbound, f)
		if n == 0 {
			c.disturb(t, host, l, e)
		}
		c.live(t, host, l, e, n == 0)
		fired = fired || n == 0 && l.fired
		l.kill(nil)
		host.Close()
	}
	curious := slices.ContainsFunc(h.Lives, func(e era) bool { return e.Code.Curious }) // what has steps is not taken out
	last, _ := w.boot(t, code{Curious: curious}, nil, fault{})
	defer last.Close()
	c.heal(t, last)
	(&verdict{t: t, h: h, w: w, c: c, host: last}).check()
	return fired
}

func cloneScript(s map[string][]string) map[string][]string {
	out := map[string][]string{}
	for k, v := range s {
		out[k] = append([]string(nil), v...)
	}
	return out
}

// disturb plants what comes in between into the first life.
func (c *client) disturb(t *testing.T, host *aegis.Host, l *life, e era) {
	busy := false
	if !e.Runs { // a started host reads at many places at once
		l.onGet = func(n int) {
			if busy {
				return
			}
			busy = true
			if n == c.h.At {
				c.askSecond(t.Context(), host)
			}
			if n == c.h.Forget {
				c.forget(t.Context(), host)
			}
			busy = false
		}
	}
	if e.Runs { // two started hosts take one another for dead
		return
	}
	l.onPut = func(n int) {
		if busy || n != c.h.Rival {
			return
		}
		busy = true
		rival, _ := c.w.boot(t, e.Code, nil, fault{})
		rival.Settle(t.Context(), time.Now().Add(2*time.Minute))
		rival.Close()
		busy = false
	}
}

// live does what clients do in one life.
func (c *client) live(t *testing.T, host *aegis.Host, l *life, e era, first bool) {
	ctx := t.Context()
	if e.Runs {
		if err := host.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, d := range e.Pace {
		if l.gone() {
			return
		}
		time.Sleep(d)
		if e.Runs {
			synctest.Wait()
		}
		if !c.h.Once || first {
			c.ask(ctx, host)
		}
		if !c.h.Silent {
			c.answer(ctx, host)
		}
		if i == 0 || i == len(e.Pace)-1 {
			c.mark(ctx, host)
		}
		if e.Runs {
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
		} else {
			host.Settle(ctx, time.Now())
		}
	}
}

// heal lets everything that is wrong end, and time pass.
func (c *client) heal(t *testing.T, host *aegis.Host) {
	short, long := 20*time.Minute, 7*time.Hour
	c.rounds(t, host, 12, short, true)
	c.rounds(t, host, 8, long, !c.h.Silent)
	if c.h.Again {
		c.makeAgain(t, host)
		c.rounds(t, host, 12, short, true)
	}
	c.rounds(t, host, 5, long, !c.h.Silent)
}

func (c *client) rounds(t *testing.T, host *aegis.Host, n int, pace time.Duration, answers bool) {
	for range n {
		time.Sleep(pace)
		if !c.h.Once {
			c.ask(t.Context(), host)
		}
		if answers {
			c.answer(t.Context(), host)
		}
		c.mark(t.Context(), host)
		if err := host.Settle(t.Context(), time.Now()); err != nil {
			t.Errorf("%v: the last life: %v", c.h, err)
		}
	}
}

// ask makes the documents and sells the orders; a client asks again after an
// error, under its key.
func (c *client) ask(ctx context.Context, host *aegis.Host) {
	c.makeStock(ctx, host)
	for i := range c.h.Orders {
		for range 3 {
			if !c.made[i] && c.create(ctx, host, i) != nil {
				continue
			}
			if c.h.Rush && i == 0 && c.rushed == 0 && !c.refused {
				c.askRush(ctx, host, "rush-"+c.order(i))
			}
			if c.over[i] {
				break
			}
			c.sellOne(ctx, host, i)
		}
	}
}

func (c *client) makeStock(ctx context.Context, host *aegis.Host) {
	for range 3 {
		if _, err := aegis.NewRepository(host, stocks(code{})).Create(aegis.WithKey(ctx, "stock"), "apple", shelfStock{Left: c.h.Left}); err == nil {
			return
		}
	}
}

func (c *client) sellOne(ctx context.Context, host *aegis.Host, i int) {
	err := sell.Invoke(aegis.WithKey(ctx, "sell-"+c.order(i)), host, c.name(i), none)
	c.sold[i] = c.sold[i] || err == nil
	c.over[i] = err == nil || final(err)
}

func (c *client) create(ctx context.Context, host *aegis.Host, i int) error {
	_, err := aegis.NewRepository(host, orders(code{})).Create(aegis.WithKey(ctx, "make-"+c.order(i)), c.name(i), order{Order: c.order(i), SKU: "apple", State: "new"})
	c.made[i] = c.made[i] || err == nil
	return err
}

func (c *client) askRush(ctx context.Context, host *aegis.Host, key string) {
	err := rush.Invoke(aegis.WithKey(ctx, key), host, "o1", rushing{Refuse: c.h.Refused})
	if err == nil {
		c.rushed++
	}
	c.refused = c.refused || final(err)
}

// final reports whether asking again will not help.
func final(err error) bool {
	return errors.Is(err, modelspec.ErrRefused) || errors.Is(err, modelspec.ErrConflict) && strings.Contains(err.Error(), "taken")
}

// answer brings the invoices that are asked for, each twice.
func (c *client) answer(ctx context.Context, host *aegis.Host) {
	for _, e := range c.w.waiting() {
		for range 2 {
			invoice.Complete(ctx, host, e.Key, slip{e.Key})
		}
	}
}

// mark brings an event from outside, twice.
func (c *client) mark(ctx context.Context, host *aegis.Host) {
	there := c.made[0]
	for range 2 {
		err := host.Publish(ctx, broker.Event{ID: "m1", Source: shopURI, Type: "shop.marked", Data: modelspec.Of(marking{Order: "o1-0", Mark: "m1"})})
		c.marked = c.marked || err == nil && there
	}
}

func (c *client) askSecond(ctx context.Context, host *aegis.Host) {
	var err error
	switch c.h.Second {
	case "same key":
		err = sell.Invoke(aegis.WithKey(ctx, "sell-o1-0"), host, "o1", none)
		c.sold[0] = c.sold[0] || err == nil
	case "other key":
		err = sell.Invoke(aegis.WithKey(ctx, "other"), host, "o1", none)
		c.sold[0] = c.sold[0] || err == nil
	case "wrong port":
		err = rush.Invoke(aegis.WithKey(ctx, "sell-o1-0"), host, "o1", rushing{Refuse: true})
	case "rush":
		c.askRush(ctx, host, "rush-2")
	case "touch":
		_, err = aegis.NewRepository(host, orders(code{})).Update(aegis.WithKey(ctx, "touch"), "o1", func(o *order) error { o.N++; return nil })
	default:
		return
	}
	c.second = errText(err)
}

// forget deletes the pages of the ledger.
func (c *client) forget(ctx context.Context, host *aegis.Host) {
	r := aegis.NewRepository(host, ledgers())
	for e, err := range r.List(ctx, aegis.Query{}) {
		if err == nil {
			r.Delete(ctx, e.ID)
		}
	}
}

// makeAgain deletes o1, which has ended, and sells another one of that name.
func (c *client) makeAgain(t *testing.T, host *aegis.Host) {
	r := aegis.NewRepository(host, orders(code{}))
	if err := r.Delete(t.Context(), "o1"); err != nil {
		if is, _ := host.Incidents(t.Context()); len(is) == 0 && !errors.Is(err, modelspec.ErrNotFound) {
			t.Errorf("%v: deleting: %v", c.h, err)
		}
		return
	}
	c.gen[0]++
	c.made[0], c.sold[0], c.over[0] = false, false, false
	if err := c.create(t.Context(), host, 0); err != nil {
		t.Errorf("%v: making it again: %v", c.h, err)
	}
	if err := sell.Invoke(t.Context(), host, "o1", none); err != nil {
		t.Errorf("%v: selling it again: %v", c.h, err)
	}
	c.sold[0], c.over[0] = true, true
}
