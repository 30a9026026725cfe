package modelspec

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"unsafe"
)

// rule returns the schema of a field: that of its type, with what the tag says.
func (t *tag) rule(s *Schema, f *field, part *shape) *Schema {
	if f.quoted {
		s = &Schema{Type: Types{"string"}}
		if f.typ.Kind() == reflect.Pointer {
			s = nullable(s)
		}
	}
	if f.tag == "" {
		return s
	}
	c := *s
	c.ReadOnly, c.WriteOnly, c.Immutable = t.readonly, t.writeonly, t.immutable
	c.Unique, c.Index = t.unique, t.index
	if t.min != nil && (c.Minimum == nil || *t.min > *c.Minimum) {
		c.Minimum = t.min
	}
	if t.max != nil && (c.Maximum == nil || *t.max < *c.Maximum) {
		c.Maximum = t.max
	}
	if t.format != "" {
		c.Format = t.format
	}
	t.lengths(&c)
	if t.oneof != nil {
		c.Enum = t.values(f)
	}
	if t.required {
		mustBe(&c, f.typ)
	}
	if t.immutable || t.readonly { // these ask whether the field is at its zero, which may not show
		switch {
		case f.quoted:
			c.Default = quotedZero(f.typ.Kind())
		case part.opaque && part.typ != timeType:
			c.Default = zeroJSON(part.typ)
		}
	}
	return &c
}

func (t *tag) lengths(s *Schema) {
	switch {
	case slices.Contains(s.Type, "string"):
		s.MinLength, s.MaxLength = t.minlen, t.maxlen
	case slices.Contains(s.Type, "array"):
		if t.minlen != nil {
			s.MinItems = t.minlen
		}
		if t.maxlen != nil {
			s.MaxItems = t.maxlen
		}
	case slices.Contains(s.Type, "object"):
		s.MinProperties, s.MaxProperties = t.minlen, t.maxlen
	}
}

// values are what oneof accepts. A field that is not required may also be left
// at its zero.
func (t *tag) values(f *field) (out []any) {
	typ := f.typ
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	text := typ.Kind() == reflect.String
	for _, o := range t.oneof {
		if text {
			out = append(out, o)
		} else {
			n, _ := strconv.ParseFloat(o, 64)
			out = append(out, n)
		}
	}
	if t.required {
		return out
	}
	var zero any = 0.0
	if text {
		zero = ""
	}
	if typ != f.typ {
		zero = nil
	}
	if !slices.Contains(out, zero) {
		out = append(out, zero)
	}
	return out
}

// mustBe makes s refuse what counts as missing: null, and the empty string,
// list or map.
func mustBe(s *Schema, t reflect.Type) {
	one := 1
	switch {
	case len(s.AnyOf) > 0:
		s.Ref, s.AnyOf = s.AnyOf[0].Ref, nil
	case len(s.Type) == 0 && t.Kind() == reflect.Interface:
		s.Type = Types{"string", "number", "boolean", "object", "array"}
	default:
		s.Type = slices.DeleteFunc(slices.Clone(s.Type), func(n string) bool { return n == "null" })
	}
	atLeast := func(n **int) {
		if *n == nil || **n < one {
			*n = &one
		}
	}
	switch shape, _ := shapeOf(t); {
	case shape == nil || shape.opaque || t == numberType:
	case t.Kind() == reflect.String, s.ContentEncoding != "":
		atLeast(&s.MinLength)
	case t.Kind() == reflect.Slice:
		atLeast(&s.MinItems)
	case t.Kind() == reflect.Map:
		atLeast(&s.MinProperties)
	}
}

// quotedZero is the JSON of the zero of a field with the option string.
func quotedZero(k reflect.Kind) json.RawMessage {
	switch k {
	case reflect.Pointer:
		return nil
	case reflect.String:
		return json.RawMessage(`"\"\""`)
	case reflect.Bool:
		return json.RawMessage(`"false"`)
	}
	return json.RawMessage(`"0"`)
}

// zeroJSON is the JSON of t's zero value, nil if it has none.
func zeroJSON(t reflect.Type) (b json.RawMessage) {
	defer func() {
		if recover() != nil {
			b = nil
		}
	}()
	b, err := json.Marshal(reflect.New(t).Interface())
	if err != nil {
		return nil
	}
	return b
}

// omitted reports whether encoding/json leaves the field at p out.
func (f *field) omitted(p unsafe.Pointer) bool {
	if !f.omitEmpty && !f.omitZero {
		return false
	}
	v := reflect.NewAt(f.typ, p).Elem()
	if f.omitZero {
		if z, ok := v.Addr().Interface().(interface{ IsZero() bool }); ok && f.typ.Kind() != reflect.Pointer {
			return z.IsZero()
		}
		if v.IsZero() {
			return true
		}
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
