package modelspec

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

// header is a slice in memory.
type header struct {
	data unsafe.Pointer
	n    int
	cap  int
}

// viewer returns what reflect.NewAt(t, p).Elem() returns, without looking the
// pointer's type up each time: the type is the first of an interface's two
// words, and the pointer the second.
func viewer(t reflect.Type) func(p unsafe.Pointer) reflect.Value {
	zero := reflect.Zero(reflect.PointerTo(t)).Interface()
	return func(p unsafe.Pointer) reflect.Value {
		view := zero
		(*[2]unsafe.Pointer)(unsafe.Pointer(&view))[1] = p
		return reflect.ValueOf(view).Elem()
	}
}

// lay compiles how a struct is copied and hidden, field by field in memory. Of
// the fields of embedded structs, visible tells which JSON carries; it is
// indexed by the way to them.
func lay(t reflect.Type, way []int, visible map[string]*shape) (fix func(dst, src unsafe.Pointer, depth int), hide func(p unsafe.Pointer, depth int)) {
	var fixes []func(dst, src unsafe.Pointer, depth int)
	var hides []func(p unsafe.Pointer, depth int)
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clone(way), i)
		f, h := layField(sf, at, visible)
		if off := sf.Offset; f != nil {
			fixes = append(fixes, func(dst, src unsafe.Pointer, depth int) { f(unsafe.Add(dst, off), unsafe.Add(src, off), depth) })
		}
		if off := sf.Offset; h != nil {
			hides = append(hides, func(p unsafe.Pointer, depth int) { h(unsafe.Add(p, off), depth) })
		}
	}
	switch len(fixes) {
	case 0:
	case 1:
		fix = fixes[0]
	default:
		fix = func(dst, src unsafe.Pointer, depth int) {
			for _, f := range fixes {
				f(dst, src, depth)
			}
		}
	}
	if len(hides) > 0 {
		hide = func(p unsafe.Pointer, depth int) {
			for _, h := range hides {
				h(p, depth)
			}
		}
	}
	return fix, hide
}

func layField(sf reflect.StructField, way []int, visible map[string]*shape) (fix func(dst, src unsafe.Pointer, depth int), hide func(p unsafe.Pointer, depth int)) {
	if s := visible[wayKey(way)]; s != nil {
		return s.fixer(), s.hider()
	}
	if sf.Anonymous && anyBelow(way, visible) {
		if sf.Type.Kind() == reflect.Struct {
			return lay(sf.Type, way, visible)
		}
		elem := sf.Type.Elem()
		f, h := lay(elem, way, visible)
		return fixPointer(elem, f), hidePointer(h)
	}
	if sf.Type.Size() == 0 {
		return nil, nil
	}
	hide = func(p unsafe.Pointer, _ int) { reflect.NewAt(sf.Type, p).Elem().SetZero() }
	return func(dst, _ unsafe.Pointer, depth int) { hide(dst, depth) }, hide
}

// wayKey makes a map key of the way to a field.
func wayKey(way []int) string {
	var b []byte
	for _, i := range way {
		b = strconv.AppendInt(append(b, '.'), int64(i), 10)
	}
	return string(b)
}

func anyBelow(way []int, visible map[string]*shape) bool {
	for k := range visible {
		if strings.HasPrefix(k, wayKey(way)+".") {
			return true
		}
	}
	return false
}

// compileContainer compiles copying of pointers, slices, arrays and maps.
func (s *shape) compileContainer() {
	el, hide, t := s.elem.fixer(), s.elem.hider(), s.typ
	switch t.Kind() {
	case reflect.Pointer:
		s.fix, s.hide = fixPointer(t.Elem(), el), hidePointer(hide)
	case reflect.Slice:
		s.fix, s.hide = fixSlice(t, el), hideSlice(t.Elem().Size(), hide)
	case reflect.Array:
		s.fix, s.hide = fixArray(t, el), hideArray(t, hide)
	case reflect.Map:
		s.fix, s.hide = fixMap(t, el), hideMap(t, hide)
	}
	s.compileSizes()
}

func fixPointer(elem reflect.Type, el func(dst, src unsafe.Pointer, depth int)) func(dst, src unsafe.Pointer, depth int) {
	at := viewer(elem)
	return func(dst, src unsafe.Pointer, depth int) {
		from := *(*unsafe.Pointer)(src)
		if from == nil {
			return
		}
		to := reflect.New(elem)
		to.Elem().Set(at(from))
		p := to.UnsafePointer()
		*(*unsafe.Pointer)(dst) = p
		if el != nil {
			el(p, from, depth)
		}
	}
}

