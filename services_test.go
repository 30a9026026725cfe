package aegis_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
)

// pricer and carrier are what may stand behind ports of an order.
type (
	pricer interface {
		Price(context.Context, shop.PriceAsked) (shop.PriceTold, error)
	}
	carrier interface {
		Book(context.Context, shop.Parcel) (shop.Shipment, error)
		Cancel(context.Context, adapter.Taken[shop.Parcel, shop.Shipment]) error
	}
)

// provider is a pricer that knows how it is treated.
type provider struct {
	total   int64
	t       testing.TB
	inside  atomic.Int64
	calls   atomic.Int64
	entered chan struct{} // nil: nobody waits
	leave   chan struct{}
	closing error
	closed  chan struct{}
	ends    atomic.Int64
}

func newProvider(t testing.TB, total int64) *provider {
	return &provider{total: total, t: t, closed: make(chan struct{})}
}

func (p *provider) Price(context.Context, shop.PriceAsked) (shop.PriceTold, error) {
	p.inside.Add(1)
	defer p.inside.Add(-1)
	p.calls.Add(1)
	if p.isClosed() {
		p.t.Errorf("provider %d was called after its Close", p.total)
	}
	if p.entered != nil {
		p.entered <- struct{}{}
		<-p.leave
	}
	if p.isClosed() {
		p.t.Errorf("provider %d was closed during a call", p.total)
	}
	return shop.PriceTold{Total: p.total}, nil
}

func (p *provider) Close() error {
	if n := p.inside.Load(); n != 0 {
		p.t.Errorf("provider %d is closed with %d calls under way", p.total, n)
	}
	if p.ends.Add(1) > 1 {
		p.t.Errorf("provider %d was closed twice", p.total)
		return nil
	}
	close(p.closed)
	return p.closing
}

func (p *provider) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

// awaitClose fails where p is not closed soon.
func (p *provider) awaitClose() {
	p.t.Helper()
	select {
	case <-p.closed:
	case <-time.After(10 * time.Second):
		p.t.Fatalf("provider %d was not closed", p.total)
	}
}

// priced is a host whose port order.price goes via the service pricing.
func priced(t *testing.T, cfg aegis.Config) (*aegis.Host, func() (int64, error)) {
	t.Helper()
	m, ask := asking()
	cfg.Models = aegis.Models{m, shop.Customers}
	if cfg.Adapters == nil {
		cfg.Adapters = aegis.Adapters{adapter.Via(shop.Price, "pricing", pricer.Price)}
	}
	cfg.Logger = cmp.Or(cfg.Logger, quiet)
	h, r := boot(t, cfg)
	create(t, r, "o1")
	return h, func() (int64, error) { return ask.Invoke(t.Context(), h, "o1", none) }
}

func answers(t *testing.T, ask func() (int64, error), want int64) {
	t.Helper()
	if got, err := ask(); err != nil || got != want {
		t.Errorf("answered %d (%v), want %d", got, err, want)
	}
}

func unavailable(t *testing.T, ask func() (int64, error)) {
	t.Helper()
	if _, err := ask(); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("want unavailable: %v", err)
	}
}

// A provider is switched under load: no call fails, and each old one is closed
// once, after its last call.
func TestServiceIsReplacedUnderLoad(t *testing.T) {
	all := []*provider{newProvider(t, 0)}
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": all[0]}})
	create(t, aegis.NewRepository(h, shop.Orders()), "a", "b", "c", "d")
	_, port := asking()
	stop := make(chan struct{})
	var calls atomic.Int64
	var wg sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d"} {
		wg.Go(func() {
			last := int64(-1)
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, err := port.Invoke(t.Context(), h, id, none)
				calls.Add(1)
				if err != nil {
					t.Error(err)
					return
				}
				if got < last {
					t.Errorf("provider %d answered after %d had", got, last)
				}
				last = got
			}
		})
	}
	for i := range 100 {
		next := newProvider(t, int64(i+1))
		if err := h.SetServices(t.Context(), aegis.Services{"pricing": next}); err != nil {
			t.Fatal(err)
		}
		all = append(all, next)
		for next.calls.Load() == 0 { // each has its turn
			answers(t, ask, next.total)
		}
	}
	close(stop)
	wg.Wait()
	for _, p := range all[:100] {
		p.awaitClose()
	}
	if all[100].isClosed() {
		t.Error("the one that stands there was closed")
	}
	if err := h.Close(); err != nil || !all[100].isClosed() {
		t.Errorf("after Host.Close: %v, closed %v", err, all[100].isClosed())
	}
	t.Logf("%d calls during 100 switches", calls.Load())
}

