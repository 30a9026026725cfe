package aegis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// A flow that has completed is taken back, whether it is in its envelope still
// or in the history, and once.
func TestOperatorUndoesACompletedFlow(t *testing.T) {
	for name, later := range map[string]time.Duration{"envelope": 0, "history": time.Hour} {
		t.Run(name, func(t *testing.T) {
			disk, s := datasourcetest.Bytes(), newService()
			m := shop.Orders()
			pack := port.Outbound[shop.Order, port.None, port.None]{Name: "pack", On: []modelspec.EventRef{shop.Picked}, Undo: true, Request: func(*shop.Order) port.None { return none }}
			m.Ports = append(m.Ports, pack)
			cfg := aegis.Config{Datasource: keepOpen{disk}, Models: aegis.Models{m, shop.Customers}, Adapters: append(s.adapters(), bind(s, pack, none))}
			started(t, cfg, func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order]) {
				create(t, r, "o1")
				approve(t.Context(), h, "o1")
				synctest.Wait()
				sleep(later)
				f := theFlow(t, h, "o1")
				if in := strings.Contains(metaText(t, disk, "order", "o1"), f.ID); f.State != aegis.FlowCompleted || in != (later == 0) {
					t.Fatalf("%s, in the envelope: %t", f.State, in)
				}
				if _, err := h.FlowOf(t.Context(), "order", "o2", f.ID); !errors.Is(err, modelspec.ErrNotFound) {
					t.Errorf("as a flow of another document: %v", err)
				}
				f, err := h.UndoFlow(t.Context(), "order", "o1", f.ID, ann)
				if err != nil || f.State != aegis.FlowUndoing {
					t.Fatal(f.State, err)
				}
				again, err := h.UndoFlow(t.Context(), "order", "o1", f.ID, ann)
				if err != nil && !errors.Is(err, modelspec.ErrRefused) || err == nil && again.State != aegis.FlowUndoing {
					t.Error(again.State, err)
				}
				sleep(time.Hour)
				f = theFlow(t, h, "o1")
				if f.State != aegis.FlowUndone || f.Error == nil || !strings.Contains(f.Error.Message, ann.Reason) || find(t, r, "o1").Status != shop.Canceled {
					t.Errorf("%s, %v, order %s", f.State, f.Error, find(t, r, "o1").Status)
				}
				if want := []string{"undo pack", "undo pick", "undo authorize"}; len(s.order) != 7 || !slices.Equal(s.order[4:], want) {
					t.Errorf("effects %v", s.order)
				}
				signed(t, f, "undo")
				if done, undone := listed(t, h, aegis.FlowQuery{State: aegis.FlowCompleted}), listed(t, h, aegis.FlowQuery{State: aegis.FlowUndone}); len(done) != 0 || len(undone) != 1 {
					t.Errorf("completed %v, undone %v", done, undone)
				}
				if _, err := h.UndoFlow(t.Context(), "order", "o1", f.ID, ann); !errors.Is(err, modelspec.ErrRefused) {
					t.Errorf("a second time: %v", err)
				}
			})
		})
	}
}

// A flow of the history that could not be taken out of there is told once, and
// by its last end.
func TestHistoryKeepsTheLastEnd(t *testing.T) {
	s := newService()
	var stuck atomic.Bool
	store := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
		if stuck.Load() && op.Kind == datasourcetest.Put && op.Collection == "order.history" {
			return datasourcetest.Fault{Before: errDead}
		}
		return datasourcetest.Fault{}
	})
	started(t, aegis.Config{Datasource: store, Adapters: s.adapters()}, func(t *testing.T, h *aegis.Host, r aegis.Repository[shop.Order]) {
		create(t, r, "o1")
		approve(t.Context(), h, "o1")
		sleep(time.Hour)
		f := theFlow(t, h, "o1")
		s.answer("undo pick", modelspec.ErrDeadline)
		stuck.Store(true)
		if _, err := h.UndoFlow(t.Context(), "order", "o1", f.ID, ann); err != nil {
			t.Fatal(err)
		}
		stuck.Store(false)
		sleep(time.Minute)
		if now := theFlow(t, h, "o1"); now.State != aegis.FlowUndoing || len(listed(t, h, aegis.FlowQuery{State: aegis.FlowCompleted})) != 0 {
			t.Errorf("%s, and listed as completed: %v", now.State, listed(t, h, aegis.FlowQuery{State: aegis.FlowCompleted}))
		}
		s.answer("undo pick", nil)
		sleep(time.Hour)
		if now := theFlow(t, h, "o1"); now.State != aegis.FlowUndone {
			t.Error(now.State)
		}
	})
}

