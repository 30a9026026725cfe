package modelspec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// field is one member of a struct's JSON, as encoding/json sees it: fields of
// embedded structs are flattened, and those that others hide are left out.
type field struct {
	name      string // of the member
	goName    string
	typ       reflect.Type
	index     []int
	path      []step
	tag       string // of aegis
	tagged    bool   // its name comes from a tag
	omitEmpty bool
	omitZero  bool
	quoted    bool
}

// step leads from a struct to a field of it, or of one embedded in it: add the
// offset, and if there is more to come, follow the pointer.
type step struct {
	offset uintptr
	deref  bool
}

// at returns where f stands in the struct at p, or nil if f is a field of an
// embedded struct that is not there.
func (f *field) at(p unsafe.Pointer) unsafe.Pointer {
	for _, s := range f.path {
		p = unsafe.Add(p, s.offset)
		if s.deref {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return nil
			}
		}
	}
	return p
}

// embedded is a struct whose fields are flattened into the struct they are in.
type embedded struct {
	typ   reflect.Type
	index []int
	path  []step
}

// fieldsOf lists the members of the JSON of t, by the rules of encoding/json
// (https://pkg.go.dev/encoding/json#Marshal): of several fields of one name the
// least nested wins, of those the tagged one, and if there is still more than
// one, none.
func fieldsOf(t reflect.Type) ([]field, error) {
	var all []field
	level := []embedded{{typ: t}}
	seen := map[reflect.Type]bool{}
	for len(level) > 0 {
		var next []embedded
		count := map[reflect.Type]int{} // a type embedded twice on one level hides itself
		for _, e := range level {
			count[e.typ]++
		}
		for _, e := range level {
			if seen[e.typ] {
				continue
			}
			fs, deeper, err := direct(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t, err)
			}
			for range min(count[e.typ], 2) {
				all = append(all, fs...)
			}
			next = append(next, deeper...)
		}
		for _, e := range level {
			seen[e.typ] = true
		}
		level = next
	}
	return dominant(all), nil
}

// direct lists the fields of one struct, and the structs embedded in it.
func direct(e embedded) (fs []field, deeper []embedded, err error) {
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if !validName(name) {
			name = ""
		}
		index := append(slices.Clone(e.index), i)
		path := append(slices.Clone(e.path), step{offset: sf.Offset})
		if n := len(path); n > 1 && !path[n-2].deref {
			path = append(path[:n-2], step{offset: path[n-2].offset + sf.Offset})
		}
		inner := sf.Type
		if inner.Kind() == reflect.Pointer && inner.Name() == "" {
			inner = inner.Elem()
		}
		if sf.Anonymous && inner.Kind() == reflect.Struct && name == "" {
			if sf.Type.Kind() == reflect.Pointer {
				if !sf.IsExported() {
					return nil, nil, fmt.Errorf("embedded *%s: encoding/json cannot set a pointer to an unexported struct: embed the struct itself", inner.Name())
				}
				path[len(path)-1].deref = true
			}
			deeper = append(deeper, embedded{inner, index, path})
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: name, goName: sf.Name, typ: sf.Type, index: index, path: path, tag: sf.Tag.Get("aegis"), tagged: name != ""}
		if name == "" {
			f.name = sf.Name
		}
		for o := range strings.SplitSeq(options, ",") {
			switch o {
			case "omitempty":
				f.omitEmpty = true
			case "omitzero":
				f.omitZero = true
			case "string":
				f.quoted = quotable(inner.Kind())
			}
		}
		fs = append(fs, f)
	}
	return fs, deeper, nil
}

func quotable(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Uintptr || k == reflect.Float32 || k == reflect.Float64 || k == reflect.String
}

// dominant keeps of each name the field that encoding/json keeps, in the order
// of their declaration.
func dominant(all []field) []field {
	best := map[string][]field{}
	for _, f := range all {
		b := best[f.name]
		switch {
		case len(b) == 0 || better(f, b[0]):
			best[f.name] = []field{f}
		case !better(b[0], f):
			best[f.name] = append(b, f)
		}
	}
	var out []field
	for _, b := range best {
		if len(b) == 1 {
			out = append(out, b[0])
		}
	}
	slices.SortFunc(out, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return out
}

func better(a, b field) bool {
	if len(a.index) != len(b.index) {
		return len(a.index) < len(b.index)
	}
	return a.tagged && !b.tagged
}

// validName tells which names encoding/json takes from a tag.
func validName(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return s != ""
}
