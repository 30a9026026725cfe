package main

import (
	"context"
	"errors"
	"log/slog"
	"strconv"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// documents is how many orders there are.
const documents = 1000

// ask is a command whose handler calls one outbound port, which has a breaker.
func ask() port.Inbound[shop.Order, port.None, port.None] {
	return port.Inbound[shop.Order, port.None, port.None]{Name: "ask", Produces: modelspec.EventName("order.asked"),
		Handle: func(o *shop.Order, ctx context.Context, _ port.None) (port.None, error) {
			told, err := shop.Price.Call(ctx, o)
			o.Touches += told.Total
			return port.None{}, err
		}}
}

// tell is the service behind the outbound port.
func tell(_ context.Context, asked shop.PriceAsked) (shop.PriceTold, error) {
	return shop.PriceTold(asked), nil
}

// orders is the model of the shop with further ports.
func orders(more ...modelspec.Port[shop.Order]) modelspec.Model[shop.Order] {
	m := shop.Orders()
	m.Ports = append(m.Ports, more...)
	return m
}

// component is the shop, to be linked in.
func component(version string, more ...modelspec.Port[shop.Order]) federation.Component {
	return federation.Component{Name: "shop", Version: version,
		Models:   []modelspec.Interface{orders(more...), shop.Customers},
		Adapters: []adapter.Adapter{adapter.Bind(shop.Price, tell)}}
}

// market is a host with the shop, its orders, and one who watches.
type market struct {
	*aegis.Host
	ids  []string
	next int
	keys keys
}

// open starts a host of cfg with the shop's component.
func open(ctx context.Context, cfg aegis.Config, more ...modelspec.Port[shop.Order]) (*market, error) {
	cfg.Components = append(cfg.Components, component("0", more...))
	cfg.Logger = slog.New(slog.DiscardHandler)
	host, err := aegis.New(cfg)
	if err != nil {
		return nil, err
	}
	m := &market{Host: host}
	if err := m.fill(ctx); err != nil {
		return nil, errors.Join(err, host.Close())
	}
	return m, nil
}

func (m *market) fill(ctx context.Context) error {
	if err := m.Start(ctx); err != nil {
		return err
	}
	orders := aegis.NewRepository(m.Host, shop.Orders())
	for i := range documents {
		e, err := orders.Create(ctx, "o"+strconv.Itoa(i), shop.Seed())
		if err != nil {
			return err
		}
		m.ids = append(m.ids, e.ID)
	}
	_, err := m.Subscribe(broker.Subscription{Name: "bench", Pattern: "order.>", Queue: 4096,
		Handler: func(context.Context, broker.Event) error { return nil }})
	return err
}

// id is the order whose turn it is.
func (m *market) id() string {
	m.next++
	return m.ids[m.next%len(m.ids)]
}

// keys makes idempotency keys, so many at a time that their making does not
// show.
type keys struct {
	made int
	rest string
}

const keyBytes = 16

func (k *keys) next() string {
	if k.rest == "" {
		b := make([]byte, 0, 256*keyBytes)
		for range 256 {
			k.made++
			s := strconv.Itoa(k.made)
			b = append(append(b, "key-000000000000"[:keyBytes-len(s)]...), s...)
		}
		k.rest = string(b)
	}
	key := k.rest[:keyBytes]
	k.rest = k.rest[keyBytes:]
	return key
}
