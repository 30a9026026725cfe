package httpapi_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// Appendix A of RFC 7396, and what it leaves open.
func TestMergePatch(t *testing.T) {
	for _, tt := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"n":1.50,"m":12345678901234567890}`, `{"x":1e2}`, `{"n":1.50,"m":12345678901234567890,"x":1e2}`},
		{`{ "a" : 1 , "b" : {"c" : "}\"{" } }`, ` { "b" : { "d" : [ "]" ] } } `, `{"a":1,"b":{"c":"}\"{","d":[ "]" ]}}`},
		{`{"\u0061":1}`, `{"a":2}`, `{"\u0061":2}`},
		{`{"a":1}`, `{"\u0061":null}`, `{}`},
	} {
		got, err := httpapi.MergePatch([]byte(tt.target), []byte(tt.patch))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s + %s = %s, %v, want %s", tt.target, tt.patch, got, err, tt.want)
		}
	}
}

// mergeValues is RFC 7396 over decoded values.
func mergeValues(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if was, ok := target.(map[string]any); ok {
		out = was
	}
	for k, v := range p {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = mergeValues(out[k], v)
		}
	}
	return out
}

func FuzzMergePatch(f *testing.F) {
	f.Add(`{"a":{"b":"c"},"x":1.0}`, `{"a":{"b":null,"d":[{"e":null}]}}`)
	f.Add(`{"a\"}":1}`, `{"\u0061\"}":2}`)
	f.Add(`{"a":1`, `{"a":"`)
	f.Fuzz(func(t *testing.T, target, patch string) {
		got, err := httpapi.MergePatch([]byte(target), []byte(patch))
		if modelspec.CheckJSON([]byte(target)) != nil || modelspec.CheckJSON([]byte(patch)) != nil {
			return // it must not panic, no more
		}
		if err != nil {
			t.Fatalf("%s + %s: %v", target, patch, err)
		}
		var a, b, is any
		if json.Unmarshal([]byte(target), &a) != nil || json.Unmarshal([]byte(patch), &b) != nil {
			return // a number too large for the comparison, not for the patch
		}
		if err := json.Unmarshal(got, &is); err != nil {
			t.Fatalf("%s + %s = %s: %v", target, patch, got, err)
		}
		if want := mergeValues(a, b); !reflect.DeepEqual(is, want) {
			t.Fatalf("%s + %s = %s, want %v", target, patch, got, want)
		}
	})
}

func FuzzMembers(f *testing.F) {
	f.Add(`{"a":{"b":"c"},"x":[1.0,"]"], "é\n" :null}`)
	f.Add(`{"a":1,}`)
	f.Add(`{"a`)
	f.Fuzz(func(t *testing.T, text string) {
		names, err := httpapi.Names([]byte(text))
		var want map[string]json.RawMessage
		if modelspec.CheckJSON([]byte(text)) != nil || json.Unmarshal([]byte(text), &want) != nil || want == nil {
			return
		}
		if err != nil || len(names) != len(want) {
			t.Fatalf("%s: %q, %v", text, names, err)
		}
		for _, n := range names {
			if _, ok := want[n]; !ok {
				t.Fatalf("%s has no %q", text, n)
			}
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	for in, want := range map[string]string{
		"abc": "abc", `"abc"`: "abc", `"a\"b\\c"`: `a"b\c`, "8e03978e-40d5-43dd-bc93-6894a57f9324": "8e03978e-40d5-43dd-bc93-6894a57f9324",
		`a"b`: `a"b`, `a\b`: `a\b`, strings.Repeat("k", 255): strings.Repeat("k", 255), "a,b": "a,b",
		"": "", `""`: "", `"`: "", `"abc`: "", `"a"b"`: "", `"a\n"`: "", `"a\"`: "", "a b": "", `"a b"`: "", "é": "", "a\x7f": "", strings.Repeat("k", 256): "",
		`"` + strings.Repeat("k", 256) + `"`: "", "a\tb": "",
	} {
		got, err := httpapi.ParseKey(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if k, err := httpapi.IdempotencyKey(http.Header{}); k != "" || err != nil {
		t.Error(k, err)
	}
	if _, err := httpapi.IdempotencyKey(http.Header{"Idempotency-Key": {"a", "b"}}); err == nil {
		t.Error("two keys are one too many")
	}
	a := newAPI(t, httpapi.Config{})
	for _, line := range []string{"POST /models/todos", "PATCH /models/todos/a", "PUT /models/todos/a", "DELETE /models/todos/a", "POST /models/orders/o/cancel"} {
		p := a.do(t, line, "{}", "Idempotency-Key: a b").problem(t, 400, modelspec.ErrInvalid)
		if !strings.Contains(p.Detail, "Idempotency-Key") {
			t.Error(line, p.Detail)
		}
	}
}

func FuzzIdempotencyKey(f *testing.F) {
	f.Add("abc")
	f.Add(`"a\"b"`)
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, in string) {
		key, err := httpapi.ParseKey(in)
		if err != nil {
			return
		}
		if key == "" || len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Fatalf("%q gave %q", in, key)
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if again, err := httpapi.ParseKey(quoted); err != nil || again != key {
			t.Fatalf("%q is %q, and quoted %q, %v", in, key, again, err)
		}
	})
}

func TestListQueries(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for query, hint := range map[string]string{
		"titel=a":                               "todo has no field titel; there are rank, title, __sort, __limit and __cursor",
		"secret=a":                              "no field secret",
		"__sort=secret":                         "no field secret",
		"address=a":                             "no field address",
		"rank__gt=1":                            "rank has no operator gt",
		"__skip=1":                              "__skip is unknown",
		"__sort=done":                           "done has no index: add aegis:\"index\" to it; there are rank, title",
		"__sort=-":                              "no field",
		"__sort=--rank":                         "no field -rank",
		"__limit=0":                             "1 to 500",
		"__limit=501":                           "1 to 500",
		"__limit=":                              "1 to 500",
		"__limit=99999999999999999999":          "1 to 500",
		"__cursor=":                             "__cursor is empty",
		"__cursor=" + strings.Repeat("x", 5000): "4096",
		"title=" + strings.Repeat("x", 2000):    "1024",
		"title=a&title=b":                       "title is given 2 times",
		"__limit=1&__limit=2":                   "__limit is given 2 times",
		"title=%zz":                             "malformed",
		"title=a;done=true":                     "malformed",
		"title=%ff":                             "UTF-8",
		"=a":                                    "no field",
		"rank=many":                             "rank=many",
		"done=true":                             "done has no index",
		"id=a":                                  "id has no index",
		strings.Repeat("a", 9000):               "8192",
		manyTerms():                             "32 terms",
	} {
		p := a.do(t, "GET /models/todos?"+query, "").problem(t, 400, modelspec.ErrInvalid)
		if !strings.Contains(p.Detail, hint) {
			t.Errorf("%.40s: %s", query, p.Detail)
		}
	}
	if c := a.fake.calls(); len(c) != 0 {
		t.Errorf("the backend was asked: %v", c)
	}
}

func manyTerms() string {
	var b strings.Builder
	for i := range 33 {
		b.WriteString("f" + strings.Repeat("x", i) + "=1&")
	}
	return b.String()
}

func FuzzListQuery(f *testing.F) {
	spec, err := todos().Spec()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("title=a&__sort=-rank&__limit=3&__cursor=x")
	f.Add("a%3")
	f.Fuzz(func(t *testing.T, query string) {
		q, err := httpapi.ParseList(spec, query)
		if err != nil {
			if httpapi.Status(err) != 400 {
				t.Fatal(err)
			}
			return
		}
		for name := range q.Equal {
			if name == "secret" || !strings.Contains(" title rank ", " "+name+" ") {
				t.Fatalf("%q asks for %q", query, name)
			}
		}
		if q.Limit < 0 || q.Limit > 500 || len(q.Cursor) > 4096 || q.Model != "todo" {
			t.Fatalf("%q: %+v", query, q)
		}
	})
}

func TestTags(t *testing.T) {
	for in, want := range map[string][]string{
		`"a"`: {`"a"`}, `W/"a"`: {`W/"a"`}, ` "a" , "b"`: {`"a"`, `"b"`}, `"a",,"b",`: {`"a"`, `"b"`}, `""`: {`""`},
		`"a" "b"`: nil, `a`: nil, `"a`: nil, `w/"a"`: nil, `W/`: nil, `*, "a"`: nil, `"a b"`: nil, ``: nil, `,`: nil,
		strings.Repeat(`"a",`, 33): nil,
	} {
		got, any, ok := httpapi.ParseTags(in)
		if ok != (want != nil) || ok && (any || !reflect.DeepEqual(got, want)) {
			t.Errorf("%s: %q, %v, %v", in, got, any, ok)
		}
	}
	if _, any, ok := httpapi.ParseTags(" * "); !any || !ok {
		t.Error("* is any")
	}
}

func FuzzTags(f *testing.F) {
	f.Add(`W/"a", "b"`)
	f.Add(`*`)
	f.Fuzz(func(t *testing.T, in string) {
		tags, _, ok := httpapi.ParseTags(in)
		if !ok {
			return
		}
		again, _, ok := httpapi.ParseTags(strings.Join(tags, ", "))
		if len(tags) > 0 && (!ok || !reflect.DeepEqual(tags, again)) {
			t.Fatalf("%q: %q, then %q", in, tags, again)
		}
	})
}

func TestTraceparent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for in, kept := range map[string]bool{
		good: true, "cc" + good[2:] + "-later": true,
		"": false, good + "-x": false, "ff" + good[2:]: false, strings.ToUpper(good): false, good[:54]: false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false,
		"cc" + good[2:] + "x": false, "cc" + good[2:] + "-a\nb": false, "cc" + good[2:] + "-" + strings.Repeat("x", 500): false,
	} {
		got := httpapi.Traceparent(in)
		if (got == in) != kept || httpapi.Traceparent(got) != got {
			t.Errorf("%q became %q", in, got)
		}
	}
	if first, second := httpapi.Traceparent(""), httpapi.Traceparent(""); first == second {
		t.Error("two requests share a trace")
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, in string) {
		if got := httpapi.Traceparent(in); httpapi.Traceparent(got) != got || len(got) < 55 {
			t.Fatalf("%q became %q", in, got)
		}
	})
}

func TestRoot(t *testing.T) {
	for in, want := range map[string]string{
		"": "/aegis/api", "/": "", "/a": "/a", "a/b": "/a/b", "/a/": "/a", "//a//b//": "/a/b", "/a/../b": "/a/b", "/a{x}/ b": "/ax/b", ".": "", "/..": "",
	} {
		if got := httpapi.CleanRoot(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
