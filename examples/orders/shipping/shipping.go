// Package shipping is the shipping team's component: the carriers, as a model,
// and an adapter that answers the order's priceDelivery by itself. Where a
// parcel is, only the carrier's own computers know: see package outside.
package shipping

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Carrier brings parcels. Every effect on it is counted, so that one can see
// that each happened once.
type Carrier struct {
	ID        string   `json:"id"`
	Refuses   []string `json:"refuses,omitempty" aegis:"maxlen=100"` // places that it does not go to
	Booked    int64    `json:"booked" aegis:"readonly"`
	Unbooked  int64    `json:"unbooked" aegis:"readonly"`
	Delivered int64    `json:"delivered" aegis:"readonly"`
	Fetched   int64    `json:"fetched" aegis:"readonly"` // brought back after delivery
}

// Model is the model of Carrier.
func Model() modelspec.Model[Carrier] {
	return modelspec.Model[Carrier]{
		Name:  "carrier",
		Ports: []modelspec.Port[Carrier]{Book(), Unbook(), Prove(), Fetch()},
		API:   modelspec.API{ID: true},
	}
}

// Component is what this package brings into a host.
func Component() federation.Component {
	return federation.Component{
		Name: "shipping", Version: "1.0.0",
		Models:   []modelspec.Interface{Model()},
		Adapters: []adapter.Adapter{adapter.Bind(order.PriceDelivery, price)},
	}
}

// price needs no document: what it answers follows from what it is asked.
func price(_ context.Context, p order.Parcel) (order.Price, error) {
	cents := int64(300)
	for _, l := range p.Lines {
		cents += 25 * l.Qty
	}
	if p.Signature {
		cents += 200
	}
	return order.Price{Amount: cents}, nil
}

// Book answers order.ShipOrder, and Unbook takes it back.
func Book() port.Inbound[Carrier, order.Parcel, order.Shipment] {
	return port.Inbound[Carrier, order.Parcel, order.Shipment]{Name: "book", Produces: modelspec.EventName("carrier.booked"), Handle: (*Carrier).book}
}

// Unbook sends a parcel back before it is delivered.
func Unbook() port.Inbound[Carrier, order.Parcel, port.None] {
	return port.Inbound[Carrier, order.Parcel, port.None]{Name: "unbook", Produces: modelspec.EventName("carrier.unbooked"), Handle: (*Carrier).unbook}
}

// Prove answers order.VerifyDelivery, and Fetch takes it back.
func Prove() port.Inbound[Carrier, order.Consignment, order.Proof] {
	return port.Inbound[Carrier, order.Consignment, order.Proof]{Name: "prove", Produces: modelspec.EventName("carrier.proved"), Handle: (*Carrier).prove}
}

// Fetch brings a delivered parcel back.
func Fetch() port.Inbound[Carrier, order.Consignment, port.None] {
	return port.Inbound[Carrier, order.Consignment, port.None]{Name: "fetch", Produces: modelspec.EventName("carrier.fetched"), Handle: (*Carrier).fetch}
}

func (c *Carrier) book(_ context.Context, p order.Parcel) (order.Shipment, error) {
	if p.Canceled {
		return order.Shipment{}, modelspec.Refuse("order " + p.OrderID + " was canceled")
	}
	for _, place := range c.Refuses {
		if strings.Contains(p.Address, place) {
			return order.Shipment{}, modelspec.Refuse("carrier " + c.ID + " does not deliver to " + place)
		}
	}
	c.Booked++
	return order.Shipment{ShipmentID: code("shp", p.OrderID)}, nil
}

func (c *Carrier) unbook(context.Context, order.Parcel) (port.None, error) {
	c.Unbooked++
	return port.None{}, nil
}

func (c *Carrier) prove(_ context.Context, q order.Consignment) (order.Proof, error) {
	c.Delivered++
	return order.Proof{ProofOfDelivery: code("proof", q.ShipmentID)}, nil
}

func (c *Carrier) fetch(context.Context, order.Consignment) (port.None, error) {
	c.Fetched++
	return port.None{}, nil
}

// code names something that belongs to another thing: the same however often
// asked.
func code(kind, of string) string {
	sum := sha256.Sum256([]byte(kind + "/" + of))
	return kind + "-" + hex.EncodeToString(sum[:6])
}
