package flow

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

// What is written by hand is what encoding/json would write of the same fields:
// with all of them set, with none, and with text that needs escapes.
func TestEnvelopeAsEncodingJSON(t *testing.T) {
	for name, m := range map[string]Meta{"none": {}, "all": full("x"), "escapes": full("<é\n\"\\\u2028>"), "one flow": {Flows: []Flow{{}}}} {
		got, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		want := reference(t, m)
		if string(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		var back Meta
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(back); err != nil || string(again) != want {
			t.Errorf("%s: again:\n%s, %v", name, again, err)
		}
	}
}

// full is a Meta with all members set, found by their types, so that a new one
// is not forgotten.
func full(text string) Meta {
	var m Meta
	fill(reflect.ValueOf(&m).Elem(), text)
	m.Receipts = (*Receipts)(nil).add(Receipt{Principal: text, Key: text, Port: text, Time: time.Unix(2, 0).UTC(), Result: modelspec.Of(text), arg: modelspec.Of(text), Error: &Fault{Code: "unknown"}}).
		add(Receipt{Key: "k", Port: "p", digest: "d"})
	return m
}

func fill(v reflect.Value, text string) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
		return
	case **modelspec.Value:
		*x = modelspec.Of(text)
		return
	case **Receipts:
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		e := reflect.New(v.Type().Elem()).Elem()
		if e.Kind() == reflect.Interface {
			e.Set(reflect.ValueOf(text))
		} else {
			fill(e, text)
		}
		v.SetMapIndex(reflect.ValueOf(text), e)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				fill(v.Field(i), text)
			}
		}
	}
}

// reference is m by encoding/json alone.
func reference(t *testing.T, m Meta) string {
	t.Helper()
	return ordered(t, reflect.ValueOf(plainMeta(m)))
}

// ordered writes a struct by its tags, its nested ones without their methods.
func ordered(t *testing.T, v reflect.Value) string {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time, *modelspec.Value, *Receipts, *Fault, *modelspec.Caller:
		b, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	switch v.Kind() {
	case reflect.Pointer:
		return ordered(t, v.Elem())
	case reflect.Slice:
		out := "["
		for i := range v.Len() {
			if i > 0 {
				out += ","
			}
			out += ordered(t, v.Index(i))
		}
		return out + "]"
	case reflect.Struct:
		out := ""
		members(t, v, &out)
		return "{" + out + "}"
	}
	b, err := json.Marshal(v.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func members(t *testing.T, v reflect.Value, out *string) {
	t.Helper()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Anonymous:
			members(t, v.Field(i), out)
			continue
		case !f.IsExported():
			continue
		}
		name, omit := cutTag(f.Tag.Get("json"))
		if omit && (v.Field(i).IsZero() || v.Field(i).Kind() == reflect.Slice && v.Field(i).Len() == 0) {
			continue
		}
		if *out != "" {
			*out += ","
		}
		*out += `"` + name + `":` + ordered(t, v.Field(i))
	}
}

func cutTag(tag string) (name string, omit bool) {
	for i := range tag {
		if tag[i] == ',' {
			return tag[:i], true
		}
	}
	return tag, false
}
