package broker

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"
)

// group is the subscriptions that share a Group: one of them takes each event.
type group struct {
	name     string
	required bool
	overflow Overflow
	delay    time.Duration
	members  int // that are open; guarded by the broker's mu

	turn   atomic.Uint64 // of events without a subject
	failed detours
}

// join makes h a member of the group of its name.
func (b *Broker) join(s *Subscription) (*group, error) {
	if s.Group == "" {
		return nil, nil
	}
	g := b.groups[s.Group]
	if g == nil {
		g = &group{name: s.Group, required: s.Required, overflow: s.Overflow, delay: s.Delay}
		if b.groups == nil {
			b.groups = make(map[string]*group)
		}
		b.groups[s.Group] = g
	}
	if g.required != s.Required || g.overflow != s.Overflow || g.delay != s.Delay {
		return nil, s.invalid("/Group", fmt.Sprintf("the members of %q have Required %t, Overflow %s and Delay %v: give this one the same, or another group",
			g.name, g.required, g.overflow, g.delay))
	}
	g.members++
	return g, nil
}

// leave takes a member that was closed out of g.
func (b *Broker) leave(g *group) {
	if g.members--; g.members == 0 {
		delete(b.groups, g.name)
	}
}

// needs reports whether publishers keep an event until a member has it.
func (g *group) needs() bool { return g.required || g.overflow == Block }

// pool is the members of a group that match one (source, type), in the order
// of Subscribe.
type pool struct {
	group   *group
	members []*Handle
}

func (p *pool) add(h *Handle) { p.members = append(p.members, h) }

// ranked appends the members in the order in which to ask them for e. The
// members have weights that depend on themselves and on the event's (source,
// subject) only, so that the same one is asked as long as it is there
// (https://en.wikipedia.org/wiki/Rendezvous_hashing). Events without a subject
// take turns, and a Required one that failed goes to the next.
func (p *pool) ranked(e *Event, seed maphash.Seed, out []*Handle) []*Handle {
	out = append(out, p.members...)
	if len(out) == 1 {
		return out
	}
	var first int
	if e.Subject == "" {
		first = int(p.group.turn.Add(1) % uint64(len(out)))
	} else {
		of := maphash.String(seed, e.Subject) + 31*maphash.String(seed, e.Source)
		slices.SortFunc(out, func(a, b *Handle) int { return cmp.Compare(mix(of, b.number), mix(of, a.number)) })
		first = p.group.failed.of(idOf(e, seed)) % len(out)
	}
	slices.Reverse(out[:first])
	slices.Reverse(out[first:])
	slices.Reverse(out)
	return out
}

// mix spreads the two over 64 bits (https://prng.di.unimi.it/splitmix64.c). For
// one of, different numbers give different results.
func mix(of, number uint64) uint64 {
	z := of ^ number*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// detours remember of a few events that failed lately how often they did. That
// one is forgotten only means that it goes to the same member again.
type detours [16]atomic.Uint64

const attempts = 0xff // where a detour keeps the number

func idOf(e *Event, seed maphash.Seed) uint64 {
	return (maphash.String(seed, e.ID) + 31*maphash.String(seed, e.Source)) &^ attempts
}

func (d *detours) at(id uint64) *atomic.Uint64 { return &d[(id>>8)%uint64(len(d))] }

// of returns how often the event failed.
func (d *detours) of(id uint64) int {
	if v := d.at(id).Load(); v&^attempts == id {
		return int(v & attempts)
	}
	return 0
}

// add counts a failure, up to what has room.
func (d *detours) add(id uint64) {
	if n := d.of(id); n < attempts {
		d.at(id).Store(id | uint64(n+1))
	}
}
