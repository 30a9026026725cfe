package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// fast is a carrier that delivers at once. A port that may be answered later may
// be answered so.
func fast() adapter.Adapter {
	return adapter.Bind(order.TrackShipment, func(_ context.Context, c order.Consignment) (order.Tracking, error) {
		return order.Tracking{TrackingID: "trk-" + c.ShipmentID, Status: "delivered"}, nil
	})
}

func event(typ, id string) broker.Event { return broker.Event{Type: typ, Subject: id} }

// shop is the example with everything linked in, in memory, over HTTP. Callers
// name themselves by a header.
type shop struct {
	*testing.T
	host *aegis.Host
	url  string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	cfg := nativeConfig(fast(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	cfg.Caller = func(r *http.Request) (aegis.Caller, error) {
		return aegis.Caller{Subject: r.Header.Get("Test-Caller")}, nil
	}
	host, err := aegis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(host)
	t.Cleanup(func() {
		srv.Close()
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := seed(t.Context(), host); err != nil {
		t.Fatal(err)
	}
	return &shop{t, host, srv.URL + "/aegis/api/models"}
}

// request is one request: what it lacks is a well-behaved client's.
type request struct {
	method, path, body string
	header             map[string]string
}

func (s *shop) send(r request) (reply, map[string]any) {
	s.Helper()
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(s.Context(), r.method, s.url+r.path, body)
	if err != nil {
		s.Fatal(err)
	}
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	var v map[string]any
	_ = json.Unmarshal(b, &v)
	return reply{res.StatusCode, res.Header, b}, v
}

// create makes an order and returns its id.
func (s *shop) create(header map[string]string) string {
	s.Helper()
	r, v := s.send(request{"POST", "/orders", good, header})
	id, _ := v["id"].(string)
	if r.status != http.StatusCreated || id == "" {
		s.Fatalf("create: %d %s", r.status, r.body)
	}
	return id
}

// settle does what is due.
func (s *shop) settle() {
	s.Helper()
	if err := s.host.Settle(s.Context(), time.Now()); err != nil {
		s.Fatal(err)
	}
}

func (s *shop) find(id string) order.Order {
	s.Helper()
	o, err := aegis.NewRepository(s.host, order.Model()).Find(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return o
}

const good = `{"customerId":"ann","items":[{"itemId":"tea","price":450,"qty":2},{"itemId":"cup","price":1000}]}`

func TestOrderCompletes(t *testing.T) {
	s := newShop(t)
	id := s.create(nil)
	if r, _ := s.send(request{"POST", "/orders/" + id + "/approve", `{"by":"Bo"}`, nil}); r.status != http.StatusOK && r.status != http.StatusNoContent {
		t.Fatalf("approve: %d %s", r.status, r.body)
	}
	s.settle()
	o := s.find(id)
	if o.Status != order.Complete || o.Total != 1900 || o.ShippingAddress != "1 Main Street, Springfield" || o.ConfirmationCode == "" || o.TrackingID == "" {
		t.Errorf("%+v", o)
	}
	e, err := count(t.Context(), s.host)
	if want := ofOrders(1); err != nil || e.since(effects{Tea: 1e9}) != want {
		t.Errorf("%v %v, want %v", e, err, want)
	}
}

func TestOrderIsUndone(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		cancel bool
		want   effects
	}{
		"refused by the carrier": {body: `{"customerId":"ann","shippingAddress":"1 Coral Way, Atlantis","items":[{"itemId":"tea","price":450,"qty":2}]}`, want: ofRefusal()},
		"canceled on its way":    {body: good, cancel: true, want: effects{Holds: 1, Releases: 1, Packed: 1, Unpacked: 1, Taken: 1, Returned: 1}},
		"card declined":          {body: `{"customerId":"bob","items":[{"itemId":"tea","price":450,"qty":2}]}`, want: effects{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.poor("bob")
			_, v := s.send(request{"POST", "/orders", c.body, nil})
			id, _ := v["id"].(string)
			if r, _ := s.send(request{"POST", "/orders/" + id + "/approve", "", nil}); r.status/100 != 2 {
				t.Fatalf("approve: %d %s", r.status, r.body)
			}
			if c.cancel {
				if r, _ := s.send(request{"POST", "/orders/" + id + "/cancel", `{"reason":"too slow"}`, nil}); r.status/100 != 2 {
					t.Fatalf("cancel: %d %s", r.status, r.body)
				}
			}
			s.settle()
			if o := s.find(id); o.Status != order.Canceled {
				t.Errorf("%+v", o)
			}
			if e, err := count(t.Context(), s.host); err != nil || e.Holds != e.Releases || e.Packed != e.Unpacked || e.Tea != 1e9 {
				t.Errorf("not all was taken back: %v %v", e, err)
			} else if !c.cancel && e.since(effects{Tea: 1e9}) != c.want {
				t.Errorf("%v, want %v", e, c.want)
			}
		})
	}
}

// poor makes a customer who cannot pay.
func (s *shop) poor(id string) {
	s.Helper()
	body := `{"id":"` + id + `","firstName":"Bob","lastName":"Poor","email":"bob@example.com","shippingAddress":"2 Main Street"}`
	if r, _ := s.send(request{"POST", "/customers", body, nil}); r.status != http.StatusCreated {
		s.Fatalf("%d %s", r.status, r.body)
	}
	if err := create(s.Context(), aegis.NewRepository(s.host, payment.Model()), id, payment.Account{Limit: 10}); err != nil {
		s.Fatal(err)
	}
}

// TestGrantsAreMinimal takes each word out of each grant and expects that the
// module is refused then.
func TestGrantsAreMinimal(t *testing.T) {
	cs := map[string]federation.Component{}
	for _, c := range nativeConfig(fast(), nil).Components {
		cs[c.Name] = c
	}
	for name, g := range grants {
		m, err := federation.Native(cs[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Check(m.Manifest()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range g.Models {
			less := g
			less.Models = append(append([]string{}, g.Models[:i]...), g.Models[i+1:]...)
			if err := less.Check(m.Manifest()); !errors.Is(err, modelspec.ErrDenied) {
				t.Errorf("%s without %s: %v", name, g.Models[i], err)
			}
		}
		for i := range g.Ports {
			less := g
			less.Ports = append(append([]string{}, g.Ports[:i]...), g.Ports[i+1:]...)
			if err := less.Check(m.Manifest()); !errors.Is(err, modelspec.ErrDenied) {
				t.Errorf("%s without %s: %v", name, g.Ports[i], err)
			}
		}
	}
}
