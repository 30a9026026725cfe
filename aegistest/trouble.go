package aegistest

import (
	"slices"
	"strings"
	"sync"

	"github.com/org/aegis"
	"github.com/org/aegis/internal/flow"
)

// trouble is what a person would have to look at.
type trouble struct {
	mu   sync.Mutex
	list []aegis.Observation
}

// watch is an observer that remembers trouble, and passes on all.
func (tr *trouble) watch(stir func(), next func(aegis.Observation)) func(aegis.Observation) {
	return func(o aegis.Observation) {
		switch o.Kind {
		case flow.FlowAttention, flow.Quarantined, flow.DeadLettered:
			tr.mu.Lock()
			tr.list = append(tr.list, o)
			tr.mu.Unlock()
			stir()
		}
		if next != nil {
			next(o)
		}
	}
}

// rest takes what was not expected, as text.
func (tr *trouble) rest() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var out []string
	for _, o := range tr.list {
		text := name(o)
		if o.Port != "" {
			text += ", port " + o.Port
		}
		if o.Err != nil {
			text += ": " + o.Err.Error()
		}
		out = append(out, text)
	}
	tr.list = nil
	return out
}

func name(o aegis.Observation) string { return o.Kind + " " + o.Model + " " + o.ID }

// ExpectTrouble settles, and fails the test unless exactly this came to need a
// person since the last time, in any order. Each is "<kind> <model> <id>":
//
//	flow.attention order o1        a flow that can go neither on nor back
//	document.quarantined order o1  a document whose work failed too often
//	event.deadlettered order o1    an event that a required subscriber refused
//
// What nobody expects fails the test when it ends.
func (h *Host) ExpectTrouble(want ...string) {
	h.t.Helper()
	h.ready(func() bool {
		h.trouble.mu.Lock()
		defer h.trouble.mu.Unlock()
		return len(h.trouble.list) >= len(want)
	})
	h.trouble.mu.Lock()
	var have []string
	for _, o := range h.trouble.list {
		have = append(have, name(o))
	}
	h.trouble.list = nil
	h.trouble.mu.Unlock()
	want = slices.Sorted(slices.Values(want))
	slices.Sort(have)
	if !slices.Equal(have, want) {
		h.t.Errorf("aegistest: placement %s: trouble:\n\t%s\nexpected:\n\t%s", h.place, orNone(have), orNone(want))
	}
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, "\n\t")
}
