// Package shop is a customer and an order for the tests of several packages:
// every kind of port, relation and event in one small context.
package shop

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Customer is whom an order belongs to.
type Customer struct {
	ID    string `json:"id"`
	Email string `json:"email" aegis:"required"`
	Limit int64  `json:"limit"`
}

// Customers is its model.
var Customers = modelspec.Model[Customer]{Name: "customer"}

// Order is what is bought.
type Order struct {
	ID         string `json:"id"`
	CustomerID string `json:"customerId" aegis:"required,immutable"`
	Items      []Item `json:"items" aegis:"required"`
	Total      int64  `json:"total"`
	Status     Status `json:"status"`
	Touches    int64  `json:"touches,omitempty"`
	PaymentID  string `json:"paymentId,omitempty"`
	TrackingID string `json:"trackingId,omitempty"`
}

// Item is one line of an order.
type Item struct {
	SKU   string `json:"sku"`
	Price int64  `json:"price"`
	Qty   int64  `json:"qty"`
}

// Status is where an order stands.
type Status string

// The states.
const (
	Pending  Status = "pending"
	Approved Status = "approved"
	Shipped  Status = "shipped"
	Canceled Status = "canceled"
)

// Orders is the model of Order. It is a function: its ports name its handlers.
func Orders() modelspec.Model[Order] {
	return modelspec.Model[Order]{
		Name:      "order",
		Relations: []modelspec.Relation[Order]{CustomerOf, BuyerOf},
		Ports:     []modelspec.Port[Order]{Approve(), Touch(), Express(), Quote(), Authorize, Pick, Ship, Courier, Price},
		Publishes: []modelspec.EventRef{Noted},

		OnCreate: (*Order).open,
		Validate: (*Order).validate,
		OnDelete: (*Order).deletable,
		OnUndone: func(o *Order) error { o.Status = Canceled; return nil },
	}
}

// Relations.
var (
	CustomerOf = modelspec.BelongsTo[Order, Customer]{Name: "customer", Model: "customer", Key: "customerId"}
	// BuyerOf is CustomerOf, seen through the fields this context needs.
	BuyerOf = modelspec.BelongsTo[Order, Buyer]{Name: "buyer", Model: "customer", Key: "customerId"}
)

// Buyer is the part of a customer that an order cares about.
type Buyer struct {
	Limit int64 `json:"limit"`
}

// Events.
var (
	Noted      = modelspec.Event[Note]{Type: "order.noted"}
	Approvals  = modelspec.Event[Order]{Type: "order.approved"}
	Authorized = modelspec.Event[Order]{Type: "order.authorized"}
	Picked     = modelspec.Event[Order]{Type: "order.picked"}
)

// Requests and answers.
type (
	Note       struct{ Text string }
	Approval   struct{ By string }
	PriceAsked struct{ Total int64 }
	PriceTold  struct{ Total int64 }
	Offer      struct {
		Total int64
		Email string
		At    time.Time
	}
	Rush    struct{ Refuse bool }
	Payment struct {
		OrderID string
		Amount  int64
	}
	Authorization struct{ ID string }
	Parcel        struct {
		OrderID string
		Items   []Item
	}
	Shipment struct{ TrackingID string }
)

// Inbound ports.

// Approve sets the order going.
func Approve() port.Inbound[Order, Approval, port.None] {
	return port.Inbound[Order, Approval, port.None]{Name: "approve", Produces: Approvals, Handle: (*Order).approve}
}

// Touch is the smallest command that writes and publishes.
func Touch() port.Inbound[Order, port.None, port.None] {
	return port.Inbound[Order, port.None, port.None]{Name: "touch", Produces: modelspec.EventName("order.touched"), Handle: (*Order).touch}
}

// Quote acts in every way a handler can.
func Quote() port.Inbound[Order, Note, Offer] {
	return port.Inbound[Order, Note, Offer]{Name: "quote", Handle: (*Order).quote}
}

