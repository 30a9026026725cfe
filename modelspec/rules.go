package modelspec

import (
	"reflect"
	"slices"
	"strconv"
	"unsafe"
)

// rule checks what stands at is, against was; nil is where there is, or was,
// nothing. It returns what is broken, with pointers relative to is.
type rule func(was, is unsafe.Pointer, depth int) []FieldError

// ruler compiles the rules of Go types, so that they are checked without JSON.
// They give the verdicts that a checker gives on the JSON of the same values.
type ruler struct {
	leaf func(f *field, t *tag, s *shape) rule // rules of one field's own value; nil if it has none
	done map[*shape]*rule                      // compiled, or being compiled
}

// rulesOf compiles the rules that leaf finds, nil if there are none.
func rulesOf(s *shape, leaf func(f *field, t *tag, s *shape) rule) (rule, error) {
	r := ruler{leaf, map[*shape]*rule{}}
	if any, err := r.has(s, map[*shape]bool{}); !any || err != nil {
		return nil, err
	}
	return r.of(s)
}

// has reports whether some field in s has a rule.
func (r *ruler) has(s *shape, seen map[*shape]bool) (bool, error) {
	if seen[s] {
		return false, nil
	}
	seen[s] = true
	for i := range s.fields {
		t, err := tagOf(&s.fields[i])
		if err != nil {
			return false, err
		}
		if r.leaf(&s.fields[i], &t, s.parts[i]) != nil {
			return true, nil
		}
		if has, err := r.has(s.parts[i], seen); has || err != nil {
			return has, err
		}
	}
	if s.elem != nil {
		return r.has(s.elem, seen)
	}
	return false, nil
}

// of compiles the rules of what is inside values of s.
func (r *ruler) of(s *shape) (rule, error) {
	if p, ok := r.done[s]; ok { // s contains itself
		if *p != nil {
			return *p, nil
		}
		return func(was, is unsafe.Pointer, depth int) []FieldError {
			if *p == nil {
				return nil
			}
			return (*p)(was, is, deeper(depth))
		}, nil
	}
	if has, err := r.has(s, map[*shape]bool{}); !has || err != nil {
		return nil, err
	}
	p := new(rule)
	r.done[s] = p
	var err error
	if s.elem != nil {
		*p, err = r.container(s)
	} else {
		*p, err = r.object(s)
	}
	return *p, err
}

func (r *ruler) object(s *shape) (rule, error) {
	var rules []rule
	for i := range s.fields {
		f := &s.fields[i]
		t, err := tagOf(f)
		if err != nil {
			return nil, err
		}
		inside, err := r.of(s.parts[i])
		if err != nil {
			return nil, err
		}
		if own := r.leaf(f, &t, s.parts[i]); own != nil || inside != nil {
			rules = append(rules, member(f, own, inside))
		}
	}
	return all(rules), nil
}

func all(rules []rule) rule {
	if len(rules) == 1 {
		return rules[0]
	}
	return func(was, is unsafe.Pointer, depth int) (bad []FieldError) {
		for _, r := range rules {
			bad = append(bad, r(was, is, depth)...)
		}
		return bad
	}
}

// member checks a field's value, and if that holds, what is inside of it.
func member(f *field, own, inside rule) rule {
	pointer := pointerTo(f.name)
	return func(was, is unsafe.Pointer, depth int) []FieldError {
		if was != nil {
			was = f.at(was)
		}
		is = f.at(is)
		var bad []FieldError
		if own != nil {
			bad = own(was, is, depth)
		}
		if len(bad) == 0 && is != nil && inside != nil && !f.omitted(is) {
			bad = inside(was, is, depth)
		}
		return under(pointer, bad)
	}
}

// under moves faults one step down.
func under(pointer string, bad []FieldError) []FieldError {
	for i := range bad {
		bad[i].Pointer = pointer + bad[i].Pointer
	}
	return bad
}

func (r *ruler) container(s *shape) (rule, error) {
	el, err := r.of(s.elem)
	if el == nil || err != nil {
		return nil, err
	}
	t, size := s.typ, s.typ.Elem().Size()
	list := func(data unsafe.Pointer, n, depth int) (bad []FieldError) {
		for i := 0; i < n && len(bad) < maxFields; i++ {
			if b := el(nil, unsafe.Add(data, uintptr(i)*size), depth); b != nil {
				bad = append(bad, under("/"+strconv.Itoa(i), b)...)
			}
		}
		return bad
	}
	switch t.Kind() {
	case reflect.Pointer:
		return func(was, is unsafe.Pointer, depth int) []FieldError {
			if is = *(*unsafe.Pointer)(is); is == nil {
				return nil
			}
			if was != nil {
				was = *(*unsafe.Pointer)(was)
			}
			return el(was, is, depth)
		}, nil
	case reflect.Slice:
		return func(_, is unsafe.Pointer, depth int) []FieldError {
			h := (*header)(is)
			return list(h.data, h.n, depth)
		}, nil
	case reflect.Array:
		return func(_, is unsafe.Pointer, depth int) []FieldError { return list(is, t.Len(), depth) }, nil
	}
	return func(was, is unsafe.Pointer, depth int) []FieldError { return entries(t, el, was, is, depth) }, nil
}

// entries checks the values of a map, in the order of their names.
func entries(t reflect.Type, el rule, was, is unsafe.Pointer, depth int) (bad []FieldError) {
	m := reflect.NewAt(t, is).Elem()
	if m.Len() == 0 {
		return nil
	}
	v, old := reflect.New(t.Elem()), reflect.New(t.Elem())
	for it := m.MapRange(); it.Next(); {
		v.Elem().SetIterValue(it)
		var before unsafe.Pointer
		if was != nil {
			if w := reflect.NewAt(t, was).Elem().MapIndex(it.Key()); w.IsValid() {
				old.Elem().Set(w)
				before = old.UnsafePointer()
			}
		}
		if b := el(before, v.UnsafePointer(), depth); b != nil {
			bad = append(bad, under(pointerTo(mapKey(it.Key())), b)...)
		}
	}
	slices.SortStableFunc(bad, func(a, b FieldError) int { return compare(a.Pointer, b.Pointer) })
	return bad
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
