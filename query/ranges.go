package query

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Range is a part of an index: the keys from From, included, to To, excluded.
// An empty To is the end. Where the index is that of ids, they are ids.
type Range struct{ From, To string }

// Point returns the key of a range that holds just one.
func (r Range) Point() (key string, ok bool) { return r.From, r.To != "" && r.To == r.From+"\x00" }

// Has reports whether the key is in the range.
func (r Range) Has(key string) bool { return key >= r.From && (r.To == "" || key < r.To) }

// Keys knows the indexes of a model. A *modelspec.Spec is one.
type Keys interface {
	// HasIndex reports whether documents are found by the member.
	HasIndex(field string) bool
	// KeyFor makes the key of a member from the text of a value.
	KeyFor(field, text string) (string, error)
}

// span is a part of an index that holds all that a condition lets through.
// exact says that it holds nothing else.
type span struct {
	ranges []Range // in order, apart from one another
	exact  bool
}

var everything = span{ranges: []Range{{}}}

func (s span) all() bool { return len(s.ranges) == 1 && s.ranges[0] == Range{} }

// points reports whether s is single keys only.
func (s span) points() bool {
	for _, r := range s.ranges {
		if _, ok := r.Point(); !ok {
			return false
		}
	}
	return true
}

// cutter cuts the part of one index out of a condition.
type cutter struct {
	keys Keys
	path path
	name string
}

func (c *cutter) cut(e Expr) span {
	switch e := e.(type) {
	case And:
		out := span{ranges: []Range{{}}, exact: true}
		for _, k := range e {
			s := c.cut(k)
			out = span{intersect(out.ranges, s.ranges), out.exact && s.exact}
		}
		return out
	case Or:
		out := span{exact: true}
		for _, k := range e {
			s := c.cut(k)
			out = span{unite(append(out.ranges, s.ranges...)), out.exact && s.exact}
		}
		return out
	case Compare:
		if e.Path == c.name {
			return c.compare(e)
		}
	}
	return everything
}

func (c *cutter) compare(e Compare) span {
	switch e.Op {
	case Eq, In:
		return c.points(e.Values)
	case Gt, Gte, Lt, Lte:
		return c.range_(e.Op, e.Values[0])
	case Starts:
		return c.prefix(e.Values[0].(string))
	case Exists:
		if c.path.host {
			return everything
		}
		return span{ranges: []Range{{From: nullKey + "\x00"}}, exact: true}
	}
	return everything
}

func (c *cutter) points(values []any) span {
	var ranges []Range
	for _, v := range values {
		key := nullKey
		if v == nil && c.path.host {
			continue // there is no document without
		}
		if v != nil {
			k, ok := c.key(v)
			if !ok {
				return everything
			}
			key = k
		}
		ranges = append(ranges, Range{key, key + "\x00"})
	}
	s := span{unite(ranges), true}
	if !slices.ContainsFunc(values, func(v any) bool { return v != nil }) {
		return s // what has no value is no misfit
	}
	return c.misfits(s)
}

// range_ is all that is on one side of a value, among the keys of its type.
func (c *cutter) range_(op Op, v any) span {
	kind := c.path.typ.prefix()
	low, high := kind, ""
	if c.path.host {
		low = ""
	} else {
		high = string(kind[0] + 1)
	}
	if text, ok := v.(string); ok && len(text) > wholeKey {
		v, ok = upTo(text, wholeKey), false
		key, _ := c.key(v)
		if op == Gt || op == Gte {
			low = key
		} else {
			high = after(key)
		}
		return span{[]Range{{low, high}}, ok}
	}
	key, ok := c.key(v)
	if !ok {
		return everything
	}
	exact := c.path.typ != typNumber
	switch {
	case op == Gte || op == Gt && !exact:
		low = key
	case op == Gt:
		low = key + "\x00"
	case op == Lt && exact:
		high = key
	default:
		high = key + "\x00"
	}
	if low >= high && high != "" {
		return c.misfits(span{nil, exact})
	}
	return c.misfits(span{[]Range{{low, high}}, exact})
}

// prefix is all texts that begin with one.
func (c *cutter) prefix(text string) span {
	cut := upTo(text, wholeKey)
	if c.path.host {
		return span{[]Range{{cut, after(cut)}}, cut == text}
	}
	if c.path.typ != typText {
		return everything
	}
	return span{[]Range{{textKey + cut, after(textKey + cut)}}, cut == text}
}

// wholeKey is up to how many bytes of a text a key surely holds before it is
// cut. It is less than modelspec.IndexKey keeps, by one character.
const wholeKey = 508

func upTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// after is the first text behind all that begin with s; empty: the end. It is
// UTF-8, as keys are.
func after(s string) string {
	for s != "" {
		r, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		switch r {
		case utf8.MaxRune:
			continue
		case 0xD7FF: // surrogates are no characters
			r = 0xE000
		default:
			r++
		}
		return s + string(r)
	}
	return ""
}

// misfits adds the texts in an index of numbers: what stands there in a
// document and is no such number, or has no room in a key, has a text's key.
func (c *cutter) misfits(s span) span {
	if t := c.path.typ; t != typInt && t != typNumber {
		return s
	}
	return span{unite(append(s.ranges, Range{textKey + "\x00", string(textKey[0] + 1)})), false}
}

// key makes the key of a value that fits.
func (c *cutter) key(v any) (string, bool) {
	text := ""
	switch v := v.(type) {
	case bool:
		text = "false"
		if v {
			text = "true"
		}
	case string:
		text = v
	case json.Number:
		text = string(v)
	case time.Time:
		text = timeText(v)
	}
	if c.path.host {
		return text, true
	}
	key, err := c.keys.KeyFor(c.name, text)
	return key, err == nil && strings.HasPrefix(key, c.path.typ.prefix())
}

// prefix is what the keys of values of the type begin with.
func (t typ) prefix() string {
	switch t {
	case typBool:
		return "b"
	case typInt:
		return "i"
	case typNumber:
		return "n"
	case typTime:
		return "t"
	}
	return textKey
}

// unite puts ranges in order and joins those that meet.
func unite(rs []Range) []Range {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b Range) int { return strings.Compare(a.From, b.From) })
	var out []Range
	for _, r := range rs {
		last := len(out) - 1
		switch {
		case last < 0 || out[last].To != "" && out[last].To < r.From:
			out = append(out, r)
		case out[last].To != "" && (r.To == "" || r.To > out[last].To):
			out[last].To = r.To
		}
	}
	return out
}

// intersect returns what is in both.
func intersect(a, b []Range) (out []Range) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		r := Range{max(a[i].From, b[j].From), a[i].To}
		first := a[i].To != "" && (b[j].To == "" || a[i].To < b[j].To)
		if !first {
			r.To = b[j].To
		}
		if r.To == "" || r.From < r.To {
			out = append(out, r)
		}
		if first {
			i++
		} else {
			j++
		}
	}
	return out
}
