package main

import (
	"context"
	"strings"
	"sync"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/port"
)

// What the ports need that only an operator's document sets going. Which payer
// pays is the document's choice, too.
type (
	paying interface {
		Pay(context.Context, order.Bill) (order.Payout, error)
	}
	writing interface {
		Write(context.Context, order.Letter) (port.None, error)
	}
)

// arranged are the adapters of those ports. That of order.priceDelivery comes
// with the shipping component.
func arranged() aegis.Adapters {
	return aegis.Adapters{
		adapter.Via(order.PayCarrier, "bank", paying.Pay),
		adapter.Via(order.Thank, "post", writing.Write),
	}
}

// payer is a provider of payments. It keeps keys: what comes again under one is
// paid once.
type payer struct {
	name string

	mu   sync.Mutex
	paid map[string]order.Bill // by key
}

// Pay pays a bill.
func (p *payer) Pay(ctx context.Context, b order.Bill) (order.Payout, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.paid == nil {
		p.paid = map[string]order.Bill{}
	}
	p.paid[adapter.Key(ctx)] = b
	return order.Payout{PayoutID: p.name + "-" + strings.TrimPrefix(b.ShipmentID, "shp-")}, nil
}

// bills counts what was paid, by order.
func (p *payer) bills() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]int{}
	for _, b := range p.paid {
		out[b.OrderID]++
	}
	return out
}

// letters writes to customers.
type letters struct {
	mu   sync.Mutex
	sent map[string]string // orders, by key
}

// Write writes a letter.
func (l *letters) Write(ctx context.Context, m order.Letter) (port.None, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent == nil {
		l.sent = map[string]string{}
	}
	l.sent[adapter.Key(ctx)] = m.OrderID
	return port.None{}, nil
}

// orders counts letters, by order.
func (l *letters) orders() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]int{}
	for _, o := range l.sent {
		out[o]++
	}
	return out
}
