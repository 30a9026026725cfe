package federation

import "hash/fnv"

// split says how the keys of a component are shared among its arms.
type split struct {
	upto []uint32 // cumulative shares in thousandths, without the last arm's
	salt uint32   // of the component: two components do not put the same documents on the new arm
}

func splitOf(name string, arms []Arm) split {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	sp := split{salt: h.Sum32()}
	var sum uint32
	for _, a := range arms[:len(arms)-1] {
		sum += a.Share
		sp.upto = append(sp.upto, sum)
	}
	return sp
}

// index chooses an arm by FNV-1a of key, finished as murmur3 does because
// FNV's low bits of short keys are not even. It is the same in every process,
// and raising a later arm's share moves keys to it and none away.
func (s *split) index(key string) int {
	h := uint32(2166136261) ^ s.salt
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	x := h % wholeShare
	for i, u := range s.upto {
		if x < u {
			return i
		}
	}
	return len(s.upto)
}

// route says who answers a name: T is what each arm answers with.
type route[T any] struct {
	arms []armOf[T]
	split
}

type armOf[T any] struct {
	gen  *Generation
	what *T
}

func (r *route[T]) pick(key string) *armOf[T] {
	if len(r.arms) == 1 {
		return &r.arms[0]
	}
	return &r.arms[r.index(key)]
}

// routeOf asks each arm what it answers with.
func routeOf[T any](arms []Arm, sp split, what func(*Generation) *T) *route[T] {
	r := &route[T]{split: sp, arms: make([]armOf[T], len(arms))}
	for i, a := range arms {
		r.arms[i] = armOf[T]{a.Gen, what(a.Gen)}
	}
	return r
}
