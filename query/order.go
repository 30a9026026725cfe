package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/org/aegis/modelspec"
)

// Key is the place of a document in the order of a query: the keys of its sort
// members, as modelspec.IndexKey makes them, and its id. Compare with
// [Compiled.Compare].
type Key struct {
	Sort []string
	ID   string
}

// Key returns the place of d. The errors are those of [Compiled.Match].
func (c *Compiled) Key(d Document) (Key, error) {
	if len(c.order) == 0 {
		return Key{ID: d.ID}, nil
	}
	r, err := c.read(&d)
	if err != nil {
		return Key{}, err
	}
	defer c.done(r)
	return c.key(r, d.ID), nil
}

func (c *Compiled) key(r *reader, id string) Key {
	k := Key{ID: id}
	if len(c.order) > 0 {
		k.Sort = make([]string, len(c.order))
	}
	for i, s := range c.order {
		k.Sort[i] = r.slots[s.slot].first(c.paths[s.slot].typ)
	}
	return k
}

// Compare is negative where a is before b in the order of the query. It is a
// total order: 0 only for one document.
func (c *Compiled) Compare(a, b Key) int {
	n := c.compareSort(a, b, len(c.order))
	if n == 0 {
		if n = strings.Compare(a.ID, b.ID); c.descID {
			n = -n
		}
	}
	return n
}

// compareSort compares the first keys.
func (c *Compiled) compareSort(a, b Key, first int) int {
	for i, s := range c.order[:first] {
		if n := strings.Compare(a.Sort[i], b.Sort[i]); n != 0 {
			if s.desc {
				return -n
			}
			return n
		}
	}
	return 0
}

// first is the smallest key of the values of a slot.
func (s *slot) first(t typ) string {
	var keys []string
	if s.null {
		keys = append(keys, nullKey)
	}
	for i := range s.vals {
		keys = append(keys, s.vals[i].key(t))
	}
	return slices.Min(keys)
}

// What keys begin with, as in modelspec.IndexKey. An object is last of all.
const (
	nullKey   = "!"
	textKey   = "s"
	objectKey = "{"
)

// key makes the key of a value as the index of a member of the type does: it
// reads what the text of the value says, and takes what is not of the type for
// a text.
func (v *value) key(t typ) string {
	if t == typAny {
		switch v.kind {
		case kindBool:
			t = typBool
		case kindNumber:
			t = typNumber
		default:
			t = typText
		}
	}
	if v.kind == kindObject {
		return objectKey
	}
	text := string(v.raw)
	var of any = text
	switch t {
	case typBool:
		if b, err := strconv.ParseBool(text); err == nil {
			of = b
		}
	case typInt:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			of = n
		} else if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			of = n
		}
	case typNumber:
		if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 {
			of = f
		}
	case typTime:
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			of = at
		}
	}
	key, ok := modelspec.IndexKey(of)
	if !ok { // cannot be: it is of one of the kinds that have keys
		return textKey
	}
	return key
}
