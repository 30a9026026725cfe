package datasourcetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

var errDisk = errors.New("disk")

func faulty(t *testing.T, plan func(context.Context, datasourcetest.Op) datasourcetest.Fault) datasource.Collection {
	t.Helper()
	c, err := datasourcetest.Faulty(memory.New(), plan).Collection("orders")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A store without faults is the store.
func TestFaultyWithoutFaults(t *testing.T) {
	datasourcetest.Run(t, datasourcetest.Harness{Open: func(testing.TB) datasource.Store {
		return datasourcetest.Faulty(memory.New(), func(context.Context, datasourcetest.Op) datasourcetest.Fault { return datasourcetest.Fault{} })
	}})
}

func TestFaultyPut(t *testing.T) {
	ctx := t.Context()
	for _, c := range []struct {
		name   string
		fault  datasourcetest.Fault
		want   error
		stored bool
	}{
		{"none", datasourcetest.Fault{}, nil, true},
		{"before", datasourcetest.Fault{Before: errDisk}, errDisk, false},
		{"after", datasourcetest.Fault{After: errDisk}, errDisk, true},
		{"a conflict that was none", datasourcetest.Fault{After: modelspec.ErrConflict}, modelspec.ErrConflict, true},
	} {
		collection := faulty(t, func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
			if op.Kind == datasourcetest.Put {
				return c.fault
			}
			return datasourcetest.Fault{}
		})
		if err := collection.Put(ctx, datasource.Document{ID: "a", Revision: 1}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if _, err := collection.Get(ctx, "a"); (err == nil) != c.stored {
			t.Errorf("%s: stored: %v, want %t", c.name, err, c.stored)
		}
	}
}

// The store's own refusal is not hidden by a fault after it, and Done hears it.
func TestFaultyAfterRefusal(t *testing.T) {
	var heard error
	c := faulty(t, func(context.Context, datasourcetest.Op) datasourcetest.Fault {
		return datasourcetest.Fault{After: errDisk, Done: func(err error) { heard = err }}
	})
	err := c.Put(t.Context(), datasource.Document{ID: "a", Revision: 5})
	if !errors.Is(err, modelspec.ErrConflict) || !errors.Is(heard, modelspec.ErrConflict) {
		t.Errorf("answer %v, Done %v", err, heard)
	}
}

func TestFaultyHold(t *testing.T) {
	hold, asked := make(chan struct{}), make(chan struct{}, 1)
	c := faulty(t, func(context.Context, datasourcetest.Op) datasourcetest.Fault {
		asked <- struct{}{}
		return datasourcetest.Fault{Hold: hold}
	})
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	put := func() { answer <- c.Put(ctx, datasource.Document{ID: "a", Revision: 1}) }
	go put()
	<-asked
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Errorf("a held Put whose context ended: %v", err)
	}
	ctx = t.Context()
	go put()
	<-asked
	select {
	case err := <-answer:
		t.Errorf("a held Put returned: %v", err)
	default:
	}
	close(hold)
	if err := <-answer; err != nil {
		t.Errorf("a Put that was let go: %v", err)
	}
}

// Every operation is shown to the plan, with what it is about.
func TestFaultyOps(t *testing.T) {
	var ops []string
	c := faulty(t, func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
		if (op.Document != nil) != (op.Kind == datasourcetest.Put) {
			t.Errorf("%s has a document: %t", op.Kind, op.Document != nil)
		}
		ops = append(ops, fmt.Sprint(op.N, op.Kind, op.Collection, op.ID, op.Revision))
		return datasourcetest.Fault{After: errDisk}
	})
	ctx := t.Context()
	errs := []error{
		c.Put(ctx, datasource.Document{ID: "a", Revision: 1}),
		c.Put(ctx, datasource.Document{ID: "a", Revision: 2, Gone: true}),
		c.Purge(ctx, "a", 2),
		c.Put(ctx, datasource.Document{ID: "b", Revision: 1}),
	}
	_, err := c.Get(ctx, "b")
	errs = append(errs, err)
	_, err = c.Due(ctx, time.Now(), datasource.Mark{}, 1)
	errs = append(errs, err)
	var ids string
	for d, err := range c.List(ctx, datasource.Query{}) {
		if ids += d.ID; err != nil {
			errs = append(errs, err)
		}
	}
	if ids != "b" {
		t.Errorf("List yields %q before it fails", ids)
	}
	for i, err := range errs {
		if !errors.Is(err, errDisk) {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	want := "[1putordersa1 2putordersa2 1purgeordersa2 3putordersb1 1getordersb0 1dueorders0 1listorders0]"
	if got := fmt.Sprint(ops); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
