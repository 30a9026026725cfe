package modelspec

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// indexer makes the entries of one field. Its name is the field's JSON name,
// with those of the objects around it before it: address.city.
type indexer struct {
	name   string
	unique bool
	path   []string
	schema *Schema // of the field, without null
	// native makes the key from the document's Go value; ok is false where
	// there is no value. Nil for models that are not Go code of this process.
	native func(doc unsafe.Pointer) (key string, ok bool)
}

// indexersOf finds what a schema says is indexed, and the keys of relations.
func indexersOf(root *Schema, relations []RelationDescriptor) []indexer {
	var out []indexer
	findIndexers(root, root, nil, &out, 0)
	for _, r := range relations {
		if p := root.inner(root).Properties[r.Key]; r.Cardinality == ManyToOne && p != nil &&
			!slices.ContainsFunc(out, func(x indexer) bool { return x.name == r.Key }) {
			out = append(out, indexer{name: r.Key, path: []string{r.Key}, schema: p.inner(root)})
		}
	}
	slices.SortFunc(out, func(a, b indexer) int { return strings.Compare(a.name, b.name) })
	return out
}

func findIndexers(root, s *Schema, path []string, out *[]indexer, depth int) {
	if depth > maxDepth {
		return
	}
	for name, p := range s.Properties {
		at := append(slices.Clone(path), name)
		if p.Unique || p.Index {
			*out = append(*out, indexer{name: strings.Join(at, "."), unique: p.Unique, path: at, schema: p.inner(root)})
		} else if p.Ref == "" && len(p.AnyOf) == 0 { // an object that contains itself is no place for an index
			findIndexers(root, p, at, out, depth+1)
		}
	}
}

// kind is the kind of the field's keys.
func (x *indexer) kind() byte {
	switch s := x.schema; {
	case slices.Contains(s.Type, "boolean"):
		return keyBool
	case slices.Contains(s.Type, "integer"):
		return keyInt
	case slices.Contains(s.Type, "number"):
		return keyNumber
	case s.Format == "date-time":
		return keyTime
	}
	return keyText
}

// text makes a key of the text of a value: a string, or the JSON of anything
// else.
func (x *indexer) text(s string) (string, error) {
	switch x.kind() {
	case keyBool:
		if b, err := strconv.ParseBool(s); err == nil {
			return boolKey(b), nil
		}
		return "", fmt.Errorf("true or false is wanted")
	case keyInt:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return intKey(n), nil
		}
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			return uintKey(n), nil
		}
		return "", fmt.Errorf("a whole number of 64 bits is wanted")
	case keyNumber:
		if n, err := strconv.ParseFloat(s, 64); err == nil && n-n == 0 {
			key, _ := floatKey(n)
			return key, nil
		}
		return "", fmt.Errorf("a number is wanted")
	case keyTime:
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return timeKey(t), nil
		}
		return "", fmt.Errorf("a time as in 2006-01-02T15:04:05Z is wanted")
	}
	return textKey(s), nil
}

// json makes the key of the field of a document.
func (x *indexer) json(doc []byte) (string, bool) {
	for _, name := range x.path {
		v, ok := find(doc, name)
		if !ok {
			return "", false
		}
		doc = v
	}
	if len(doc) == 0 || doc[0] == 'n' {
		return "", false
	}
	text := string(doc)
	if s, ok := stringOf(doc); ok {
		text = s
	}
	key, err := x.text(text)
	if err != nil { // a string that is no time, say
		return textKey(text), true
	}
	return key, true
}

// entry is the entry of a key. A unique field without a value has none, so
// that many documents may leave it empty; any other field always has one, so
// that a list in its order is complete.
func (x *indexer) entry(key string, ok bool) (IndexEntry, bool) {
	if !ok {
		key = string(keyNull)
	}
	if x.unique && (!ok || key == string(keyText)) {
		return IndexEntry{}, false
	}
	return IndexEntry{Name: x.name, Key: key, Unique: x.unique}, true
}

// compile finds the field of x in the Go type of the document.
func (x *indexer) compile(s *shape) error {
	var way []func(unsafe.Pointer) unsafe.Pointer
	var last *field
	for _, name := range x.path {
		for s.elem != nil && s.typ.Kind() == reflect.Pointer {
			s = s.elem
			way = append(way, func(p unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(p) })
		}
		i := slices.IndexFunc(s.fields, func(f field) bool { return f.name == name })
		if i < 0 {
			return fmt.Errorf("%s has no member %s", s.typ, name)
		}
		f := &s.fields[i]
		last, s = f, s.parts[i]
		way = append(way, func(p unsafe.Pointer) unsafe.Pointer {
			if p = f.at(p); p == nil || f.omitted(p) {
				return nil
			}
			return p
		})
	}
	key := x.scalar(s, last)
	x.native = func(p unsafe.Pointer) (string, bool) {
		for _, step := range way {
			if p = step(p); p == nil {
				return "", false
			}
		}
		return key(p)
	}
	return nil
}

// scalar makes keys of values of s.
func (x *indexer) scalar(s *shape, f *field) func(p unsafe.Pointer) (string, bool) {
	t := s.typ
	if t.Kind() == reflect.Pointer {
		inner := x.scalar(s.elem, f)
		return func(p unsafe.Pointer) (string, bool) {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return "", false
			}
			return inner(p)
		}
	}
	switch {
	case t == timeType:
		return func(p unsafe.Pointer) (string, bool) { return timeKey(*(*time.Time)(p)), true }
	case s.opaque:
		return func(p unsafe.Pointer) (string, bool) {
			m, _ := reflect.NewAt(t, p).Interface().(encoding.TextMarshaler)
			if m == nil {
				return "", false
			}
			b, err := m.MarshalText()
			return textKey(string(b)), err == nil
		}
	case t.Kind() == reflect.String:
		return func(p unsafe.Pointer) (string, bool) {
			text := *(*string)(p)
			key, err := x.text(text)
			if err != nil {
				key = textKey(text)
			}
			return key, true
		}
	case t.Kind() == reflect.Float32:
		return func(p unsafe.Pointer) (string, bool) { return floatKey(floatAt(t, p)) }
	}
	return func(p unsafe.Pointer) (string, bool) { return IndexKey(reflect.NewAt(t, p).Elem().Interface()) }
}
