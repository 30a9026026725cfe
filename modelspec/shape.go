package modelspec

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// shape is all that is compiled of a Go type, once: how its values are copied,
// measured and compared. Functions get the addresses of values of the type.
type shape struct {
	typ    reflect.Type
	opaque bool    // writes its JSON itself
	text   bool    // as a string
	fields []field // of a struct that is not opaque
	parts  []*shape
	elem   *shape // of a pointer, slice, array or map that is not opaque
	done   bool

	// fix makes what dst refers to its own, where dst is a plain copy of src.
	// Nil: a plain copy is deep.
	fix func(dst, src unsafe.Pointer, depth int)
	// hide zeroes what JSON does not carry. Nil: there is nothing of the kind.
	hide func(p unsafe.Pointer, depth int)
	// size estimates the bytes of the JSON.
	size func(p unsafe.Pointer, depth int) int
	// equal compares two values as their JSON would.
	equal func(a, b unsafe.Pointer, depth int) bool
}

// shapes remembers what was compiled: reflect.Type to *shape.
var shapes sync.Map

// shapeOf compiles t. It refuses what would not survive a way through JSON, so
// that a model sees the same values natively and behind a boundary.
func shapeOf(t reflect.Type) (*shape, error) {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape), nil
	}
	c := compiler{open: map[reflect.Type]*shape{}}
	s, err := c.compile(t)
	if err != nil {
		return nil, err
	}
	kept, _ := shapes.LoadOrStore(t, s)
	return kept.(*shape), nil
}

// compiler knows the types that are being compiled, for those that refer to
// themselves.
type compiler struct{ open map[reflect.Type]*shape }

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshaler     = reflect.TypeFor[json.Marshaler]()
	unmarshaler   = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	textReader    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func implements(t, i reflect.Type) bool {
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

func (c *compiler) compile(t reflect.Type) (*shape, error) {
	if s := c.open[t]; s != nil {
		return s, nil
	}
	s := &shape{typ: t}
	c.open[t] = s
	s.opaque = t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface &&
		(implements(t, marshaler) || implements(t, unmarshaler) || implements(t, textMarshaler))
	s.text = s.opaque && !implements(t, marshaler) && implements(t, textMarshaler)
	var err error
	if s.opaque {
		s.compileOpaque()
	} else {
		err = c.compilePlain(s)
	}
	s.done = true
	return s, err
}

func (c *compiler) compilePlain(s *shape) (err error) {
	t := s.typ
	switch k := t.Kind(); k {
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8,
		reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr, reflect.Float32, reflect.Float64:
		s.compileScalar()
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if k == reflect.Map && !keyable(t.Key()) {
			return fmt.Errorf("%s: JSON has strings as keys: use a string, a number or a TextMarshaler", t)
		}
		if s.elem, err = c.compile(t.Elem()); err != nil {
			return err
		}
		s.compileContainer()
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return fmt.Errorf("%s: an interface with methods cannot be read from JSON: use any or a concrete type", t)
		}
		s.compileAny()
	case reflect.Struct:
		return c.compileStruct(s)
	default:
		return fmt.Errorf("%s: a %s cannot be written as JSON: take it out, or tag it `json:\"-\"`", t, k)
	}
	return nil
}

func keyable(t reflect.Type) bool {
	return t.Kind() == reflect.String || t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr ||
		t.Implements(textMarshaler) && implements(t, textReader)
}

func (c *compiler) compileStruct(s *shape) (err error) {
	if s.fields, err = fieldsOf(s.typ); err != nil {
		return err
	}
	visible := map[string]*shape{}
	for i := range s.fields {
		f := &s.fields[i]
		part, err := c.compile(f.typ)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.goName, err)
		}
		s.parts = append(s.parts, part)
		visible[wayKey(f.index)] = part
	}
	s.fix, s.hide = lay(s.typ, nil, visible)
	s.size, s.equal = sizeStruct(s), equalStruct(s)
	return nil
}

func errTooDeep() *Error {
	return &Error{Code: ErrInvalid, Message: "a value is nested deeper than 64, or contains itself"}
}

// deeper is what recursive types go through at each turn.
func deeper(depth int) int {
	if depth >= maxDepth {
		panic(knot{errTooDeep()})
	}
	return depth + 1
}

// fixer returns how values of s are fixed: late, if s is still being compiled.
func (s *shape) fixer() func(dst, src unsafe.Pointer, depth int) {
	if s.done {
		return s.fix
	}
	return func(dst, src unsafe.Pointer, depth int) {
		if s.fix != nil {
			s.fix(dst, src, deeper(depth))
		}
	}
}

func (s *shape) hider() func(p unsafe.Pointer, depth int) {
	if s.done {
		return s.hide
	}
	return func(p unsafe.Pointer, depth int) {
		if s.hide != nil {
			s.hide(p, deeper(depth))
		}
	}
}

func (s *shape) sizer() func(p unsafe.Pointer, depth int) int {
	if s.done {
		return s.size
	}
	return func(p unsafe.Pointer, depth int) int { return s.size(p, deeper(depth)) }
}

func (s *shape) equaler() func(a, b unsafe.Pointer, depth int) bool {
	if s.done {
		return s.equal
	}
	return func(a, b unsafe.Pointer, depth int) bool { return s.equal(a, b, deeper(depth)) }
}
