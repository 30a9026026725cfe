package aegistest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// orders is the component under test: the shop's order without its customers.
func orders() federation.Component {
	return federation.Component{Name: "order", Version: "1.0.0", Models: []modelspec.Interface{shop.Orders()}}
}

var shopConfig = aegistest.Config{
	Host:      aegis.Config{Models: aegis.Models{shop.Customers}},
	Component: orders,
	Guest:     "../internal/shop/guest",
}

// scene is a customer, and an order of 900.
func scene(t *testing.T, host *aegistest.Host) aegis.Repository[shop.Order] {
	t.Helper()
	if _, err := aegis.NewRepository(host.Host, shop.Customers).Create(t.Context(), "c1", shop.Customer{Email: "a@b", Limit: 5}); err != nil {
		t.Fatal(err)
	}
	repo := aegis.NewRepository(host.Host, shop.Orders())
	if _, err := repo.Create(t.Context(), "o1", shop.Seed()); err != nil {
		t.Fatal(err)
	}
	return repo
}

// stubAll makes the whole world answer.
func stubAll(host *aegistest.Host) {
	aegistest.StubFunc(host, shop.Price, func(_ context.Context, a shop.PriceAsked) (shop.PriceTold, error) { return shop.PriceTold(a), nil })
	aegistest.Stub(host, shop.Authorize, shop.Authorization{ID: "auth1"})
	aegistest.Stub(host, shop.Pick, port.None{})
	aegistest.Stub(host, shop.Ship, shop.Shipment{TrackingID: "t1"})
	aegistest.Stub(host, shop.Courier, shop.Shipment{TrackingID: "k1"})
}

func TestShopShips(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		repo := scene(t, host)
		before := time.Now()
		offer, err := shop.Quote().Invoke(t.Context(), host, "o1", shop.Note{Text: "hi"})
		if err != nil || offer.Total != 900 || offer.Email != "a@b" || offer.At.Before(before.Round(0)) {
			t.Fatalf("offer %+v, %v", offer, err)
		}
		if calls := aegistest.Calls(host, shop.Price); len(calls) != 1 || calls[0].Request.Total != 900 || calls[0].Key == "" {
			t.Errorf("calls of price: %+v", calls)
		}
		if _, err := shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{By: "ann"}); err != nil {
			t.Fatal(err)
		}
		if o, err := repo.Find(t.Context(), "o1"); err != nil || o.Status != shop.Approved {
			t.Errorf("before anything is settled: %+v, %v", o, err)
		}
		if n := len(aegistest.Calls(host, shop.Ship)); n != 0 {
			t.Errorf("shipped %d times before anything is settled", n)
		}
		_, err = shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{By: "ann"})
		if !errors.Is(err, modelspec.ErrRefused) {
			t.Errorf("second approval: %v", err)
		}
		host.ExpectEvents("customer.created", "order.created", "order.noted", "order.approved", "order.authorized", "order.picked", "order.shipped")
		host.ExpectNoEvents()
		o, err := repo.Find(t.Context(), "o1")
		if err != nil || o.Status != shop.Shipped || o.TrackingID != "t1" || o.PaymentID != "auth1" {
			t.Errorf("%+v, %v", o, err)
		}
	})
}

func TestShopCannotShip(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		aegistest.Fail(host, shop.Ship, modelspec.Refuse("no stock"), 1)
		repo := scene(t, host)
		host.ForgetEvents()
		if _, err := shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectEvents("order.approved", "order.authorized", "order.picked", "order.undone")
		if o, err := repo.Find(t.Context(), "o1"); err != nil || o.Status != shop.Canceled {
			t.Errorf("%+v, %v", o, err)
		}
		paid, picked := aegistest.Calls(host, shop.Authorize), aegistest.Calls(host, shop.Pick)
		if len(paid) != 2 || paid[1].Undoes != paid[0].Key || paid[1].Request.Amount != 900 {
			t.Errorf("calls of authorize: %+v", paid)
		}
		if len(picked) != 2 || picked[1].Undoes != picked[0].Key || picked[1].Request.OrderID != "o1" {
			t.Errorf("calls of pick: %+v", picked)
		}
	})
}

