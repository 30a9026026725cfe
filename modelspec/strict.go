package modelspec

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may be nested.
const maxDepth = 64

// CheckJSON accepts b if it is exactly one JSON value that every reader reads
// alike: valid UTF-8 without lone surrogates, no two members of an object whose
// names are equal but for the case of letters (encoding/json would take one for
// the other), and at most 64 arrays and objects nested. The error is
// [ErrInvalid] with the rule "json" at the JSON Pointer of the fault.
//
// It is one pass that allocates nothing unless the objects around one place
// have more than 64 members in all.
func CheckJSON(b []byte) error {
	at, what := scan(b)
	if what == "" {
		return nil
	}
	pointer := pointerAt(b, at)
	if what == twice {
		end, _, _ := text(b, at+1)
		pointer += pointerTo(unescape(b[at+1 : end-1]))
	}
	return notJSON(pointer, at, what)
}

func notJSON(pointer string, at int, what string) *Error {
	return &Error{Code: ErrInvalid, Message: "invalid JSON", Fields: []FieldError{{
		Pointer: pointer, Rule: "json", Detail: fmt.Sprintf("at byte %d: %s", at, what),
	}}}
}

// nest is where the members of one open object or array begin in the stack of
// keys; an array's is -1.
type nest = int32

// scan returns where b breaks the rules of CheckJSON, and how.
func scan(b []byte) (at int, what string) {
	if len(b) > math.MaxInt32 {
		return 0, "longer than 2 GiB"
	}
	var room [64]key
	var nests [maxDepth]nest
	var wide wide
	names := names(room[:0])
	depth, i := 0, space(b, 0)
value:
	for {
		if i >= len(b) {
			return i, "value expected, end of text found"
		}
		switch c := b[i]; c {
		case '{', '[':
			if depth == maxDepth {
				return i, "nested deeper than 64"
			}
			nests[depth] = -1
			if c == '{' {
				nests[depth] = nest(len(names))
			}
			depth++
			i = space(b, i+1)
			if i < len(b) && b[i] == c+2 { // { and [ are two before } and ]
				break // the end of it is seen below
			}
			if c == '{' {
				if names, i, what = names.member(b, i, depth, nests[depth-1], &wide); what != "" {
					return i, what
				}
			}
			continue value
		case '"':
			if i, _, what = text(b, i+1); what != "" {
				return i, what
			}
		case 't':
			i, what = word(b, i, "true")
		case 'f':
			i, what = word(b, i, "false")
		case 'n':
			i, what = word(b, i, "null")
		default:
			i, what = number(b, i)
		}
		if what != "" {
			return i, what
		}
		for { // after a value, or at the end of an empty object or array
			i = space(b, i)
			if depth == 0 {
				if i < len(b) {
					return i, "more text after the value"
				}
				return 0, ""
			}
			if i >= len(b) {
				return i, "not closed"
			}
			object := nests[depth-1] >= 0
			switch c := b[i]; {
			case c == ',':
				i = space(b, i+1)
				if object {
					if names, i, what = names.member(b, i, depth, nests[depth-1], &wide); what != "" {
						return i, what
					}
				}
				continue value
			case c == '}' && object:
				names = names[:nests[depth-1]]
				delete(wide, depth)
			case c == ']' && !object:
			default:
				return i, "comma or end of object or array expected"
			}
			depth--
			i++
		}
	}
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func word(b []byte, i int, w string) (int, string) {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return i, "value expected"
	}
	return i + len(w), ""
}

// number reads what RFC 8259, section 6, calls a number.
func number(b []byte, i int) (int, string) {
	begin := i
	if i < len(b) && b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if j := digits(b, i); j > i {
		i = j
	} else {
		return begin, "value expected"
	}
	if i < len(b) && b[i] == '.' {
		j := digits(b, i+1)
		if j == i+1 {
			return begin, "not a number: digits expected after the point"
		}
		i = j
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		j := digits(b, i)
		if j == i {
			return begin, "not a number: digits expected in the exponent"
		}
		i = j
	}
	return i, ""
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}

const (
	each = 0x0101010101010101
	tops = 0x8080808080808080
)

// text reads a string from behind its opening quote to behind its closing one,
// eight bytes at a time where nothing is special. plain says that it is ASCII
// without escapes.
func text(b []byte, i int) (end int, plain bool, what string) {
	begin, escaped, high := i, false, uint64(0)
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, s := w^(each*'"'), w^(each*'\\')
			// Bytes below 0x20, quotes and backslashes set their top bit. A
			// borrow may set bits above a true one, never below.
			hit := ((w-each*0x20)&^w | (q-each)&^q | (s-each)&^s) & tops
			if hit != 0 {
				n := bits.TrailingZeros64(hit) >> 3
				high |= w & tops & (1<<(n*8) - 1)
				i += n
				break
			}
			high |= w & tops
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			high |= uint64(b[i]) & 0x80
			i++
		}
		switch {
		case i >= len(b):
			return i, false, "string not closed"
		case b[i] == '"':
			if high != 0 && !utf8.Valid(b[begin:i]) {
				return begin + invalid(b[begin:i]), false, "not UTF-8"
			}
			return i + 1, high == 0 && !escaped, ""
		case b[i] != '\\':
			return i, false, "control character in a string: write it as \\u00xx"
		}
		escaped = true
		if i, what = escape(b, i); what != "" {
			return i, false, what
		}
	}
}

func invalid(b []byte) (at int) {
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return at
}

// escape reads one escape, and both halves of a surrogate pair.
func escape(b []byte, i int) (int, string) {
	if i+1 >= len(b) {
		return i, "string not closed"
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, ""
	case 'u':
		switch u := hex4(b, i+2); {
		case u < 0:
			return i, "four hex digits expected after \\u"
		case u < 0xD800 || u > 0xDFFF:
			return i + 6, ""
		case u < 0xDC00 && i+7 < len(b) && b[i+6] == '\\' && b[i+7] == 'u':
			if low := hex4(b, i+8); low >= 0xDC00 && low <= 0xDFFF {
				return i + 12, ""
			}
		}
		return i, "half of a surrogate pair"
	}
	return i, "no such escape"
}

func hex4(b []byte, i int) (u int) {
	if i+4 > len(b) {
		return -1
	}
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' < 10:
			u = u<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			u = u<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return u
}
