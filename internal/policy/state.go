package policy

import (
	"math"
	"time"
)

// The states of a breaker.
const (
	Closed   = "closed"    // calls go through
	Open     = "open"      // none does
	HalfOpen = "half-open" // the probe is under way, or the next call is it
)

// BreakerState is a breaker as an operator sees it.
type BreakerState struct {
	Arm      uint64    `json:"arm"`           // generation that uses it
	State    string    `json:"state"`         // Closed, Open or HalfOpen
	Failures uint32    `json:"failures"`      // since the last answer, of all codes together
	Since    time.Time `json:"since"`         // closed, or not: a failed probe does not move it
	Next     time.Time `json:"next,omitzero"` // open: when a probe is let through; else zero
}

// Breakers lists the breakers of the arms that are there, by arm: none before
// the first call, and nil if the policy has no breaker.
func (g *Guard) Breakers() []BreakerState {
	s := g.breakers.Load()
	if s == nil {
		return nil
	}
	var all []BreakerState
	for _, b := range s.inUse() {
		all = append(all, b.state())
	}
	return all
}

func (b *Breaker) state() BreakerState {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BreakerState{Arm: b.arm.Load(), State: Closed, Since: b.since}
	var failures uint64
	for _, n := range b.rows {
		failures += uint64(n)
	}
	s.Failures = uint32(min(failures, math.MaxUint32))
	switch {
	case b.epoch.Load()%2 == 0:
	case now.Before(b.next):
		s.State, s.Next = Open, b.next
	default:
		s.State = HalfOpen
	}
	return s
}
