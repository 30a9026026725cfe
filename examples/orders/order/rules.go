package order

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"

	"github.com/org/aegis/modelspec"
)

const (
	mostTotal    = 9_999_999 // 99,999.99
	signedBeyond = 99_999    // 999.99
)

// open completes a new order.
func (o *Order) open() error {
	o.Status = Pending
	o.OrderNo = number(o.ID)
	for i := range o.Items {
		if o.Items[i].Qty == 0 {
			o.Items[i].Qty = 1
		}
	}
	o.price()
	return nil
}

// number is a short name of the order, for people. The id itself is what
// tells orders apart.
func number(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base32.StdEncoding.EncodeToString(sum[:5])
}

func (o *Order) price() {
	o.Total = o.sum()
	o.SignatureRequired = o.Total > signedBeyond
}

// sum cannot overflow: lines, prices and quantities have limits.
func (o *Order) sum() (total int64) {
	for _, i := range o.Items {
		total += i.Price * i.Qty
	}
	return total
}

// check accepts or refuses what is about to be stored, whoever changed it.
func (o *Order) check() error {
	switch {
	case o.Total != o.sum():
		return modelspec.Invalid("/total", "is not the sum of the items")
	case o.Total > mostTotal:
		return modelspec.Invalid("/items", "cost more than 99,999.99 together: order them apart")
	case twice(o.Items):
		return modelspec.Invalid("/items", "name one item twice: raise its qty instead")
	case o.Status == Shipping && o.ShipmentID == "":
		return modelspec.Refuse("an order without a shipment is not SHIPPING")
	case o.Status == Complete && (o.ProofOfDelivery == "" || o.ConfirmationCode == ""):
		return modelspec.Refuse("an order without proof of delivery and payment is not COMPLETE")
	}
	return nil
}

func twice(items []Item) bool {
	seen := make(map[string]bool, len(items))
	for _, i := range items {
		if seen[i.ItemID] {
			return true
		}
		seen[i.ItemID] = true
	}
	return false
}

// changed accepts or refuses a change from Go; clients have no PATCH and PUT
// of a model that has ports.
func (o *Order) changed(now *Order) error {
	if o.Status != Pending && (!slices.Equal(o.Items, now.Items) || o.ShippingAddress != now.ShippingAddress || o.BillingAddress != now.BillingAddress) {
		return modelspec.Refuse("an order that is " + string(o.Status) + " is not changed any more")
	}
	now.price()
	return nil
}

func (o *Order) deletable() error {
	if !o.Status.Ended() {
		return modelspec.Refuse("an order that is " + string(o.Status) + " is not deleted: cancel it first")
	}
	return nil
}

// undone is the end of a flow that was taken back.
func (o *Order) undone() error { return o.to(Canceled) }
