package aegistest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Host is a host under test, of one placement. It has not been started: nothing
// happens by itself until [Host.Settle]. Safe for concurrent use, but for the
// methods that may end the test, which belong to the test's own goroutine.
type Host struct {
	*aegis.Host
	t     testing.TB
	place Placement
	label string
	begun atomic.Bool

	stirred chan struct{} // something came, since somebody looked

	events  events
	trouble trouble
	values  values

	mu     sync.Mutex
	ahead  time.Duration // of the clock of Settle
	stubs  map[port.Ref]any
	faults []string // found where the test cannot be failed
	told   map[string]bool
}

// Each runs body as one subtest for each placement of cfg, each with a host of
// its own.
func Each(t *testing.T, cfg Config, body func(t *testing.T, host *Host)) {
	t.Helper()
	if err := cfg.checkEach(); err != nil {
		t.Fatalf("aegistest: each: %v", err)
	}
	for _, p := range cfg.placements() {
		t.Run(string(p), func(t *testing.T) {
			one := cfg
			one.Placements = []Placement{p}
			body(t, New(t, one))
		})
	}
}

// New makes the host of the first placement of cfg. It is closed when the test
// ends, and the test fails if then a goroutine of the host is left, a document
// or event needs a person that the test did not expect, or somebody changed a
// value that others share.
func New(t testing.TB, cfg Config) *Host {
	t.Helper()
	h := &Host{t: t, stirred: make(chan struct{}, 1), stubs: map[port.Ref]any{}, told: map[string]bool{}}
	h.label = fmt.Sprintf("%p", h)
	if ps := cfg.placements(); len(ps) > 0 {
		h.place = ps[0]
	}
	if err := cfg.check(h.place); err != nil {
		t.Fatalf("aegistest: placement %q: %v", h.place, err)
	}
	own, err := h.configure(cfg)
	if err != nil {
		t.Fatalf("aegistest: placement %s: %v", h.place, err)
	}
	h.mark()
	if h.Host, err = aegis.New(own); err != nil {
		t.Fatalf("aegistest: placement %s: %v", h.place, errors.Join(err, own.Datasource.Close()))
	}
	t.Cleanup(h.finish)
	if len(own.Remotes) > 0 {
		if _, err := h.Host.Deploy(t.Context(), own.Remotes...); err != nil {
			t.Fatalf("aegistest: placement %s: %v", h.place, err)
		}
	}
	return h
}

// configure makes the host's own configuration of the test's.
func (h *Host) configure(cfg Config) (aegis.Config, error) {
	own := cfg.Host
	if own.Logger == nil {
		own.Logger = slog.New(slog.NewTextHandler(h.t.Output(), nil))
	}
	own.Observer = h.trouble.watch(h.stir, own.Observer)
	own.Subscriptions = append(slices.Clip(own.Subscriptions), broker.Subscription{Name: "aegistest", Pattern: ">", Required: true, Handler: h.take})
	own.Adapters = h.watched(own.Adapters)
	if cfg.Store != nil {
		own.Datasource = cfg.Store(h.t)
	}
	if own.Datasource == nil {
		own.Datasource = memory.New()
	}
	own.Datasource = watchedStore{own.Datasource, &h.values}
	own.Datasources = maps.Clone(own.Datasources)
	for model, s := range own.Datasources {
		own.Datasources[model] = watchedStore{s, &h.values}
	}
	return own, h.place.add(&own, cfg, h)
}

// Placement is where the component under test runs.
func (h *Host) Placement() Placement { return h.place }

// Settle does what is due now: it publishes events, and runs flows as far as
// they come without waiting. It ends the test where that fails.
func (h *Host) Settle() {
	h.t.Helper()
	h.mu.Lock()
	at := time.Now().Add(h.ahead)
	h.mu.Unlock()
	if err := h.Host.Settle(h.t.Context(), at); err != nil {
		h.t.Fatalf("aegistest: settle: %v", err)
	}
	h.flush()
}

// Pass lets d pass for what waits in the host, such as a step that is asked
// again later, and settles. Handlers and adapters go on reading the real time.
func (h *Host) Pass(d time.Duration) {
	h.t.Helper()
	h.mu.Lock()
	h.ahead += d
	h.mu.Unlock()
	h.Settle()
}

// Use binds adapters, in place of those that answered their ports before. It
// ends the test where that fails.
func (h *Host) Use(as ...adapter.Adapter) {
	h.t.Helper()
	if err := h.Bind(h.t.Context(), as...); err != nil {
		h.t.Fatalf("aegistest: use: %v", err)
	}
}

// Bind is [aegis.Host.Bind] of adapters that are watched: one that changes its
// request fails the test.
func (h *Host) Bind(ctx context.Context, as ...adapter.Adapter) error {
	h.mark()
	return h.Host.Bind(ctx, h.watched(as)...)
}

// InvokePort is [aegis.Host.InvokePort]; a handler that changes its request
// fails the test.
func (h *Host) InvokePort(ctx context.Context, p port.Ref, id string, arg *modelspec.Value) (*modelspec.Value, error) {
	before := digest(arg)
	res, err := h.Host.InvokePort(ctx, p, id, arg)
	if digest(arg) != before {
		h.fault("the handler of port " + nameOf(p) + " changed its request, which is the caller's: copy what is to be changed")
	}
	return res, err
}

// Start is [aegis.Host.Start]: from here on the host works by itself, and the
// expectations wait a little for what they expect.
func (h *Host) Start(ctx context.Context) error {
	h.mark()
	h.begun.Store(true)
	return h.Host.Start(ctx)
}

// Subscribe is [aegis.Host.Subscribe].
func (h *Host) Subscribe(s broker.Subscription) (*broker.Handle, error) {
	h.mark()
	return h.Host.Subscribe(s)
}

// Deploy is [aegis.Host.Deploy].
func (h *Host) Deploy(ctx context.Context, rs ...federation.Remote) ([]federation.ComponentInfo, error) {
	h.mark()
	return h.Host.Deploy(ctx, rs...)
}

// fault remembers what is wrong, once, where the test cannot be failed: on a
// goroutine of the host.
func (h *Host) fault(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.told[text] {
		h.told[text] = true
		h.faults = append(h.faults, text)
	}
}

// flush fails the test for what was found.
func (h *Host) flush() {
	h.t.Helper()
	for _, changed := range h.values.changed() {
		h.fault(changed)
	}
	h.mu.Lock()
	found := h.faults
	h.faults = nil
	h.mu.Unlock()
	for _, f := range found {
		h.t.Errorf("aegistest: placement %s: %s", h.place, f)
	}
}

// finish closes the host and looks at what it leaves.
func (h *Host) finish() {
	h.t.Helper()
	h.flush()
	if err := h.Close(); err != nil {
		h.t.Errorf("aegistest: close: %v", err)
	}
	h.flush()
	for _, text := range h.trouble.rest() {
		h.t.Errorf("aegistest: placement %s: unexpected: %s", h.place, text)
	}
	if left := h.left(); left != "" {
		h.t.Errorf("aegistest: placement %s: goroutines of the host are left after Close:\n%s", h.place, left)
	}
}

var (
	_ port.Invoker     = (*Host)(nil)
	_ datasource.Store = watchedStore{}
)
