package datasource_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// What earlier versions wrote, and what later ones may, is read and rewritten
// byte for byte. Files are added here and never changed.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/format1/*.json")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d golden envelopes, %v", len(files), err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := datasource.Decode(bytes.Clone(want))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := datasource.Encode(d)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is rewritten as\n%s", file, got)
		}
	}
}

func TestGoldenOrder(t *testing.T) {
	b, err := os.ReadFile("testdata/format1/order.json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := datasource.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m, s, n int) time.Time { return time.Date(2026, 11, 23, h, m, s, n, time.UTC) }
	got := fmt.Sprintln(d.Format, d.ID, d.Inc, d.Revision, d.By, d.Gone, d.Schema, d.Claim.Host, d.Claim.Epoch, d.Index)
	want := fmt.Sprintln(1, "o1", "k7fn2qx4", 4, "x02mzz81", false, 2, "h1", 3,
		[]datasource.Entry{{Name: "customer", Key: "sc-1"}, {Name: "number", Key: "2026-0001", Unique: true}, {Name: "total", Key: "n\xc0Y\x00\x00\x00\x00\x00\x00"}})
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if !d.Created.Equal(at(12, 0, 0, 0)) || !d.Updated.Equal(at(12, 44, 33, 1)) || !d.Due.Equal(at(12, 44, 34, 5e8)) || !d.Claim.Until.Equal(at(12, 45, 0, 0)) {
		t.Errorf("times: %v %v %v %v", d.Created, d.Updated, d.Due, d.Claim.Until)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ text, why string }{
		{``, "unexpected end"},
		{` `, "unexpected end"},
		{`null`, `'n' where '{'`},
		{`[]`, `'[' where '{'`},
		{`{"format":1,"id":"a","rev":1`, "unexpected end"},
		{`{"format":1,"id":"a","rev":1}x`, "after the value"},
		{`{"format":1,"id":"a","rev":1,}`, `'}' where '"'`},
		{`{"format":1 "id":"a"}`, `'"' where '}'`},
		{`{"format":1,"id":"a","rev":1,"id":"b"}`, "second time"},
		{`{"format":1,"id":"a","rev":1,"d\u0061ta":1}`, "with escapes"},
		{`{"id":"a","rev":1}`, "no format"},
		{`{"format":0,"id":"a","rev":1}`, "no format"},
		{`{"format":-1,"id":"a","rev":1}`, "no format"},
		{`{"format":1,"rev":1}`, "0 bytes"},
		{`{"format":1,"id":"","rev":1}`, "0 bytes"},
		{`{"format":1,"id":"a/b","rev":1}`, "'/'"},
		{`{"format":1,"id":"` + strings.Repeat("a", 129) + `","rev":1}`, "129 bytes"},
		{`{"format":1,"id":1,"rev":1}`, `where '"'`},
		{`{"format":1,"id":"a"}`, "revision 0"},
		{`{"format":1,"id":"a","rev":-1}`, "revision -1"},
		{`{"format":1,"id":"a","rev":1.5}`, "whole number"},
		{`{"format":1,"id":"a","rev":1e2}`, "whole number"},
		{`{"format":1,"id":"a","rev":9223372036854775808}`, "whole number"},
		{`{"format":1,"id":"a","rev":"1"}`, "whole number"},
		{`{"format":1,"id":"a","rev":1,"gone":1}`, "neither true nor false"},
		{`{"format":1,"id":"a","rev":1,"due":"yesterday"}`, "RFC 3339"},
		{`{"format":1,"id":"a","rev":1,"due":"2300-01-01T00:00:00Z"}`, "year 2300"},
		{`{"format":1,"id":"a","rev":1,"schema":-1}`, "schema -1"},
		{`{"format":1,"id":"a","rev":1,"claim":[]}`, `where '{'`},
		{`{"format":1,"id":"a","rev":1,"index":{}}`, `where '['`},
		{`{"format":1,"id":"a","rev":1,"index":[{"name":"","key":"k"}]}`, "index"},
		{`{"format":1,"id":"a","rev":1,"index":[{"name":"i","bytes":"?"}]}`, "base64"},
		{`{"format":1,"id":"a","rev":1,"index":[` + strings.Repeat(`{"name":"i"},`, datasource.MaxIndex) + `{"name":"i"}]}`, "index entries"},
		{`{"format":1,"id":"a","rev":1,"by":"` + "\xff" + `"}`, "UTF-8"},
		{`{"format":1,"id":"a","rev":1,"by":"\ud800"}`, "half a character"},
		{`{"format":1,"id":"a","rev":1,"by":"\ud800\u0041"}`, "half a character"},
		{`{"format":1,"id":"a","rev":1,"data":{"a":}}`, "unexpected '}'"},
		{`{"format":1,"id":"a","rev":1,"data":[1,]}`, "unexpected ']'"},
		{`{"format":1,"id":"a","rev":1,"data":01}`, "malformed number"},
		{`{"format":1,"id":"a","rev":1,"data":-}`, "malformed number"},
		{`{"format":1,"id":"a","rev":1,"data":1.}`, "malformed number"},
		{`{"format":1,"id":"a","rev":1,"data":1e}`, "malformed number"},
		{`{"format":1,"id":"a","rev":1,"data":nul}`, "unexpected 'n'"},
		{`{"format":1,"id":"a","rev":1,"data":"\x"}`, "malformed escape"},
		{`{"format":1,"id":"a","rev":1,"data":"\u12g4"}`, "malformed escape"},
		{`{"format":1,"id":"a","rev":1,"data":"` + "\n" + `"}`, "control character"},
		{`{"format":1,"id":"a","rev":1,"data":"`, "unexpected end"},
		{`{"format":1,"id":"a","rev":1,"data":` + strings.Repeat("[", datasource.MaxDepth+1), "nested deeper"},
		{`{"format":1,"id":"a","rev":1,"data":"` + strings.Repeat("x", datasource.MaxSize) + `"}`, "more than 16777216"},
	} {
		_, err := datasource.Decode([]byte(c.text))
		if modelspec.CodeOf(err) != modelspec.ErrDataLoss || !strings.Contains(err.Error(), c.why) {
			t.Errorf("Decode(%.120s): %v, want %q", c.text, err, c.why)
		}
	}
}

// What cannot be read back is not written.
func TestEncodeRefuses(t *testing.T) {
	good := datasource.Document{ID: "a", Revision: 1}
	for name, c := range map[string]struct {
		change func(*datasource.Document)
		code   modelspec.Code
	}{
		"id":        {func(d *datasource.Document) { d.ID = "a b" }, modelspec.ErrInvalid},
		"revision":  {func(d *datasource.Document) { d.Revision = 0 }, modelspec.ErrInvalid},
		"schema":    {func(d *datasource.Document) { d.Schema = -1 }, modelspec.ErrInvalid},
		"inc":       {func(d *datasource.Document) { d.Inc = "\xff" }, modelspec.ErrInvalid},
		"long by":   {func(d *datasource.Document) { d.By = strings.Repeat("x", 129) }, modelspec.ErrInvalid},
		"host":      {func(d *datasource.Document) { d.Claim.Host = "\xff" }, modelspec.ErrInvalid},
		"created":   {func(d *datasource.Document) { d.Created = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, modelspec.ErrInvalid},
		"due":       {func(d *datasource.Document) { d.Due = time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC) }, modelspec.ErrInvalid},
		"data":      {func(d *datasource.Document) { d.Data = modelspec.FromJSON([]byte(`{"a":1`)) }, modelspec.ErrInvalid},
		"two datas": {func(d *datasource.Document) { d.Data = modelspec.FromJSON([]byte(`1,"gone":true`)) }, modelspec.ErrInvalid},
		"no data":   {func(d *datasource.Document) { d.Data = modelspec.FromJSON(nil) }, modelspec.ErrInvalid},
		"meta":      {func(d *datasource.Document) { d.Meta = modelspec.Of(math.NaN()) }, modelspec.ErrInternal},
		"size": {func(d *datasource.Document) {
			d.Data = modelspec.FromJSON([]byte(`"` + strings.Repeat("x", datasource.MaxSize) + `"`))
		}, modelspec.ErrExhausted},
	} {
		d := good
		c.change(&d)
		if b, err := datasource.Encode(d); modelspec.CodeOf(err) != c.code {
			t.Errorf("%s: %.100s, %v, want %s", name, b, err, c.code)
		}
	}
	if _, err := datasource.Encode(good); err != nil {
		t.Error(err)
	}
}

// The scanner and encoding/json agree on what is JSON.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+9,"\u00e4\n",true,false,null]}`, `[]`, `{}`, ` 1 `, `1.`, `"\x"`, "\"\x00\"", "\xff", "\"\xff\"", `{"a"}`, `[1 2]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := datasource.Encode(datasource.Document{ID: "a", Revision: 1, Data: modelspec.FromJSON(b)})
		if got, want := err == nil, json.Valid(b); got != want {
			t.Fatalf("%q is JSON: %t; here: %v", b, want, err)
		}
	})
}

