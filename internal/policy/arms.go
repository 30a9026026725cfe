package policy

import (
	"cmp"
	"maps"
	"slices"
)

// breakers is an immutable set; arms are generation numbers.
type breakers struct {
	arms    map[uint64]*Breaker
	sole    *Breaker            // of the last generation that was the only arm
	last    uint64              // that generation
	service string              // behind that generation; empty: it names none
	alone   bool                // it still is: other arms are withdrawn
	others  map[string]*Breaker // of services that are asked again though another stands there now, by name
}

// most is how many arms are remembered, and how many other services.
const most = 64

// Breaker returns the breaker of an arm, nil if the policy has none. A
// generation that is the only arm takes over the state of the one before it, if
// the same service is behind both: one that was bound anew begins closed. Of an
// arm, service never changes.
func (g *Guard) Breaker(arm uint64, only bool, service string) *Breaker {
	have := g.breakers.Load()
	if have == nil {
		return nil
	}
	for {
		if b := have.find(arm, only); b != nil {
			return b
		}
		next, b := have.with(arm, only, service)
		if b == nil {
			b = g.newBreaker()
		}
		next.put(arm, only, service, b)
		if g.breakers.CompareAndSwap(have, next) {
			b.arm.Store(arm)
			return b
		}
		have = g.breakers.Load()
	}
}

// BreakerOf returns the breaker of a service that calls are asked of again while
// another stands behind the port, nil if the policy has none. It is none of the
// arms' that are there. arm is the generation that asks.
func (g *Guard) BreakerOf(service string, arm uint64) *Breaker {
	for {
		have := g.breakers.Load()
		if have == nil {
			return nil
		}
		if have.sole != nil && have.service == service {
			return have.sole // nobody has called what was bound since
		}
		if b := have.others[service]; b != nil {
			return b
		}
		next, b := *have, g.newBreaker()
		next.keep(service, b)
		b.arm.Store(arm)
		if g.breakers.CompareAndSwap(have, &next) {
			return b
		}
	}
}

// keep remembers the breaker of a service that is not bound any more.
func (s *breakers) keep(service string, b *Breaker) {
	s.others = maps.Clone(s.others)
	if s.others == nil {
		s.others = map[string]*Breaker{}
	}
	for name := range s.others {
		if len(s.others) < most {
			break
		}
		delete(s.others, name)
	}
	s.others[service] = b
}

// find returns the breaker of arm if that changes nothing.
func (s *breakers) find(arm uint64, only bool) *Breaker {
	switch {
	case s.alone != only || only && s.last != arm:
		return nil
	case only:
		return s.sole
	}
	return s.arms[arm]
}

// with returns a copy of s without the arms that are gone now that arm is the
// only one, or is not, and the breaker for it, nil for a new one.
func (s *breakers) with(arm uint64, only bool, service string) (next *breakers, b *Breaker) {
	next = &breakers{arms: map[uint64]*Breaker{}, sole: s.sole, last: s.last, service: s.service, alone: only, others: s.others}
	if b = s.arms[arm]; b == nil && only && s.service == service {
		b = s.sole
	}
	if s.sole != nil {
		next.arms[s.last] = s.sole
	}
	// A call that was held up may still say that its generation is alone
	// when it is no more: what the others have learned is kept for them.
	if only && arm == s.last || !only && !s.alone {
		maps.Copy(next.arms, s.arms)
	}
	for len(next.arms) >= most {
		delete(next.arms, next.oldest())
	}
	return next, b
}

func (s *breakers) put(arm uint64, only bool, service string, b *Breaker) {
	if only {
		if s.sole != nil && s.service != "" && s.service != service {
			s.keep(s.service, s.sole)
		}
		s.sole, s.last, s.service = b, arm, service
	}
	s.arms[arm] = b
}

// oldest is the lowest arm but for the last that was alone.
func (s *breakers) oldest() uint64 {
	arms := slices.Sorted(maps.Keys(s.arms))
	if arms[0] == s.last {
		return arms[1]
	}
	return arms[0]
}

// inUse are the breakers of the arms that are there, by arm.
func (s *breakers) inUse() []*Breaker {
	if s.alone {
		return []*Breaker{s.sole}
	}
	seen := map[*Breaker]bool{}
	for _, b := range s.arms {
		seen[b] = true
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b *Breaker) int { return cmp.Compare(a.arm.Load(), b.arm.Load()) })
}
