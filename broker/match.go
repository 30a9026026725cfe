package broker

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// condition is one member that must have a value. With the value an empty
// object it must be an object.
type condition struct {
	path []string
	want any
}

// conditionsOf appends what match asks of the object at path.
func conditionsOf(path []string, match map[string]any, out []condition) ([]condition, error) {
	for name, want := range match {
		at := slices.Concat(path, strings.Split(name, "."))
		if slices.Contains(at, "") {
			return nil, fmt.Errorf("the name %q has an empty part: write members with single dots in between", name)
		}
		deeper, object := want.(map[string]any)
		if !object || len(deeper) == 0 {
			if out = append(out, condition{at, want}); len(out) > maxConditions {
				return nil, fmt.Errorf("it has more than %d values", maxConditions)
			}
			continue
		}
		var err error
		if out, err = conditionsOf(at, deeper, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c condition) holds(data any) bool {
	for _, name := range c.path {
		object, ok := data.(map[string]any)
		if !ok {
			return false
		}
		if data, ok = object[name]; !ok {
			return false
		}
	}
	if _, object := c.want.(map[string]any); object {
		_, object = data.(map[string]any)
		return object
	}
	return equal(c.want, data)
}

// equal compares what decode returns.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a.String(), b.String())
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if w, ok := b[name]; !ok || !equal(v, w) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any: // cannot be compared with ==
		return false
	}
	return a == b
}

// sameNumber compares by value. Two different integers are never the same,
// however long they are.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err != nil || err2 != nil || x != y {
		return false
	}
	return strings.ContainsAny(a, ".eE") || strings.ContainsAny(b, ".eE") || x == 0
}
