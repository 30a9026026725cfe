package broker

// Stats is a subscription and what became of its events. Each event that
// matched is waiting, being handled, or counted once: in Delivered, Failed or
// Dropped.
type Stats struct {
	Name     string `json:"name"`
	Pattern  string `json:"pattern"`
	Source   string `json:"source,omitempty"`
	Required bool   `json:"required,omitempty"`
	// Overflow is drop-oldest or block; empty if Required.
	Overflow  string `json:"overflow,omitempty"`
	Depth     int    `json:"depth"`     // events that wait now; zero if Required
	Capacity  int    `json:"capacity"`  // events that may wait; zero if Required
	Delivered uint64 `json:"delivered"` // calls that returned nil
	Failed    uint64 `json:"failed"`    // calls that returned an error or panicked
	Dropped   uint64 `json:"dropped"`   // events the handler never saw
}

// Stats returns the figures of the subscription, also after it was closed.
func (h *Handle) Stats() Stats {
	s := Stats{
		Name: h.sub.Name, Pattern: h.sub.Pattern, Source: h.sub.Source, Required: h.sub.Required,
		Delivered: h.delivered.Load(), Failed: h.failed.Load(), Dropped: h.dropped.Load(),
	}
	if !h.sub.Required {
		s.Overflow, s.Capacity, s.Depth = h.sub.Overflow.String(), h.sub.Queue, h.queue.depth()
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
