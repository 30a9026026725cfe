package modelspec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"time"
	"unsafe"
)

func equalStruct(s *shape) func(a, b unsafe.Pointer, depth int) bool {
	if own := equalMethod(s.typ); own != nil {
		return own
	}
	equals := make([]func(a, b unsafe.Pointer, depth int) bool, len(s.parts))
	for i, part := range s.parts {
		equals[i] = part.equaler()
	}
	return func(a, b unsafe.Pointer, depth int) bool {
		for i := range equals {
			f := &s.fields[i]
			x, y := f.at(a), f.at(b)
			if (x == nil) != (y == nil) {
				return false
			}
			if x != nil && !equals[i](x, y, depth) && !(f.omitted(x) && f.omitted(y)) {
				return false
			}
		}
		return true
	}
}

func equalElems(a, b unsafe.Pointer, n int, width uintptr, equal func(a, b unsafe.Pointer, depth int) bool, depth int) bool {
	for i := range uintptr(n) {
		if !equal(unsafe.Add(a, i*width), unsafe.Add(b, i*width), depth) {
			return false
		}
	}
	return true
}

func equalMap(a, b reflect.Value, equal func(a, b unsafe.Pointer, depth int) bool, depth int) bool {
	if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
		return false
	}
	x, y := reflect.New(a.Type().Elem()).Elem(), reflect.New(a.Type().Elem()).Elem()
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() {
			return false
		}
		x.SetIterValue(it)
		y.Set(other)
		if !equal(x.Addr().UnsafePointer(), y.Addr().UnsafePointer(), depth) {
			return false
		}
	}
	return true
}

// equalOpaque compares values of a type that writes its JSON itself: by its
// method Equal if it has one, else by that JSON.
func equalOpaque(t reflect.Type) func(a, b unsafe.Pointer, depth int) bool {
	if t == timeType {
		return func(a, b unsafe.Pointer, _ int) bool { return (*time.Time)(a).Equal(*(*time.Time)(b)) }
	}
	if own := equalMethod(t); own != nil {
		return own
	}
	return func(a, b unsafe.Pointer, _ int) bool {
		x, err := json.Marshal(reflect.NewAt(t, a).Interface())
		if err != nil {
			return false
		}
		y, err := json.Marshal(reflect.NewAt(t, b).Interface())
		return err == nil && bytes.Equal(x, y)
	}
}

// equalMethod returns a comparison by t's method Equal(t) bool, or nil.
func equalMethod(t reflect.Type) func(a, b unsafe.Pointer, depth int) bool {
	m, ok := t.MethodByName("Equal")
	if !ok || m.Type.NumIn() != 2 || m.Type.In(1) != t || m.Type.NumOut() != 1 || m.Type.Out(0).Kind() != reflect.Bool {
		return nil
	}
	return func(a, b unsafe.Pointer, _ int) bool {
		x, y := reflect.NewAt(t, a).Elem(), reflect.NewAt(t, b).Elem()
		return x.Method(m.Index).Call([]reflect.Value{y})[0].Bool()
	}
}
