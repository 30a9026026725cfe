package modelspec

import (
	"encoding/binary"
	"unicode"
)

// key is the name of a member: where it stands, and a hash that names equal
// but for the case of letters share.
type key struct{ hash, begin, end uint32 }

// names are those of the members of all open objects, outermost first. It is
// passed by value, so that its room stays on the stack.
type names []key

// wide holds, by depth, the folded names of objects that have too many members
// to compare them one by one.
type wide map[int]map[string]struct{}

const twice = "two members of one name, or of names that differ only in the case of letters"

// few is the number of members up to which names are compared one by one.
const few = 32

// member reads the name of a member, and the colon.
func (n names) member(b []byte, i, depth int, base nest, w *wide) (names, int, string) {
	if i >= len(b) || b[i] != '"' {
		return n, i, "name of a member expected"
	}
	begin := i + 1
	i, plain, what := text(b, begin)
	if what != "" {
		return n, i, what
	}
	k := key{begin: uint32(begin), end: uint32(i - 1)}
	if plain {
		k.hash = hashPlain(b, begin, i-1)
	} else {
		f := fold(b[begin : i-1])
		k.hash = hashPlain([]byte(f), 0, len(f))
	}
	if len(n)-int(base) >= few {
		if w.twice(b, n[base:], k, depth) {
			return n, begin - 1, twice
		}
	} else if n[base:].twice(b, k) {
		return n, begin - 1, twice
	}
	n = append(n, k)
	i = space(b, i)
	if i >= len(b) || b[i] != ':' {
		return n, i, "colon expected"
	}
	return n, space(b, i+1), ""
}

func (n names) twice(b []byte, k key) bool {
	for _, s := range n {
		if s.hash == k.hash && fold(b[s.begin:s.end]) == fold(b[k.begin:k.end]) {
			return true
		}
	}
	return false
}

// twice is for big objects: a map with a seed of its own, since names are
// chosen outside and could be made to collide.
func (w *wide) twice(b []byte, n names, k key, depth int) bool {
	set := (*w)[depth]
	if set == nil {
		if *w == nil {
			*w = wide{}
		}
		set = map[string]struct{}{}
		(*w)[depth] = set
		for _, s := range n {
			set[fold(b[s.begin:s.end])] = struct{}{}
		}
	}
	f := fold(b[k.begin:k.end])
	_, found := set[f]
	set[f] = struct{}{}
	return found
}

// hashPlain hashes b[i:end] without regard to the case of ASCII letters. A few
// other characters fall together too, which fold then tells apart.
func hashPlain(b []byte, i, end int) uint32 {
	h := uint64(end - i)
	for ; i < end; i += 8 {
		var w uint64
		if i+8 <= len(b) {
			w = binary.LittleEndian.Uint64(b[i:])
		} else {
			for j := len(b) - 1; j >= i; j-- {
				w = w<<8 | uint64(b[j])
			}
		}
		if left := end - i; left < 8 {
			w &= 1<<(left*8) - 1
		}
		h = (h ^ w | each*0x20) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return uint32(h >> 32)
}

// fold returns the name in b (without its quotes) in the form that all names
// share which encoding/json takes for one another: every letter is the
// smallest of those that differ from it only in case.
func fold(b []byte) string {
	s := unescape(b)
	out := make([]byte, 0, len(s))
	for _, r := range s {
		for {
			next := unicode.SimpleFold(r)
			if next <= r { // the circle begins anew with its smallest
				r = next
				break
			}
			r = next
		}
		out = append(out, string(r)...)
	}
	return string(out)
}
