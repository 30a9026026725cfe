package modelspec

import (
	"reflect"
	"unsafe"
)

// sizeOf estimates the bytes of the JSON of what form, a pointer, points to.
func sizeOf(form any) (n int) {
	v := reflect.ValueOf(form)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return 4
	}
	s, err := shapeOf(v.Type().Elem())
	if err != nil {
		return 4
	}
	defer func() { // a value that contains itself has no size; JSON refuses it later
		if recover() != nil {
			n = 1 << 30
		}
	}()
	return s.size(v.UnsafePointer(), 0)
}

func (s *shape) compileScalar() {
	t := s.typ
	switch t.Kind() {
	case reflect.String:
		s.size = func(p unsafe.Pointer, _ int) int { return len(*(*string)(p)) + 2 }
		s.equal = func(a, b unsafe.Pointer, _ int) bool { return *(*string)(a) == *(*string)(b) }
		return
	case reflect.Bool:
		s.size = func(unsafe.Pointer, int) int { return 5 }
	default:
		s.size = func(unsafe.Pointer, int) int { return 8 }
	}
	s.equal = func(a, b unsafe.Pointer, _ int) bool {
		return reflect.NewAt(t, a).Elem().Equal(reflect.NewAt(t, b).Elem())
	}
}

func sizeStruct(s *shape) func(p unsafe.Pointer, depth int) int {
	sizers := make([]func(p unsafe.Pointer, depth int) int, len(s.parts))
	base := 1
	for i, part := range s.parts {
		sizers[i] = part.sizer()
		base += len(s.fields[i].name) + 4
	}
	return func(p unsafe.Pointer, depth int) int {
		n := base
		for i := range sizers {
			if q := s.fields[i].at(p); q != nil {
				n += sizers[i](q, depth)
			}
		}
		return n
	}
}

// compileSizes compiles measuring and comparing of pointers, slices, arrays and
// maps.
func (s *shape) compileSizes() {
	t, size, equal := s.typ, s.elem.sizer(), s.elem.equaler()
	width := t.Elem().Size()
	fixed := free(t.Elem()) // each element about as long as the next
	switch t.Kind() {
	case reflect.Pointer:
		s.size = func(p unsafe.Pointer, depth int) int {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return 4
			}
			return size(p, depth)
		}
		s.equal = func(a, b unsafe.Pointer, depth int) bool {
			a, b = *(*unsafe.Pointer)(a), *(*unsafe.Pointer)(b)
			return a == b || a != nil && b != nil && equal(a, b, depth)
		}
	case reflect.Slice:
		s.size = func(p unsafe.Pointer, depth int) int {
			h := (*header)(p)
			if fixed && width == 1 {
				return h.n*4/3 + 2
			}
			return sizeElems(h.data, h.n, width, size, fixed, depth)
		}
		s.equal = func(a, b unsafe.Pointer, depth int) bool {
			x, y := (*header)(a), (*header)(b)
			return x.n == y.n && (x.data == nil) == (y.data == nil) && equalElems(x.data, y.data, x.n, width, equal, depth)
		}
	case reflect.Array:
		s.size = func(p unsafe.Pointer, depth int) int { return sizeElems(p, t.Len(), width, size, fixed, depth) }
		s.equal = func(a, b unsafe.Pointer, depth int) bool { return equalElems(a, b, t.Len(), width, equal, depth) }
	case reflect.Map:
		s.size = func(p unsafe.Pointer, depth int) int { return sizeMap(reflect.NewAt(t, p).Elem(), size, depth) }
		s.equal = func(a, b unsafe.Pointer, depth int) bool {
			return equalMap(reflect.NewAt(t, a).Elem(), reflect.NewAt(t, b).Elem(), equal, depth)
		}
	}
}

func sizeElems(data unsafe.Pointer, n int, width uintptr, size func(p unsafe.Pointer, depth int) int, fixed bool, depth int) int {
	if n == 0 {
		return 2
	}
	if fixed {
		return 2 + n*(1+size(data, depth))
	}
	sum := 2 + n
	for i := range uintptr(n) {
		sum += size(unsafe.Add(data, i*width), depth)
	}
	return sum
}

func sizeMap(m reflect.Value, size func(p unsafe.Pointer, depth int) int, depth int) int {
	sum := 2
	if m.Len() == 0 {
		return sum
	}
	v := reflect.New(m.Type().Elem()).Elem()
	for it := m.MapRange(); it.Next(); {
		v.SetIterValue(it)
		sum += 12 + size(v.Addr().UnsafePointer(), depth)
		if k := it.Key(); k.Kind() == reflect.String {
			sum += k.Len()
		}
	}
	return sum
}
