package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/orchestration"
)

// TestFlowOfFile lets an order go through the flow that only flows.yaml has,
// and another one through an edited one. A broken edit is refused with its
// place, and changes nothing.
func TestFlowOfFile(t *testing.T) {
	s := newShop(t)
	apply := func(text string) error {
		d, err := orchestration.Parse([]byte(text), "flows.yaml")
		if err != nil {
			return err
		}
		return s.host.Apply(t.Context(), d)
	}
	edited := func(text string, e edit) string {
		t.Helper()
		if !strings.Contains(text, e.old) {
			t.Fatalf("%s: there is no %q", e.what, e.old)
		}
		return strings.Replace(text, e.old, e.new, 1)
	}
	through := func(payer string, thanked bool) {
		t.Helper()
		id := s.create(nil)
		if r, _ := s.send(request{"POST", "/orders/" + id + "/approve", "", nil}); r.status/100 != 2 {
			t.Fatalf("approve: %d %s", r.status, r.body)
		}
		s.settle()
		if err := s.host.Settle(t.Context(), time.Now().Add(time.Second)); err != nil { // the delay
			t.Fatal(err)
		}
		o := s.find(id)
		if o.Status != order.Complete || payer == "" && (o.PayoutID != "" || o.DeliveryCost != 0) ||
			payer != "" && (o.DeliveryCost != 375 || !strings.HasPrefix(o.PayoutID, payer+"-")) || o.Thanked != thanked {
			t.Errorf("%+v, want it paid by %q, and thanked: %t", o, payer, thanked)
		}
	}
	through("", false)
	text := flowsFile
	for _, c := range []struct {
		edit
		payer   string
		thanked bool
	}{{edit{}, "bank", false}, {another, "wallet", false}, {longer, "wallet", true}} {
		text = edited(text, c.edit)
		if err := apply(text); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		through(c.payer, c.thanked)
	}
	for what, c := range map[string]struct{ old, new, want string }{
		"a port that is not there":    {broken.old, broken.new, brokenAt + "flows.settle.steps[0]: model order has no such port: did you mean priceDelivery?"},
		"a service that is not there": {"wallet", "walet", "flows.yaml:11:31: "},
		"no YAML":                     {"steps:", "steps: [", "flows.yaml:"},
		"an event that nobody tells":  {"order.completed", "order.complete", "flows.yaml:15:12: "},
	} {
		err := apply(edited(text, edit{what, c.old, c.new}))
		if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", what, err, c.want)
		}
	}
	through("wallet", true)
	if err := s.host.Apply(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	through("", false)
}