func hidePointer(el func(p unsafe.Pointer, depth int)) func(p unsafe.Pointer, depth int) {
	if el == nil {
		return nil
	}
	return func(p unsafe.Pointer, depth int) {
		if p = *(*unsafe.Pointer)(p); p != nil {
			el(p, depth)
		}
	}
}

func fixSlice(t reflect.Type, el func(dst, src unsafe.Pointer, depth int)) func(dst, src unsafe.Pointer, depth int) {
	size := t.Elem().Size()
	if el == nil && size > 0 {
		switch {
		case t.Elem().Kind() == reflect.String:
			return fixElems[string]
		case free(t.Elem()) && size == 1:
			return fixElems[byte]
		case free(t.Elem()) && size == 8:
			return fixElems[uint64]
		}
	}
	empty, at := reflect.MakeSlice(t, 0, 0), viewer(t)
	return func(dst, src unsafe.Pointer, depth int) {
		from := (*header)(src)
		if from.data == nil {
			return
		}
		to := at(dst)
		if from.n == 0 { // its room is shared: an append would write into it
			to.Set(empty)
			return
		}
		to.SetZero()
		to.Grow(from.n)
		to.SetLen(from.n)
		reflect.Copy(to, at(src))
		if el == nil {
			return
		}
		for i, data := uintptr(0), (*header)(dst).data; i < uintptr(from.n); i++ {
			el(unsafe.Add(data, i*size), unsafe.Add(from.data, i*size), depth)
		}
	}
}

// fixElems copies slices whose elements are laid out as an E is.
func fixElems[E any](dst, src unsafe.Pointer, _ int) {
	from := *(*[]E)(src)
	if from != nil {
		*(*[]E)(dst) = append(make([]E, 0, len(from)), from...)
	}
}

// free reports whether values of a scalar type have no pointers in them.
func free(t reflect.Type) bool {
	return t.Kind() >= reflect.Bool && t.Kind() <= reflect.Float64
}

func hideSlice(size uintptr, el func(p unsafe.Pointer, depth int)) func(p unsafe.Pointer, depth int) {
	if el == nil {
		return nil
	}
	return func(p unsafe.Pointer, depth int) {
		h := (*header)(p)
		for i := range uintptr(h.n) {
			el(unsafe.Add(h.data, i*size), depth)
		}
	}
}

func fixArray(t reflect.Type, el func(dst, src unsafe.Pointer, depth int)) func(dst, src unsafe.Pointer, depth int) {
	if el == nil {
		return nil
	}
	n, size := uintptr(t.Len()), t.Elem().Size()
	return func(dst, src unsafe.Pointer, depth int) {
		for i := range n {
			el(unsafe.Add(dst, i*size), unsafe.Add(src, i*size), depth)
		}
	}
}

func hideArray(t reflect.Type, el func(p unsafe.Pointer, depth int)) func(p unsafe.Pointer, depth int) {
	if el == nil {
		return nil
	}
	n, size := uintptr(t.Len()), t.Elem().Size()
	return func(p unsafe.Pointer, depth int) {
		for i := range n {
			el(unsafe.Add(p, i*size), depth)
		}
	}
}

func fixMap(t reflect.Type, el func(dst, src unsafe.Pointer, depth int)) func(dst, src unsafe.Pointer, depth int) {
	if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String && el == nil {
		return func(dst, src unsafe.Pointer, _ int) {
			*(*map[string]string)(dst) = maps.Clone(*(*map[string]string)(src))
		}
	}
	return func(dst, src unsafe.Pointer, depth int) {
		from := reflect.NewAt(t, src).Elem()
		if from.IsNil() {
			return
		}
		to := reflect.MakeMapWithSize(t, from.Len())
		k, was, is := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem(), reflect.New(t.Elem()).Elem()
		for it := from.MapRange(); it.Next(); {
			k.SetIterKey(it)
			was.SetIterValue(it)
			is.Set(was)
			if el != nil {
				el(is.Addr().UnsafePointer(), was.Addr().UnsafePointer(), depth)
			}
			to.SetMapIndex(k, is)
		}
		reflect.NewAt(t, dst).Elem().Set(to)
	}
}

func hideMap(t reflect.Type, el func(p unsafe.Pointer, depth int)) func(p unsafe.Pointer, depth int) {
	if el == nil {
		return nil
	}
	return func(p unsafe.Pointer, depth int) {
		m := reflect.NewAt(t, p).Elem()
		v := reflect.New(t.Elem()).Elem()
		for it := m.MapRange(); it.Next(); {
			v.SetIterValue(it)
			el(v.Addr().UnsafePointer(), depth)
			m.SetMapIndex(it.Key(), v)
		}
	}
}
