package flow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// What crash histories found, each as the smallest case.

// small is a host of the world's orders and stock with a store of its own.
func small(t *testing.T, disk datasource.Store, c code, as aegis.Adapters, more ...modelspec.Interface) *aegis.Host {
	t.Helper()
	ms := aegis.Models{orders(c), stocks(c)}
	ms = append(ms, more...)
	h, err := aegis.New(aegis.Config{Models: ms, Adapters: as, Logger: silent, DrainAfter: time.Second, Datasource: staysOpen{disk}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func seed(t *testing.T, h *aegis.Host, left int, ids ...string) {
	t.Helper()
	if _, err := aegis.NewRepository(h, stocks(code{})).Create(t.Context(), "apple", shelfStock{Left: left}); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, err := aegis.NewRepository(h, orders(code{})).Create(t.Context(), id, order{Order: id, SKU: "apple", State: "new"}); err != nil {
			t.Fatal(err)
		}
	}
}

func settle(t *testing.T, h *aegis.Host, times int, pace time.Duration) {
	t.Helper()
	for range times {
		if err := h.Settle(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pace)
	}
}

func orderNow(t *testing.T, h *aegis.Host, id string) order {
	t.Helper()
	o, err := aegis.NewRepository(h, orders(code{})).Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A document takes two events of one other document in their order, also where
// what the first one runs fails for a time.
func TestCrashKeepsTheOrderOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutside(map[string][]string{"reserve": {refuse}, "scan": {unknown}})
		h := small(t, datasourcetest.Bytes(), code{}, answers(out, code{}, nil))
		defer h.Close()
		seed(t, h, 1, "o1")
		if err := sell.Invoke(t.Context(), h, "o1", none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 20, time.Minute)
		s, err := aegis.NewRepository(h, stocks(code{})).Find(t.Context(), "apple")
		if err != nil || len(s.Late) > 0 || len(s.Takes) != 1 || len(s.Backs) != 1 || s.Left != 1 {
			t.Errorf("%+v, %v: what was undone is taken afterwards", s, err)
		}
	})
}

// A handler acts, its process ends, and the next version's handler does not
// act: what was done is taken back, and the flow ends.
func TestCrashBetweenVersions(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *aegis.Host) error{
		"a step": func(t *testing.T, h *aegis.Host) error {
			err := sell.Invoke(t.Context(), h, "o1", none)
			for range 3 {
				h.Settle(t.Context(), time.Now()) // dies meanwhile
			}
			return err
		},
		"a command": func(t *testing.T, h *aegis.Host) error {
			return sell.Invoke(aegis.WithKey(t.Context(), "k"), h, "o1", none)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(map[string][]string{})
				h, l := w.boot(t, code{Hasty: name == "a command"}, nil, fault{})
				seed(t, h, 1, "o1")
				dying := &dies{life: l, at: []string{"pay", "courier"}}
				if err := h.Bind(t.Context(), answers(dying, code{}, nil)...); err != nil {
					t.Fatal(err)
				}
				first := run(t, h)
				h.Close()
				h, _ = w.boot(t, code{Lazy: true}, nil, fault{})
				defer h.Close()
				if first != nil {
					if err := run(t, h); err != nil {
						t.Fatal(err)
					}
				}
				for range 30 {
					settle(t, h, 1, time.Minute)
					for _, e := range w.waiting() {
						invoice.Complete(t.Context(), h, e.Key, slip{e.Key})
					}
				}
				before := w.revision(t, "order", "o1")
				settle(t, h, 30, time.Minute)
				if after := w.revision(t, "order", "o1"); after != before {
					t.Errorf("revision %d, and %d after nothing happened", before, after)
				}
				if n := len(w.stands("pay", "o1")) + len(w.stands("courier", "o1")); n != 0 {
					t.Errorf("%d effects stand that the document knows nothing of", n)
				}
				if o := orderNow(t, h, "o1"); o.State != "shipped" {
					t.Errorf("an acknowledged sale is %+v", o)
				}
				fs, err := h.FlowsOf(t.Context(), "order", "o1")
				for _, f := range fs {
					if f.Ended.IsZero() {
						for _, s := range f.Steps {
							if s.State == "tentative" {
								t.Errorf("flow %s waits for %s for ever", f.ID, s.Port)
							}
						}
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func (w *world) revision(t *testing.T, model, id string) int64 {
	t.Helper()
	c, err := w.disk.Collection(model)
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d.Revision
}

// dies is a life that ends when one of the ports has had its effect.
type dies struct {
	*life
	at []string
}

func (d *dies) do(ctx context.Context, port, key, order string) error {
	err := d.life.do(ctx, port, key, order)
	if slices.Contains(d.at, port) {
		d.kill(nil)
		return errDead
	}
	return err
}

// A store that fails while a handler is about to act refuses nothing.
func TestCrashOfTheStoreIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := false
		disk := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			if op.Kind == datasourcetest.Put && op.Collection == "order" && fail && tentativeIn(op.Document) {
				fail = false
				return datasourcetest.Fault{Before: errors.New("disk: input/output error")}
			}
			return datasourcetest.Fault{}
		})
		out := newOutside(map[string][]string{})
		h := small(t, disk, code{}, answers(out, code{}, nil))
		defer h.Close()
		seed(t, h, 1, "o1")
		fail = true
		if err := rush.Invoke(t.Context(), h, "o1", rushing{}); !modelspec.Transient(err) {
			t.Errorf("a command whose write failed is answered with %v %v", modelspec.CodeOf(err), err)
		}
		fail = true
		if err := sell.Invoke(t.Context(), h, "o1", none); err != nil {
			t.Fatal(err)
		}
		for range 30 {
			settle(t, h, 1, time.Minute)
			for _, e := range out.waiting() {
				invoice.Complete(t.Context(), h, e.Key, slip{e.Key})
			}
		}
		if o := orderNow(t, h, "o1"); o.State != "shipped" {
			t.Errorf("%+v", o)
		}
	})
}

