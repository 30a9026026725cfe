// Package order is the order context: what an order is, what may happen to it,
// and what it asks of the world. It knows no service and no store. Who answers
// its outbound ports is the host's configuration.
package order

import (
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Order is what a customer buys. Amounts are in cents. What is readonly is set
// by hooks and ports only: a client that sends it is refused.
type Order struct {
	ID         string `json:"id"`
	OrderNo    string `json:"orderNo" aegis:"readonly"`
	CustomerID string `json:"customerId" aegis:"required,immutable,minlen=1,maxlen=128"`
	Items      []Item `json:"items" aegis:"required,minlen=1,maxlen=20"`

	BillingAddress  string `json:"billingAddress,omitempty" aegis:"maxlen=200"`  // empty: the customer's, from approval on
	ShippingAddress string `json:"shippingAddress,omitempty" aegis:"maxlen=200"` // so too

	Status            Status `json:"status" aegis:"readonly,index"`
	Total             int64  `json:"total" aegis:"readonly"`
	SignatureRequired bool   `json:"signatureRequired" aegis:"readonly"` // of whoever takes the parcel
	CancelRequested   bool   `json:"cancelRequested,omitempty" aegis:"readonly"`

	PaymentID        string `json:"paymentId,omitempty" aegis:"readonly"`
	PickedFrom       string `json:"pickedFrom,omitempty" aegis:"readonly"`
	ShipmentID       string `json:"shipmentId,omitempty" aegis:"readonly"`
	TrackingID       string `json:"trackingId,omitempty" aegis:"readonly"`
	ProofOfDelivery  string `json:"proofOfDelivery,omitempty" aegis:"readonly"`
	ConfirmationCode string `json:"confirmationCode,omitempty" aegis:"readonly"`

	DeliveryCost int64  `json:"deliveryCost,omitempty" aegis:"readonly"` // the shop's own
	PayoutID     string `json:"payoutId,omitempty" aegis:"readonly"`     // of the carrier's money
	Thanked      bool   `json:"thanked,omitempty" aegis:"readonly"`

	Log []string `json:"log,omitempty" aegis:"readonly"` // the last 32 things that happened
}

// Item is one line of an order.
type Item struct {
	ItemID string `json:"itemId" aegis:"required,minlen=1,maxlen=128"`
	Price  int64  `json:"price" aegis:"required,min=0,max=9999999"`
	Qty    int64  `json:"qty" aegis:"min=1,max=1000"` // left out: 1
}

// Model is the model of Order. It is a function, since its ports name handlers
// that name ports.
func Model() modelspec.Model[Order] {
	return modelspec.Model[Order]{
		Name:      "order",
		Relations: []modelspec.Relation[Order]{CustomerOf, InventoryOf},
		Ports: []modelspec.Port[Order]{
			Approve(), Cancel(),
			AuthorizePayment, PickOrder, ShipOrder, TrackShipment, VerifyDelivery, CompletePayment,
			PriceDelivery, PayCarrier, Thank,
		},
		OnCreate: (*Order).open,
		Validate: (*Order).check,
		OnUpdate: (*Order).changed,
		OnDelete: (*Order).deletable,
		OnUndone: (*Order).undone,
	}
}

// Component is what this package brings into a host.
func Component() federation.Component {
	return federation.Component{Name: "order", Version: "1.0.0", Models: []modelspec.Interface{Model()}}
}

// CustomerOf is whom the order is for, seen through the fields that an order
// needs: no import of the other context.
var CustomerOf = modelspec.BelongsTo[Order, Customer]{Name: "customer", Model: "customer", Key: "customerId"}

// Customer is the part of a customer that an order reads.
type Customer struct {
	BillingAddress  string `json:"billingAddress"`
	ShippingAddress string `json:"shippingAddress"`
}

// InventoryOf is the stock of what is ordered.
var InventoryOf = modelspec.ContainsMany[Order, Stock]{Name: "inventory", Model: "inventory", Key: "/items/*/itemId"}

// Stock is the part of the inventory that an order reads.
type Stock struct {
	ID      string `json:"id"`
	InStock int64  `json:"inStock"`
}
