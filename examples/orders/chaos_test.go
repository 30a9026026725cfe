package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
)

// TestChaos runs all of it, with fewer orders.
func TestChaos(t *testing.T) {
	var out bytes.Buffer
	if err := runChaos(t.Context(), options{dir: t.TempDir(), short: true, seed: 7}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	if n := strings.Count(out.String(), "a host is killed (-9)"); n != 2 {
		t.Errorf("%d hosts were killed:\n%s", n, out.Bytes())
	}
	for _, want := range []string{"parcels answered for later", "completed ", "unaccounted for                            0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output lacks %q:\n%s", want, out.Bytes())
		}
	}
}

// TestPlanIsItsSeed checks that what goes wrong is made of the seed, and that
// there is enough of everything.
func TestPlanIsItsSeed(t *testing.T) {
	calls := func(seed uint64) (out string, faults map[outside.Fault]int) {
		p, faults := newPlan(seed), map[outside.Fault]int{}
		var b strings.Builder
		for n := range 200 {
			p.know(address(n), n)
			for _, op := range []string{"hold", "book", "track", "prove", "capture"} {
				for attempt := range most + 2 {
					for _, undo := range []bool{false, true} {
						f := p.fault(outside.Call{Op: op, Order: address(n), Attempt: attempt + 1, Undo: undo})
						b.WriteString(string(f) + ",")
						faults[f]++
						if f != outside.None && f != outside.Refuse && f != outside.Stuck && attempt >= most {
							t.Fatalf("%s of order %d: %s at attempt %d: nothing ever works", op, n, f, attempt+1)
						}
					}
				}
			}
		}
		return b.String(), faults
	}
	one, faults := calls(1)
	if again, _ := calls(1); again != one {
		t.Error("one seed, two plans")
	}
	if other, _ := calls(2); other == one {
		t.Error("two seeds, one plan")
	}
	for _, f := range []outside.Fault{outside.NotSent, outside.LostBefore, outside.LostAfter, outside.Slow, outside.Refuse, outside.Stuck} {
		if faults[f] == 0 {
			t.Errorf("nothing is %s", f)
		}
	}
}

// oneOrder is a ledger of one order that is complete, with its books.
func oneOrder(t *testing.T) *ledger {
	t.Helper()
	o := order.Order{ID: "o1", OrderNo: "N", CustomerID: "ann", Status: order.Complete, ShippingAddress: address(1), Total: 1450,
		Items:     []order.Item{{ItemID: kind("tea", 0), Price: 450, Qty: 1}, {ItemID: kind("cup", 0), Price: 1000, Qty: 1}},
		PaymentID: "p", ShipmentID: "s", TrackingID: "t", ProofOfDelivery: "d", ConfirmationCode: "c"}
	l := &ledger{bought: []bought{{n: 1, id: "o1", approved: true}}, orders: []order.Order{o}, stock: goods(), packed: 1}
	l.stock[kind("tea", 0)]--
	l.stock[kind("cup", 0)]--
	var f aegis.Flow
	if err := json.Unmarshal([]byte(`{"id":"f","state":"completed","steps":[{"port":"authorizePayment","state":"done"},{"port":"pickOrder","state":"done"},
		{"port":"shipOrder","state":"done"},{"port":"trackShipment","state":"done"},{"port":"verifyDelivery","state":"done"},{"port":"completePayment","state":"done"}]}`), &f); err != nil {
		t.Fatal(err)
	}
	l.flows = map[string][]aegis.Flow{"o1": {f}}
	for _, op := range []string{"hold", "book", "track", "prove", "capture"} {
		e := outside.Entry{Op: op, Key: "key of " + op, Order: "o1", Asked: 1, Done: true}
		if op == "hold" || op == "capture" {
			e.Amount = 1450
		}
		l.books = append(l.books, e)
	}
	return l
}

// TestLedgerNotices cooks the books, each time a little, and expects that this
// is noticed.
func TestLedgerNotices(t *testing.T) {
	if s := oneOrder(t).sum(); len(s.unaccounted) > 0 || s.orders[completed] != 1 || s.money.captured != 1450 {
		t.Fatalf("the books are right, and %+v", s)
	}
	flow := func(l *ledger) *aegis.Flow { return &l.flows["o1"][0] }
	for name, cook := range map[string]func(l *ledger){
		"the order is gone":                 func(l *ledger) { l.orders = nil },
		"it is there twice":                 func(l *ledger) { l.orders = append(l.orders, l.orders[0]) },
		"nobody has ordered it":             func(l *ledger) { l.bought = nil },
		"it has another id":                 func(l *ledger) { l.bought[0].id = "o2" },
		"half of it is stored":              func(l *ledger) { l.orders[0].Items = l.orders[0].Items[:1] },
		"its approval is gone":              func(l *ledger) { l.orders[0].Status, l.flows, l.books = order.Pending, nil, nil },
		"it went on, and was refused":       func(l *ledger) { l.bought[0].approved, l.bought[0].refused = false, "sold out" },
		"something was done for a pending":  func(l *ledger) { l.orders[0].Status = order.Pending },
		"it has no flow":                    func(l *ledger) { l.flows = nil },
		"its flow is open":                  func(l *ledger) { flow(l).State = aegis.FlowRunning },
		"captured twice":                    func(l *ledger) { e := l.books[4]; e.Key = "another"; l.books = append(l.books, e) },
		"not captured":                      func(l *ledger) { l.books[4].Done = false },
		"captured, and given back":          func(l *ledger) { l.books[4].Undone = true },
		"another amount":                    func(l *ledger) { l.books[0].Amount = 1 },
		"not tracked":                       func(l *ledger) { l.books[2].Done = false },
		"an answer is lost":                 func(l *ledger) { l.orders[0].TrackingID = "" },
		"booked for nobody":                 func(l *ledger) { l.books = append(l.books, outside.Entry{Op: "book", Order: "o9", Done: true}) },
		"one cup too few":                   func(l *ledger) { l.stock[kind("cup", 0)]-- },
		"one parcel too many":               func(l *ledger) { l.packed++ },
		"canceled, and nothing taken back":  func(l *ledger) { l.orders[0].Status, flow(l).State = order.Canceled, aegis.FlowUndone },
		"needs attention, and nobody knows": func(l *ledger) { l.orders[0].Status, flow(l).State = order.Shipping, aegis.FlowAttention },
		"canceled, and nobody had refused": func(l *ledger) {
			l.orders[0].Status, flow(l).State, l.packed, l.stock = order.Canceled, aegis.FlowUndone, 0, goods()
			for i := range l.books {
				l.books[i].Undone = true
			}
			for i := range flow(l).Steps {
				flow(l).Steps[i].State = "undone"
			}
		},
	} {
		l := oneOrder(t)
		cook(l)
		if s := l.sum(); len(s.unaccounted) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
}