func tentativeIn(d *datasource.Document) bool {
	if d.Meta == nil {
		return false
	}
	raw, err := d.Meta.JSON()
	return err == nil && bytes.Contains(raw, []byte(`"tentative"`))
}

// A document that only waits is not put in quarantine because processes ended,
// killed or closed, for whatever reason.
func TestCrashesOfOthersQuarantineNobody(t *testing.T) {
	for name, hang := range map[string]bool{"parked, and killed": false, "a provider hangs, and the host is closed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(map[string][]string{})
				for n := range 6 {
					h, l := w.boot(t, code{}, nil, fault{})
					if hang {
						if err := h.Bind(t.Context(), answers(hangs{l}, code{}, nil)...); err != nil {
							t.Fatal(err)
						}
					}
					if err := h.Start(t.Context()); err != nil {
						t.Fatal(err)
					}
					if n == 0 {
						seed(t, h, 1, "o1")
						if err := sell.Invoke(t.Context(), h, "o1", none); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					if !hang {
						l.kill(nil)
					}
					h.Close()
				}
				h, _ := w.boot(t, code{}, nil, fault{})
				defer h.Close()
				if is, err := h.Incidents(t.Context()); err != nil || len(is) > 0 {
					t.Errorf("%+v, %v", is, err)
				}
			})
		})
	}
}

// hangs is a service that answers gifts only when its
// caller gives up.
type hangs struct{ *life }

