package orchestration_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/org/aegis/orchestration"
)

// Wherever something else stands in a document than should, the schema and the
// code agree on whether that is right.
func TestSchemaAgreesEverywhere(t *testing.T) {
	s := compileSchema(t)
	tried, refused := 0, 0
	for file, data := range documents(t, "good") {
		raw, ok := orchestration.Value(data)
		if !ok {
			t.Fatal(file)
		}
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		each(&doc, func() {
			b, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			_, ours := orchestration.Parse(b, file)
			theirs := validate(s, b)
			tried++
			if theirs != nil {
				refused++
			}
			if (ours == nil) != (theirs == nil) {
				t.Errorf("%s\nparse: %v\nschema: %v", b, ours, theirs)
			}
		})
	}
	if tried < 1000 || refused < 500 || refused == tried {
		t.Errorf("%d documents, %d of them refused", tried, refused)
	}
}

// each puts something else in every place, calls check, and puts it back.
func each(at *any, check func()) {
	was := *at
	for _, other := range []any{nil, true, 1, -1, 1.5, 1e12, "", "x", "5m", "a b", []any{}, map[string]any{}, []any{"x"}, []any{"x", "y"}, []any{nil},
		map[string]any{"x": 1}, map[string]any{"event": "x"}, map[string]any{"port": "x"}, map[string]any{"any": []any{"x", "y"}}} {
		*at = other
		check()
	}
	*at = was
	switch v := was.(type) {
	case []any:
		for i := range v {
			each(&v[i], check)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			m := v[k]
			delete(v, k)
			check()
			v[k+"x"] = m
			check()
			delete(v, k+"x")
			v[k] = m
			next := m
			each(&next, func() { v[k] = next; check() })
			v[k] = m
		}
	}
}