// The last thing done is the first taken back.
func TestShopUndoesInReverse(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		var order []string
		bank := aegistest.NewService(func(shop.Payment) (shop.Authorization, error) { return shop.Authorization{ID: "p1"}, nil })
		store := aegistest.NewService(func(shop.Parcel) (port.None, error) { return port.None{}, nil })
		host.Use(logged(shop.Authorize, bank, "authorize", &order), logged(shop.Pick, store, "pick", &order))
		aegistest.Fail(host, shop.Ship, modelspec.Refuse("no stock"), 1)
		scene(t, host)
		if _, err := shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{}); err != nil {
			t.Fatal(err)
		}
		host.Settle()
		if want := "authorize pick undo pick undo authorize"; join(order) != want {
			t.Errorf("%s, want %s", join(order), want)
		}
		if len(bank.Standing()) != 0 || len(store.Standing()) != 0 || len(bank.Effects()) != 1 {
			t.Errorf("standing: %v, %v", bank.Standing(), store.Standing())
		}
		host.ForgetEvents()
	})
}

// A handler that calls and then refuses has its call taken back.
func TestShopExpress(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		repo := scene(t, host)
		host.ForgetEvents()
		_, err := shop.Express().Invoke(t.Context(), host, "o1", shop.Rush{Refuse: true})
		if !errors.Is(err, modelspec.ErrRefused) {
			t.Errorf("refused: %v", err)
		}
		host.Settle()
		calls := aegistest.Calls(host, shop.Courier)
		if len(calls) != 2 || calls[1].Undoes != calls[0].Key {
			t.Errorf("calls of courier: %+v", calls)
		}
		host.ForgetEvents()
		if _, err := shop.Express().Invoke(t.Context(), host, "o1", shop.Rush{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectEvents("order.expressed")
		if o, err := repo.Find(t.Context(), "o1"); err != nil || o.TrackingID != "k1" {
			t.Errorf("%+v, %v", o, err)
		}
	})
}

// An answer that is lost is asked for again, under the same key.
func TestShopLostAnswer(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		bank := aegistest.NewService(func(shop.Payment) (shop.Authorization, error) { return shop.Authorization{ID: "p1"}, nil })
		host.Use(bound(shop.Authorize, bank))
		bank.FailAfter(modelspec.ErrUnavailable, 2)
		repo := scene(t, host)
		if _, err := shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectEvents("customer.created", "order.created", "order.approved")
		host.Pass(time.Minute)
		host.Pass(time.Minute)
		host.ExpectEvents("order.authorized", "order.picked", "order.shipped")
		if o, err := repo.Find(t.Context(), "o1"); err != nil || o.PaymentID != "p1" || len(bank.Effects()) != 1 {
			t.Errorf("%+v, %v, %v", o, err, bank.Effects())
		}
	})
}

// An effect that lands after its timeout and after its undo does not happen.
func TestShopLateEffect(t *testing.T) {
	aegistest.Each(t, shopConfig, func(t *testing.T, host *aegistest.Host) {
		stubAll(host)
		van := aegistest.NewService(func(shop.Parcel) (shop.Shipment, error) { return shop.Shipment{TrackingID: "k9"}, nil })
		host.Use(bound(shop.Courier, van))
		van.Delay(1)
		scene(t, host)
		_, err := shop.Express().Invoke(t.Context(), host, "o1", shop.Rush{})
		if !errors.Is(err, modelspec.ErrDeadline) {
			t.Errorf("timed out: %v", err)
		}
		host.Settle()
		host.Pass(time.Hour)
		if n := van.Land(); n != 0 || len(van.Standing()) != 0 {
			t.Errorf("%d effects landed after they were undone; standing %v", n, van.Standing())
		}
	})
}
