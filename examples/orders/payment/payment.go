// Package payment is the payment team's component: an account for each
// customer, on which money is held, taken and given back.
package payment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Account is what a customer can spend, in cents. Its id is the customer's.
// Every effect on it is counted, so that one can see that each happened once.
type Account struct {
	ID       string `json:"id"`
	Limit    int64  `json:"limit" aegis:"required,min=0"`
	Held     int64  `json:"held" aegis:"readonly"`
	Spent    int64  `json:"spent" aegis:"readonly"`
	Holds    int64  `json:"holds" aegis:"readonly"`
	Releases int64  `json:"releases" aegis:"readonly"`
	Captures int64  `json:"captures" aegis:"readonly"`
	Refunds  int64  `json:"refunds" aegis:"readonly"`
}

// Model is the model of Account.
func Model() modelspec.Model[Account] {
	return modelspec.Model[Account]{
		Name:  "account",
		Ports: []modelspec.Port[Account]{Hold(), Release(), Capture(), Refund()},
		API:   modelspec.API{ID: true},
		Validate: func(a *Account) error {
			if a.Held < 0 || a.Spent < 0 || a.Held+a.Spent > a.Limit {
				return modelspec.Refuse(fmt.Sprintf("account %s: %d held and %d spent, of %d", a.ID, a.Held, a.Spent, a.Limit))
			}
			return nil
		},
	}
}

// Component is what this package brings into a host.
func Component() federation.Component {
	return federation.Component{Name: "payment", Version: "1.0.0", Models: []modelspec.Interface{Model()}}
}

// Hold answers order.AuthorizePayment, and Release takes it back.
func Hold() port.Inbound[Account, order.Charge, order.Authorization] {
	return port.Inbound[Account, order.Charge, order.Authorization]{Name: "hold", Produces: modelspec.EventName("account.held"), Handle: (*Account).hold}
}

// Release gives held money free.
func Release() port.Inbound[Account, order.Charge, port.None] {
	return port.Inbound[Account, order.Charge, port.None]{Name: "release", Produces: modelspec.EventName("account.released"), Handle: (*Account).release}
}

// Capture answers order.CompletePayment, and Refund takes it back.
func Capture() port.Inbound[Account, order.Charge, order.Receipt] {
	return port.Inbound[Account, order.Charge, order.Receipt]{Name: "capture", Produces: modelspec.EventName("account.captured"), Handle: (*Account).capture}
}

// Refund gives captured money back to where it was held.
func Refund() port.Inbound[Account, order.Charge, port.None] {
	return port.Inbound[Account, order.Charge, port.None]{Name: "refund", Produces: modelspec.EventName("account.refunded"), Handle: (*Account).refund}
}

func (a *Account) hold(_ context.Context, c order.Charge) (order.Authorization, error) {
	if a.Held+a.Spent+c.Amount > a.Limit {
		return order.Authorization{}, modelspec.Refuse("the card was declined")
	}
	a.Held += c.Amount
	a.Holds++
	return order.Authorization{PaymentID: code("pay", c.OrderID)}, nil
}

func (a *Account) release(_ context.Context, c order.Charge) (port.None, error) {
	a.Held -= c.Amount
	a.Releases++
	return port.None{}, nil
}

func (a *Account) capture(_ context.Context, c order.Charge) (order.Receipt, error) {
	a.Held -= c.Amount
	a.Spent += c.Amount
	a.Captures++
	return order.Receipt{ConfirmationCode: code("ok", c.OrderID)}, nil
}

func (a *Account) refund(_ context.Context, c order.Charge) (port.None, error) {
	a.Spent -= c.Amount
	a.Held += c.Amount
	a.Refunds++
	return port.None{}, nil
}

// code names something that belongs to an order: the same however often asked.
func code(kind, orderID string) string {
	sum := sha256.Sum256([]byte(kind + "/" + orderID))
	return kind + "-" + hex.EncodeToString(sum[:6])
}
