package aegistest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis/broker"
)

// events are those delivered since they were last expected.
type events struct {
	mu   sync.Mutex
	seen map[string]bool // ids: an event may be delivered more than once
	list []broker.Event
}

// mostEvents bounds what is remembered of one host.
const mostEvents = 100_000

// patience is how long a started host is waited for.
const patience = 5 * time.Second

// take is the subscription of the test.
func (h *Host) take(_ context.Context, e broker.Event) error {
	h.values.add("the data of event "+e.Type+" of "+e.Source+" "+e.Subject, e.Data)
	es := &h.events
	es.mu.Lock()
	defer es.mu.Unlock()
	if es.seen == nil {
		es.seen = map[string]bool{}
	}
	if id := e.Source + "/" + e.ID; !es.seen[id] && len(es.seen) < mostEvents {
		es.seen[id] = true
		es.list = append(es.list, e)
	}
	h.stir()
	return nil
}

// Events settles, and returns the events since the last ExpectEvents,
// ExpectNoEvents or ForgetEvents, as they were delivered: those of one
// document in their order, each once.
func (h *Host) Events() []broker.Event {
	h.t.Helper()
	h.ready(h.delivered(0))
	h.events.mu.Lock()
	defer h.events.mu.Unlock()
	return slices.Clone(h.events.list)
}

// ForgetEvents settles, and lets the expectations begin anew: call it when the
// scene is set.
func (h *Host) ForgetEvents() {
	h.t.Helper()
	h.ready(h.delivered(0))
	h.events.mu.Lock()
	defer h.events.mu.Unlock()
	h.events.list = nil
}

// ExpectEvents settles, and fails the test unless exactly the events of these
// types were delivered since the last time, in this order. A host that was
// started is given 5 seconds to deliver as many; what it delivers afterwards is
// for the next expectation.
func (h *Host) ExpectEvents(types ...string) {
	h.t.Helper()
	h.ready(h.delivered(len(types)))
	h.events.mu.Lock()
	got := h.events.list
	h.events.list = nil
	h.events.mu.Unlock()
	var have []string
	for i := range got {
		have = append(have, got[i].Type)
	}
	if slices.Equal(have, types) {
		return
	}
	h.t.Errorf("aegistest: placement %s: events (- expected, + delivered):\n%s%s", h.place, compare(types, got), h.hint())
}

// ExpectNoEvents settles, and fails the test if an event was delivered since
// the last time.
func (h *Host) ExpectNoEvents() {
	h.t.Helper()
	h.ExpectEvents()
}

// ready settles, or, where the host works by itself, waits until enough has
// come.
func (h *Host) ready(enough func() bool) {
	h.t.Helper()
	if !h.begun.Load() {
		h.Settle()
		return
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	for waiting := true; waiting && !enough(); {
		select {
		case <-h.stirred:
		case <-end.C:
			waiting = false
		case <-h.t.Context().Done():
			waiting = false
		}
	}
	h.flush()
}

// stir wakes who waits in ready.
func (h *Host) stir() {
	select {
	case h.stirred <- struct{}{}:
	default:
	}
}

func (h *Host) delivered(n int) func() bool {
	return func() bool {
		h.events.mu.Lock()
		defer h.events.mu.Unlock()
		return len(h.events.list) >= n
	}
}

// hint says what often is the reason for a missing event.
func (h *Host) hint() string {
	if open := h.Unbound(); len(open) > 0 {
		return "no adapter answers " + strings.Join(open, ", ") + ": Stub it, or flows wait there\n"
	}
	return ""
}

// compare shows the shortest way from what was expected to what came.
func compare(want []string, got []broker.Event) string {
	common := longest(want, got)
	var b strings.Builder
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && j < len(got) && want[i] == got[j].Type:
			b.WriteString("\t  " + show(&got[j]))
			i, j = i+1, j+1
		case j >= len(got) || i < len(want) && common[i+1][j] >= common[i][j+1]:
			b.WriteString("\t- " + want[i] + "\n")
			i++
		default:
			b.WriteString("\t+ " + show(&got[j]))
			j++
		}
	}
	return b.String()
}

// longest holds the lengths of the longest common subsequences of all ends.
func longest(want []string, got []broker.Event) [][]int {
	n := make([][]int, len(want)+1)
	for i := range n {
		n[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if want[i] == got[j].Type {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	return n
}

func show(e *broker.Event) string {
	return e.Type + " (" + e.Source + " " + e.Subject + ")\n"
}
