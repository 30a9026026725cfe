package broker

import (
	"slices"
	"time"
)

// Stats is a subscription and what became of its events. Each event that
// matched and that its Filter let through is waiting, being handled, or counted
// once: in Delivered, Failed or Dropped. Of a Required subscription each attempt
// counts. The zero of what is left out of the JSON is none.
type Stats struct {
	Name     string   `json:"name"`
	Pattern  string   `json:"pattern"`
	Ignore   []string `json:"ignore,omitempty"`
	Source   string   `json:"source,omitempty"`
	Filter   *Filter  `json:"filter,omitempty"` // not to be changed
	Required bool     `json:"required,omitempty"`
	// Overflow is drop-oldest or block; empty if Required.
	Overflow string        `json:"overflow,omitempty"`
	Group    string        `json:"group,omitempty"`
	Once     bool          `json:"once,omitempty"`
	Delay    time.Duration `json:"delay,omitempty"` // in nanoseconds
	Depth    int           `json:"depth"`           // events that wait now; zero if Required
	Capacity int           `json:"capacity"`        // events that may wait; zero if Required
	// Oldest is the age of the event that is next, since its Time. Zero if none
	// waits or that one has no Time.
	Oldest       time.Duration `json:"oldest,omitempty"`
	Delivered    uint64        `json:"delivered"`              // calls that returned nil
	Failed       uint64        `json:"failed"`                 // calls that returned an error or panicked
	Dropped      uint64        `json:"dropped"`                // events the handler never saw
	Filtered     uint64        `json:"filtered,omitempty"`     // events that the Filter held back
	FilterErrors uint64        `json:"filterErrors,omitempty"` // events for which the Filter failed
}

// Stats returns the figures of the subscription, also after it was closed.
func (h *Handle) Stats() Stats {
	s := Stats{
		Name: h.sub.Name, Pattern: h.sub.Pattern, Ignore: slices.Clone(h.sub.Ignore), Source: h.sub.Source, Required: h.sub.Required,
		Group: h.sub.Group, Once: h.sub.Once, Delay: h.sub.Delay,
		Delivered: h.delivered.Load(), Failed: h.failed.Load(), Dropped: h.dropped.Load(),
		Filtered: h.filtered.Load(), FilterErrors: h.unfit.Load(),
	}
	if h.sieve != nil {
		s.Filter = &Filter{Match: h.sieve.filter.Match, Where: h.sieve.filter.Where}
	}
	if h.sub.Required {
		return s
	}
	var oldest time.Time
	s.Overflow, s.Capacity = h.sub.Overflow.String(), h.sub.Queue
	if s.Depth, oldest = h.queue.depth(); !oldest.IsZero() {
		s.Oldest = max(0, time.Since(oldest))
	}
	return s
}

// Subscriptions lists the subscriptions in the order in which they were made.
// After Close it lists those that were open then, with their last figures.
func (b *Broker) Subscriptions() []Stats {
	t := b.table.Load()
	if t == nil {
		return nil
	}
	out := make([]Stats, len(t.all))
	for i, h := range t.all {
		out[i] = h.Stats()
	}
	return out
}
