package main

import (
	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/examples/orders/shipping"
)

// The documents that answer orders. A customer's account has the customer's id.
const (
	warehouse = "north"
	carrier   = "post"
)

// routes joins what the orders ask to who answers it: each line is an outbound
// port, the inbound port of another model, and the document. The host calls the
// other model under the step's key, so it happens once, however often it has to
// be asked. Two are missing here: the shipping component brings its own adapter
// of order.priceDelivery, and order.trackShipment is asked of the carrier's own
// computers, outside.
func routes() aegis.Adapters {
	return append(ofStock(),
		adapter.RouteUndo(order.AuthorizePayment, payment.Hold(), account, payment.Release(), ofCharge[order.Authorization]),
		adapter.RouteUndo(order.PickOrder, inventory.Pick(), at(warehouse), inventory.Unpack(), ofParcel[order.Picked](warehouse)),
		adapter.RouteUndo(order.ShipOrder, shipping.Book(), at(carrier), shipping.Unbook(), ofParcel[order.Shipment](carrier)),
		adapter.RouteUndo(order.VerifyDelivery, shipping.Prove(),
			func(c order.Consignment) (string, order.Consignment) { return carrier, c }, shipping.Fetch(),
			func(t adapter.Taken[order.Consignment, order.Proof]) (string, order.Consignment) {
				return carrier, t.Request
			}),
		adapter.RouteUndo(order.CompletePayment, payment.Capture(), account, payment.Refund(), ofCharge[order.Receipt]),
	)
}

// ofStock are the routes from warehouses to the stock.
func ofStock() aegis.Adapters {
	return aegis.Adapters{
		adapter.RouteUndo(inventory.Take, inventory.Reserve(), move, inventory.Return(),
			func(t adapter.Taken[inventory.Part, inventory.Level]) (string, inventory.Move) {
				return move(t.Request)
			}),
		adapter.Route(inventory.GiveBack, inventory.Return(), move),
	}
}

func account(c order.Charge) (string, order.Charge) { return c.CustomerID, c }

func ofCharge[Res any](t adapter.Taken[order.Charge, Res]) (string, order.Charge) {
	return account(t.Request)
}

func at(id string) func(order.Parcel) (string, order.Parcel) {
	return func(p order.Parcel) (string, order.Parcel) { return id, p }
}

func ofParcel[Res any](id string) func(adapter.Taken[order.Parcel, Res]) (string, order.Parcel) {
	return func(t adapter.Taken[order.Parcel, Res]) (string, order.Parcel) { return id, t.Request }
}

func move(p inventory.Part) (string, inventory.Move) {
	return p.ItemID, inventory.Move{OrderID: p.OrderID, Qty: p.Qty}
}
