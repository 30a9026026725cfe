package modelspec

import (
	"reflect"
	"unsafe"
)

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
	defer catch(&err)
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
		if err := decode(raw, &b.v); err != nil {
			return nil, err
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
