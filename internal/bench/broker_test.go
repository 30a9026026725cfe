package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// BenchmarkBroker is one event published and handled: one publisher, one
// subscriber that loses nothing, 64 bytes of data, and at the end the wait for
// all to be handled.
//
// Watermill's GoChannel is set up for throughput: with a buffer, without
// waiting for acknowledgements in Publish, and acknowledged when the handler
// returns (https://watermill.io/pubsubs/gochannel/). So it lets a publisher
// run ahead without bound and keeps a goroutine for each message that waits,
// which is part of what it costs; watermill-acked is the same with
// BlockPublishUntilSubscriberAck, where nothing piles up. Both sides make their
// message anew for each op.
func BenchmarkBroker(b *testing.B) {
	b.Run("ours", ours)
	b.Run("watermill", func(b *testing.B) { theirs(b, false) })
	b.Run("watermill-acked", func(b *testing.B) { theirs(b, true) })
}

const buffer = 256

var payload = []byte(`{"id":"o1","status":"approved","total":{"EUR":"129.90"},"n":1234}`)

func ours(b *testing.B) {
	bus := broker.New(broker.Config{})
	defer bus.Close()
	var handled sync.WaitGroup
	handled.Add(b.N)
	_, err := bus.Subscribe(broker.Subscription{
		Name: "bench", Pattern: "order.approved", Queue: buffer, Overflow: broker.Block,
		Handler: func(context.Context, broker.Event) error {
			handled.Done()
			return nil
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		e := broker.Event{
			ID: "o1/1/0", Source: "order", Type: "order.approved", Subject: "o1", Time: now,
			Data: modelspec.FromJSON(payload),
		}
		if err := bus.Publish(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	handled.Wait()
}

func theirs(b *testing.B, acked bool) {
	bus := gochannel.NewGoChannel(gochannel.Config{
		OutputChannelBuffer:            buffer,
		BlockPublishUntilSubscriberAck: acked,
	}, watermill.NopLogger{})
	defer bus.Close()
	messages, err := bus.Subscribe(b.Context(), "order.approved")
	if err != nil {
		b.Fatal(err)
	}
	var handled sync.WaitGroup
	handled.Add(b.N)
	go func() {
		for m := range messages {
			m.Ack()
			handled.Done()
		}
	}()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := bus.Publish("order.approved", message.NewMessage("o1/1/0", payload)); err != nil {
			b.Fatal(err)
		}
	}
	handled.Wait()
}
