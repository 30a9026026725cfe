package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/customer"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/examples/orders/shipping"
	"github.com/org/aegis/modelspec"
)

// workers is how many clients make the load, each with an item of its own.
const workers = 8

func loadItem(worker int) string { return fmt.Sprintf("load-%d", worker) }

// seed makes what orders need, unless it is there from a run before.
func seed(ctx context.Context, h *aegis.Host) error {
	err := errors.Join(
		create(ctx, aegis.NewRepository(h, customer.Model()), "ann", customer.Customer{
			FirstName: "Ann", LastName: "Lee", Email: "ann@example.com", ShippingAddress: "1 Main Street, Springfield"}),
		create(ctx, aegis.NewRepository(h, payment.Model()), "ann", payment.Account{Limit: 1e12}),
		create(ctx, aegis.NewRepository(h, shipping.Model()), carrier, shipping.Carrier{Refuses: []string{"Atlantis"}}),
		create(ctx, aegis.NewRepository(h, inventory.WarehouseModel()), warehouse, inventory.Warehouse{}),
		stock(ctx, h, "tea", "Tea, 100 g"),
		stock(ctx, h, "cup", "Cup"),
	)
	for w := range workers {
		err = errors.Join(err, stock(ctx, h, loadItem(w), "Something that sells"))
	}
	return err
}

func stock(ctx context.Context, h *aegis.Host, id, name string) error {
	return create(ctx, aegis.NewRepository(h, inventory.StockModel()), id, inventory.Stock{Name: name, Warehouse: warehouse, InStock: 1e9})
}

func create[T any](ctx context.Context, r aegis.Repository[T], id string, doc T) error {
	if _, err := r.Create(ctx, id, doc); !errors.Is(err, modelspec.ErrExists) {
		return err
	}
	return nil
}

// basket is what is ordered here.
func basket(address string) order.Order {
	return order.Order{CustomerID: "ann", ShippingAddress: address, Items: []order.Item{{ItemID: "tea", Price: 450, Qty: 2}, {ItemID: "cup", Price: 1000, Qty: 1}}}
}
