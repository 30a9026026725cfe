package order

import (
	"context"
	"fmt"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Approval says who lets the order go.
type Approval struct {
	By string `json:"by,omitempty" aegis:"maxlen=80"`
}

// Cancellation says why the order shall not be.
type Cancellation struct {
	Reason string `json:"reason,omitempty" aegis:"maxlen=80"`
}

// Approve sets the order going: POST /orders/{id}/approve. All that follows
// runs by itself, and survives the process.
func Approve() port.Command[Order, Approval] {
	return port.Command[Order, Approval]{Name: "approve", Produces: Approvals, Handle: (*Order).approve}
}

// Cancel ends an order that nothing was done for yet. One that is on its way to
// the carrier is stopped there, and what was done for it is taken back.
func Cancel() port.Command[Order, Cancellation] {
	return port.Command[Order, Cancellation]{Name: "cancel", Produces: modelspec.EventName("order.cancelRequested"), Handle: (*Order).cancel}
}

func (o *Order) approve(ctx context.Context, a Approval) error {
	c, err := CustomerOf.Get(ctx, o)
	if err != nil {
		return fmt.Errorf("customer %s: %w", o.CustomerID, err)
	}
	if err := o.available(ctx); err != nil {
		return err
	}
	if o.ShippingAddress == "" {
		o.ShippingAddress = c.ShippingAddress
	}
	if o.BillingAddress == "" {
		o.BillingAddress = c.BillingAddress
	}
	if a.By != "" {
		o.note("approved by " + a.By)
	}
	return o.to(Approved)
}

// available looks whether all items are there. It reserves nothing: pickOrder
// does, and is refused if somebody else was faster.
func (o *Order) available(ctx context.Context) error {
	stock, err := InventoryOf.List(ctx, o)
	if err != nil {
		return err
	}
	have := make(map[string]int64, len(stock))
	for _, s := range stock {
		have[s.ID] = s.InStock
	}
	for _, i := range o.Items {
		if have[i.ItemID] < i.Qty {
			return modelspec.Refuse(fmt.Sprintf("item %s: %d wanted, %d in stock", i.ItemID, i.Qty, have[i.ItemID]))
		}
	}
	return nil
}

func (o *Order) cancel(_ context.Context, c Cancellation) error {
	if c.Reason != "" {
		o.note("cancel: " + c.Reason)
	}
	if o.Status == Approved && o.ShipmentID == "" {
		o.CancelRequested = true
		return nil
	}
	if o.Status != Pending {
		return modelspec.Refuse("an order that is " + string(o.Status) + " is not canceled any more")
	}
	return o.to(Canceled)
}