// Whatever can be decoded encodes, and what it encodes to is the same document.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/format1/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(` { "meta" : 1 , "rev" : 3 , "id" : "a" , "format" : 1 , "x" : 1 , "x" : 2 } `))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := datasource.Decode(bytes.Clone(b))
		if err != nil {
			if modelspec.CodeOf(err) != modelspec.ErrDataLoss {
				t.Fatalf("Decode: %v has the wrong code", err)
			}
			return
		}
		if !json.Valid(b) {
			t.Fatalf("Decode took what is not JSON: %q", b)
		}
		first, err := datasource.Encode(d)
		if err != nil {
			t.Fatalf("Encode of %q: %v", b, err)
		}
		again, err := datasource.Decode(bytes.Clone(first))
		if err != nil {
			t.Fatalf("Decode of its own %q: %v", first, err)
		}
		second, err := datasource.Encode(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not the same:\n%q\n%q, %v", first, second, err)
		}
		var was, is map[string]json.RawMessage
		if json.Unmarshal(b, &was) != nil || json.Unmarshal(first, &is) != nil {
			t.Fatal("not an object")
		}
		for _, member := range []string{"data", "meta"} {
			if !bytes.Equal(was[member], is[member]) {
				t.Fatalf("%s was %q, is %q", member, was[member], is[member])
			}
		}
	})
}

