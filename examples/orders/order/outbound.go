package order

import (
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Events. Each is the whole order, as it was stored with the event.
var (
	Approvals  = modelspec.Event[Order]{Type: "order.approved"}
	Authorized = modelspec.Event[Order]{Type: "order.paymentAuthorized"}
	WasPicked  = modelspec.Event[Order]{Type: "order.picked"}
	Shipped    = modelspec.Event[Order]{Type: "order.shipped"}
	Delivered  = modelspec.Event[Order]{Type: "order.delivered"}
	Verified   = modelspec.Event[Order]{Type: "order.deliveryVerified"}
	Completed  = modelspec.Event[Order]{Type: "order.completed"}
)

// What the carrier tells of a parcel, from outside of every host: the subject
// of these events is the shipment.
const Parcels = "https://carrier.example/parcels"

var (
	ParcelDelivered = modelspec.Event[Tracking]{Type: "parcel.delivered"}
	ParcelLost      = modelspec.EventName("parcel.lost")
)

// The outbound ports, in the order in which they run: each on the event that
// the one before it produces. Where one is refused, those before it that have
// Undo are taken back, the last first.
//
// A parcel travels: TrackShipment only asks, and is answered when the carrier
// says so. Until then the order is parked in its document, through restarts.
var (
	AuthorizePayment = port.Outbound[Order, Charge, Authorization]{
		Name: "authorizePayment", On: []modelspec.EventRef{Approvals}, Produces: Authorized, Undo: true,
		Request: (*Order).charge,
		Reply:   func(o *Order, a Authorization) error { o.PaymentID = a.PaymentID; return nil },
	}
	PickOrder = port.Outbound[Order, Parcel, Picked]{
		Name: "pickOrder", On: []modelspec.EventRef{Authorized}, Produces: WasPicked, Undo: true,
		Request: (*Order).parcel,
		Reply:   func(o *Order, p Picked) error { o.PickedFrom = p.Warehouse; return nil },
	}
	ShipOrder = port.Outbound[Order, Parcel, Shipment]{
		Name: "shipOrder", On: []modelspec.EventRef{WasPicked}, Produces: Shipped, Undo: true,
		Request: (*Order).parcel,
		Reply:   func(o *Order, s Shipment) error { o.ShipmentID = s.ShipmentID; return o.to(Shipping) },
	}
	TrackShipment = port.Outbound[Order, Consignment, Tracking]{
		Name: "trackShipment", On: []modelspec.EventRef{Shipped}, Produces: Delivered,
		Await: &port.Await{
			Key:  "/shipmentId",
			On:   []port.From{{Event: ParcelDelivered, Source: Parcels, Key: modelspec.Subject}},
			Fail: []port.From{{Event: ParcelLost, Source: Parcels, Key: modelspec.Subject}},
		},
		Request: (*Order).consignment,
		Reply:   func(o *Order, t Tracking) error { o.TrackingID = t.TrackingID; return nil },
	}
	VerifyDelivery = port.Outbound[Order, Consignment, Proof]{
		Name: "verifyDelivery", On: []modelspec.EventRef{Delivered}, Produces: Verified, Undo: true,
		Request: (*Order).consignment,
		Reply:   func(o *Order, p Proof) error { o.ProofOfDelivery = p.ProofOfDelivery; return nil },
	}
	CompletePayment = port.Outbound[Order, Charge, Receipt]{
		Name: "completePayment", On: []modelspec.EventRef{Verified}, Produces: Completed, Undo: true,
		Request: (*Order).charge,
		Reply:   func(o *Order, r Receipt) error { o.ConfirmationCode = r.ConfirmationCode; return o.to(Complete) },
	}
)

// Ports that no code sets going: a document of the operator's may, in a flow.
var (
	PriceDelivery = port.Outbound[Order, Parcel, Price]{
		Name: "priceDelivery", Request: (*Order).parcel,
		Reply: func(o *Order, p Price) error { o.DeliveryCost = p.Amount; return nil },
	}
	PayCarrier = port.Outbound[Order, Bill, Payout]{
		Name: "payCarrier", Request: func(o *Order) Bill { return Bill{o.ID, o.ShipmentID, o.DeliveryCost} },
		Reply: func(o *Order, p Payout) error { o.PayoutID = p.PayoutID; return nil },
	}
	Thank = port.Outbound[Order, Letter, port.None]{
		Name: "thank", Request: func(o *Order) Letter { return Letter{o.ID, o.CustomerID} },
		Reply: func(o *Order, _ port.None) error { o.Thanked = true; return nil },
	}
)

func (o *Order) charge() Charge { return Charge{o.ID, o.CustomerID, o.Total} }

func (o *Order) parcel() Parcel {
	p := Parcel{OrderID: o.ID, Address: o.ShippingAddress, Signature: o.SignatureRequired, Canceled: o.CancelRequested}
	for _, i := range o.Items {
		p.Lines = append(p.Lines, Line{i.ItemID, i.Qty})
	}
	return p
}

func (o *Order) consignment() Consignment { return Consignment{o.ID, o.ShipmentID} }
