package broker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// Whatever a live handler does, the next event reaches it.
func TestIsolationOfLive(t *testing.T) {
	for _, overflow := range []broker.Overflow{broker.DropOldest, broker.Block} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			var got seen
			h := f.subscribe(broker.Subscription{Name: "watch", Pattern: ">", Overflow: overflow, Handler: func(ctx context.Context, e broker.Event) error {
				switch e.ID {
				case "1":
					return errors.New("no")
				case "2":
					panic("ouch")
				case "3":
					runtime.Goexit()
				}
				return got.take(ctx, e)
			}})
			f.publish(events(1, 5)...)
			synctest.Wait()
			got.want(t, "4", "5")
			if want := []string{"watch 1 false", "watch 2 false", "watch 3 false"}; !slices.Equal(f.failed(), want) {
				t.Errorf("reported %q, want %q", f.failed(), want)
			}
			for i, text := range []string{"to watch: no", "handler panicked: ouch\ngoroutine ", "runtime.Goexit"} {
				if err := f.failures[i].Err; !strings.Contains(err.Error(), text) || i > 0 && !errors.Is(err, modelspec.ErrInternal) {
					t.Errorf("failure %d is %v, want %q", i, err, text)
				}
			}
			if s := h.Stats(); s.Failed != 3 || s.Delivered != 2 {
				t.Errorf("counted %+v", s)
			}
			h.Close() // waits for the goroutine that took over
		})
	}
}

// A Required handler that ends the publisher's goroutine does not hold Close.
func TestIsolationOfGoexit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t)
		h := f.subscribe(broker.Subscription{Name: "bad", Pattern: ">", Required: true, Handler: func(context.Context, broker.Event) error {
			runtime.Goexit()
			return nil
		}})
		go f.publish(event("1"))
		synctest.Wait()
		h.Close()
		if want := []string{"bad 1 false"}; !slices.Equal(f.failed(), want) {
			t.Errorf("reported %q, want %q", f.failed(), want)
		}
	})
}

// OnFailure is user code too: it may panic, and use the broker.
func TestIsolationOfOnFailure(t *testing.T) {
	log := logTo(t)
	synctest.Test(t, func(t *testing.T) {
		var b *broker.Broker
		var h *broker.Handle
		b = broker.New(broker.Config{OnFailure: func(failure broker.Failure) {
			h.Close()
			_ = b.Subscriptions()
			panic("in OnFailure")
		}})
		defer b.Close()
		for _, required := range []bool{true, false} {
			var err error
			h, err = b.Subscribe(broker.Subscription{Pattern: ">", Required: required, Handler: func(context.Context, broker.Event) error {
				return errors.New("no")
			}})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Publish(t.Context(), event("1")); (err != nil) != required {
				t.Error(err)
			}
			synctest.Wait()
		}
		if n := len(b.Subscriptions()); n != 0 {
			t.Errorf("%d subscriptions left", n)
		}
	})
	if n := strings.Count(log.String(), `panic="in OnFailure"`); n != 2 {
		t.Errorf("%d panics logged, want 2:\n%s", n, log)
	}
}

// Without OnFailure every error is logged, and of drops the 1st, 2nd, 4th, ...
func TestDefaultLog(t *testing.T) {
	log := logTo(t)
	synctest.Test(t, func(t *testing.T) {
		b := broker.New(broker.Config{})
		defer b.Close()
		gate := make(chan struct{})
		if _, err := b.Subscribe(broker.Subscription{Name: "watch", Pattern: ">", Queue: 1, Handler: func(context.Context, broker.Event) error {
			<-gate
			return errors.New("no")
		}}); err != nil {
			t.Fatal(err)
		}
		b.Tell(event("0"))
		synctest.Wait()
		for _, e := range events(1, 101) { // drops 100
			b.Tell(e)
		}
		close(gate)
		synctest.Wait()
	})
	if drops, errs := strings.Count(log.String(), "event dropped"), strings.Count(log.String(), "handler failed"); drops != 7 || errs != 2 {
		t.Errorf("%d drops and %d errors logged, want 7 and 2:\n%s", drops, errs, log)
	}
	if !strings.Contains(log.String(), "subscription=watch pattern=> event=64 type=order.approved source=order subject=o1") || !strings.Contains(log.String(), "dropped=64") {
		t.Errorf("the log does not say what was dropped:\n%s", log)
	}
}

// logTo sends slog.Default to a buffer for the time of the test.
func logTo(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })
	return &log
}
