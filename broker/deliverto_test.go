package broker_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// An operator's retry reaches those it names, and nobody else.
func TestDeliverTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var live, block, required, other, worker seen
		f.subscribe(broker.Subscription{Name: "live", Pattern: ">", Handler: live.take})
		f.subscribe(broker.Subscription{Name: "block", Pattern: ">", Overflow: broker.Block, Handler: block.take})
		f.subscribe(broker.Subscription{Name: "required", Pattern: ">", Required: true, Handler: required.take})
		f.subscribe(broker.Subscription{Name: "other", Pattern: ">", Required: true, Handler: other.take})
		f.subscribe(broker.Subscription{Name: "w", Group: "workers", Pattern: ">", Required: true, Handler: worker.take})
		f.subscribe(broker.Subscription{Name: "customers", Pattern: "customer.>", Required: true, Handler: ignore})
		if err := f.DeliverTo(t.Context(), event("1"), []string{"required", "workers", "block", "required"}); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"nobody", "live", "customers", "w"} {
			err := f.DeliverTo(t.Context(), event("2"), []string{"required", name})
			if !errors.Is(err, modelspec.ErrNotFound) || !modelspec.NotSent(err) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "required\"") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := f.DeliverTo(t.Context(), event("3"), nil); !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("no names: %v", err)
		}
		synctest.Wait()
		live.want(t)
		other.want(t)
		for _, s := range []*seen{&block, &required, &worker} {
			s.want(t, "1")
		}
	})
}

func TestDeliverToFails(t *testing.T) {
	var zero broker.Broker
	if err := zero.DeliverTo(t.Context(), event("1"), []string{"x"}); !errors.Is(err, modelspec.ErrNotFound) {
		t.Error(err)
	}
	f := start(t)
	var got seen
	f.subscribe(broker.Subscription{Name: "filters", Pattern: ">", Required: true, Filter: broker.Filter{Where: "false"}, Handler: got.take})
	f.subscribe(broker.Subscription{Name: "late", Pattern: ">", Required: true, Delay: time.Hour, Handler: got.take})
	if err := f.DeliverTo(t.Context(), event("1"), []string{"filters"}); err != nil {
		t.Error(err)
	}
	if _, late := broker.LaterOf(f.DeliverTo(t.Context(), at("1", time.Now()), []string{"late"})); !late {
		t.Error("a delay holds for an operator too")
	}
	got.want(t)
	f.Close()
	if err := f.DeliverTo(t.Context(), event("1"), []string{"late"}); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Error(err)
	}
}
