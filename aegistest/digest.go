package aegistest

import (
	"hash/maphash"
	"math"
	"reflect"

	"github.com/org/aegis/modelspec"
)

// digest sums up the Go value that v was born with; zero where it was born as
// JSON, which nobody can change. It reads v by reflection, since asking for its
// JSON would remember the first answer.
func digest(v *modelspec.Value) uint64 {
	if v == nil {
		return 0
	}
	form := reflect.ValueOf(v).Elem().FieldByName("form")
	if !form.IsValid() || form.Kind() != reflect.Interface || form.IsNil() {
		return 0
	}
	return max(sum(form.Elem(), 0), 1)
}

// deepest is how far values are followed: their own rules are stricter.
const deepest = 100

var seed = maphash.MakeSeed()

// sum mixes all that v holds. It asks no method, as unexported fields may be
// read but not used.
func sum(v reflect.Value, depth int) uint64 {
	if depth > deepest || !v.IsValid() {
		return 0
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return mix(1, 2)
		}
		return mix(1, 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return mix(2, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return mix(3, v.Uint())
	case reflect.Float32, reflect.Float64:
		return mix(4, math.Float64bits(v.Float()))
	case reflect.Complex64, reflect.Complex128:
		return mix(mix(5, math.Float64bits(real(v.Complex()))), math.Float64bits(imag(v.Complex())))
	case reflect.String:
		return mix(6, maphash.String(seed, v.String()))
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return mix(7, 0)
		}
		return mix(7, sum(v.Elem(), depth+1))
	case reflect.Slice, reflect.Array:
		s := mix(8, uint64(v.Len()))
		for i := range v.Len() {
			s = mix(s, sum(v.Index(i), depth+1))
		}
		return s
	case reflect.Map:
		s := uint64(v.Len())
		for it := v.MapRange(); it.Next(); { // in any order
			s += mix(sum(it.Key(), depth+1), sum(it.Value(), depth+1))
		}
		return mix(9, s)
	case reflect.Struct:
		return sumStruct(v, depth)
	}
	return mix(10, 0) // functions and channels, which no model has
}

// sumStruct leaves out unexported fields, which may be caches, unless there
// are no others: those are times, decimals and their like. What such a type
// points to outside itself, as a time to its zone, is not its own.
func sumStruct(v reflect.Value, depth int) uint64 {
	t := v.Type()
	opaque := true
	for i := range t.NumField() {
		opaque = opaque && !t.Field(i).IsExported()
	}
	s := mix(11, 0)
	for i := range t.NumField() {
		f := t.Field(i)
		if !opaque && !f.IsExported() && !f.Anonymous || opaque && f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct && f.Type.Elem().String() == "time.Location" {
			continue
		}
		s = mix(s, sum(v.Field(i), depth+1))
	}
	return s
}

// mix is the finalizer of splitmix64 (https://prng.di.unimi.it/splitmix64.c)
// over both.
func mix(a, b uint64) uint64 {
	z := a*0x9e3779b97f4a7c15 + b
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
