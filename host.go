package aegis

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Host runs components. It is an http.Handler for the API of their models, and
// safe for concurrent use.
type Host struct {
	cfg    Config
	table  *federation.Table
	broker *broker.Broker
	engine *flow.Engine
	api    http.Handler

	mu       sync.Mutex        // one change at a time; guards linked, wired, leases, kept, started
	linked   map[string]linked // the components that are linked in, as they are shown
	wired    wiring
	arranged map[string]string    // of wired.chosen: what Apply has chosen
	leases   []*lease             // of services, until their last user has gone
	kept     map[string][]release // what was shown, newest last, for Rollback
	started  bool
	run      context.Context // of the engine's work; nil: not started
	stop     context.CancelFunc
	work     sync.WaitGroup // of the engine
	wg       sync.WaitGroup // of all else
	closed   atomic.Bool
	bound    atomic.Pointer[[]Binding] // by adapters of linked, for whoever looks
	serving  atomic.Pointer[wiring]    // wired, for calls
}

// hostComponent is the component of Config.Models and Config.Adapters.
const hostComponent = "host"

// New makes a Host of cfg. It starts nothing. The error joins all that is
// wrong with cfg: each names the model, the field and the mend.
func New(cfg Config) (*Host, error) {
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	cfg.Root = cmp.Or(cfg.Root, "/aegis/api")
	cfg.DrainAfter = cmp.Or(cfg.DrainAfter, 30*time.Second)
	if cfg.Datasource == nil {
		cfg.Datasource = memory.New()
	}
	h := &Host{cfg: cfg, table: federation.NewTable(), kept: map[string][]release{}, linked: map[string]linked{}}
	h.broker = broker.New(broker.Config{OnFailure: h.eventFailed})
	h.engine = flow.New(flow.Config{Table: h.table, Broker: h.broker, Store: cfg.Datasource, Stores: cfg.Datasources, Log: cfg.Logger,
		Namespace: cfg.Namespace, Policies: cfg.Policies, History: cfg.History, Observe: cfg.Observer, Services: h.serve})
	err := errors.Join(h.subscribe(), h.showOwn(context.Background()))
	if err != nil {
		return nil, errors.Join(err, h.broker.Close(), h.table.Close(context.Background()))
	}
	if len(cfg.Remotes) == 0 && cfg.Arrangement != nil {
		err = h.arrange(context.Background(), cfg.Arrangement)
	}
	if err := errors.Join(err, h.engine.Listen()); err != nil {
		return nil, errors.Join(err, h.broker.Close(), h.table.Close(context.Background()))
	}
	h.api = h.newAPI()
	return h, nil
}

func (h *Host) subscribe() error {
	var bad []error
	for _, s := range h.cfg.Subscriptions {
		_, err := h.broker.Subscribe(s)
		bad = append(bad, err)
	}
	return errors.Join(bad...)
}

// showOwn shows what is linked in, together.
func (h *Host) showOwn(ctx context.Context) error {
	services, claims, err := h.place(h.cfg.Services)
	bad := []error{err}
	w := wiring{services: services, chosen: chosenOf(h.cfg.Bindings)}
	var cs []linked
	names := map[string]bool{}
	for _, c := range append(Components{{Name: hostComponent, Models: h.cfg.Models, Adapters: h.cfg.Adapters}}, h.cfg.Components...) {
		if names[c.Name] {
			bad = append(bad, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "component " + c.Name + " is there twice: give one another name"})
			continue
		}
		names[c.Name] = true
		cs = append(cs, linked{Component: c})
	}
	gens, shown, err := h.prepareAll(ctx, w, cs)
	bad = append(bad, err)
	if err == nil {
		bad = append(bad, w.check(shown, slices.Sorted(maps.Keys(w.chosen))))
	}
	if err := errors.Join(bad...); err != nil {
		return err // and the table closes what was prepared
	}
	if err := h.table.Swap(changeTo(gens)); err != nil {
		return err
	}
	h.wire(w)
	h.own(claims)
	h.note(shown...)
	return nil
}

