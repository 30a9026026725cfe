package aegis_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var none = port.None{}

// service is an outside service that keeps its half: one effect per key, and
// none after its undo.
type service struct {
	mu     sync.Mutex
	calls  map[string]int             // by port, asked
	effect map[string]int             // by port, happened
	keys   map[string]map[string]bool // by port, keys of effects
	undone map[string]bool            // tombstones, by port|key
	order  []string                   // effects and undos as they happened
	fail   map[string]error           // answers of a port
}

func newService() *service {
	return &service{calls: map[string]int{}, effect: map[string]int{}, keys: map[string]map[string]bool{}, undone: map[string]bool{}, fail: map[string]error{}}
}

func (s *service) do(ctx context.Context, port string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[port]++
	if err := s.fail[port]; err != nil {
		return err
	}
	return s.land(port, adapter.Key(ctx))
}

// land makes the effect happen, once per key. The caller holds s.mu.
func (s *service) land(port, key string) error {
	if key == "" {
		panic("no key for " + port)
	}
	if s.undone[port+"|"+key] {
		return modelspec.Refuse("taken back before")
	}
	if s.keys[port] == nil {
		s.keys[port] = map[string]bool{}
	}
	if !s.keys[port][key] {
		s.keys[port][key] = true
		s.effect[port]++
		s.order = append(s.order, port)
	}
	return nil
}

func (s *service) undo(ctx context.Context, port string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["undo "+port]++
	if err := s.fail["undo "+port]; err != nil {
		return err
	}
	key := adapter.Undoes(ctx)
	if key == "" || adapter.Key(ctx) == key {
		panic("no keys for the undo of " + port)
	}
	if s.keys[port][key] && !s.undone[port+"|"+key] {
		s.effect["undo "+port]++
		s.order = append(s.order, "undo "+port)
	}
	s.undone[port+"|"+key] = true
	return nil
}

func (s *service) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.effect[what]
}

func (s *service) asked(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[what]
}

func (s *service) answer(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail[what] = err
}

func bind[M, Req, Res any](s *service, p port.Outbound[M, Req, Res], res Res) adapter.Adapter {
	do := func(ctx context.Context, _ Req) (r Res, err error) {
		if err := s.do(ctx, p.Name); err != nil {
			return r, err
		}
		return res, nil
	}
	if !p.Undo {
		return adapter.Bind(p, do)
	}
	return adapter.BindUndo(p, do, func(ctx context.Context, _ adapter.Taken[Req, Res]) error { return s.undo(ctx, p.Name) })
}

// adapters binds all ports of an order but those named.
func (s *service) adapters(but ...string) aegis.Adapters {
	all := aegis.Adapters{
		bind(s, shop.Authorize, shop.Authorization{ID: "auth-1"}), bind(s, shop.Pick, none), bind(s, shop.Ship, shop.Shipment{TrackingID: "1Z"}),
		bind(s, shop.Courier, shop.Shipment{TrackingID: "C1"}), bind(s, shop.Price, shop.PriceTold{Total: 900}),
	}
	var out aegis.Adapters
next:
	for _, a := range all {
		for _, b := range but {
			if a.Port == b {
				continue next
			}
		}
		out = append(out, a)
	}
	return out
}

func boot(t testing.TB, cfg aegis.Config) (*aegis.Host, aegis.Repository[shop.Order]) {
	t.Helper()
	if cfg.Models == nil {
		cfg.Models = aegis.Models{shop.Orders(), shop.Customers}
	}
	h, err := aegis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, aegis.NewRepository(h, shop.Orders())
}

func create(t testing.TB, r aegis.Repository[shop.Order], ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := r.Create(t.Context(), id, shop.Seed()); err != nil {
			t.Fatal(err)
		}
	}
}

func find(t testing.TB, r aegis.Repository[shop.Order], id string) shop.Order {
	t.Helper()
	o, err := r.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func envelope(t testing.TB, s datasource.Store, model, id string) datasource.Document {
	t.Helper()
	c, err := s.Collection(model)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func metaText(t testing.TB, s datasource.Store, model, id string) string {
	t.Helper()
	d := envelope(t, s, model, id)
	b, err := d.Meta.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// settle does what is due, and what becomes due within d.
func settle(t testing.TB, h *aegis.Host, d time.Duration) {
	t.Helper()
	if err := h.Settle(t.Context(), time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

func approve(ctx context.Context, h *aegis.Host, id string) error {
	_, err := shop.Approve().Invoke(ctx, h, id, shop.Approval{By: "ann"})
	return err
}
