package broker_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/broker"
)

// A handler with a queue never runs twice at a time; a Required one runs for
// different subjects at the same time.
func TestConcurrency(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		const subjects = 8
		var running, most atomic.Int32
		together := make(chan struct{})
		s.Handler = func(context.Context, broker.Event) error {
			n := running.Add(1)
			defer running.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if s.Required && n == subjects {
				close(together)
			}
			if s.Required {
				<-together // nobody leaves before all are inside
			}
			return nil
		}
		h := f.subscribe(s)
		var publishing sync.WaitGroup
		for i := range subjects {
			publishing.Go(func() {
				e := event("1")
				e.Subject = fmt.Sprint(i)
				f.publish(e)
			})
		}
		publishing.Wait()
		synctest.Wait()
		if want := int32(map[bool]int{true: subjects, false: 1}[s.Required]); most.Load() != want {
			t.Errorf("%d calls at a time, want %d", most.Load(), want)
		}
		if n := h.Stats().Delivered; n != subjects {
			t.Errorf("%d delivered", n)
		}
	})
}

// A subscription sees what is published after Subscribe returned and before
// Close was called, and nothing else.
func TestLiveFromSubscribeToClose(t *testing.T) {
	each(t, func(t *testing.T, f *fixture, s broker.Subscription) {
		var got seen
		s.Handler = got.take
		f.publish(event("1"))
		h := f.subscribe(s)
		f.publish(events(2, 3)...)
		synctest.Wait()
		h.Close()
		f.publish(event("4"))
		synctest.Wait()
		got.want(t, "2", "3")
	})
}