var sample = datasource.Document{
	ID: "7c9e6679-7425-40de-944b-e07fc1f90ae7", Inc: "k7fn2qx4", Revision: 4, By: "x02mzz81aa",
	Created: time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC), Updated: time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC),
	Index: []datasource.Entry{{Name: "customer", Key: "sc-1"}},
	Data:  modelspec.FromJSON([]byte(`{"id":"o1","customer":"c-1","status":"approved","items":[{"sku":"a","qty":1,"price":1250},{"sku":"b","qty":2,"price":400}],"address":{"street":"Main St 1","city":"Bonn","zip":"53111"}}`)),
	Meta:  modelspec.FromJSON([]byte(`{"receipts":[{"key":"cmd-1","digest":"00ff","result":{}}]}`)),
}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := datasource.Encode(sample); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	raw, err := datasource.Encode(sample)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := datasource.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleEncode() {
	b, err := datasource.Encode(datasource.Document{
		ID: "t1", Revision: 1,
		Index: []datasource.Entry{{Name: "title", Key: "write", Unique: true}},
		Data:  modelspec.FromJSON([]byte(`{"title":"write"}`)),
	})
	fmt.Println(string(b), err)
	// Output: {"format":1,"id":"t1","rev":1,"index":[{"name":"title","key":"write","unique":true}],"data":{"title":"write"}} <nil>
}
