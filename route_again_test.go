package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// What routes lead to acts itself: an order is packed by a depot, which takes
// two things, one after the other, and can give them back.

type ask struct {
	ID   string `json:"id"`
	Done int    `json:"done"`
}

type depot struct {
	ID     string `json:"id"`
	Packed int    `json:"packed"`
}

var (
	askGo   = port.Command[ask, port.None]{Name: "go", Model: "ask", Produces: modelspec.EventName("ask.gone"), Handle: func(*ask, context.Context, port.None) error { return nil }}
	askPack = port.Outbound[ask, port.None, port.None]{Name: "pack", On: []modelspec.EventRef{modelspec.EventName("ask.gone")}, Undo: true,
		Produces: modelspec.EventName("ask.packed"), Request: func(*ask) port.None { return port.None{} }, Reply: func(a *ask, _ port.None) error { a.Done++; return nil }}
	askMore = port.Outbound[ask, port.None, port.None]{Name: "more", On: []modelspec.EventRef{modelspec.EventName("ask.packed")},
		Request: func(*ask) port.None { return port.None{} }}
	depotTake   = port.Outbound[depot, string, port.None]{Name: "take", Undo: true, Request: func(*depot) string { return "" }}
	depotPack   = port.Inbound[depot, port.None, port.None]{Name: "pack", Model: "depot", Handle: (*depot).pack}
	depotUnpack = port.Inbound[depot, port.None, port.None]{Name: "unpack", Model: "depot", Handle: func(d *depot, _ context.Context, _ port.None) (port.None, error) {
		d.Packed--
		return port.None{}, nil
	}}
)

func (d *depot) pack(ctx context.Context, _ port.None) (port.None, error) {
	for _, what := range []string{"tea", "cup"} {
		if _, err := depotTake.CallWith(ctx, d, what); err != nil {
			return port.None{}, err
		}
	}
	d.Packed++
	return port.None{}, nil
}

// shelf keeps keys: each effect once, and none after its undo.
type shelf struct {
	taken, back map[string]string // what, by key
	fail        func(what string) error
}

func (s *shelf) take(ctx context.Context, what string) (port.None, error) {
	k := adapter.Key(ctx)
	if s.back[k] != "" {
		return port.None{}, modelspec.Refuse("it was given back")
	}
	if err := s.fail(what); err != nil {
		return port.None{}, err
	}
	s.taken[k] = what
	return port.None{}, nil
}

func (s *shelf) giveBack(_ context.Context, t adapter.Taken[string, port.None]) error {
	s.back[t.Key] = t.Request
	return nil
}

func (s *shelf) live(what string) (n int) {
	for k, w := range s.taken {
		if w == what && s.back[k] == "" {
			n++
		}
	}
	return n
}

func packing(s *shelf, store datasource.Store, more func() error) aegis.Config {
	return aegis.Config{
		Models: aegis.Models{
			modelspec.Model[ask]{Name: "ask", Ports: []modelspec.Port[ask]{askGo, askPack, askMore}},
			modelspec.Model[depot]{Name: "depot", Ports: []modelspec.Port[depot]{depotPack, depotUnpack, depotTake}, API: modelspec.API{ID: true}},
		},
		Adapters: aegis.Adapters{
			adapter.RouteUndo(askPack, depotPack, func(port.None) (string, port.None) { return "d", port.None{} },
				depotUnpack, func(adapter.Taken[port.None, port.None]) (string, port.None) { return "d", port.None{} }),
			adapter.BindUndo(depotTake, s.take, s.giveBack),
			adapter.Bind(askMore, func(context.Context, port.None) (port.None, error) { return port.None{}, more() }),
		},
		Datasource: store, Logger: slog.New(slog.DiscardHandler),
	}
}

func goAsk(t *testing.T, h *aegis.Host) string {
	t.Helper()
	if _, err := aegis.NewRepository(h, modelspec.Model[depot]{Name: "depot"}).Create(t.Context(), "d", depot{}); err != nil && !errors.Is(err, modelspec.ErrExists) {
		t.Fatal(err)
	}
	e, err := aegis.NewRepository(h, modelspec.Model[ask]{Name: "ask"}).Create(t.Context(), "", ask{})
	if err != nil {
		t.Fatal(err)
	}
	if err := askGo.Invoke(t.Context(), h, e.ID, port.None{}); err != nil {
		t.Fatal(err)
	}
	return e.ID
}

