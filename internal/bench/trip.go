package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// trip is a document whose flow has many steps: one leg after the other, and
// then it waits to be told that it has arrived.
type trip struct {
	ID     string `json:"id"`
	From   string `json:"from" aegis:"required"`
	To     string `json:"to" aegis:"required"`
	Weight int64  `json:"weight"`
	At     string `json:"at,omitempty"`
	Stamps int64  `json:"stamps,omitempty"`
}

// hop is what a leg asks of its carrier, and stop is the answer.
type (
	hop struct {
		Trip   string `json:"trip"`
		Leg    int    `json:"leg"`
		Weight int64  `json:"weight"`
	}
	stop struct {
		At string `json:"at"`
	}
)

type (
	command = port.Inbound[trip, port.None, port.None]
	leg     = port.Outbound[trip, hop, stop]
)

var (
	departed = modelspec.Event[trip]{Type: "trip.departed"}
	arrived  = modelspec.Event[trip]{Type: "trip.arrived"}
)

// left is the event of a leg that is done.
func left(n int) modelspec.Event[trip] {
	return modelspec.Event[trip]{Type: "trip.left" + strconv.Itoa(n)}
}

// depart sets the flow going.
func depart() command {
	return command{Name: "depart", Produces: departed, Handle: func(t *trip, _ context.Context, _ port.None) (port.None, error) {
		t.At = t.From
		return port.None{}, nil
	}}
}

// weigh is a command that nothing follows from.
func weigh() command {
	return command{Name: "weigh", Produces: modelspec.EventName("trip.weighed"), Handle: func(t *trip, _ context.Context, _ port.None) (port.None, error) {
		t.Weight++
		return port.None{}, nil
	}}
}

// legOf is the n-th leg. It runs on an event, and makes one.
func legOf(n int, on modelspec.EventRef) leg {
	return leg{Name: "leg" + strconv.Itoa(n), On: []modelspec.EventRef{on}, Produces: left(n),
		Request: func(t *trip) hop { return hop{Trip: t.ID, Leg: n, Weight: t.Weight} },
		Reply:   func(t *trip, s stop) error { t.At = s.At; t.Stamps++; return nil }}
}

// arrival is a port that is answered later.
func arrival(on modelspec.EventRef) leg {
	return leg{Name: "arrive", On: []modelspec.EventRef{on}, Produces: arrived, Await: &port.Await{Key: "/trip"},
		Request: func(t *trip) hop { return hop{Trip: t.ID, Weight: t.Weight} },
		Reply:   func(t *trip, s stop) error { t.At = s.At; return nil }}
}

// trips is the model with the ports given.
func trips(ports ...modelspec.Port[trip]) modelspec.Model[trip] {
	return modelspec.Model[trip]{Name: "trip", Ports: append([]modelspec.Port[trip]{depart(), weigh()}, ports...)}
}

// road is a host with the model of trips alone.
type road struct {
	*aegis.Host
	all aegis.Repository[trip]
}

// travel starts a host of cfg with the model and its adapters.
func travel(ctx context.Context, cfg aegis.Config, m modelspec.Model[trip], adapters ...adapter.Adapter) (*road, error) {
	cfg.Models, cfg.Adapters = aegis.Models{m}, adapters
	cfg.Logger = slog.New(slog.DiscardHandler)
	host, err := aegis.New(cfg)
	if err != nil {
		return nil, err
	}
	if err := host.Start(ctx); err != nil {
		return nil, errors.Join(err, host.Close())
	}
	return &road{host, aegis.NewRepository(host, m)}, nil
}

// book makes a trip.
func (r *road) book(ctx context.Context, id string) error {
	_, err := r.all.Create(ctx, id, trip{From: "Bergen", To: "Tromsø", Weight: 1200})
	if err != nil {
		return fmt.Errorf("book trip %s: %w", id, err)
	}
	return nil
}

// send books a trip and lets it depart.
func (r *road) send(ctx context.Context, id string) error {
	if err := r.book(ctx, id); err != nil {
		return err
	}
	_, err := depart().Invoke(ctx, r, id, port.None{})
	return err
}
