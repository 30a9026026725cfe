package query

import (
	"cmp"
	"strconv"
	"strings"
)

// number is a JSON number that is compared exactly, whatever its length.
type number struct {
	text  string
	f     float64 // the nearest
	i     int64
	small bool // it is i
}

func numberOf(text string) number {
	if i, ok := smallInt(text); ok {
		return number{text: text, f: float64(i), i: i, small: true}
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range is infinite, which is on the right side
	return number{text: text, f: f}
}

// smallInt reads a whole number of at most 18 digits.
func smallInt(s string) (n int64, ok bool) {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	for i := range len(digits) {
		d := digits[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// compare orders by value. To the nearest float64 is a rounding that keeps the
// order, so that only what rounds alike is looked at digit by digit.
func (a *number) compare(b *number) int {
	switch {
	case a.small && b.small:
		return cmp.Compare(a.i, b.i)
	case a.f != b.f:
		return cmp.Compare(a.f, b.f)
	}
	x, y := decimalOf(a.text), decimalOf(b.text)
	return x.compare(y)
}

// decimal is 0.digits times ten to the power of point. Digits neither begin nor
// end with a zero; there are none in zero.
type decimal struct {
	digits string
	point  int64
	neg    bool
}

// farthest is where exponents end: beyond it all are taken for equal.
const farthest = 1 << 60

// decimalOf reads a JSON number.
func decimalOf(s string) (d decimal) {
	s, d.neg = strings.CutPrefix(s, "-")
	mantissa, exponent := s, int64(0)
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		mantissa = s[:e]
		n, err := strconv.ParseInt(strings.TrimPrefix(s[e+1:], "+"), 10, 64)
		if err != nil && strings.HasPrefix(s[e+1:], "-") {
			n = -farthest
		} else if err != nil {
			n = farthest
		}
		exponent = min(max(n, -farthest), farthest)
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	all := strings.TrimLeft(whole+fraction, "0")
	d.point = exponent + int64(len(all)-len(fraction))
	d.digits = strings.TrimRight(all, "0")
	if d.digits == "" {
		return decimal{}
	}
	return d
}

func (d decimal) compare(e decimal) int {
	if s := d.sign() - e.sign(); s != 0 || d.digits == "" {
		return cmp.Compare(s, 0)
	}
	c := cmp.Compare(d.point, e.point)
	if c == 0 {
		c = strings.Compare(d.digits, e.digits)
	}
	if d.neg {
		return -c
	}
	return c
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// whole reports whether d has no fraction.
func (d decimal) whole() bool { return d.point >= int64(len(d.digits)) }

// String is the same for all numbers that are equal: plain where that is short.
func (d decimal) String() string {
	n := int64(len(d.digits))
	var s string
	switch {
	case n == 0:
		return "0"
	case d.point >= n && d.point <= 24:
		s = d.digits + strings.Repeat("0", int(d.point-n))
	case d.point > 0 && d.point < n:
		s = d.digits[:d.point] + "." + d.digits[d.point:]
	case d.point <= 0 && d.point > -8:
		s = "0." + strings.Repeat("0", int(-d.point)) + d.digits
	default:
		s = d.digits[:1]
		if n > 1 {
			s += "." + d.digits[1:]
		}
		s += "e" + strconv.FormatInt(d.point-1, 10)
	}
	if d.neg {
		return "-" + s
	}
	return s
}
