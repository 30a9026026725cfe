package modelspec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// tag is what an aegis tag says about a field.
type tag struct {
	required, immutable, readonly, writeonly, unique, index bool
	min, max                                                *float64
	minlen, maxlen                                          *int
	oneof                                                   []string
	format                                                  string
}

// tagWords are all words of a tag; those that take a value end in =.
var tagWords = [...]string{"required", "immutable", "readonly", "writeonly", "unique", "index", "min=", "max=", "minlen=", "maxlen=", "oneof=", "format="}

// formats are those that are checked.
var formats = [...]string{"email", "uuid", "uri", "date-time"}

// tagOf parses the tag of f and checks that its rules fit f's type.
func tagOf(f *field) (tag, error) {
	var t tag
	if f.tag == "" {
		return t, nil
	}
	for w := range strings.SplitSeq(f.tag, ",") {
		if err := t.word(strings.TrimSpace(w)); err != nil {
			return t, fmt.Errorf("field %s: aegis tag: %w", f.goName, err)
		}
	}
	if err := t.fits(f); err != nil {
		return t, fmt.Errorf("field %s: aegis tag: %w", f.goName, err)
	}
	return t, nil
}

func (t *tag) word(w string) (err error) {
	name, value, has := strings.Cut(w, "=")
	if has {
		name += "="
	}
	switch name {
	case "required":
		t.required = true
	case "immutable":
		t.immutable = true
	case "readonly":
		t.readonly = true
	case "writeonly":
		t.writeonly = true
	case "unique":
		t.unique = true
	case "index":
		t.index = true
	case "min=":
		t.min, err = limit(name, value)
	case "max=":
		t.max, err = limit(name, value)
	case "minlen=":
		t.minlen, err = length(name, value)
	case "maxlen=":
		t.maxlen, err = length(name, value)
	case "oneof=":
		t.oneof = strings.Split(value, "|")
	case "format=":
		if t.format = value; !slices.Contains(formats[:], value) {
			return fmt.Errorf("format=%s is not known%s: the formats are %s", value, meant(value, formats[:]), strings.Join(formats[:], ", "))
		}
	default:
		return fmt.Errorf("%s is not known%s", w, meant(name, tagWords[:]))
	}
	return err
}

func limit(name, value string) (*float64, error) {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f-f != 0 {
		return nil, fmt.Errorf("%s%s: a number is wanted", name, value)
	}
	return &f, nil
}

func length(name, value string) (*int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%s%s: a number from 0 is wanted", name, value)
	}
	return &n, nil
}

// fits refuses rules that mean nothing for f's type.
func (t *tag) fits(f *field) error {
	typ := f.typ
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	k := typ.Kind()
	s, err := shapeOf(typ)
	if err != nil {
		return err
	}
	number := k >= reflect.Int && k <= reflect.Float64 && !s.opaque && !f.quoted
	text := k == reflect.String && !s.opaque && typ != numberType
	switch {
	case (t.min != nil || t.max != nil) && !number:
		return fmt.Errorf("min and max are for numbers, not for %s: for lengths write minlen and maxlen", f.typ)
	case (t.minlen != nil || t.maxlen != nil) && (s.opaque || !text && k != reflect.Slice && k != reflect.Map):
		return fmt.Errorf("minlen and maxlen are for strings, lists and maps, not for %s", f.typ)
	case t.oneof != nil && !text && !number:
		return fmt.Errorf("oneof is for strings and numbers, not for %s", f.typ)
	case t.format != "" && !text:
		return fmt.Errorf("format is for strings, not for %s", f.typ)
	case (t.unique || t.index) && !(text || number || k == reflect.Bool && !f.quoted || s.text || typ == timeType):
		return fmt.Errorf("unique and index are for strings, numbers, bools, times and text, not for %s", f.typ)
	case t.min != nil && t.max != nil && *t.min > *t.max, t.minlen != nil && t.maxlen != nil && *t.minlen > *t.maxlen:
		return fmt.Errorf("the minimum is over the maximum")
	case t.readonly && t.writeonly:
		return fmt.Errorf("readonly and writeonly: nobody could use it from outside: take it out of the JSON with `json:\"-\"`, or drop one")
	}
	if number {
		for _, o := range t.oneof {
			if _, err := strconv.ParseFloat(o, 64); err != nil {
				return fmt.Errorf("oneof: %s is no number", o)
			}
		}
	}
	return nil
}

// meant is the end of an error that names the nearest of the words, if one is
// near.
func meant(word string, words []string) string {
	if best := nearest(word, words); best != "" {
		return ": did you mean " + best + "?"
	}
	return ""
}

// nearest returns the word with the smallest edit distance, or "" if none is
// nearer than a third of its length and one.
func nearest(word string, words []string) (best string) {
	if len(word) > 64 {
		return ""
	}
	least := len(word)/3 + 2
	for _, w := range words {
		if d := distance(strings.ToLower(word), strings.ToLower(w)); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete, replace or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
