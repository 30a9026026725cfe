package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
	"github.com/org/aegis/modelspec"
)

// judge says what became of an order, and which effects of it stand, if what
// its buyer, its host and the services say are one and the same.
func judge(b bought, o order.Order, flows []aegis.Flow, books []outside.Entry) (outcome, map[string]bool, error) {
	if err := whole(o); err != nil {
		return "", nil, err
	}
	live, err := standing(books)
	if err != nil {
		return "", nil, err
	}
	if o.Status == order.Pending {
		return unstarted(b, flows, books)
	}
	switch {
	case len(flows) != 1:
		return "", nil, fmt.Errorf("it has %d flows", len(flows))
	case b.refused != "":
		return "", nil, errors.New("its approval was refused, and it went on")
	}
	f := flows[0]
	if live["pick"], err = pickStands(f); err != nil {
		return "", nil, err
	}
	if err := agree(f, live); err != nil {
		return "", nil, err
	}
	switch {
	case f.State == aegis.FlowCompleted && o.Status == order.Complete:
		return completed, live, finished(o, books, live)
	case f.State == aegis.FlowUndone && o.Status == order.Canceled:
		return undone, live, takenBack(f, books, live)
	case f.State == aegis.FlowAttention:
		return attention, live, stuckAt(f, books)
	}
	return "", nil, fmt.Errorf("its flow is %s", f.State)
}

// whole checks that an order was stored as it was ordered.
func whole(o order.Order) error {
	total := int64(0)
	for _, i := range o.Items {
		total += i.Price * i.Qty
	}
	if len(o.Items) < 2 || o.Total != total || o.OrderNo == "" || o.CustomerID != "ann" {
		return fmt.Errorf("it is not whole: %+v", o)
	}
	return nil
}

// standing says which effects outside stand. One that was made twice, under
// whichever keys, is an error.
func standing(books []outside.Entry) (map[string]bool, error) {
	live, done := map[string]bool{}, map[string]int{}
	for _, e := range books {
		if e.Done {
			done[e.Op]++
		}
		if e.Live() {
			live[e.Op] = true
		}
	}
	for op, n := range done {
		if n > 1 {
			return nil, fmt.Errorf("%s was done %d times", op, n)
		}
	}
	return live, nil
}

// unstarted judges an order that nothing was to be done for.
func unstarted(b bought, flows []aegis.Flow, books []outside.Entry) (outcome, map[string]bool, error) {
	switch {
	case len(flows) > 0 || len(books) > 0:
		return "", nil, fmt.Errorf("something was done for it: %d flows, %d entries", len(flows), len(books))
	case b.approved:
		return "", nil, errors.New("its approval was acknowledged, and is gone")
	case b.refused == "":
		return walkedOff, nil, nil
	case !strings.Contains(b.refused, "in stock"):
		return "", nil, errors.New("its approval was refused: " + b.refused)
	}
	return unapproved, nil, nil
}

// pickStands says whether the order's goods are out of the stock. The totals
// tell whether that is true.
func pickStands(f aegis.Flow) (stands bool, err error) {
	for _, s := range f.Steps {
		if s.Port == order.PickOrder.Name {
			if stands {
				return false, errors.New("it was picked twice")
			}
			stands = s.State == "done" || s.State == "stuck"
		}
	}
	return stands, nil
}

// agree compares the flow's steps with the effects that stand.
func agree(f aegis.Flow, live map[string]bool) error {
	said := map[string]bool{}
	for _, s := range f.Steps {
		op := opOf[s.Port]
		if op == "" || op == "track" { // a question takes nothing back
			continue
		}
		if s.State == "done" || s.State == "stuck" {
			said[op] = true
		}
	}
	for _, op := range opOf {
		if op != "track" && said[op] != live[op] {
			return fmt.Errorf("%s: its flow says %t, and the books say %t", op, said[op], live[op])
		}
	}
	return nil
}

// finished judges an order that is complete: all was done, once, and what the
// services answered stands in it.
func finished(o order.Order, books []outside.Entry, live map[string]bool) error {
	for _, op := range []string{"hold", "pick", "book", "track", "prove", "capture"} {
		if !live[op] {
			return fmt.Errorf("%s was not done", op)
		}
	}
	for _, e := range books {
		if (e.Op == "hold" || e.Op == "capture") && e.Done && e.Amount != o.Total {
			return fmt.Errorf("%s: %s, where the order costs %s", e.Op, money(e.Amount), money(o.Total))
		}
	}
	for _, answer := range []string{o.PaymentID, o.ShipmentID, o.TrackingID, o.ProofOfDelivery, o.ConfirmationCode} {
		if answer == "" {
			return fmt.Errorf("an answer is not in it: %+v", o)
		}
	}
	return nil
}

// takenBack judges an order that is undone: nothing stands, and somebody had
// refused. That something had merely failed is no reason.
func takenBack(f aegis.Flow, books []outside.Entry, live map[string]bool) error {
	for op, stands := range live {
		if stands && op != "track" {
			return fmt.Errorf("%s was not taken back", op)
		}
	}
	return reasonOf(f, books)
}

// stuckAt judges an order that needs a person.
func stuckAt(f aegis.Flow, books []outside.Entry) error {
	for _, s := range f.Steps {
		if s.State == "stuck" {
			return reasonOf(f, books)
		}
	}
	return fmt.Errorf("it needs attention, and no undo is stuck: %s", reason(f.Error))
}

// reasonOf looks for the refusal that turned the flow round.
func reasonOf(f aegis.Flow, books []outside.Entry) error {
	for _, s := range f.Steps {
		if s.State != "failed" || s.Error == nil {
			continue
		}
		if s.Port == order.PickOrder.Name && strings.Contains(s.Error.Message, "in stock") {
			return nil
		}
		if s.Port == order.TrackShipment.Name && strings.Contains(s.Error.Message, "parcel.lost") {
			return nil
		}
		for _, e := range books {
			if e.Op == opOf[s.Port] && e.Refused != "" && !e.Done {
				return nil
			}
		}
	}
	return fmt.Errorf("nobody refused anything: %s", reason(f.Error))
}

// reason says why a flow did not complete.
func reason(e *modelspec.Error) string {
	if e == nil {
		return "no reason is given"
	}
	return e.Error()
}
