package modelspec

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxKey is how much of a string an index key holds before it is cut.
const maxKey = 512

// The first byte of a key is the kind of its value, so that kinds do not mix.
const (
	keyNull   = '!'
	keyBool   = 'b'
	keyInt    = 'i'
	keyNumber = 'n'
	keyText   = 's'
	keyTime   = 't'
)

// IndexKey makes a key of v: valid UTF-8, and such that keys of one kind sort
// as strings in the order of their values. The kinds are nil, bool, integers,
// floats, strings and [time.Time] (to the nanosecond, whatever the zone), and
// types made of them. A string of more than 512 bytes is cut, and a hash of the
// whole put behind it: such keys are equal only for equal strings, and sort by
// their first 512 bytes. ok is false for any other type, and for NaN.
func IndexKey(v any) (key string, ok bool) {
	switch v := v.(type) {
	case nil:
		return string(keyNull), true
	case string:
		return textKey(v), true
	case time.Time:
		return timeKey(v), true
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.String:
		return textKey(r.String()), true
	case r.Kind() == reflect.Bool:
		return boolKey(r.Bool()), true
	case r.CanInt():
		return intKey(r.Int()), true
	case r.CanUint():
		return uintKey(r.Uint()), true
	case r.CanFloat():
		return floatKey(r.Float())
	}
	return "", false
}

func boolKey(b bool) string {
	if b {
		return "b1"
	}
	return "b0"
}

func textKey(s string) string {
	if !utf8.ValidString(s) {
		s = string([]rune(s)) // as JSON would have it
	}
	if len(s) <= maxKey {
		return string(keyText) + s
	}
	sum := sha256.Sum256([]byte(s))
	cut := maxKey
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return string(keyText) + s[:cut] + "\x00" + hex.EncodeToString(sum[:16])
}

// intKey and uintKey share one order: 17 hex digits, 2^63 added.
func intKey(n int64) string { return hexKey(keyInt, 0, uint64(n)+1<<63) }

func uintKey(n uint64) string {
	if n >= 1<<63 {
		return hexKey(keyInt, 1, n-1<<63)
	}
	return hexKey(keyInt, 0, n+1<<63)
}

func hexKey(kind byte, carry byte, n uint64) string {
	var b [18]byte
	b[0], b[1] = kind, '0'+carry
	hex16(b[2:], n)
	return string(b[:])
}

func hex16(b []byte, n uint64) {
	for i := range 16 {
		b[i] = "0123456789abcdef"[n>>(60-4*i)&15]
	}
}

// floatKey flips the bits of IEEE 754 so that they sort as the numbers do.
func floatKey(f float64) (string, bool) {
	if f != f {
		return "", false
	}
	if f == 0 {
		f = 0 // one zero only
	}
	n := math.Float64bits(f)
	if n>>63 == 1 {
		n = ^n
	} else {
		n |= 1 << 63
	}
	var b [17]byte
	b[0] = keyNumber
	hex16(b[1:], n)
	return string(b[:]), true
}

func timeKey(t time.Time) string {
	var b [25]byte
	b[0] = keyTime
	hex16(b[1:], uint64(t.Unix())+1<<63)
	var nano [16]byte
	hex16(nano[:], uint64(t.Nanosecond()))
	copy(b[17:], nano[8:])
	return string(b[:])
}

// ParseIndexKey returns the value that a key was made of: nil, a bool, an
// int64, a uint64 where an int64 has no room, a float64, a string or a UTC
// [time.Time]. ok is false for what is no key, and for the key of a string that
// was cut.
func ParseIndexKey(key string) (v any, ok bool) {
	if key == "" {
		return nil, false
	}
	rest := key[1:]
	switch key[0] {
	case keyNull:
		return nil, rest == ""
	case keyBool:
		return rest == "1", rest == "0" || rest == "1"
	case keyText:
		return rest, len(rest) <= maxKey
	case keyInt:
		return parseInt(rest)
	case keyNumber:
		n, err := strconv.ParseUint(rest, 16, 64)
		if n>>63 == 1 {
			n &^= 1 << 63
		} else {
			n = ^n
		}
		return math.Float64frombits(n), err == nil && len(rest) == 16
	case keyTime:
		if len(rest) != 24 {
			return nil, false
		}
		sec, err := strconv.ParseUint(rest[:16], 16, 64)
		nano, err2 := strconv.ParseUint(rest[16:], 16, 32)
		return time.Unix(int64(sec-1<<63), int64(nano)).UTC(), err == nil && err2 == nil && nano < 1e9
	}
	return nil, false
}

func parseInt(rest string) (any, bool) {
	if len(rest) != 17 || strings.ContainsAny(rest, "+-_") {
		return nil, false
	}
	n, err := strconv.ParseUint(rest[1:], 16, 64)
	switch {
	case err != nil:
		return nil, false
	case rest[0] == '0':
		return int64(n - 1<<63), true
	case rest[0] == '1':
		return n + 1<<63, n < 1<<63
	}
	return nil, false
}
