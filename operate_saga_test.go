package aegis_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
)

// A flow that is parked on an answer is taken back by an operator, and a retry
// does not disturb it.
func TestOperatorMeetsAParkedFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		var mu sync.Mutex
		p := reserve()
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{sales(p), stocks()}, Adapters: aegis.Adapters{asks(p, &asked, &mu)}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		h.Start(t.Context())
		r := aegis.NewRepository(h, sales(p))
		r.Create(t.Context(), "s1", sale{SKU: "apple", State: "new"})
		if err := sell.Invoke(t.Context(), h, "s1", none); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		page, err := h.ListFlows(t.Context(), aegis.FlowQuery{Model: "sale"})
		if err != nil || len(page.Flows) != 1 {
			t.Fatal(page, err)
		}
		id := page.Flows[0].Flow.ID
		f, err := h.RetryFlow(t.Context(), "sale", "s1", id, ann)
		synctest.Wait()
		if err != nil || f.State != aegis.FlowRunning || len(f.Hands) != 0 || len(asked) != 1 {
			t.Errorf("%s, %v, hands %v, asked %v", f.State, err, f.Hands, asked)
		}
		if _, err := h.AbandonFlow(t.Context(), "sale", "s1", id, ann); !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "reserve has not failed") {
			t.Error(err)
		}
		if _, err := h.UndoFlow(t.Context(), "sale", "s1", id, ann); err != nil {
			t.Fatal(err)
		}
		sleep(time.Minute)
		f, err = h.FlowOf(t.Context(), "sale", "s1", id)
		s, _ := r.Find(t.Context(), "s1")
		if err != nil || f.State != aegis.FlowUndone || s.State != "undone" || !slices.Equal(asked, []string{"ask s1", "undo s1"}) {
			t.Errorf("%s, %v, %+v, asked %v", f.State, err, s, asked)
		}
		if err := p.Complete(t.Context(), h, "s1", shelved{"A7"}); !errors.Is(err, modelspec.ErrNotFound) {
			t.Errorf("an answer after that: %v", err)
		}
	})
}

// An event that a document would not take is given to it again, once.
func TestDeadLetterOfADocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := true
		in := modelspec.Model[stock]{Name: "stock", UpdateOn: []modelspec.From{{Event: sold, Key: "/sku"}},
			OnUpdate: func(_, s *stock) error {
				if full {
					return modelspec.Refuse("the shelf is full")
				}
				s.Left++
				return nil
			}}
		h, err := aegis.New(aegis.Config{Logger: quiet, Datasource: datasourcetest.Bytes(), Models: aegis.Models{sales(), in}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ss, st := aegis.NewRepository(h, sales()), aegis.NewRepository(h, in)
		st.Create(t.Context(), "apple", stock{})
		ss.Create(t.Context(), "s1", sale{SKU: "apple", State: "new"})
		if err := sell.Invoke(t.Context(), h, "s1", none); err != nil {
			t.Fatal(err)
		}
		settle(t, h, 0)
		page, err := h.DeadLetters(t.Context(), 0, "")
		if err != nil || len(page.Letters) != 1 || page.Letters[0].Model != "stock" || page.Letters[0].Document != "apple" {
			t.Fatalf("%+v, %v", page, err)
		}
		id := page.Letters[0].ID
		if err := h.RetryDeadLetter(t.Context(), id, ann); !errors.Is(err, modelspec.ErrUnavailable) || !strings.Contains(err.Error(), "the shelf is full") {
			t.Error(err)
		}
		full = false
		if err := h.RetryDeadLetter(t.Context(), id, ann); err != nil {
			t.Error(err)
		}
		if s, err := st.Find(t.Context(), "apple"); err != nil || s.Left != 1 {
			t.Errorf("%+v, %v", s, err)
		}
		if page, err = h.DeadLetters(t.Context(), 0, ""); err != nil || len(page.Letters) != 0 {
			t.Errorf("%+v, %v", page, err)
		}
	})
}
