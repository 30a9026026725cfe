package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
)

// ledger is what buyers, hosts and services say, each in their own words.
type ledger struct {
	bought []bought
	orders []order.Order
	flows  map[string][]aegis.Flow // by order
	books  []outside.Entry
	stock  map[string]int64 // by item
	packed int64            // parcels that the warehouses have not unpacked
}

// outcome is what became of an order.
type outcome string

// The outcomes. Any other is unaccounted for.
const (
	completed  outcome = "completed"
	undone     outcome = "undone: a service refused"
	attention  outcome = "needs attention: an undo is stuck"
	unapproved outcome = "not approved: sold out"
	walkedOff  outcome = "never approved: the buyer walked off"
	absent     outcome = "never created: the buyer walked off"
)

var outcomes = []outcome{completed, undone, attention, unapproved, walkedOff, absent}

// opOf says which call outside an order's port makes. pickOrder makes none.
var opOf = map[string]string{
	order.AuthorizePayment.Name: "hold", order.ShipOrder.Name: "book", order.TrackShipment.Name: "track",
	order.VerifyDelivery.Name: "prove", order.CompletePayment.Name: "capture",
}

// summary is the account.
type summary struct {
	orders      map[outcome]int
	live        map[outcome]map[string]int // effects that stand, by what they are
	money       struct{ held, captured, released, left int64 }
	unaccounted []string
}

func (s *summary) wrong(format string, args ...any) {
	s.unaccounted = append(s.unaccounted, fmt.Sprintf(format, args...))
}

// sum accounts for everything, or says what is not accounted for.
func (l *ledger) sum() *summary {
	s := &summary{orders: map[outcome]int{}, live: map[outcome]map[string]int{}}
	for _, o := range outcomes {
		s.live[o] = map[string]int{}
	}
	byAddress := map[string]order.Order{}
	for _, o := range l.orders {
		if _, twice := byAddress[o.ShippingAddress]; twice {
			s.wrong("order %s: %s is there twice", o.ID, o.ShippingAddress)
		}
		byAddress[o.ShippingAddress] = o
	}
	books := map[string][]outside.Entry{}
	for _, e := range l.books {
		books[e.Order] = append(books[e.Order], e)
	}
	picked := map[string]int64{} // by item, and parcels under ""
	for _, b := range l.bought {
		o, there := byAddress[address(b.n)]
		delete(byAddress, address(b.n))
		switch {
		case !there && b.id == "":
			s.orders[absent]++
		case !there:
			s.wrong("order %d, %s: it was acknowledged, and is gone", b.n, b.id)
		case b.id != "" && b.id != o.ID:
			s.wrong("order %d: acknowledged as %s, and stored as %s", b.n, b.id, o.ID)
		default:
			out, live, err := judge(b, o, l.flows[o.ID], books[o.ID])
			if err != nil {
				s.wrong("order %d, %s: %s: %v", b.n, o.ID, o.Status, err)
				continue
			}
			s.orders[out]++
			for op, stands := range live {
				if stands {
					s.live[out][op]++
				}
			}
			if live["pick"] {
				picked[""]++
				for _, i := range o.Items {
					picked[i.ItemID] += i.Qty
				}
			}
			delete(books, o.ID)
		}
	}
	for _, o := range byAddress {
		s.wrong("order %s: nobody has ordered it", o.ID)
	}
	for id, es := range books {
		s.wrong("order %s: the services have %d entries of it, and nobody answers for them", id, len(es))
	}
	l.addUp(s, picked)
	return s
}

// addUp compares totals: money, and goods.
func (l *ledger) addUp(s *summary, picked map[string]int64) {
	m := &s.money
	captured := map[string]bool{}
	for _, e := range l.books {
		if e.Op == "capture" && e.Live() {
			captured[e.Order] = true
			m.captured += e.Amount
		}
	}
	for _, e := range l.books {
		switch {
		case e.Op != "hold" || !e.Done:
			continue
		case e.Undone:
			m.released += e.Amount
		case !captured[e.Order]:
			m.left += e.Amount
		}
		m.held += e.Amount
	}
	if m.held != m.captured+m.released+m.left {
		s.wrong("money: %s held, and %s captured, %s released, %s still held", money(m.held), money(m.captured), money(m.released), money(m.left))
	}
	if l.packed != picked[""] {
		s.wrong("the warehouses have packed %d parcels that they have not unpacked, where %d should be", l.packed, picked[""])
	}
	for id, was := range goods() {
		if is := l.stock[id]; is != was-picked[id] {
			s.wrong("stock: %d of %s, where what is packed leaves %d", is, id, was-picked[id])
		}
	}
}

// table shows the account.
func (s *summary) table() string {
	var b strings.Builder
	ops := []string{"hold", "pick", "book", "track", "prove", "capture"}
	fmt.Fprintf(&b, "    %-36s %7s  effects that stand:", "outcome", "orders")
	for _, op := range ops {
		fmt.Fprintf(&b, " %8s", op)
	}
	for _, o := range outcomes {
		fmt.Fprintf(&b, "\n    %-36s %7d  %19s", o, s.orders[o], "")
		for _, op := range ops {
			fmt.Fprintf(&b, " %8d", s.live[o][op])
		}
	}
	fmt.Fprintf(&b, "\n    %-36s %7d", "unaccounted for", len(s.unaccounted))
	m := s.money
	fmt.Fprintf(&b, "\n    money: %s held = %s captured + %s released + %s still held", money(m.held), money(m.captured), money(m.released), money(m.left))
	return b.String()
}

// faultTable shows what went wrong.
func faultTable(t outside.Tally) string {
	var b strings.Builder
	fmt.Fprintf(&b, "    %d calls and %d undos outside, of which", t.Calls, t.Undos)
	for _, f := range slices.Sorted(maps.Keys(t.Faults)) {
		fmt.Fprintf(&b, " %d %s,", t.Faults[f], f)
	}
	fmt.Fprintf(&b, "\n    %d parcels answered for later, %d lost, %d answers doubled or late, %d garbled", t.Answers, t.Lost, t.Doubled, t.Garbled)
	return b.String()
}
