package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// queued is how many events may wait, on both sides.
const queued = 256

var approved = []byte(`{"id":"o1","status":"approved","total":{"EUR":"129.90"},"n":1234}`)

// brokerLine is an event published to one ordered subscriber that loses
// nothing, until its handler has returned. The baseline is Watermill's
// GoChannel, set up for throughput: with a buffer and without waiting for
// acknowledgements in Publish, https://watermill.io/pubsubs/gochannel/.
func brokerLine(ctx context.Context, p plan) (_ []row, err error) {
	bus := broker.New(broker.Config{})
	defer func() { err = errors.Join(err, bus.Close()) }()
	var handled sync.WaitGroup
	_, err = bus.Subscribe(broker.Subscription{
		Name: "bench", Pattern: "order.approved", Queue: queued, Overflow: broker.Block,
		Handler: func(context.Context, broker.Event) error {
			handled.Done()
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	ours := func(n int) error {
		handled.Add(n)
		for range n {
			e := broker.Event{ID: "o1/1/0", Source: "order", Type: "order.approved", Subject: "o1", Time: now, Data: modelspec.FromJSON(approved)}
			if err := bus.Publish(ctx, e); err != nil {
				return err
			}
		}
		handled.Wait()
		return nil
	}
	channel, end, err := goChannel(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	r, err := compare(ctx, p, measured(ours), measured(channel))
	return []row{faster("broker: publish to one ordered subscriber", r, 8)}, err
}

// goChannel publishes n messages and waits until their handler has returned.
func goChannel(ctx context.Context) (publish func(n int) error, end func(), err error) {
	bus := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: queued}, watermill.NopLogger{})
	messages, err := bus.Subscribe(ctx, "order.approved")
	if err != nil {
		return nil, nil, errors.Join(err, bus.Close())
	}
	var handled, reader sync.WaitGroup
	reader.Go(func() {
		for m := range messages {
			m.Ack()
			handled.Done()
		}
	})
	publish = func(n int) error {
		handled.Add(n)
		for range n {
			if err := bus.Publish("order.approved", message.NewMessage("o1/1/0", approved)); err != nil {
				return err
			}
		}
		handled.Wait()
		return nil
	}
	return publish, func() { _ = bus.Close(); reader.Wait() }, nil
}