func packed(t *testing.T, h *aegis.Host, s *shelf, id string, want, more int) {
	t.Helper()
	a, err := aegis.NewRepository(h, modelspec.Model[ask]{Name: "ask"}).Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := aegis.NewRepository(h, modelspec.Model[depot]{Name: "depot"}).Find(t.Context(), "d")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(a.Done, d.Packed, s.live("tea"), s.live("cup"))
	if ok := fmt.Sprint(want, want+more, want+more, want+more); got != ok {
		fs, _ := h.FlowsOf(t.Context(), "ask", id)
		t.Errorf("done, packed, tea, cup: %s, want %s; %s: %+v", got, ok, fs[0].State, fs[0].Steps)
	}
}

// TestRouteIsAskedAgain: what a route leads to fails once, for a moment, after
// it has acted. The step is asked again, and must not get the old failure for
// ever.
func TestRouteIsAskedAgain(t *testing.T) {
	for name, once := range map[string]error{
		"not sent": adapter.NotSent(errors.New("busy")),
		"unknown":  errors.New("the line broke"),
	} {
		for end, refused := range map[string]error{"": nil, ", and is undone later": modelspec.Refuse("no more")} {
			t.Run(name+end, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := 0
					s := &shelf{taken: map[string]string{}, back: map[string]string{}, fail: func(what string) error {
						if what == "cup" {
							if n++; n == 1 {
								return once
							}
						}
						return nil
					}}
					h, err := aegis.New(packing(s, memory.New(), func() error { return refused }))
					if err != nil {
						t.Fatal(err)
					}
					defer h.Close()
					if err := h.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					id := goAsk(t, h)
					time.Sleep(time.Hour)
					synctest.Wait()
					if refused == nil {
						packed(t, h, s, id, 1, 0)
						return
					}
					d, err := aegis.NewRepository(h, modelspec.Model[depot]{Name: "depot"}).Find(t.Context(), "d")
					if err != nil || d.Packed != 0 {
						t.Errorf("not unpacked: %+v %v", d, err)
					}
				})
			})
		}
	}
}

// cut is a store that loses its power when told so.
type cut struct {
	datasource.Store
	off bool
}

func (c *cut) Collection(name string) (datasource.Collection, error) {
	o, err := c.Store.Collection(name)
	return cutColl{o, c}, err
}

func (c *cut) Close() error { return nil }

type cutColl struct {
	datasource.Collection
	c *cut
}

func (c cutColl) Put(ctx context.Context, d datasource.Document) error {
	if c.c.off {
		return modelspec.ErrUnavailable
	}
	return c.Collection.Put(ctx, d)
}

// TestRouteIsAskedAgainAfterTheLease: the host dies while what a route leads to
// acts, and the next one comes when that command is taken for dead. Whichever
// of the two documents it looks at first, the order is packed once.
func TestRouteIsAskedAgainAfterTheLease(t *testing.T) {
	for _, first := range []string{"depot", "ask", "depot, long before, and alone,"} {
		t.Run(first+" first", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &cut{Store: memory.New()}
				s := &shelf{taken: map[string]string{}, back: map[string]string{}}
				s.fail = func(what string) error {
					if what == "cup" {
						store.off = true
						return modelspec.ErrUnavailable
					}
					return nil
				}
				h, err := aegis.New(packing(s, store, func() error { return nil }))
				if err != nil {
					t.Fatal(err)
				}
				id := goAsk(t, h)
				_ = h.Settle(t.Context(), time.Now())
				_ = h.Close()
				if !store.off || s.live("tea") != 1 {
					t.Fatal("it did not die in the middle")
				}
				store.off, s.fail = false, func(string) error { return nil }
				time.Sleep(5 * time.Minute)
				extra := 0
				if strings.Contains(first, "alone") { // and its end is history already
					cfg := packing(s, store, nil)
					cfg.Models, cfg.Adapters = cfg.Models[1:], cfg.Adapters[1:2]
					if h, err = aegis.New(cfg); err != nil {
						t.Fatal(err)
					}
					if err := h.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
					synctest.Wait()
					if _, err := depotPack.Invoke(t.Context(), h, "d", port.None{}); err != nil {
						t.Fatal(err)
					}
					extra = 1
					time.Sleep(time.Minute)
					_ = h.Close()
				}
				if h, err = aegis.New(packing(s, store, func() error { return nil })); err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				if first == "depot" { // its command is taken for dead, and undone, before it is asked again
					fs, err := h.FlowsOf(t.Context(), "depot", "d")
					if err != nil || len(fs) != 1 {
						t.Fatal(fs, err)
					}
					if _, err := h.UndoFlow(t.Context(), "depot", "d", fs[0].ID, aegis.Operator{}); err != nil {
						t.Log(err)
					}
				}
				if err := h.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				packed(t, h, s, id, 1, extra)
			})
		})
	}
}
