package main

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/org/aegis"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/port"
)

// callsAtOnce is how many calls one handler makes.
const callsAtOnce = 8

// outboundLine is a call of an outbound port from code inside a handler: the
// check of the effect, the policy, the breaker and the pin of the adapter's
// generation. The baseline is the breaker around the bare function.
func outboundLine(ctx context.Context, p plan) (_ []row, err error) {
	var spent time.Duration
	many := port.Inbound[shop.Order, port.None, port.None]{Name: "many",
		Handle: func(o *shop.Order, ctx context.Context, _ port.None) (port.None, error) {
			start := time.Now()
			for range callsAtOnce {
				if _, err := shop.Price.Call(ctx, o); err != nil {
					return port.None{}, err
				}
			}
			spent += time.Since(start)
			return port.None{}, nil
		}}
	m, err := open(ctx, aegis.Config{}, many)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	ours := func(n int) (cost, error) {
		spent = 0
		rounds := (n + callsAtOnce - 1) / callsAtOnce
		for range rounds {
			if _, err := many.Invoke(ctx, m, m.id(), port.None{}); err != nil {
				return cost{}, err
			}
		}
		return cost{took: spent * time.Duration(n) / time.Duration(rounds*callsAtOnce)}, nil
	}
	r, err := compare(ctx, p, ours, measured(breakerAlone(ctx)))
	return []row{atMost("native outbound port, with breaker", r, 3)}, err
}

func breakerAlone(ctx context.Context) func(n int) error {
	cb := gobreaker.NewCircuitBreaker[shop.PriceTold](gobreaker.Settings{
		Name: "price", MaxRequests: 1, Timeout: time.Second,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 5 },
	})
	o := shop.Seed()
	return func(n int) error {
		for range n {
			if _, err := cb.Execute(func() (shop.PriceTold, error) { return tell(ctx, shop.PriceAsked{Total: o.Total}) }); err != nil {
				return err
			}
		}
		return nil
	}
}
