package main

import (
	"context"
	"fmt"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
)

// completes is the first part: an order, from its creation to its payment.
func (d *demo) completes(ctx context.Context) error {
	d.show.title("1. an order that completes")
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	o, err := d.order(ctx, "", "order.completed")
	if err != nil {
		return err
	}
	if o.Status != order.Complete || o.Total != 1900 || o.ConfirmationCode == "" || o.ProofOfDelivery == "" || o.TrackingID == "" {
		return fmt.Errorf("the order is %+v", o)
	}
	return d.expect(ctx, was, ofOrders(1))
}

// refused is the second part: the carrier does not go there.
func (d *demo) refused(ctx context.Context) error {
	d.show.title("2. an order that the carrier refuses: undone, the last step first")
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	o, err := d.order(ctx, "7 Reef Road, Atlantis", "order.undone")
	if err != nil {
		return err
	}
	if o.Status != order.Canceled || o.ShipmentID != "" {
		return fmt.Errorf("the order is %+v", o)
	}
	if err := d.why(ctx, o.ID); err != nil {
		return err
	}
	return d.expect(ctx, was, ofRefusal())
}

// order orders over HTTP and waits for how it ends.
func (d *demo) order(ctx context.Context, address, end string) (o order.Order, err error) {
	if err := d.site.do(ctx, "POST", "/orders", "", newOrder(address), &o); err != nil {
		return o, err
	}
	path := "/orders/" + o.ID
	if err := d.site.do(ctx, "POST", path+"/approve", "approve", order.Approval{By: "the demonstration"}, nil); err != nil {
		return o, err
	}
	if err := d.show.await(ctx, o.ID, end); err != nil {
		return o, err
	}
	return o, d.site.do(ctx, "GET", path, "", nil, &o)
}

// newOrder is the body of a creation: what is readonly is not in it.
func newOrder(address string) map[string]any {
	o := basket(address)
	return map[string]any{"customerId": o.CustomerID, "items": o.Items, "shippingAddress": o.ShippingAddress}
}

// why shows what the host has kept of an order's flow.
func (d *demo) why(ctx context.Context, id string) error {
	flows, err := d.site.host.FlowsOf(ctx, "order", id)
	if err != nil {
		return err
	}
	for _, f := range flows {
		d.showFlow(f)
	}
	return nil
}

func (d *demo) showFlow(f aegis.Flow) {
	for _, s := range f.Steps {
		d.show.write(fmt.Sprintf("           %-18s %s", s.Port, s.State))
	}
	if f.Error != nil {
		d.show.write("           because: " + f.Error.Message)
	}
}
