package order_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// ask asks the model as a host does.
func ask(t *testing.T, ctx context.Context, c modelspec.Call) (order.Order, error) {
	t.Helper()
	s, err := order.Model().Spec()
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Handle(ctx, c)
	if err != nil || r.Doc == nil {
		return order.Order{}, err
	}
	o, err := modelspec.As[order.Order](r.Doc)
	if err != nil {
		t.Fatal(err)
	}
	return *o, nil
}

func opened(t *testing.T, items ...order.Item) (order.Order, error) {
	t.Helper()
	o := order.Order{ID: "o1", CustomerID: "ann", Items: items}
	return ask(t, t.Context(), modelspec.Call{Op: modelspec.OpNew, ID: "o1", Doc: modelspec.Of(o)})
}

func TestOpen(t *testing.T) {
	o, err := opened(t, order.Item{ItemID: "tea", Price: 450, Qty: 2}, order.Item{ItemID: "cup", Price: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != order.Pending || o.Total != 1900 || o.Items[1].Qty != 1 || len(o.OrderNo) != 8 || o.SignatureRequired {
		t.Errorf("%+v", o)
	}
	if o, err = opened(t, order.Item{ItemID: "tea", Price: 99_999}); err != nil || o.SignatureRequired {
		t.Errorf("999.99: %+v %v", o, err)
	}
	if o, err = opened(t, order.Item{ItemID: "tea", Price: 100_000}); err != nil || !o.SignatureRequired {
		t.Errorf("1000.00: %+v %v", o, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, items := range map[string][]order.Item{
		"nothing":       {},
		"no item":       {{Price: 1}},
		"negative":      {{ItemID: "tea", Price: -1}},
		"too many":      {{ItemID: "tea", Price: 1, Qty: 1001}},
		"too expensive": {{ItemID: "tea", Price: 9_999_999, Qty: 2}},
		"twice":         {{ItemID: "tea", Price: 1}, {ItemID: "tea", Price: 1}},
	} {
		if _, err := opened(t, items...); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStatus draws every state against every command and answer.
func TestStatus(t *testing.T) {
	type ask struct {
		name string
		call modelspec.Call
		to   map[order.Status]order.Status // what is missing is refused
	}
	invoke := func(p string) modelspec.Call {
		return modelspec.Call{Op: modelspec.OpInvoke, Port: p, Arg: modelspec.Of(port.None{})}
	}
	asks := []ask{
		{"approve", invoke("approve"), map[order.Status]order.Status{order.Pending: order.Approved}},
		{"cancel", invoke("cancel"), map[order.Status]order.Status{order.Pending: order.Canceled, order.Approved: order.Approved}},
		{"shipped", modelspec.Call{Op: modelspec.OpReply, Port: "shipOrder", Arg: modelspec.Of(order.Shipment{ShipmentID: "s"})},
			map[order.Status]order.Status{order.Approved: order.Shipping}},
		{"paid", modelspec.Call{Op: modelspec.OpReply, Port: "completePayment", Arg: modelspec.Of(order.Receipt{ConfirmationCode: "c"})},
			map[order.Status]order.Status{order.Shipping: order.Complete}},
		{"undone", modelspec.Call{Op: modelspec.OpUndone},
			map[order.Status]order.Status{order.Pending: order.Canceled, order.Approved: order.Canceled, order.Shipping: order.Canceled}},
	}
	for _, from := range []order.Status{order.Pending, order.Approved, order.Shipping, order.Complete, order.Canceled} {
		for _, a := range asks {
			c := a.call
			c.ID, c.Doc = "o1", modelspec.Of(standing(from))
			o, err := askWith(t, c, stock{"tea": 5})
			want, ok := a.to[from]
			if ok != (err == nil) || ok && o.Status != want {
				t.Errorf("%s, %s: %s %v, want %q", from, a.name, o.Status, err, want)
			}
			if err != nil && !errors.Is(err, modelspec.ErrRefused) {
				t.Errorf("%s, %s: %v is not %v", from, a.name, err, modelspec.ErrRefused)
			}
		}
	}
}

// standing is an order that got as far as s.
func standing(s order.Status) order.Order {
	o := order.Order{ID: "o1", CustomerID: "ann", Items: []order.Item{{ItemID: "tea", Price: 450, Qty: 2}}, Total: 900, Status: s}
	if s == order.Shipping || s == order.Complete {
		o.ShipmentID, o.ProofOfDelivery = "s", "p"
	}
	if s == order.Complete {
		o.ConfirmationCode = "c"
	}
	return o
}

// stock is a fake host: it has a customer, and so much of each item.
type stock map[string]int64

func (s stock) Do(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	switch {
	case e.Verb == modelspec.VerbGet && e.Target == "customer":
		return modelspec.Of(order.Customer{BillingAddress: "b", ShippingAddress: "s"}), nil
	case e.Verb == modelspec.VerbList && e.Target == "inventory":
		var vs []*modelspec.Value
		for id, n := range s {
			vs = append(vs, modelspec.Of(order.Stock{ID: id, InStock: n}))
		}
		return modelspec.Of(vs), nil
	}
	return nil, &modelspec.Error{Code: modelspec.ErrDenied, Message: string(e.Verb) + " " + e.Target}
}

func askWith(t *testing.T, c modelspec.Call, e modelspec.Effects) (order.Order, error) {
	t.Helper()
	return ask(t, modelspec.WithEffects(t.Context(), e), c)
}

func TestApprove(t *testing.T) {
	call := func(o order.Order) modelspec.Call {
		return modelspec.Call{Op: modelspec.OpInvoke, Port: "approve", ID: o.ID, Doc: modelspec.Of(o), Arg: modelspec.Of(order.Approval{By: "Bo"})}
	}
	o, err := askWith(t, call(standing(order.Pending)), stock{"tea": 2})
	if err != nil || o.ShippingAddress != "s" || o.BillingAddress != "b" || strings.Join(o.Log, ",") != "approved by Bo,APPROVED" {
		t.Errorf("%+v %v", o, err)
	}
	own := standing(order.Pending)
	own.ShippingAddress = "mine"
	if o, err = askWith(t, call(own), stock{"tea": 2}); err != nil || o.ShippingAddress != "mine" {
		t.Errorf("%+v %v", o, err)
	}
	for _, s := range []stock{{"tea": 1}, {"cup": 9}, {}} {
		if _, err := askWith(t, call(standing(order.Pending)), s); !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "tea: 2 wanted") {
			t.Errorf("%v: %v", s, err)
		}
	}
	gone := modelspec.EffectsFunc(func(context.Context, modelspec.Effect) (*modelspec.Value, error) {
		return nil, modelspec.ErrNotFound
	})
	if _, err := askWith(t, call(standing(order.Pending)), gone); !errors.Is(err, modelspec.ErrNotFound) || !strings.Contains(err.Error(), "customer ann") {
		t.Errorf("no customer: %v", err)
	}
}

func TestCancelRequestTravels(t *testing.T) {
	o, err := askWith(t, modelspec.Call{Op: modelspec.OpInvoke, Port: "cancel", ID: "o1", Doc: modelspec.Of(standing(order.Approved)), Arg: modelspec.Of(order.Cancellation{Reason: "late"})}, stock{})
	if err != nil || !o.CancelRequested || o.Status != order.Approved {
		t.Fatalf("%+v %v", o, err)
	}
	for _, p := range []port.Outbound[order.Order, order.Parcel, order.Picked]{order.PickOrder} {
		if got := p.Request(&o); !got.Canceled || got.OrderID != "o1" || len(got.Lines) != 1 {
			t.Errorf("%s: %+v", p.Name, got)
		}
	}
	if !order.ShipOrder.Request(&o).Canceled {
		t.Error("the carrier is not told")
	}
}

func TestChangeAndDelete(t *testing.T) {
	dearer := standing(order.Pending)
	dearer.Items = []order.Item{{ItemID: "tea", Price: 500, Qty: 2}}
	o, err := ask(t, t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "o1", Prev: modelspec.Of(standing(order.Pending)), Doc: modelspec.Of(dearer)})
	if err != nil || o.Total != 1000 {
		t.Errorf("%+v %v", o, err)
	}
	dearer.Status = order.Approved
	if _, err := ask(t, t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "o1", Prev: modelspec.Of(standing(order.Approved)), Doc: modelspec.Of(dearer)}); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("changed when approved: %v", err)
	}
	for _, s := range []order.Status{order.Pending, order.Approved, order.Shipping, order.Complete, order.Canceled} {
		_, err := ask(t, t.Context(), modelspec.Call{Op: modelspec.OpDelete, ID: "o1", Doc: modelspec.Of(standing(s))})
		if s.Ended() != (err == nil) {
			t.Errorf("delete when %s: %v", s, err)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	o := standing(order.Approved)
	for range 100 {
		var err error
		if o, err = askWith(t, modelspec.Call{Op: modelspec.OpInvoke, Port: "cancel", ID: "o1", Doc: modelspec.Of(o), Arg: modelspec.Of(order.Cancellation{Reason: "again"})}, stock{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(o.Log) != 32 {
		t.Errorf("%d lines", len(o.Log))
	}
}
