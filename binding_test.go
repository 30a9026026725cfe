package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
)

// What cannot be done changes nothing, and says why; what was given stays the
// caller's.
func TestServicesAreRefused(t *testing.T) {
	old, spare := newProvider(t, 1), newProvider(t, 2)
	h, _ := boot(t, aegis.Config{Logger: quiet, Services: aegis.Services{"pricing": old, "spare": spare, "post": booking{newService()}}, Adapters: aegis.Adapters{
		adapter.Via(shop.Price, "pricing", pricer.Price),
		adapter.ViaUndo(shop.Courier, "post", carrier.Book, carrier.Cancel),
		adapter.Via(shop.Ship, "post", carrier.Book),
		bind(newService(), shop.Pick, none),
	}})
	given := newProvider(t, 3)
	set := func(s aegis.Services) func() error {
		return func() error { return h.SetServices(t.Context(), s) }
	}
	rebind := func(b map[string]string) func() error { return func() error { return h.Rebind(t.Context(), b) } }
	for name, c := range map[string]struct {
		do   func() error
		code modelspec.Code
		says []string
	}{
		"wrong type":        {set(aegis.Services{"pricing": booking{}}), modelspec.ErrInvalid, []string{"order.price", `"pricing"`, "aegis_test.pricer", "aegis_test.booking", "no method Price", "services that fit: spare"}},
		"two ports":         {set(aegis.Services{"post": given}), modelspec.ErrInvalid, []string{"order.courier", "order.ship", "no service fits"}},
		"one of two":        {set(aegis.Services{"pricing": given, "post": "a string"}), modelspec.ErrInvalid, []string{`"post"`, "string"}},
		"nil":               {set(aegis.Services{"pricing": nil}), modelspec.ErrInvalid, []string{`"pricing"`, "RemoveServices"}},
		"nil pointer":       {set(aegis.Services{"pricing": (*provider)(nil)}), modelspec.ErrInvalid, []string{"nil"}},
		"no name":           {set(aegis.Services{"": given}), modelspec.ErrInvalid, []string{"a name"}},
		"remove unknown":    {func() error { return h.RemoveServices(t.Context(), "pricing", "prices") }, modelspec.ErrNotFound, []string{`"prices"`, "post, pricing, spare"}},
		"rebind unknown":    {rebind(map[string]string{"order.price": "adyen"}), modelspec.ErrNotFound, []string{"order.price", `"adyen"`, "services that fit: pricing, spare"}},
		"rebind wrong type": {rebind(map[string]string{"order.price": "post"}), modelspec.ErrInvalid, []string{"order.price", `"post"`, "pricing, spare"}},
		"rebind no such":    {rebind(map[string]string{"order.prize": "spare"}), modelspec.ErrNotFound, []string{"order.prize", "order.courier, order.price, order.ship"}},
		"rebind not via":    {rebind(map[string]string{"order.pick": "spare"}), modelspec.ErrNotFound, []string{"order.pick", "adapter.Via"}},
		"rebind one of two": {rebind(map[string]string{"order.price": "spare", "order.ship": "spare"}), modelspec.ErrInvalid, []string{"order.ship"}},
		"unbind unknown":    {func() error { return h.Unbind(t.Context(), "order.price", "order.prize") }, modelspec.ErrNotFound, []string{"order.prize"}},
		"canceled": {func() error {
			ctx, stop := context.WithCancel(t.Context())
			stop()
			return h.SetServices(ctx, aegis.Services{"pricing": given})
		}, "", []string{"canceled"}},
		"bind wrong service": {func() error { return h.Bind(t.Context(), adapter.Via(shop.Price, "post", pricer.Price)) }, modelspec.ErrInvalid, []string{"order.price", `"post"`}},
	} {
		before, wired := fmt.Sprint(h.Loaded()), fmt.Sprint(h.Bindings())
		err := c.do()
		if err == nil || c.code != "" && !errors.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %v: does not say %q", name, err, s)
			}
		}
		if after, now := fmt.Sprint(h.Loaded()), fmt.Sprint(h.Bindings()); after != before || now != wired {
			t.Errorf("%s: changed: %s to %s, %s to %s", name, before, after, wired, now)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if !old.isClosed() || !spare.isClosed() || given.isClosed() {
		t.Errorf("closed: %v %v, and what was refused: %v", old.isClosed(), spare.isClosed(), given.isClosed())
	}
	if err := h.SetServices(t.Context(), aegis.Services{"pricing": given}); !errors.Is(err, modelspec.ErrUnavailable) || given.isClosed() {
		t.Errorf("after Close: %v", err)
	}
}