// Express books a courier from code, not by an event.
func Express() port.Inbound[Order, Rush, port.None] {
	return port.Inbound[Order, Rush, port.None]{Name: "express", Produces: modelspec.EventName("order.expressed"), Handle: (*Order).express}
}

// Outbound ports.
var (
	Price = port.Outbound[Order, PriceAsked, PriceTold]{
		Name: "price", Request: func(o *Order) PriceAsked { return PriceAsked{o.Total} },
		Policy: port.Policy{Breaker: port.Breaker{Failures: 5, Open: time.Second}},
	}
	Authorize = port.Outbound[Order, Payment, Authorization]{
		Name: "authorize", On: []modelspec.EventRef{Approvals}, Produces: Authorized, Undo: true,
		Request: func(o *Order) Payment { return Payment{o.ID, o.Total} },
		Reply:   func(o *Order, a Authorization) error { o.PaymentID = a.ID; return nil },
	}
	Pick = port.Outbound[Order, Parcel, port.None]{
		Name: "pick", On: []modelspec.EventRef{Authorized}, Produces: Picked, Undo: true, Request: (*Order).parcel,
	}
	Ship = port.Outbound[Order, Parcel, Shipment]{
		Name: "ship", On: []modelspec.EventRef{Picked}, Produces: modelspec.EventName("order.shipped"), Request: (*Order).parcel,
		Reply: func(o *Order, s Shipment) error { o.TrackingID, o.Status = s.TrackingID, Shipped; return nil },
	}
	Courier = port.Outbound[Order, Parcel, Shipment]{
		Name: "courier", Undo: true, Request: (*Order).parcel,
		Reply: func(o *Order, s Shipment) error { o.TrackingID = s.TrackingID; return nil },
	}
)

func (o *Order) open() error {
	o.Status, o.Total = Pending, 0
	for _, i := range o.Items {
		o.Total += i.Price * i.Qty
	}
	return nil
}

func (o *Order) validate() error {
	if o.Status == Shipped && o.TrackingID == "" {
		return errors.New("a shipped order has a tracking id")
	}
	return nil
}

func (o *Order) deletable() error {
	if o.Status != Pending {
		return errors.New("only a pending order can be deleted")
	}
	return nil
}

func (o *Order) approve(context.Context, Approval) (port.None, error) {
	if o.Status != Pending {
		return port.None{}, modelspec.Refuse("order is already " + string(o.Status))
	}
	o.Status = Approved
	return port.None{}, nil
}

func (o *Order) touch(context.Context, port.None) (port.None, error) {
	o.Touches++
	return port.None{}, nil
}

func (o *Order) quote(ctx context.Context, n Note) (Offer, error) {
	c, err := CustomerOf.Get(ctx, o)
	if err != nil {
		return Offer{}, err
	}
	b, err := BuyerOf.Get(ctx, o)
	if err != nil || b.Limit != c.Limit {
		return Offer{}, errors.Join(err, errors.New("limits differ"))
	}
	p, err := Price.Call(ctx, o)
	if err != nil {
		return Offer{}, err
	}
	if err := Noted.Publish(ctx, n); err != nil {
		return Offer{}, err
	}
	modelspec.Log(ctx, slog.LevelInfo, "quoted", map[string]any{"total": p.Total})
	return Offer{p.Total, c.Email, modelspec.Now(ctx)}, nil
}

func (o *Order) express(ctx context.Context, r Rush) (port.None, error) {
	if _, err := Courier.Call(ctx, o); err != nil {
		return port.None{}, err
	}
	if r.Refuse {
		return port.None{}, modelspec.Refuse("changed my mind")
	}
	return port.None{}, nil
}

func (o *Order) parcel() Parcel { return Parcel{o.ID, o.Items} }

// Seed is an order of 900.
func Seed() Order {
	return Order{CustomerID: "c1", Items: []Item{{SKU: "tea", Price: 450, Qty: 2}}}
}
