package broker_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

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
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	text, err := json.Marshal(got[0])
	if want := `{"name":"billing","pattern":"order.*","source":"order","required":true,"depth":0,"capacity":0,"delivered":0,"failed":0,"dropped":0}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}

// The listing shows what was asked for and how old what waits is.
func TestSubscriptionsWithOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		var got seen
		s := broker.Subscription{
			Name: "workers", Pattern: "order.*", Ignore: []string{"order.deleted"}, Group: "g", Overflow: broker.Block, Queue: 8,
			Filter: broker.Filter{Match: map[string]any{"a": 1}, Where: "data.b.c != 2"}, Handler: gated(&got, gate),
		}
		h := f.subscribe(s)
		now := time.Now()
		for i, data := range []string{`{"a":1,"b":{}}`, `{"a":1,"b":{}}`, `{"a":1,"b":{}}`, `{"a":2}`, `{"a":1,"b":{"c":2}}`, `{"a":1}`} {
			e := with(fmt.Sprint(i), data)
			e.Time = now.Add(-time.Duration(i) * time.Second)
			f.publish(e)
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		stats := h.Stats()
		if stats.Depth != 2 || stats.Oldest != time.Minute+time.Second || stats.Filtered != 2 || stats.FilterErrors != 1 {
			t.Errorf("%+v", stats)
		}
		text, err := json.Marshal(stats)
		want := `{"name":"workers","pattern":"order.*","ignore":["order.deleted"],"filter":{"match":{"a":1},"where":"data.b.c != 2"},"overflow":"block","group":"g",` +
			`"depth":2,"capacity":8,"oldest":61000000000,"delivered":0,"failed":0,"dropped":0,"filtered":2,"filterErrors":1}`
		if err != nil || string(text) != want {
			t.Errorf("got  %s, %v\nwant %s", text, err, want)
		}
		close(gate)
		synctest.Wait()
		if stats := h.Stats(); stats.Depth != 0 || stats.Oldest != 0 || stats.Delivered != 3 {
			t.Errorf("in the end: %+v", stats)
		}
	})
}

// What the handler has taken in a batch counts and ages like the rest, and is
// forgotten with the subscription.
func TestSubscriptionsCountBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		gate := make(chan struct{})
		var got seen
		h := f.subscribe(broker.Subscription{Pattern: ">", Overflow: broker.Block, Queue: 100, Handler: gated(&got, gate)})
		now := time.Now()
		f.publish(event("0"))
		synctest.Wait()
		for i := range 10 {
			f.publish(at("x", now.Add(time.Duration(i)*time.Second)))
		}
		time.Sleep(time.Minute)
		for i := range 5 { // one is in the handler, after that
			gate <- struct{}{}
			synctest.Wait()
			if s, want := h.Stats(), time.Minute-time.Duration(i+1)*time.Second; s.Oldest != want || s.Depth != 9-i {
				t.Errorf("%d handled: %+v, want an age of %v", i+1, s, want)
			}
		}
		go close(gate)
		h.Close()
		if s := h.Stats(); s.Depth != 0 || s.Oldest != 0 || s.Delivered+s.Dropped != 11 {
			t.Errorf("in the end: %+v", s)
		}
	})
}
