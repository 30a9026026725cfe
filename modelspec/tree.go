package modelspec

import (
	"encoding/json"
	"reflect"
	"unsafe"
)

// compileAny compiles copying of an any. It holds a tree as encoding/json
// decodes it; whatever else was put into it becomes one, so that it reads the
// same natively and behind a boundary.
func (s *shape) compileAny() {
	s.fix = func(dst, src unsafe.Pointer, depth int) { *(*any)(dst) = tree(*(*any)(src), depth) }
	s.size = func(p unsafe.Pointer, depth int) int { return sizeTree(*(*any)(p), depth) }
	s.equal = func(a, b unsafe.Pointer, depth int) bool {
		return reflect.DeepEqual(tree(*(*any)(a), depth), tree(*(*any)(b), depth))
	}
}

func tree(v any, depth int) any {
	switch v := v.(type) {
	case nil, bool, string, float64, json.Number:
		return v
	case map[string]any:
		if v == nil {
			return nil
		}
		depth = deeper(depth)
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = tree(e, depth)
		}
		return out
	case []any:
		if v == nil {
			return nil
		}
		depth = deeper(depth)
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = tree(e, depth)
		}
		return out
	case int:
		return float64(v)
	case int64:
		return float64(v)
	}
	var out any
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(&Error{Code: ErrInvalid, Message: "a value in an any cannot be written as JSON: " + err.Error()})
	}
	return out
}

func sizeTree(v any, depth int) int {
	switch v := v.(type) {
	case nil:
		return 4
	case string:
		return len(v) + 2
	case map[string]any:
		n, depth := 2, deeper(depth)
		for k, e := range v {
			n += len(k) + 4 + sizeTree(e, depth)
		}
		return n
	case []any:
		n, depth := 2, deeper(depth)
		for _, e := range v {
			n += 1 + sizeTree(e, depth)
		}
		return n
	}
	return 16
}

// compileOpaque compiles copying of a type that writes its JSON itself: it is
// copied plainly, with the slices and maps that are its own. What it points to
// is shared, as it is between copies that its own package makes by assignment.
func (s *shape) compileOpaque() {
	t := s.typ
	if t != timeType {
		s.fix = fixOpaque(t)
	}
	s.size = func(p unsafe.Pointer, _ int) int {
		if t.Kind() == reflect.Slice {
			return (*header)(p).n*int(t.Elem().Size()) + 2
		}
		return 24
	}
	s.equal = equalOpaque(t)
}

func fixOpaque(t reflect.Type) func(dst, src unsafe.Pointer, depth int) {
	switch t.Kind() {
	case reflect.Slice:
		return fixSlice(t, nil)
	case reflect.Map:
		return func(dst, src unsafe.Pointer, _ int) {
			from := reflect.NewAt(t, src).Elem()
			if from.IsNil() {
				return
			}
			to := reflect.MakeMapWithSize(t, from.Len())
			for it := from.MapRange(); it.Next(); {
				to.SetMapIndex(it.Key(), it.Value())
			}
			reflect.NewAt(t, dst).Elem().Set(to)
		}
	case reflect.Array:
		return fixArray(t, fixOpaque(t.Elem()))
	case reflect.Struct:
		all := map[string]*shape{}
		for i := range t.NumField() {
			f := t.Field(i)
			all[wayKey([]int{i})] = &shape{typ: f.Type, done: true, fix: fixOpaque(f.Type)}
		}
		fix, _ := lay(t, nil, all)
		return fix
	}
	return nil
}

// Own returns a deep copy of v that the caller may change, and the Value that
// holds it. Once the caller has stopped changing the copy, the Value may be
// handed on; it keeps the members of v's JSON that T does not know, and JSON
// writes them out again. The error is [ErrInvalid] if v is no T, and
// [ErrInternal] if T itself would not survive JSON.
func Own[T any](v *Value) (t *T, held *Value, err error) {
	s, err := shapeOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, nil, &Error{Code: ErrInternal, Message: err.Error()}
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			t, held, err = nil, nil, e
		}
	}()
	b, err := own[T](v, s)
	if err != nil {
		return nil, nil, err
	}
	return &b.v, &b.Value, nil
}

// own is Own without the safety net.
func own[T any](v *Value, s *shape) (*box[T], error) {
	b := &box[T]{}
	b.form = &b.v
	if v == nil {
		return b, nil
	}
	t, c, err := known[T](v, s)
	if err != nil {
		return nil, err
	}
	if t == nil { // JSON only: decode straight into the copy
		raw, err := v.JSON()
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &b.v); err != nil {
			return nil, &Error{Code: ErrInvalid, Message: err.Error()}
		}
		b.carry = carryOf(raw, s)
		return b, nil
	}
	b.v, b.carry = *t, c
	if s.fix != nil {
		s.fix(unsafe.Pointer(&b.v), unsafe.Pointer(t), 0)
	}
	return b, nil
}

// known returns the T that v already holds, if any, and what is carried beside.
func known[T any](v *Value, s *shape) (*T, *carry, error) {
	if t, ok := v.form.(*T); ok {
		return t, v.carry, nil
	}
	m := v.memo.Load()
	if m == nil {
		return nil, nil, nil
	}
	t, ok := m.form.(*T)
	if !ok {
		return nil, nil, nil
	}
	if !m.scanned {
		raw, err := v.JSON()
		if err != nil {
			return nil, nil, err
		}
		m = &memo{form: t, scanned: true, carry: carryOf(raw, s)}
		v.memo.Store(m)
	}
	return t, m.carry, nil
}
