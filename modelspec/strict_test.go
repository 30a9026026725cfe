package modelspec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
)

func TestCheckJSON(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ in, pointer, detail string }{
		{in: `{}`}, {in: `[]`}, {in: ` {"a" : [1, -0.5e+3, true, false, null, "x"], "b":{}} ` + "\n"},
		{in: `"é𝄞\u00e9\ud834\udd1e\n"`}, {in: `0`}, {in: deep(64)},
		{in: `{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}`},
		{in: ``, detail: "at byte 0: value expected, end"},
		{in: deep(65), pointer: strings.Repeat("/0", 64), detail: "deeper"},
		{in: `{"a":1,"a":2}`, pointer: "/a", detail: "at byte 7: two members"},
		{in: `{"a":1,"A":2}`, pointer: "/A", detail: "two members"},
		{in: `{"x":[0,{"kelvin":1,"\u212aelvin":2}]}`, pointer: "/x/1/\u212aelvin", detail: "two members"},
		{in: `{"s":1,"ſ":2}`, pointer: "/ſ", detail: "two members"},
		{in: `{"a":1,"\u0061":2}`, pointer: "/a", detail: "two members"},
		{in: `{"~":1,"/b":{"c":tru}}`, pointer: "/~1b/c", detail: "value expected"},
		{in: "\"\xff\"", detail: "at byte 1: not UTF-8"},
		{in: "{\"aaaaaaaaaaaaaaaaaaaaaaaa\":[\"bbbbbbbbb\xc3\"]}", pointer: "/aaaaaaaaaaaaaaaaaaaaaaaa/0", detail: "not UTF-8"},
		{in: `"\ud834"`, detail: "surrogate"}, {in: `"\udd1e"`, detail: "surrogate"}, {in: `"\ud834\u0041"`, detail: "surrogate"},
		{in: `"\x"`, detail: "no such escape"}, {in: `"\u00g0"`, detail: "four hex"}, {in: "\"a\nb\"", detail: "control character"},
		{in: `"abc`, detail: "not closed"}, {in: `"abc\`, detail: "not closed"}, {in: `[1`, pointer: "/0", detail: "not closed"},
		{in: `01`, detail: "more text"}, {in: `1.`, detail: "after the point"}, {in: `1e`, detail: "exponent"}, {in: `-`, detail: "value expected"},
		{in: `+1`, detail: "value expected"}, {in: `NaN`, detail: "value expected"}, {in: `{} {}`, detail: "more text"},
		{in: `[1,]`, pointer: "/1", detail: "value expected"}, {in: `{"a":1,}`, detail: "name of a member"}, {in: `{a:1}`, detail: "name of a member"},
		{in: `{"a" 1}`, detail: "colon"}, {in: `[1}`, pointer: "/0", detail: "comma"}, {in: `{"a":1]`, pointer: "/a", detail: "comma"}, {in: `[}`, pointer: "/0", detail: "value expected"},
	} {
		err := modelspec.CheckJSON([]byte(c.in))
		if c.detail == "" {
			if err != nil {
				t.Errorf("%s: %v", c.in, err)
			}
			continue
		}
		e, ok := errors.AsType[*modelspec.Error](err)
		if !ok || e.Code != modelspec.ErrInvalid || len(e.Fields) != 1 || e.Fields[0].Rule != "json" ||
			e.Fields[0].Pointer != c.pointer || !strings.Contains(e.Fields[0].Detail, c.detail) {
			t.Errorf("%q: %#v, want %q at %q", c.in, err, c.detail, c.pointer)
		}
	}
}

func TestCheckJSONWideObjects(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `"k%d":{"a":1},`, i)
	}
	if err := modelspec.CheckJSON([]byte("{" + b.String() + `"last":{"x":1}}`)); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, 31, 32, 4999} {
		err := modelspec.CheckJSON(fmt.Appendf(nil, `{%s"K%d":2}`, b.String(), n))
		if e, _ := errors.AsType[*modelspec.Error](err); e == nil || e.Fields[0].Pointer != fmt.Sprintf("/K%d", n) {
			t.Errorf("K%d: %v", n, err)
		}
	}
}

func TestCheckJSONDoesNotAllocate(t *testing.T) {
	doc := []byte(`{"id":"o1","customerId":"c1","items":[{"sku":"tea","price":450,"qty":2},{"sku":"cup","price":1,"qty":3}],"note":"` + strings.Repeat("é", 400) + `"}`)
	if n := testing.AllocsPerRun(100, func() {
		if modelspec.CheckJSON(doc) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,"A":2}`, `{"a":[{"b":"\u00e9\ud834\udd1e"}],"c":-1.5e3}`, `[[[]]]`, `"é`, `{"k":1,"K":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := modelspec.CheckJSON(b)
		if err == nil && !json.Valid(b) {
			t.Fatalf("accepted, but encoding/json does not: %q", b)
		}
		if err == nil && twice(json.NewDecoder(strings.NewReader(string(b)))) {
			t.Fatalf("accepted with a name twice: %q", b)
		}
	})
}

// twice reports whether some object of the text has names that are equal but
// for the case of letters.
func twice(d *json.Decoder) bool {
	tok, err := d.Token()
	if err != nil {
		return false
	}
	found := false
	if delim, ok := tok.(json.Delim); ok {
		var names []string
		for d.More() {
			if delim == '{' {
				k, _ := d.Token()
				for _, n := range names {
					found = found || strings.EqualFold(n, k.(string))
				}
				names = append(names, k.(string))
			}
			found = twice(d) || found
		}
		d.Token()
	}
	return found
}

func BenchmarkCheckJSON(b *testing.B) {
	doc := `{"id":"o1","customerId":"c1","items":[{"sku":"tea","price":450,"qty":2}],"total":900,"status":"pending"}`
	for name, s := range map[string]string{
		"order": doc, "string1KiB": `{"note":"` + strings.Repeat("x", 1024) + `"}`,
		"utf8 1KiB": `{"note":"` + strings.Repeat("é", 512) + `"}`, "orders16KiB": "[" + strings.Repeat(doc+",", 160) + "0]",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			in := []byte(s)
			for b.Loop() {
				if err := modelspec.CheckJSON(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