func (h hangs) do(ctx context.Context, port, key, order string) error {
	if port == "gift" {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.life.do(ctx, port, key, order)
}

type note struct {
	ID    string   `json:"id"`
	Order string   `json:"order"`
	Said  []string `json:"said,omitempty"`
}

// notes are made by the event that also runs a port of them.
func notes() modelspec.Model[note] {
	return modelspec.Model[note]{Name: "note", CreateOn: []modelspec.From{{Event: called("sold"), Key: "/order"}}, Ports: []modelspec.Port[note]{
		port.Command[note, askFor]{Name: "say", Model: "note", On: []modelspec.EventRef{port.From{Event: called("sold"), Key: "/order"}}, Handle: func(n *note, _ context.Context, a askFor) error {
			n.Said = append(n.Said, a.Order)
			return nil
		}},
	}}
}

// An event that makes a document also runs the document's ports.
func TestCrashOfMakingAndRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := newOutside(map[string][]string{})
		h := small(t, datasourcetest.Bytes(), code{}, answers(out, code{}, nil), notes())
		defer h.Close()
		seed(t, h, 1, "o1")
		if err := sell.Invoke(t.Context(), h, "o1", none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 3, time.Minute)
		if n, err := aegis.NewRepository(h, notes()).Find(t.Context(), "o1"); err != nil || fmt.Sprint(n.Said) != "[o1]" {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// An event that made a document, or changed one, and comes again after the
// document was deleted, or made anew, does nothing.
func TestCrashAfterDeletion(t *testing.T) {
	for name, again := range map[string]bool{"deleted": false, "made anew": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := datasourcetest.Bytes()
				out := newOutside(map[string][]string{})
				boot := func(deaf bool) *aegis.Host {
					h, err := aegis.New(aegis.Config{Models: aegis.Models{orders(code{}), stocks(code{}), notes()}, Adapters: answers(out, code{}, nil), Logger: silent, Datasource: staysOpen{disk},
						Subscriptions: aegis.Subscriptions{{Name: "slow", Pattern: "order.sold", Required: true, Handler: func(context.Context, broker.Event) error {
							if deaf {
								return modelspec.ErrUnavailable
							}
							return nil
						}}}})
					if err != nil {
						t.Fatal(err)
					}
					return h
				}
				h := boot(true)
				seed(t, h, 5, "o1")
				if err := sell.Invoke(t.Context(), h, "o1", none); err != nil {
					t.Fatal(err)
				}
				settle(t, h, 2, 0)
				ns, ss := aegis.NewRepository(h, notes()), aegis.NewRepository(h, stocks(code{}))
				if err := errors.Join(ns.Delete(t.Context(), "o1"), ss.Delete(t.Context(), "apple")); err != nil {
					t.Fatal(err)
				}
				if again {
					if _, err := ss.Create(t.Context(), "apple", shelfStock{Left: 5}); err != nil {
						t.Fatal(err)
					}
				}
				h.Close()
				h = boot(false) // the event comes again: somebody else has not had it
				defer h.Close()
				settle(t, h, 3, time.Minute)
				if n, err := aegis.NewRepository(h, notes()).Find(t.Context(), "o1"); !errors.Is(err, modelspec.ErrNotFound) {
					t.Errorf("it is there again: %+v, %v", n, err)
				}
				if s, err := aegis.NewRepository(h, stocks(code{})).Find(t.Context(), "apple"); again && (err != nil || s.Left != 5) {
					t.Errorf("an event was taken twice: %+v, %v", s, err)
				}
			})
		})
	}
}

// What a process remembers of a document that was purged is not the new one's:
// its events are told.
func TestCrashForgetsThePurged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []string
		lie := 0
		disk := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			switch {
			case lie == 2 && op.Kind == datasourcetest.Put && op.Collection == "stock": // clearing the outbox happens, and is not answered
				lie = 1
				return datasourcetest.Fault{After: errors.New("disk: the answer is lost")}
			case lie == 1 && op.Kind == datasourcetest.Get && op.Collection == "stock": // nor is the question whether it happened
				lie = 0
				return datasourcetest.Fault{Before: errors.New("disk: the answer is lost")}
			}
			return datasourcetest.Fault{}
		})
		h, err := aegis.New(aegis.Config{Models: aegis.Models{orders(code{}), stocks(code{Lazy: true})}, Logger: silent, Datasource: disk,
			Subscriptions: aegis.Subscriptions{{Name: "all", Pattern: "stock.*", Required: true, Handler: func(_ context.Context, e broker.Event) error {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, e.Type)
				return nil
			}}}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ss := aegis.NewRepository(h, stocks(code{}))
		if _, err := ss.Create(t.Context(), "s", shelfStock{}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := ss.Update(t.Context(), "s", func(s *shelfStock) error { s.Left++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if err := ss.Delete(t.Context(), "s"); err != nil {
			t.Fatal(err)
		}
		lie = 2
		settle(t, h, 3, time.Minute)
		settle(t, h, 3, 13*time.Hour)
		told = nil
		if _, err := ss.Create(t.Context(), "s", shelfStock{}); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 3, time.Minute)
		if fmt.Sprint(told) != "[stock.created]" {
			t.Errorf("told: %v", told)
		}
	})
}
