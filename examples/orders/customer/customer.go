// Package customer is who orders are for.
package customer

import (
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Customer is somebody who buys. It has no ports, so its whole API is open:
// POST, GET, PATCH, PUT and DELETE.
type Customer struct {
	ID              string `json:"id"`
	FirstName       string `json:"firstName" aegis:"required,minlen=1,maxlen=80"`
	LastName        string `json:"lastName" aegis:"required,minlen=1,maxlen=80"`
	Email           string `json:"email" aegis:"required,format=email,unique"`
	BillingAddress  string `json:"billingAddress,omitempty" aegis:"maxlen=200"`
	ShippingAddress string `json:"shippingAddress" aegis:"required,minlen=1,maxlen=200"`
}

// Order is the part of an order that a customer sees.
type Order struct {
	ID         string `json:"id"`
	CustomerID string `json:"customerId"`
	Status     string `json:"status"`
	Total      int64  `json:"total"`
}

// Orders are those that name the customer.
var Orders = modelspec.HasMany[Customer, Order]{Name: "orders", Model: "order", Key: "customerId"}

// Model is the model of Customer.
func Model() modelspec.Model[Customer] {
	return modelspec.Model[Customer]{
		Name:      "customer",
		Relations: []modelspec.Relation[Customer]{Orders},
		API:       modelspec.API{ID: true},
	}
}

// Component is what this package brings into a host.
func Component() federation.Component {
	return federation.Component{Name: "customer", Version: "1.0.0", Models: []modelspec.Interface{Model()}}
}