// A call ends with the service it began with, which is closed only then.
func TestCallEndsWithItsService(t *testing.T) {
	old, next := newProvider(t, 1), newProvider(t, 2)
	old.entered, old.leave = make(chan struct{}), make(chan struct{})
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": old}})
	done := make(chan int64)
	go func() {
		got, err := ask()
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	<-old.entered
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": next}); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 2)
	if old.isClosed() {
		t.Error("closed during a call")
	}
	// what still drains is the same service when it comes back, and is not closed
	if err := h.SetServices(t.Context(), aegis.Services{"spare": old}); err != nil {
		t.Fatal(err)
	}
	close(old.leave)
	if got := <-done; got != 1 {
		t.Errorf("the call that began with 1 was answered by %d", got)
	}
	if err := h.SetServices(t.Context(), aegis.Services{"spare": old, "other": old, "pricing": next}); err != nil { // nothing new but a name
		t.Fatal(err)
	}
	if err := h.RemoveServices(t.Context(), "spare"); err != nil || old.isClosed() {
		t.Errorf("removed under one of two names: %v, closed %v", err, old.isClosed())
	}
	if err := h.RemoveServices(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	old.awaitClose()
	answers(t, ask, 2)
}

// A flow waits for a service that was taken out, and goes on when it is back.
func TestFlowWaitsForItsService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		post := booking{s}
		h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Logger: quiet, Services: aegis.Services{"post": post},
			Adapters: append(s.adapters("ship"), adapter.Via(shop.Ship, "post", carrier.Book))})
		if err := h.RemoveServices(t.Context(), "post"); err != nil {
			t.Fatal(err)
		}
		if got := h.Unbound(); !slices.Equal(got, []string{"order.ship"}) {
			t.Errorf("unbound %v", got)
		}
		if b := bindingOf(h, "order.ship"); b != (aegis.Binding{Port: "order.ship", Component: "host", Service: "post", Missing: true}) {
			t.Errorf("%+v", b)
		}
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		for range 5 {
			settle(t, h, 0)
			time.Sleep(time.Minute)
		}
		if o := find(t, r, "o1"); o.Status != shop.Approved || o.PaymentID == "" || s.asked("ship") != 0 || s.asked("undo authorize") != 0 {
			t.Errorf("while it waits: %+v; %v", o, s.order)
		}
		if err := h.SetServices(t.Context(), aegis.Services{"post": post}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		settle(t, h, 0)
		if o := find(t, r, "o1"); o.Status != shop.Shipped || s.count("ship") != 1 || len(h.Unbound()) != 0 {
			t.Errorf("after it is back: %+v; %v", o, s.order)
		}
		h.Close()
	})
}

// booking is a carrier of the outside service; it fits more than one port.
type booking struct{ s *service }

func (b booking) Book(ctx context.Context, _ shop.Parcel) (shop.Shipment, error) {
	return shop.Shipment{TrackingID: "P1"}, b.s.do(ctx, "ship")
}

func (b booking) Cancel(ctx context.Context, _ adapter.Taken[shop.Parcel, shop.Shipment]) error {
	return b.s.undo(ctx, "ship")
}

func bindingOf(h *aegis.Host, port string) aegis.Binding {
	for _, b := range h.Bindings() {
		if b.Port == port {
			return b
		}
	}
	return aegis.Binding{}
}

