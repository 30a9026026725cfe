package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

func TestPublishReachesAllThatMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var exact, wild, required, other, source seen
		f.subscribe(broker.Subscription{Pattern: "order.approved", Handler: exact.take})
		f.subscribe(broker.Subscription{Pattern: "order.>", Overflow: broker.Block, Handler: wild.take})
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: required.take})
		f.subscribe(broker.Subscription{Pattern: "customer.*", Required: true, Handler: other.take})
		f.subscribe(broker.Subscription{Pattern: ">", Source: "customer", Handler: source.take})
		f.publish(events(1, 3)...)
		required.want(t, "1", "2", "3") // synchronous
		f.publish(broker.Event{ID: "4", Source: "customer", Type: "customer.created"})
		synctest.Wait()
		exact.want(t, "1", "2", "3")
		wild.want(t, "1", "2", "3")
		required.want(t, "1", "2", "3", "4")
		other.want(t, "4")
		source.want(t, "4")
	})
}

func TestLiveOnlyIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var live, block, required seen
		f.subscribe(broker.Subscription{Pattern: ">", Handler: live.take})
		f.subscribe(broker.Subscription{Pattern: ">", Overflow: broker.Block, Handler: block.take})
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: required.take})
		f.Tell(event("1"))
		synctest.Wait()
		live.want(t, "1")
		block.want(t)
		required.want(t)
	})
}

func TestZeroBroker(t *testing.T) {
	var b broker.Broker
	defer b.Close()
	b.Tell(event("0"))
	if err := b.Publish(t.Context(), event("1")); err != nil {
		t.Error(err)
	}
	var got seen
	if _, err := b.Subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: got.take}); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), event("2")); err != nil {
		t.Error(err)
	}
	got.want(t, "2")
}

// An error and a panic reach the publisher and OnFailure, and nobody else
// suffers.
func TestIsolationOfRequired(t *testing.T) {
	f := start(t)
	refused := modelspec.Refuse("not today")
	var before, after seen
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: before.take})
	f.subscribe(broker.Subscription{Name: "refuses", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { return refused }})
	f.subscribe(broker.Subscription{Name: "panics", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
		panic(modelspec.Refuse("a bug all the same"))
	}})
	f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: after.take})

	err := f.Publish(t.Context(), event("1"))
	if !errors.Is(err, refused) || !errors.Is(err, modelspec.ErrRefused) || !errors.Is(err, modelspec.ErrInternal) {
		t.Errorf("got %v, want both errors joined", err)
	}
	for _, text := range []string{"broker: deliver order.approved to refuses: not today", "to panics: handler panicked: a bug all the same", "publish_test.go"} {
		if !strings.Contains(fmt.Sprint(err), text) {
			t.Errorf("%q is missing in:\n%v", text, err)
		}
	}
	before.want(t, "1")
	after.want(t, "1")
	if got, want := f.failed(), []string{"refuses 1 false", "panics 1 false"}; !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
	if code := modelspec.CodeOf(f.failures[1].Err); code != modelspec.ErrInternal {
		t.Errorf("a panic has code %s", code)
	}
	for _, s := range f.Subscriptions()[1:3] {
		if s.Failed != 1 || s.Delivered != 0 {
			t.Errorf("counted %+v", s)
		}
	}
}

// A handler whose turn comes after the end of the context is not called.
func TestAtLeastOnceAfterTheContext(t *testing.T) {
	f := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	var got seen
	f.subscribe(broker.Subscription{Name: "cancels", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
		cancel()
		return nil
	}})
	f.subscribe(broker.Subscription{Name: "late", Pattern: ">", Required: true, Handler: got.take})
	taken, err := f.Deliver(ctx, event("1"), nil)
	if !errors.Is(err, context.Canceled) || modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(taken, []string{"cancels"}) {
		t.Errorf("taken by %q", taken)
	}
	got.want(t)
}

// A second attempt reaches those only that failed.
func TestAtLeastOnceDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var live, block, good, shaky, twinA, twinB seen
		healthy := false
		sick := func(s *seen) broker.Handler {
			return func(ctx context.Context, e broker.Event) error {
				if err := s.take(ctx, e); err != nil || !healthy {
					return errors.New("sick")
				}
				return nil
			}
		}
		f.subscribe(broker.Subscription{Name: "live", Pattern: ">", Handler: live.take})
		f.subscribe(broker.Subscription{Name: "block", Pattern: ">", Overflow: broker.Block, Handler: block.take})
		f.subscribe(broker.Subscription{Name: "shaky", Pattern: ">", Required: true, Handler: sick(&shaky)})
		f.subscribe(broker.Subscription{Name: "good", Pattern: ">", Required: true, Handler: good.take})
		f.subscribe(broker.Subscription{Name: "twin", Pattern: ">", Required: true, Handler: twinA.take})
		f.subscribe(broker.Subscription{Name: "twin", Pattern: ">", Required: true, Handler: sick(&twinB)})

		taken, err := f.Deliver(t.Context(), event("1"), nil)
		if err == nil || !slices.Equal(taken, []string{"block", "good"}) {
			t.Fatalf("taken by %q, %v", taken, err)
		}
		taken, err = f.Deliver(t.Context(), event("1"), taken)
		if err == nil || !slices.Equal(taken, []string{"block", "good"}) {
			t.Fatalf("taken by %q, %v", taken, err)
		}
		healthy = true
		if taken, err = f.Deliver(t.Context(), event("1"), taken); taken != nil || err != nil {
			t.Fatalf("taken by %q, %v", taken, err)
		}
		synctest.Wait()
		live.want(t, "1")
		block.want(t, "1")
		good.want(t, "1")
		shaky.want(t, "1", "1", "1")
		twinA.want(t, "1", "1", "1")
		twinB.want(t, "1", "1", "1")
	})
}

// Who took nothing is not told twice either.
func TestAtLeastOnceTellsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		var live seen
		f.subscribe(broker.Subscription{Pattern: ">", Handler: live.take})
		f.subscribe(broker.Subscription{Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error { return errors.New("no") }})
		taken, err := f.Deliver(t.Context(), event("1"), nil)
		if taken == nil || len(taken) > 0 || err == nil {
			t.Fatalf("taken by %#v, %v", taken, err)
		}
		_, _ = f.Deliver(t.Context(), event("1"), taken)
		synctest.Wait()
		live.want(t, "1")
	})
}
