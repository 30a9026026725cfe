package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/org/aegis/broker"
)

// Publishers of different subjects at once; those of one subject take turns,
// as a host that holds the document does. Subscriptions come and go.
func TestOrderOfSubject(t *testing.T) {
	const subjects, publishers, each = 4, 3, 200
	f := start(t)
	kinds := []broker.Subscription{
		{Name: "live", Queue: subjects * publishers * each},
		{Name: "block", Queue: 5, Overflow: broker.Block},
		{Name: "block of one", Queue: 1, Overflow: broker.Block},
		{Name: "required", Required: true},
	}
	var handled sync.WaitGroup
	for _, s := range kinds {
		var mu sync.Mutex
		last := map[string]int{}
		handled.Add(subjects * publishers * each)
		s.Pattern = "order.>"
		s.Handler = func(_ context.Context, e broker.Event) error {
			defer handled.Done()
			mu.Lock()
			defer mu.Unlock()
			if e.Hop != last[e.Subject]+1 {
				t.Errorf("%s got event %d of %s after %d", s.Name, e.Hop, e.Subject, last[e.Subject])
			}
			last[e.Subject] = e.Hop
			return nil
		}
		f.subscribe(s)
	}
	var publishing sync.WaitGroup
	for i := range subjects {
		var turn sync.Mutex
		n := 0
		for range publishers {
			publishing.Go(func() {
				for range each {
					turn.Lock()
					n++
					f.publish(broker.Event{Source: "order", Type: "order.changed", Subject: fmt.Sprint(i), Hop: n})
					turn.Unlock()
				}
			})
		}
	}
	publishing.Go(func() {
		for range 100 {
			f.subscribe(broker.Subscription{Pattern: ">", Handler: ignore}).Close()
		}
	})
	publishing.Wait()
	handled.Wait()
}
