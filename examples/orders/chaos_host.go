package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
	"github.com/org/aegis/port"
)

// goods is what there is in the beginning, by item. Of one there is not enough
// for all who want it.
func goods() map[string]int64 {
	out := map[string]int64{rare: 6}
	for i := range kinds {
		out[kind("tea", i)], out[kind("cup", i)] = 1e6, 1e6
	}
	return out
}

const (
	rare  = "rare"
	kinds = 8 // of tea, and of cups
)

func kind(of string, i int) string { return fmt.Sprintf("%s-%d", of, i) }

// warehouses share the work: each packs for one order at a time.
const warehouses = 8

// warehouseOf says which warehouse packs an order's parcel.
func warehouseOf(p order.Parcel) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.OrderID))
	return kind(warehouse, int(h.Sum32()%warehouses))
}

// chaosConfig has the bank and the carrier outside, where all goes wrong that
// can. The stock is the host's own: it is moved by routes.
func chaosConfig(dir string, world *outside.Client, log *slog.Logger) aegis.Config {
	cfg := nativeConfig(world.Track(), log)
	cfg.Adapters = append(append(append(world.Pay(), world.Carry()...), picking()...), arranged()...)
	cfg.Datasource = documents(dir)
	hasty := port.Policy{Timeout: 400 * time.Millisecond, Retries: 1, Backoff: 20 * time.Millisecond, Breaker: port.Breaker{Failures: 6, Open: 200 * time.Millisecond}}
	cfg.Policies = map[string]port.Policy{}
	for _, p := range []string{order.AuthorizePayment.Name, order.ShipOrder.Name, order.TrackShipment.Name, order.VerifyDelivery.Name, order.CompletePayment.Name} {
		cfg.Policies["order."+p] = hasty
	}
	return cfg
}

// picking are the routes from order.pickOrder to the stock.
func picking() aegis.Adapters {
	return append(ofStock(), adapter.RouteUndo(order.PickOrder, inventory.Pick(), func(p order.Parcel) (string, order.Parcel) { return warehouseOf(p), p },
		inventory.Unpack(), func(t adapter.Taken[order.Parcel, order.Picked]) (string, order.Parcel) {
			return warehouseOf(t.Request), t.Request
		}))
}

// serveOrders is the child that serves orders, until it is killed, or its parent
// has had enough.
func serveOrders(t task, alive io.Reader, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 2*time.Minute, errors.New("nobody killed it"))
	defer cancel()
	s, err := openSite(ctx, chaosConfig(t.Dir, &outside.Client{URL: t.World}, logger(t.Verbose, os.Stderr)), "127.0.0.1:0")
	if err != nil {
		return err
	}
	err = errors.Join(seed(ctx, s.host), seedGoods(ctx, s.host))
	if err == nil {
		fmt.Fprintln(out, serveLine+s.api)
		select {
		case <-ended(alive):
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return errors.Join(err, s.close())
}

func seedGoods(ctx context.Context, h *aegis.Host) (err error) {
	for id, n := range goods() {
		err = errors.Join(err, create(ctx, aegis.NewRepository(h, inventory.StockModel()), id, inventory.Stock{Name: "Something for " + id, Warehouse: warehouse, InStock: n}))
	}
	for i := range warehouses {
		err = errors.Join(err, create(ctx, aegis.NewRepository(h, inventory.WarehouseModel()), kind(warehouse, i), inventory.Warehouse{}))
	}
	return err
}