// Components that are linked in use the host's services; a change of one
// prepares them anew, and their OnClose runs once, when they go.
func TestComponentsUseServices(t *testing.T) {
	var ends atomic.Int64
	component := func(version string) federation.Component {
		return federation.Component{Name: "pricing", Version: version, Adapters: []adapter.Adapter{adapter.Via(shop.Price, "pricing", pricer.Price)},
			OnClose: func() error { ends.Add(1); return nil }}
	}
	one, two := newProvider(t, 1), newProvider(t, 2)
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": one}, Adapters: aegis.Adapters{}, Components: aegis.Components{component("1.0.0")}})
	answers(t, ask, 1)
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": two, "unused": 1}); err != nil {
		t.Fatal(err)
	}
	one.awaitClose()
	answers(t, ask, 2)
	if ends.Load() != 0 {
		t.Error("OnClose of a component that is still there")
	}
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": "wrong"}); !errors.Is(err, modelspec.ErrInvalid) || ends.Load() != 0 {
		t.Errorf("%v, %d ends", err, ends.Load())
	}
	if _, err := h.Replace(t.Context(), component("2.0.0")); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 2)
	if b := bindingOf(h, "order.price"); b != (aegis.Binding{Port: "order.price", Component: "pricing", Service: "pricing"}) {
		t.Errorf("%+v", b)
	}
	if err := h.Unbind(t.Context(), "order.price"); !errors.Is(err, modelspec.ErrNotFound) || !strings.Contains(err.Error(), "component pricing") {
		t.Errorf("unbind: %v", err)
	}
	if err := h.Remove(t.Context(), "pricing"); err != nil {
		t.Fatal(err)
	}
	unavailable(t, ask)
	if two.isClosed() || bindingOf(h, "order.price") != (aegis.Binding{Port: "order.price"}) {
		t.Errorf("the host's service went with the component: %v, %+v", two.isClosed(), bindingOf(h, "order.price"))
	}
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": "wrong, and used by nobody"}); err != nil {
		t.Fatal(err)
	}
	two.awaitClose()
	if _, err := h.Replace(t.Context(), component("3.0.0")); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("a component that a service does not fit: %v", err)
	}
	h.Close()
	if ends.Load() != 2 {
		t.Errorf("%d ends of two components", ends.Load())
	}
}

// awkward is a service whose Close panics.
type awkward struct{ pricer }

func (awkward) Close() error { panic("not now") }

// A service that does not close well hurts nobody, and is told of.
func TestServiceFailsToClose(t *testing.T) {
	bad := newProvider(t, 1)
	bad.closing = errors.New("connection reset")
	var told strings.Builder // read after Close, which waits for whoever writes
	h, ask := priced(t, aegis.Config{Logger: slog.New(slog.NewTextHandler(&told, nil)), Services: aegis.Services{"pricing": awkward{newProvider(t, 7)}}})
	answers(t, ask, 7)
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": bad}); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 1)
	if err := h.Close(); err == nil || !strings.Contains(err.Error(), "close service pricing: connection reset") {
		t.Errorf("Close: %v", err)
	}
	if !strings.Contains(told.String(), "not now") {
		t.Errorf("the log says %q", told.String())
	}
}

// An undo goes to the service, with the key of what it takes back.
func TestUndoGoesToTheService(t *testing.T) {
	s := newService()
	h, r := boot(t, aegis.Config{Datasource: datasourcetest.Bytes(), Logger: quiet, Services: aegis.Services{"post": booking{s}},
		Adapters: append(s.adapters("courier"), adapter.ViaUndo(shop.Courier, "post", carrier.Book, carrier.Cancel))})
	create(t, r, "o1")
	if _, err := shop.Express().Invoke(t.Context(), h, "o1", shop.Rush{Refuse: true}); !errors.Is(err, modelspec.ErrRefused) {
		t.Fatal(err)
	}
	if err := h.RemoveServices(t.Context(), "post"); err != nil {
		t.Fatal(err)
	}
	settle(t, h, 0)
	if err := h.SetServices(t.Context(), aegis.Services{"post": booking{s}}); err != nil {
		t.Fatal(err)
	}
	settle(t, h, time.Hour)
	if s.count("ship") != 1 || s.count("undo ship") != 1 {
		t.Errorf("%v", s.order)
	}
}

// Changes of all kinds and Close, at once.
func TestServicesTogether(t *testing.T) {
	all := []*provider{newProvider(t, 0), newProvider(t, 9)}
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": all[0], "spare": all[1]}})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 25 {
				var err error
				switch i {
				case 0:
					p := newProvider(t, int64(n))
					if err = h.SetServices(t.Context(), aegis.Services{"pricing": p}); err == nil {
						all = append(all, p)
					} else if p.isClosed() {
						t.Error("what was refused was closed")
					}
				case 1:
					err = h.Rebind(t.Context(), map[string]string{"order.price": []string{"spare", ""}[n%2]})
				case 2:
					_, err = ask()
				case 3:
					h.Bindings()
				}
				if err != nil && !errors.Is(err, modelspec.ErrUnavailable) && !errors.Is(err, modelspec.ErrNotFound) {
					t.Error(err)
				}
				if i == 0 && n == 20 {
					h.Close()
				}
			}
		})
	}
	wg.Wait()
	for _, p := range all {
		p.awaitClose()
	}
	if len(all) != 2+21 {
		t.Errorf("%d providers were set", len(all))
	}
}
