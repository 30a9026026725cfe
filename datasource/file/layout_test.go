package file_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/modelspec"
)

// What a person sees.
func TestLayout(t *testing.T) {
	e := openEdited(t)
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	d := datasource.Document{ID: "O1", Inc: "k7", Revision: 1, By: "x0", Created: at, Due: at, Schema: 2,
		Claim: datasource.Claim{Host: "h1", Epoch: 3},
		Index: []datasource.Entry{{Name: "mail", Key: "a@x", Unique: true}, {Name: "city", Key: "b"}},
		Data:  modelspec.FromJSON([]byte(`{"name":"a, \"b\": [c] {d}\\","items":[{"sku":"x","qty":1.50},[]],"none":{},"n":null}`)),
		Meta:  modelspec.FromJSON([]byte(`{ "kept": "as it is"}`))}
	if err := e.c.Put(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(e.path("O1"))
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "layout1.json")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the file is\n%s\nnot, as in %s,\n%s", got, golden, want)
	}
	file.Evict(e.c)
	e.want("O1", 1, `{"name":"a, \"b\": [c] {d}\\","items":[{"sku":"x","qty":1.50},[]],"none":{},"n":null}`)
}

// Deep data is not blown up, and neither is what is almost too large.
func TestLayoutBounded(t *testing.T) {
	for name, data := range map[string]string{
		"deep":  strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"wide":  "[" + strings.Repeat(`[[[[[[[[[[1]]]]]]]]]],`, 200_000) + "1]",
		"large": `"` + strings.Repeat("x", datasource.MaxSize-100) + `"`,
	} {
		raw, err := datasource.Encode(datasource.Document{ID: "a", Revision: 1, Data: modelspec.FromJSON([]byte(data))})
		if err != nil {
			t.Fatal(name, err)
		}
		text := file.LayOut(raw)
		if len(text) > datasource.MaxSize {
			t.Errorf("%s: %d bytes are laid out as %d", name, len(raw), len(text))
		}
		checkBack(t, raw, text)
	}
}

func checkBack(t *testing.T, raw, text []byte) {
	t.Helper()
	d, err := file.ReadBack(text)
	if err != nil {
		t.Fatalf("%v: %.2000s", err, text)
	}
	if got, err := datasource.Encode(d); err != nil || !bytes.Equal(got, raw) {
		t.Fatalf("%.2000s\nis read back as\n%.2000s, %v\nfrom\n%.2000s", raw, got, err, text)
	}
}

// What can be read at all is written and read back byte for byte, and what a
// formatter makes of a file means the same.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		`{"format":1,"id":"a","rev":1,"data":{"a":[1,{"b":"\"}]\\"}],"c":{},"d":[]},"meta":7}`,
		"{ \"format\" : 1 , \"id\" : \"a\", \"rev\" :1,\"data\" :{ \"x\" : [ ] },\n\"meta\": \"a b\"}",
		`{"format":2,"id":"newer","rev":1,"data":{"a":1},"zone":{"x": [1, 2]},"Data":9007199254740993,"":0}`,
		"\ufeff{\"format\":1,\"id\":\"a\",\"rev\":1}",
		`{"format":1,"id":"a","rev":1,"data": -1.0e5 }`, `{"format":1,"id":"a"`, `{"data": `, `[]`, ``, `"`, `{"a":"\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if d, err := datasource.Decode(bytes.Clone(text)); err == nil { // as any store would be given it
			if raw, err := datasource.Encode(d); err == nil {
				checkBack(t, raw, raw)
				checkBack(t, raw, file.LayOut(raw))
			}
		}
		d, err := file.ReadBack(bytes.Clone(text))
		if err != nil {
			if modelspec.CodeOf(err) != modelspec.ErrDataLoss {
				t.Fatal(err)
			}
			return
		}
		raw, err := datasource.Encode(d)
		if err != nil {
			t.Fatalf("%q is read and cannot be written: %v", text, err)
		}
		checkBack(t, raw, raw)
		laid := file.LayOut(raw)
		checkBack(t, raw, laid)
		var loose bytes.Buffer
		if json.Indent(&loose, raw, " ", "\t") != nil || loose.Len() > datasource.MaxSize {
			return
		}
		again, err := file.ReadBack(loose.Bytes())
		if err != nil || d.Data == nil {
			return
		}
		var want bytes.Buffer
		if was, err := d.Data.JSON(); err != nil || json.Compact(&want, was) != nil {
			return
		}
		if got, err := again.Data.JSON(); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%s, formatted, is %s, %v, not %s", raw, got, err, want.Bytes())
		}
	})
}
