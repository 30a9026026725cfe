package broker_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/org/aegis/broker"
)

func TestSubscriptions(t *testing.T) {
	f := start(t)
	if f.Subscriptions() != nil {
		t.Error("subscriptions of nobody")
	}
	f.subscribe(broker.Subscription{Name: "billing", Pattern: "order.*", Source: "order", Required: true, Handler: ignore})
	middle := f.subscribe(broker.Subscription{Name: "middle", Pattern: "x", Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: ">", Queue: 7, Overflow: broker.Block, Handler: ignore})
	f.subscribe(broker.Subscription{Pattern: "*", Handler: ignore})
	middle.Close()
	got := f.Subscriptions()
	want := []broker.Stats{
		{Name: "billing", Pattern: "order.*", Source: "order", Required: true},
		{Name: ">", Pattern: ">", Overflow: "block", Capacity: 7},
		{Name: "*", Pattern: "*", Overflow: "drop-oldest", Capacity: 256},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text, err := json.Marshal(got[0])
	if want := `{"name":"billing","pattern":"order.*","source":"order","required":true,"depth":0,"capacity":0,"delivered":0,"failed":0,"dropped":0}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}
