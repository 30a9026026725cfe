package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

const (
	takers = 10   // subscriptions that match an event
	herds  = 1000 // of so many subscriptions each
)

// wildcardLine is an event that ten subscriptions take by wildcards while
// 9,990 others do not match, its type another one each time. The baseline is
// ten subscriptions to its exact type, and no others. All are required ones,
// which the publisher calls itself, so that nothing but finding them differs.
func wildcardLine(ctx context.Context, p plan) ([]row, error) {
	var rows []row
	for _, types := range []int{2000, 50_000} {
		r, err := wildcard(ctx, p, types)
		if err != nil {
			return nil, err
		}
		x := atMost(fmt.Sprintf("wildcard publish, 10 of %d subscriptions", takers*herds), r, 3)
		if len(rows) > 0 {
			x.name, x.goal, x.verdict = fmt.Sprintf("  the same with %d types, too many to remember", types), "", noted
		}
		rows = append(rows, x)
	}
	return rows, nil
}

func wildcard(ctx context.Context, p plan, types int) (_ result, err error) {
	many, alone := broker.New(broker.Config{}), broker.New(broker.Config{})
	defer func() { err = errors.Join(err, many.Close(), alone.Close()) }()
	took := 0
	for i := range herds {
		if err := herd(many, "m"+strconv.Itoa(i)+".>", &took); err != nil {
			return result{}, err
		}
	}
	if err := herd(alone, "m0.created", &took); err != nil {
		return result{}, err
	}
	var rotation []string
	for i := range types {
		rotation = append(rotation, fmt.Sprintf("m%d.done%d", i%herds, i))
	}
	return compare(ctx, p, measured(publisher(ctx, many, rotation, &took)), measured(publisher(ctx, alone, []string{"m0.created"}, &took)))
}

func herd(b *broker.Broker, pattern string, took *int) error {
	for i := range takers {
		_, err := b.Subscribe(broker.Subscription{Name: pattern + strconv.Itoa(i), Pattern: pattern, Required: true,
			Handler: func(context.Context, broker.Event) error { *took++; return nil }})
		if err != nil {
			return err
		}
	}
	return nil
}

// publisher publishes n events of types in rotation, and checks that all were
// taken.
func publisher(ctx context.Context, b *broker.Broker, types []string, took *int) func(n int) error {
	at, now := 0, time.Now()
	return func(n int) error {
		*took = 0
		for range n {
			at++
			e := broker.Event{ID: "o1/1/0", Source: "order", Type: types[at%len(types)], Subject: "o1", Time: now, Data: modelspec.FromJSON(approved)}
			if err := b.Publish(ctx, e); err != nil {
				return err
			}
		}
		if *took != takers*n {
			return fmt.Errorf("%d events were taken %d times, not %d", n, *took, takers*n)
		}
		return nil
	}
}
