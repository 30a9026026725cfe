package aegis_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// What an event takes back has been done before, however long the handler of
// the event before it fails: else what is taken back too early stays done.
func TestHandlersRunInTheOrderOfEvents(t *testing.T) {
	m := stocks()
	take := m.Ports[0].(port.Command[stock, wanted])
	handle, failing := take.Handle, atomic.Bool{}
	take.Handle = func(s *stock, ctx context.Context, w wanted) error {
		if failing.Load() {
			return modelspec.ErrUnavailable
		}
		return handle(s, ctx, w)
	}
	m.Ports[0] = take
	pay := stepOn("pay", "sale.sold")
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.answer("pay", modelspec.ErrRefused) // so the sale is undone at once
		failing.Store(true)
		h, _ := atWork(t, datasourcetest.Bytes(), sales(pay), aegis.Config{Models: aegis.Models{m}, Adapters: aegis.Adapters{bind(s, pay, none)}})
		defer h.Close()
		ss, st := aegis.NewRepository(h, sales(pay)), aegis.NewRepository(h, m)
		st.Create(t.Context(), "apple", stock{Left: 5})
		ss.Create(t.Context(), "s1", sale{SKU: "apple"})
		sellAll(t, h, "s1")
		time.Sleep(10 * time.Second)
		failing.Store(false)
		time.Sleep(time.Hour)
		if apple, _ := st.Find(t.Context(), "apple"); apple.Left != 5 || len(apple.For) != 0 {
			t.Errorf("what was reserved for a sale that is undone stays reserved: %+v", apple)
		}
	})
}

// A flow that waits for its answer costs nothing while it waits, whoever
// required the events before it.
func TestWaitingCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := reserve()
		p.Await = &port.Await{Key: "/id", For: 20 * time.Hour}
		disk := &readings{Store: datasourcetest.Bytes()}
		s, beside := newService(), stepOn("beside", "sale.sold") // whose event is the last thing that is written
		h, ss := atWork(t, disk, sales(p, beside), aegis.Config{
			Subscriptions: aegis.Subscriptions{{Name: "all", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { return nil }}},
			Adapters:      aegis.Adapters{bind(s, beside, none), adapter.AskUndo(p, func(context.Context, wanted) error { return nil }, func(context.Context, adapter.Taken[wanted, shelved]) error { return nil })}}, "s1")
		defer h.Close()
		sellAll(t, h, "s1")
		time.Sleep(time.Minute)
		before := disk.n.Load()
		time.Sleep(time.Hour)
		if n := disk.n.Load() - before; n > 10 {
			t.Errorf("the document was read %d times in an hour in which nothing happened", n)
		}
		if err := p.Complete(t.Context(), h, "s1", shelved{"B1"}); err != nil {
			t.Error(err)
		}
		if got := states(t, ss, []string{"s1"}, func(s sale) string { return fmt.Sprint(s.State, " ", s.Shelf) }); got["sold B1"] != 1 {
			t.Error(got)
		}
	})
}

// readings counts how often documents are read.
type readings struct {
	datasource.Store
	n atomic.Int64
}

func (r *readings) Collection(name string) (datasource.Collection, error) {
	c, err := r.Store.Collection(name)
	return reading{c, r}, err
}

type reading struct {
	datasource.Collection
	of *readings
}

func (c reading) Get(ctx context.Context, id string) (datasource.Document, error) {
	c.of.n.Add(1)
	return c.Collection.Get(ctx, id)
}
