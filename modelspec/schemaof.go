package modelspec

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// SchemaOf derives the schema of T's JSON from its fields, their json tags and
// their aegis tags (see the package's documentation). A type that writes its
// JSON itself is a string if it is a TextMarshaler and anything if not. The
// result is remembered, shared and read-only. The error names the field.
func SchemaOf[T any]() (*Schema, error) { return schemaOf(reflect.TypeFor[T]()) }

// schemas remembers what was derived: reflect.Type to *Schema.
var schemas sync.Map

func schemaOf(t reflect.Type) (*Schema, error) {
	if s, ok := schemas.Load(t); ok {
		return s.(*Schema), nil
	}
	shape, err := shapeOf(t)
	if err != nil {
		return nil, err
	}
	d := deriver{root: t, open: map[reflect.Type]bool{}, refs: map[reflect.Type]string{}, defs: map[string]*Schema{}}
	s, err := d.derive(shape)
	if err != nil {
		return nil, err
	}
	if len(d.defs) > 0 {
		s.Defs = d.defs
	}
	kept, _ := schemas.LoadOrStore(t, s)
	return kept.(*Schema), nil
}

// deriver derives one schema.
type deriver struct {
	root reflect.Type
	open map[reflect.Type]bool
	refs map[reflect.Type]string // what refers to types that contain themselves
	defs map[string]*Schema
}

var numberType = reflect.TypeFor[json.Number]()

// derive returns the schema of a type. A type that contains itself becomes a
// definition, and is referred to.
func (d *deriver) derive(s *shape) (*Schema, error) {
	t := s.typ
	if t.Name() == "" || s.opaque || s.fields == nil && s.elem == nil {
		return d.plain(s)
	}
	if d.open[t] && d.refs[t] == "" {
		d.refs[t] = d.name(t)
	}
	if ref := d.refs[t]; ref != "" {
		return &Schema{Ref: ref}, nil
	}
	d.open[t] = true
	out, err := d.plain(s)
	delete(d.open, t)
	ref := d.refs[t]
	if err != nil || ref == "" || ref == "#" {
		return out, err
	}
	d.defs[strings.TrimPrefix(ref, "#/$defs/")] = out
	return &Schema{Ref: ref}, nil
}

// name returns a reference for a type that contains itself.
func (d *deriver) name(t reflect.Type) string {
	if t == d.root {
		return "#"
	}
	base, _, _ := strings.Cut(t.Name(), "[")
	name := base
	for n := 2; d.defs[name] != nil; n++ {
		name = base + strconv.Itoa(n)
	}
	d.defs[name] = nothing() // until it is derived
	return "#/$defs/" + name
}

func (d *deriver) plain(s *shape) (*Schema, error) {
	switch t := s.typ; {
	case t == timeType:
		return &Schema{Type: Types{"string"}, Format: "date-time"}, nil
	case t == numberType:
		return &Schema{Type: Types{"number"}}, nil
	case s.text:
		return &Schema{Type: Types{"string"}}, nil
	case s.opaque, t.Kind() == reflect.Interface:
		return &Schema{}, nil
	case t.Kind() == reflect.Struct:
		return d.object(s)
	case s.elem != nil:
		return d.container(s)
	default:
		return scalar(t.Kind()), nil
	}
}

func scalar(k reflect.Kind) *Schema {
	number := func(format string, low, high float64) *Schema {
		s := &Schema{Type: Types{"integer"}, Format: format}
		if low < high {
			s.Minimum, s.Maximum = &low, &high
		} else if low == 0 && high == 0 {
			s.Minimum = &low
		}
		return s
	}
	switch k {
	case reflect.Bool:
		return &Schema{Type: Types{"boolean"}}
	case reflect.String:
		return &Schema{Type: Types{"string"}}
	case reflect.Float32, reflect.Float64:
		return &Schema{Type: Types{"number"}}
	case reflect.Int8:
		return number("int32", -1<<7, 1<<7-1)
	case reflect.Int16:
		return number("int32", -1<<15, 1<<15-1)
	case reflect.Int32:
		return number("int32", -1<<31, 1<<31-1)
	case reflect.Uint8:
		return number("int32", 0, 1<<8-1)
	case reflect.Uint16:
		return number("int32", 0, 1<<16-1)
	case reflect.Uint32:
		return number("int64", 0, 1<<32-1)
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return number("uint64", 0, 0)
	}
	return number("int64", 1, 0)
}

func (d *deriver) container(s *shape) (*Schema, error) {
	t := s.typ
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !s.elem.opaque {
		return &Schema{Type: Types{"string", "null"}, ContentEncoding: "base64"}, nil
	}
	el, err := d.derive(s.elem)
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nullable(el), nil
	case reflect.Map:
		return &Schema{Type: Types{"object", "null"}, AdditionalProperties: el}, nil
	case reflect.Array:
		n := t.Len()
		return &Schema{Type: Types{"array"}, Items: el, MinItems: &n, MaxItems: &n}, nil
	}
	return &Schema{Type: Types{"array", "null"}, Items: el}, nil
}

// nullable returns a schema that accepts null too.
func nullable(s *Schema) *Schema {
	switch {
	case s.Ref != "":
		return &Schema{AnyOf: []*Schema{s, {Type: Types{"null"}}}}
	case len(s.Type) > 0 && !slices.Contains(s.Type, "null"):
		c := *s
		c.Type = append(slices.Clone(s.Type), "null")
		return &c
	}
	return s
}

func (d *deriver) object(s *shape) (*Schema, error) {
	out := &Schema{Type: Types{"object"}}
	if len(s.fields) == 0 {
		out.AdditionalProperties = nothing()
		return out, nil
	}
	out.Properties = make(map[string]*Schema, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		tag, err := tagOf(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.typ, err)
		}
		el, err := d.derive(s.parts[i])
		if err != nil {
			return nil, err
		}
		out.Properties[f.name] = tag.rule(el, f, s.parts[i])
		if tag.required {
			out.Required = append(out.Required, f.name)
		}
	}
	return out, nil
}
