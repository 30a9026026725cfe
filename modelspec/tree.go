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
		panic(knot{&Error{Code: ErrInvalid, Message: "a value in an any cannot be written as JSON: " + err.Error()}})
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
