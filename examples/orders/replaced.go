package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
)

// replaced is the fourth part: inventory is replaced, and put back, while
// clients and orders use it.
func (d *demo) replaced(ctx context.Context) error {
	d.show.title("4. inventory 1.0.0 -> 1.1.0 -> 1.0.0 under load")
	each, orders := 2000, 8
	if d.short {
		each, orders = 200, 2
	}
	was, err := count(ctx, d.site.host)
	if err != nil {
		return err
	}
	before, err := d.loadStock(ctx)
	if err != nil {
		return err
	}
	d.show.hush(true)
	defer d.show.hush(false)
	l := newLoad(d.site, workers, each)
	var ordered sync.WaitGroup
	var failed error
	ordered.Go(func() { failed = d.orders(ctx, orders) })
	err = l.run(ctx, d.upgrade, d.downgrade)
	ordered.Wait()
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	d.show.write(l.table())
	if err := l.check(); err != nil {
		return err
	}
	d.show.ok("%d requests, 0 failed", l.total())
	after, err := d.loadStock(ctx)
	if err != nil {
		return err
	}
	if want := before - l.taken(); after != want {
		return fmt.Errorf("stock: %d, where what was acknowledged leaves %d", after, want)
	}
	d.show.ok("each acknowledged move is in the stock, once")
	d.show.ok("%d orders completed meanwhile", orders)
	return d.expect(ctx, was, ofOrders(int64(orders)))
}

func (d *demo) upgrade(ctx context.Context) error {
	r, err := d.server.Remote("inventory", "1.1.0", grants["inventory"])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	_, err = d.site.host.Deploy(ctx, r)
	return err
}

func (d *demo) downgrade(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	c, err := d.site.host.Rollback(ctx, "inventory")
	if err == nil && c.Version != "1.0.0" {
		err = fmt.Errorf("rolled back to %s", c.Version)
	}
	return err
}

// orders orders n times, one after the other.
func (d *demo) orders(ctx context.Context, n int) error {
	for range n {
		o, err := d.order(ctx, "", "order.completed")
		if err != nil {
			return err
		}
		if o.Status != order.Complete {
			return fmt.Errorf("the order is %+v", o)
		}
	}
	return nil
}

// loadStock is how much there is of what the clients move.
func (d *demo) loadStock(ctx context.Context) (n int64, err error) {
	r := aegis.NewRepository(d.site.host, inventory.StockModel())
	for w := range workers {
		s, err := r.Find(ctx, loadItem(w))
		if err != nil {
			return 0, err
		}
		n += s.InStock
	}
	return n, nil
}
