package main

import (
	"context"
	"net/url"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
)

// flows lists the orders' flows in a state.
func (c *chaos) flows(ctx context.Context, state aegis.FlowState) (all []aegis.FlowEntry, err error) {
	for cursor := ""; ; {
		q := url.Values{"model": {"order"}, "state": {string(state)}, "limit": {"500"}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var page aegis.FlowPage
		if err := c.site.do(ctx, "GET", c.site.api+"/flows?"+q.Encode(), "", nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Flows...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// read reads all that hosts and services say.
func (c *chaos) read(ctx context.Context, bought []bought) (*ledger, error) {
	l := &ledger{bought: bought, books: c.world.Books(), flows: map[string][]aegis.Flow{}}
	for cursor := ""; ; {
		var page struct {
			Data []order.Order `json:"data"`
			Next string        `json:"next"`
		}
		q := url.Values{"__limit": {"500"}}
		if cursor != "" {
			q.Set("__cursor", cursor)
		}
		if err := c.site.do(ctx, "GET", "/orders?"+q.Encode(), "", nil, &page); err != nil {
			return nil, err
		}
		l.orders = append(l.orders, page.Data...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for _, o := range l.orders {
		var fs []aegis.Flow
		if err := c.site.do(ctx, "GET", c.site.api+"/flows/order/"+o.ID, "", nil, &fs); err != nil {
			return nil, err
		}
		l.flows[o.ID] = fs
	}
	l.stock = map[string]int64{}
	for id := range goods() {
		var s inventory.Stock
		if err := c.site.do(ctx, "GET", "/inventory/"+id, "", nil, &s); err != nil {
			return nil, err
		}
		l.stock[id] = s.InStock
	}
	for i := range warehouses {
		var w inventory.Warehouse
		if err := c.site.do(ctx, "GET", "/warehouses/"+kind(warehouse, i), "", nil, &w); err != nil {
			return nil, err
		}
		l.packed += w.Picked - w.Undone
	}
	return l, nil
}
