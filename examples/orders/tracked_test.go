package main

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/outside"
)

// TestParcelIsAwaited lets an order wait for its parcel, and has the carrier
// tell of it in each way that there is.
func TestParcelIsAwaited(t *testing.T) {
	for name, c := range map[string]struct {
		travel outside.Travel
		status order.Status
		tally  func(outside.Tally) bool
	}{
		"by an event":             {outside.Travel{}, order.Complete, func(t outside.Tally) bool { return t.Answers == 1 }},
		"by a reply":              {outside.Travel{ByReply: true}, order.Complete, func(t outside.Tally) bool { return t.Answers == 1 }},
		"after no answer":         {outside.Travel{Garbled: true}, order.Complete, func(t outside.Tally) bool { return t.Garbled == 1 && t.Answers == 1 }},
		"by the same event again": {outside.Travel{Twice: true}, order.Complete, func(t outside.Tally) bool { return t.Answers == 1 && t.Doubled == 2 }},
		"and again, too late":     {outside.Travel{Late: true}, order.Complete, func(t outside.Tally) bool { return t.Answers == 1 && t.Doubled == 2 }},
		"that is lost":            {outside.Travel{Lost: true, Late: true}, order.Canceled, func(t outside.Tally) bool { return t.Lost == 1 && t.Doubled == 2 }},
	} {
		t.Run(name, func(t *testing.T) {
			world, err := outside.Serve("127.0.0.1:0", outside.Config{Travel: func(string) outside.Travel { return c.travel }})
			if err != nil {
				t.Fatal(err)
			}
			ends := newTimeline(t.Output(), time.Now())
			cfg := chaosConfig("", &outside.Client{URL: world.URL()}, slog.New(slog.DiscardHandler))
			cfg.Datasource, cfg.Subscriptions = nil, ends.subscriptions()
			s, err := openSite(t.Context(), cfg, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			if err := seed(t.Context(), s.host); err != nil {
				t.Fatal(err)
			}
			if err := seedGoods(t.Context(), s.host); err != nil {
				t.Fatal(err)
			}
			o := ordered(t, s)
			if err := parked(t.Context(), s.host, o.ID); err != nil {
				t.Fatal(err)
			}
			world.Answer(s.api)
			how := "order.completed"
			if c.status == order.Canceled {
				how = "order.undone"
			}
			if err := ends.await(t.Context(), o.ID, how); err != nil {
				t.Fatal(err)
			}
			if o, err = aegis.NewRepository(s.host, order.Model()).Find(t.Context(), o.ID); err != nil || o.Status != c.status {
				t.Errorf("%+v %v", o, err)
			}
			for !c.tally(world.Tally()) { // what is told twice is told after that
				if err := t.Context().Err(); err != nil || len(world.Tally().Wrong) > 0 {
					t.Fatalf("%+v %v", world.Tally(), err)
				}
				pause(t.Context(), time.Millisecond)
			}
			if err := world.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func ordered(t *testing.T, s *site) (o order.Order) {
	t.Helper()
	if err := s.do(t.Context(), "POST", "/orders", "", newOrder(""), &o); err != nil {
		t.Fatal(err)
	}
	if err := s.do(t.Context(), "POST", "/orders/"+o.ID+"/approve", "", order.Approval{}, nil); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestStrangerAnswers sends answers that nobody waits for, and none at all.
func TestStrangerAnswers(t *testing.T) {
	s := newShop(t)
	root := strings.TrimSuffix(s.url, "/models")
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/replies/order/trackShipment/shp-none", `{"trackingId":"t","status":"delivered"}`, http.StatusNotFound},
		{"/replies/order/shipOrder/shp-none", `{"shipmentId":"s"}`, http.StatusNotFound},
		{"/replies/order/trackShipment/shp-none", `{"trackingId":`, http.StatusBadRequest},
		{"/replies/carrier/track/x", `{}`, http.StatusForbidden},
	} {
		res, err := http.Post(root+c.path, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.path, res.StatusCode, c.status)
		}
	}
}
