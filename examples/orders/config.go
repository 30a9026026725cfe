package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/examples/orders/customer"
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/modules"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/examples/orders/shipping"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
)

// grants are what each module may do: have its own models, and what is written
// here. A module that declares more is refused. None may read another
// component's models, or publish events in another's name.
var grants = map[string]federation.Grant{
	"inventory": {Models: []string{"inventory", "warehouse"}},
	"payment":   {Models: []string{"account"}},
	"shipping":  {Models: []string{"carrier"}, Ports: []string{"order.priceDelivery"}},
}

// nativeConfig is the whole example in one program: all components linked in.
// track answers order.trackShipment.
func nativeConfig(track adapter.Adapter, log *slog.Logger) aegis.Config {
	return aegis.Config{
		Components: aegis.Components{customer.Component(), order.Component(), inventory.V100(), payment.Component(), shipping.Component()},
		Adapters:   append(routes(), append(arranged(), track)...),
		Services:   newPurse().services(),
		Authorize:  authorize,
		Strict:     true,
		Logger:     log,
	}
}

// guestConfig has the services as WebAssembly modules, which is the only
// difference, and keeps what they are compiled to in dir.
func guestConfig(dir string, store datasource.Store, remotes []federation.Remote, track adapter.Adapter, log *slog.Logger) aegis.Config {
	cfg := nativeConfig(track, log)
	cfg.Components = aegis.Components{customer.Component(), order.Component()}
	cfg.Runtimes = aegis.Runtimes{wasm.New(wasm.Config{CacheDir: filepath.Join(dir, "compiled"), Logger: log})}
	cfg.Remotes = remotes
	cfg.Datasource = store
	return cfg
}

// remotes are the services as a host begins with them.
func remotes(srv *modules.Server) (rs []federation.Remote, err error) {
	for _, name := range []string{"inventory", "payment", "shipping"} {
		r, err := srv.Remote(name, "1.0.0", grants[name])
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// documents are in their own folder below dir.
func documents(dir string) datasource.Store {
	return badger.New(badger.Config{Dir: filepath.Join(dir, "documents")})
}

// inner are the models that only orders reach, by routes: their documents are
// no business of clients. What the routes do is not asked about here.
var inner = []string{"account", "carrier", "warehouse"}

// authorize lets everybody who can connect, which is this machine, do what the
// API offers, but for the inner models, of which it shows the documents. That
// includes what the carrier does, who tells events and answers calls, and what
// operators do.
func authorize(_ context.Context, a aegis.Access) error {
	switch a.Action {
	case aegis.Find, aegis.List, aegis.Relate, aegis.HostRead, aegis.HostWrite:
		return nil
	}
	if !slices.Contains(inner, a.Model) {
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: fmt.Sprintf("%s %s: orders do that, not clients", a.Action, a.Model)}
}