// Another service behind a port is a line of configuration, and may be chosen
// while the host runs.
func TestRebind(t *testing.T) {
	one, two := newProvider(t, 1), newProvider(t, 2)
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": one, "adyen": two}, Bindings: map[string]string{"order.price": "adyen", "order.none": ""}})
	answers(t, ask, 2)
	rebind := func(name string) {
		t.Helper()
		if err := h.Rebind(t.Context(), map[string]string{"order.price": name}); err != nil {
			t.Fatal(err)
		}
	}
	rebind("")
	answers(t, ask, 1)
	rebind("adyen")
	answers(t, ask, 2)
	if b := bindingOf(h, "order.price"); b != (aegis.Binding{Port: "order.price", Component: "host", Service: "adyen"}) {
		t.Errorf("%+v", b)
	}
	// the choice outlives the service and the adapter
	if err := h.RemoveServices(t.Context(), "adyen"); err != nil {
		t.Fatal(err)
	}
	two.awaitClose()
	unavailable(t, ask)
	if err := h.SetServices(t.Context(), aegis.Services{"adyen": newProvider(t, 3)}); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 3)
	rebind("")
	if err := h.RemoveServices(t.Context(), "pricing"); err != nil {
		t.Fatal(err)
	}
	if err := h.Rebind(t.Context(), map[string]string{"order.price": ""}); !errors.Is(err, modelspec.ErrNotFound) {
		t.Errorf("rebound to a service that is not there: %v", err)
	}
	rebind("adyen")
	answers(t, ask, 3)
}

// An adapter that names no service is bound by choice only.
func TestAdapterWithoutDefault(t *testing.T) {
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": newProvider(t, 1)}, Adapters: aegis.Adapters{adapter.Via(shop.Price, "", pricer.Price)}})
	unavailable(t, ask)
	if err := h.Rebind(t.Context(), map[string]string{"order.price": "pricing"}); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 1)
	if err := h.Rebind(t.Context(), map[string]string{"order.price": ""}); !errors.Is(err, modelspec.ErrNotFound) || !strings.Contains(err.Error(), "names no service") {
		t.Error(err)
	}
	answers(t, ask, 1)
}

func TestServicesOfConfig(t *testing.T) {
	m, _ := asking()
	via := aegis.Adapters{adapter.Via(shop.Price, "pricing", pricer.Price)}
	for name, c := range map[string]struct {
		cfg  aegis.Config
		says string // empty: it is accepted
	}{
		"missing":       {aegis.Config{Adapters: via}, ""},
		"wrong type":    {aegis.Config{Adapters: via, Services: aegis.Services{"pricing": 7, "good": newProvider(t, 1)}}, "services that fit: good"},
		"nil":           {aegis.Config{Services: aegis.Services{"pricing": nil}}, "not nil"},
		"chosen":        {aegis.Config{Adapters: via, Services: aegis.Services{"good": newProvider(t, 1)}, Bindings: map[string]string{"order.price": "good"}}, ""},
		"unknown":       {aegis.Config{Adapters: via, Services: aegis.Services{"good": newProvider(t, 1)}, Bindings: map[string]string{"order.price": "goods"}}, `no service "goods": services that fit: good`},
		"no such port":  {aegis.Config{Adapters: via, Bindings: map[string]string{"order.prize": "pricing"}}, "order.prize"},
		"missing, undo": {aegis.Config{Adapters: aegis.Adapters{adapter.ViaUndo(shop.Price, "pricing", pricer.Price, func(pricer, context.Context, adapter.Taken[shop.PriceAsked, shop.PriceTold]) error { return nil })}}, "without Undo"},
	} {
		c.cfg.Models, c.cfg.Logger = aegis.Models{m, shop.Customers}, quiet
		h, err := aegis.New(c.cfg)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if h != nil {
			h.Close()
		}
	}
	h, _ := boot(t, aegis.Config{Models: aegis.Models{m, shop.Customers}, Adapters: via, Strict: true, Logger: quiet})
	if err := h.Start(t.Context()); !errors.Is(err, modelspec.ErrUnavailable) || !strings.Contains(err.Error(), `order.price (there is no service "pricing")`) {
		t.Errorf("strict: %v", err)
	}
}

// The host's own adapters go and come back.
func TestUnbind(t *testing.T) {
	h, ask := priced(t, aegis.Config{Services: aegis.Services{"pricing": newProvider(t, 1)}})
	if err := h.Unbind(t.Context(), "order.price"); err != nil {
		t.Fatal(err)
	}
	unavailable(t, ask)
	if got := h.Unbound(); !slices.Contains(got, "order.price") {
		t.Errorf("unbound %v", got)
	}
	if err := h.Bind(t.Context(), adapter.Via(shop.Price, "later", pricer.Price)); err != nil {
		t.Fatal(err)
	}
	unavailable(t, ask)
	if err := h.SetServices(t.Context(), aegis.Services{"later": newProvider(t, 5)}); err != nil {
		t.Fatal(err)
	}
	answers(t, ask, 5)
}