// Start loads the remotes and begins to work: it resumes what another process
// left unfinished, while calls are already served. ctx bounds starting only.
func (h *Host) Start(ctx context.Context) error {
	h.mu.Lock()
	if h.started || h.closed.Load() {
		h.mu.Unlock()
		return &modelspec.Error{Code: modelspec.ErrRefused, Message: "aegis: the host was started before"}
	}
	h.started = true
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.run, h.stop = run, stop
	h.mu.Unlock()
	if len(h.cfg.Remotes) > 0 {
		if _, err := h.Deploy(ctx, h.cfg.Remotes...); err != nil {
			return err
		}
		if h.cfg.Arrangement != nil {
			if err := h.Apply(ctx, h.cfg.Arrangement); err != nil {
				return err
			}
		}
	}
	if unbound := h.Unbound(); len(unbound) > 0 {
		err := &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "aegis: outbound ports without an adapter: " + list(h.explain(unbound))}
		if h.cfg.Strict {
			return err
		}
		h.cfg.Logger.Warn(err.Message)
	}
	h.work.Go(func() { h.engine.Run(run) })
	return nil
}

// Close ends the host: it refuses new calls, lets those under way end for at
// most Config.DrainAfter, and closes its services, stores and runtimes. What is
// unfinished is resumed by the next host on the same store. A service that is
// called even then is closed when that call returns.
func (h *Host) Close() error {
	if h.closed.Swap(true) {
		return nil
	}
	h.mu.Lock()
	if h.stop != nil {
		h.stop()
	}
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), h.cfg.DrainAfter)
	defer cancel()
	bad := []error{h.rest(ctx)}
	h.engine.Clear(ctx) // while there still is a table to clear with
	bad = append(bad, h.table.Close(ctx))
	h.wg.Wait()
	bad = append(bad, h.closeServices())
	bad = append(bad, h.broker.Close())
	for _, r := range h.cfg.Runtimes {
		bad = append(bad, r.Close())
	}
	bad = append(bad, h.cfg.Datasource.Close())
	for _, s := range h.cfg.Datasources {
		bad = append(bad, s.Close())
	}
	return errors.Join(bad...)
}

// rest waits for the engine's work. What does not end is left alone: an adapter
// may never return, and what it answers then is written by nobody.
func (h *Host) rest(ctx context.Context) error {
	done := make(chan struct{})
	go func() { h.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &modelspec.Error{Code: modelspec.ErrDeadline, Message: "aegis: close: an adapter has not returned: its flow is resumed by the next host"}
	}
}

// Settle does all that is due at t in the caller's goroutine, and returns when
// nothing is. It is for tests, and for programs that do not Start: beside a
// started host it may tell events a second time.
func (h *Host) Settle(ctx context.Context, t time.Time) error { return h.engine.Settle(ctx, t) }

// Subscribe watches events from now on, until the handle is closed.
func (h *Host) Subscribe(s broker.Subscription) (*broker.Handle, error) { return h.broker.Subscribe(s) }

// Unbound lists the outbound ports, as "model.port", that no adapter answers.
func (h *Host) Unbound() []string { return h.table.Snapshot().Unbound() }

// Specs lists the models of the moment, by name.
func (h *Host) Specs() []*modelspec.Spec { return h.table.Snapshot().Models() }

// Loaded lists the components of the moment, by name.
func (h *Host) Loaded() []federation.ComponentInfo { return h.table.Snapshot().Components() }

// Incidents lists the documents that need a person.
func (h *Host) Incidents(ctx context.Context) ([]Incident, error) {
	return h.engine.Incidents(ctx)
}

// Flows lists the flows of a document that have not moved to its history.
func (h *Host) Flows(ctx context.Context, model, id string) ([]Flow, error) {
	return h.engine.Flows(ctx, model, id)
}

// InvokePort calls an inbound port: see port.Inbound.Invoke.
func (h *Host) InvokePort(ctx context.Context, p port.Ref, id string, arg *modelspec.Value) (*modelspec.Value, error) {
	model := p.Model
	if model == "" {
		var err error
		if model, err = h.table.Snapshot().Resolve(p); err != nil {
			return nil, err
		}
	}
	r := requestOf(ctx)
	r.Model, r.ID, r.Port = model, id, p.Port
	res, err := h.engine.Invoke(ctx, r, arg)
	return res.Value, err
}

func (h *Host) eventFailed(f broker.Failure) {
	h.cfg.Logger.Warn("an event was not handled", "event", f.Event.ID, "type", f.Event.Type, "subscription", f.Name, "pattern", f.Pattern, "dropped", f.Dropped, "err", f.Err)
}

func list(ss []string) string {
	out := ""
	for i, s := range ss {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}
