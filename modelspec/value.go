package modelspec

import (
	"encoding/json"
	"sync/atomic"
)

// Value is one immutable value in up to two forms: a Go value, or its JSON.
// Whichever form is missing is made when first asked for, and remembered, so
// that two components in one process exchange Go values and never meet JSON.
//
// Nobody may change what a Value holds: what [As] returns is shared. A nil
// *Value is JSON null. Safe for concurrent use.
type Value struct {
	form  any                             // *T at birth, or nil
	raw   atomic.Pointer[json.RawMessage] // JSON, once known
	memo  atomic.Pointer[memo]            // *T decoded from raw, once known
	carry *carry                          // members of the stored JSON that form's type does not know
}

// memo is a Go value decoded from JSON.
type memo struct {
	form    any
	scanned bool   // whether carry has been looked for
	carry   *carry // see Value
}

// box keeps a Value and what it holds in one allocation.
type box[T any] struct {
	Value
	v T
}

// Of makes a Value of v, in one allocation. The caller gives v away: it must
// not change v, nor anything v refers to, again.
func Of[T any](v T) *Value {
	b := &box[T]{v: v}
	b.form = &b.v
	return &b.Value
}

// FromJSON makes a Value of JSON text, which it keeps. The text is not checked
// before the value is first read: use [CheckJSON] on what comes from outside.
func FromJSON(b []byte) *Value {
	v := &Value{}
	r := json.RawMessage(b)
	v.raw.Store(&r)
	return v
}

// As returns v as a T, shared and read-only: free when v holds a T, one
// remembered decoding otherwise. A value of last week's type therefore still
// reads as this week's, which is what a reload needs. The error is
// [ErrInvalid].
func As[T any](v *Value) (*T, error) {
	if v == nil {
		return new(T), nil
	}
	if t, ok := v.form.(*T); ok {
		return t, nil
	}
	if m := v.memo.Load(); m != nil {
		if t, ok := m.form.(*T); ok {
			return t, nil
		}
	}
	raw, err := v.JSON()
	if err != nil {
		return nil, err
	}
	t := new(T)
	if err := decode(raw, t); err != nil {
		return nil, err
	}
	v.memo.Store(&memo{form: t})
	return t, nil
}

// JSON returns v's JSON. The caller must not change it. It fails with
// [ErrInternal] when the Go value refuses to be encoded.
func (v *Value) JSON() (json.RawMessage, error) {
	if v == nil {
		return json.RawMessage("null"), nil
	}
	if r := v.raw.Load(); r != nil {
		return *r, nil
	}
	b, err := encode(v.form)
	if err != nil {
		return nil, err
	}
	r := json.RawMessage(v.carry.splice(b))
	v.raw.Store(&r)
	return r, nil
}

// encode writes JSON. A panic of a type's own methods is an error.
func encode(form any) (b []byte, err error) {
	defer catch(&err)
	if a, ok := form.(interface{ AppendValueJSON([]byte) ([]byte, error) }); ok { // which Marshal would check byte by byte
		b, err = a.AppendValueJSON(nil)
	} else {
		b, err = json.Marshal(form)
	}
	if err != nil {
		return nil, &Error{Code: ErrInternal, Message: err.Error()}
	}
	return b, nil
}

// decode reads JSON into what t points to, likewise.
func decode(b []byte, t any) (err error) {
	defer catch(&err)
	if err = json.Unmarshal(b, t); err != nil {
		return &Error{Code: ErrInvalid, Message: err.Error()}
	}
	return nil
}

// MarshalJSON is [Value.JSON].
func (v *Value) MarshalJSON() ([]byte, error) { return v.JSON() }

// UnmarshalJSON keeps a copy of b. It is for a Value that nobody else has yet.
func (v *Value) UnmarshalJSON(b []byte) error {
	r := append(json.RawMessage(nil), b...)
	v.raw.Store(&r)
	return nil
}

// Native reports whether v was born as a Go value and has never met JSON.
func (v *Value) Native() bool { return v != nil && v.form != nil && v.raw.Load() == nil }

// Size estimates v's size in bytes of JSON, without encoding it.
func (v *Value) Size() int {
	if v == nil {
		return 4
	}
	if r := v.raw.Load(); r != nil {
		return len(*r)
	}
	return sizeOf(v.form)
}
