package modelspec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unsafe"
)

// mapKey is a map's key as JSON writes it.
func mapKey(k reflect.Value) string {
	if k.Kind() == reflect.String {
		return k.String()
	}
	if m, ok := k.Interface().(encoding.TextMarshaler); ok {
		b, _ := m.MarshalText()
		return string(b)
	}
	return fmt.Sprint(k.Interface())
}

// fieldRule compiles what every stored document must keep: required, immutable
// and the limits. It is nil for a field without them.
func fieldRule(f *field, t *tag, s *shape) rule {
	limits := limitsOf(f, t, s)
	if !t.required && !t.immutable && limits == nil {
		return nil
	}
	missed, empty, equal := missedBy(f, t, s), emptyBy(s), s.equal
	one := func(e FieldError) []FieldError { return []FieldError{e} }
	return func(was, is unsafe.Pointer, depth int) []FieldError {
		if t.immutable && was != nil && !empty(was, depth) && (is == nil || f.omitted(is) || !equal(was, is, depth)) {
			return one(frozen())
		}
		if t.required && (is == nil || missed(is)) {
			return one(missing())
		}
		if limits == nil || is == nil || f.omitted(is) {
			return nil
		}
		if e, ok := limits(is); !ok {
			return one(e)
		}
		return nil
	}
}

// inputRule compiles what callers may not do: set or change what is readonly.
func inputRule(_ *field, t *tag, s *shape) rule {
	if !t.readonly {
		return nil
	}
	empty, equal := emptyBy(s), s.equal
	return func(was, is unsafe.Pointer, depth int) []FieldError {
		if was != nil && is != nil && equal(was, is, depth) || (was == nil || empty(was, depth)) && (is == nil || empty(is, depth)) {
			return nil
		}
		return []FieldError{hostOnly()}
	}
}

// missedBy reports whether a required field counts as not given: as JSON would
// say it, it is left out, null, or an empty string, list or map.
func missedBy(f *field, t *tag, s *shape) func(p unsafe.Pointer) bool {
	none := func(p unsafe.Pointer) bool { return f.omitted(p) }
	if s.opaque || s.typ == numberType {
		return none
	}
	switch s.typ.Kind() {
	case reflect.String:
		if f.quoted {
			return none
		}
		return func(p unsafe.Pointer) bool { return len(*(*string)(p)) == 0 }
	case reflect.Slice:
		return func(p unsafe.Pointer) bool { return (*header)(p).n == 0 }
	case reflect.Map:
		return func(p unsafe.Pointer) bool { return reflect.NewAt(s.typ, p).Elem().Len() == 0 }
	case reflect.Interface:
		return func(p unsafe.Pointer) bool { return *(*any)(p) == nil }
	case reflect.Pointer:
		empty := func(unsafe.Pointer, int) bool { return false }
		if t.minlen != nil && *t.minlen > 0 {
			empty = emptyBy(s.elem)
		}
		return func(p unsafe.Pointer) bool {
			p = *(*unsafe.Pointer)(p)
			return p == nil || empty(p, 0)
		}
	}
	return none
}

// emptyBy reports whether a value is what an immutable field may be before it
// is set.
func emptyBy(s *shape) func(p unsafe.Pointer, depth int) bool {
	t := s.typ
	if s.opaque {
		return func(p unsafe.Pointer, _ int) bool { return emptyOpaque(reflect.NewAt(t, p)) }
	}
	switch t.Kind() {
	case reflect.String:
		return func(p unsafe.Pointer, _ int) bool { return len(*(*string)(p)) == 0 }
	case reflect.Slice:
		return func(p unsafe.Pointer, _ int) bool { return (*header)(p).n == 0 }
	case reflect.Array:
		return func(unsafe.Pointer, int) bool { return t.Len() == 0 }
	case reflect.Map:
		return func(p unsafe.Pointer, _ int) bool { return reflect.NewAt(t, p).Elem().Len() == 0 }
	case reflect.Pointer:
		return func(p unsafe.Pointer, depth int) bool {
			p = *(*unsafe.Pointer)(p)
			return p == nil || emptyBy(s.elem)(p, deeper(depth))
		}
	case reflect.Interface:
		return func(p unsafe.Pointer, depth int) bool { return emptyTree(tree(*(*any)(p), depth)) }
	case reflect.Struct:
		return func(p unsafe.Pointer, depth int) bool {
			for i := range s.fields {
				if q := s.fields[i].at(p); q != nil && !emptyBy(s.parts[i])(q, deeper(depth)) {
					return false
				}
			}
			return true
		}
	}
	return func(p unsafe.Pointer, _ int) bool { return reflect.NewAt(t, p).Elem().IsZero() }
}

// emptyOpaque asks a value that writes its JSON itself, or looks at that JSON.
func emptyOpaque(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok && z.IsZero() || v.Elem().IsZero() {
		return true
	}
	b, err := json.Marshal(v.Interface())
	return err == nil && slices.Contains([]string{"null", `""`, "0", "false", "[]", "{}"}, string(b))
}

func emptyTree(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return v == "" || v == 0.0 || v == false
}

// limitsOf compiles the limits of a field's value, nil if it has none.
func limitsOf(f *field, t *tag, s *shape) func(p unsafe.Pointer) (FieldError, bool) {
	if t.min == nil && t.max == nil && t.minlen == nil && t.maxlen == nil && t.oneof == nil && t.format == "" {
		return nil
	}
	if s.typ.Kind() == reflect.Pointer {
		inner := limitsOf(f, t, s.elem)
		return func(p unsafe.Pointer) (FieldError, bool) {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return FieldError{}, true
			}
			return inner(p)
		}
	}
	l := limits{min: t.min, max: t.max, minlen: t.minlen, maxlen: t.maxlen}
	var values []any
	if t.oneof != nil {
		values = t.values(f)
	}
	switch typ := s.typ; typ.Kind() {
	case reflect.String:
		l.unit = "characters"
		return func(p unsafe.Pointer) (FieldError, bool) { return textRule(*(*string)(p), t.format, values, &l) }
	case reflect.Slice:
		l.unit = "elements"
		if typ.Elem().Kind() == reflect.Uint8 && !s.elem.opaque {
			l.unit = "bytes"
		}
		return func(p unsafe.Pointer) (FieldError, bool) {
			h := (*header)(p)
			if h.data == nil { // null in JSON: no value
				return FieldError{}, true
			}
			return l.length(h.n)
		}
	case reflect.Map:
		l.unit = "members"
		return func(p unsafe.Pointer) (FieldError, bool) {
			if *(*unsafe.Pointer)(p) == nil {
				return FieldError{}, true
			}
			return l.length(reflect.NewAt(typ, p).Elem().Len())
		}
	default:
		return func(p unsafe.Pointer) (FieldError, bool) {
			n := floatAt(typ, p)
			if values != nil && !slices.Contains(values, any(n)) {
				return notOneOf(values), false
			}
			return l.number(n)
		}
	}
}

func textRule(s, format string, values []any, l *limits) (FieldError, bool) {
	if values != nil && !slices.Contains(values, any(s)) {
		return notOneOf(values), false
	}
	if e, ok := l.text(s); !ok {
		return e, false
	}
	if !formatted(format, s) {
		return badFormat(format), false
	}
	return FieldError{}, true
}

func floatAt(t reflect.Type, p unsafe.Pointer) float64 {
	switch v := reflect.NewAt(t, p).Elem(); {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case t.Kind() == reflect.Float32: // as its JSON reads
		f, _ := strconv.ParseFloat(strconv.FormatFloat(v.Float(), 'g', -1, 32), 64)
		return f
	default:
		return v.Float()
	}
}