// A flow without undo cannot be taken back, and one that was not begun is left.
func TestNothingToTakeBack(t *testing.T) {
	start, mail := produces("start", "d.go"), reacts("mail", "d.go", "", false)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, mail}}
	s := newService()
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, mail, none)}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	flowOf := func(id string) aegis.Flow {
		fs, err := h.FlowsOf(t.Context(), "d", id)
		if err != nil || len(fs) != 1 {
			t.Fatal(fs, err)
		}
		return fs[0]
	}
	for _, id := range []string{"sent", "not"} {
		aegis.NewRepository(h, m).Create(t.Context(), id, doc{})
		if _, err := start.Invoke(t.Context(), h, id, none); err != nil {
			t.Fatal(err)
		}
		if id == "sent" {
			settle(t, h, 0)
		}
	}
	if _, err := h.UndoFlow(t.Context(), "d", "sent", flowOf("sent").ID, ann); !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "nothing of it can be taken back: mail") {
		t.Error(err)
	}
	f, err := h.UndoFlow(t.Context(), "d", "not", flowOf("not").ID, ann)
	settle(t, h, time.Minute)
	if err != nil || f.State != aegis.FlowUndone || s.count("mail") != 1 {
		t.Errorf("%s, %v, %d mails", f.State, err, s.count("mail"))
	}
}

// A flow of a document that was deleted and made again is not taken back into
// the new one.
func TestUndoOfAnotherIncarnation(t *testing.T) {
	start, book := produces("start", "d.go"), reacts("book", "d.go", "", true)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, book}}
	s := newService()
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, book, none)}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	r := aegis.NewRepository(h, m)
	r.Create(t.Context(), "1", doc{})
	if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
		t.Fatal(err)
	}
	settle(t, h, 0)
	settle(t, h, time.Minute)
	fs, err := h.FlowsOf(t.Context(), "d", "1")
	if err != nil || len(fs) != 1 {
		t.Fatal(fs, err)
	}
	if err := r.Delete(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.UndoFlow(t.Context(), "d", "1", fs[0].ID, ann); !errors.Is(err, modelspec.ErrNotFound) {
		t.Errorf("of a deleted document: %v", err)
	}
	r.Create(t.Context(), "1", doc{})
	if _, err := h.UndoFlow(t.Context(), "d", "1", fs[0].ID, ann); !errors.Is(err, modelspec.ErrRefused) || s.count("undo book") != 0 {
		t.Errorf("of the one before: %v, %v", err, s.order)
	}
}

// A document that has as many open flows as it may takes none back from the
// history.
func TestUndoOfACrowdedDocument(t *testing.T) {
	start, book := produces("start", "d.go"), reacts("book", "d.go", "", true)
	m := modelspec.Model[doc]{Name: "d", Ports: []modelspec.Port[doc]{start, book}}
	s := newService()
	h, err := aegis.New(aegis.Config{Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, book, none)}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	aegis.NewRepository(h, m).Create(t.Context(), "1", doc{})
	begin := func(n int) {
		for range n {
			if _, err := start.Invoke(t.Context(), h, "1", none); err != nil {
				t.Fatal(err)
			}
		}
	}
	begin(1)
	settle(t, h, 0)
	settle(t, h, time.Minute)
	fs, err := h.FlowsOf(t.Context(), "d", "1")
	if err != nil || len(fs) != 1 {
		t.Fatal(fs, err)
	}
	begin(16)
	if _, err := h.UndoFlow(t.Context(), "d", "1", fs[0].ID, ann); !errors.Is(err, modelspec.ErrExhausted) {
		t.Errorf("beside 16 open flows: %v", err)
	}
	settle(t, h, 0)
	if _, err := h.UndoFlow(t.Context(), "d", "1", fs[0].ID, ann); err != nil {
		t.Error(err)
	}
}
