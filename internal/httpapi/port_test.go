package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Parcel struct {
	Grams int `json:"grams"`
}

// Route is asked for in a query.
type Route struct {
	From    string   `json:"from" aegis:"required"`
	Grams   int      `json:"grams,omitempty" aegis:"min=0"`
	Factor  float64  `json:"factor,omitempty"`
	Fragile bool     `json:"fragile,omitempty"`
	Via     []string `json:"via,omitempty"`
	Zones   []int    `json:"zones,omitempty"`
	Note    *string  `json:"note,omitempty"`
	Limit   *int     `json:"limit,omitempty"`
	Box     Amount   `json:"box,omitzero"`
	Boxes   []Amount `json:"boxes,omitempty"`
}

func parcels() modelspec.Model[Parcel] {
	quote := func(context.Context, Route) (q Quote, err error) { return }
	weigh := func(*Parcel, context.Context, Amount) (q Quote, err error) { return }
	request := func(*Parcel) (a Amount) { return }
	return modelspec.Model[Parcel]{
		Name: "parcel",
		Ports: []modelspec.Port[Parcel]{
			port.Inbound[Parcel, Amount, Quote]{Name: "weigh", Methods: []string{"PUT", "DELETE"}, Handle: weigh},
			port.Inbound[Parcel, Amount, Quote]{Name: "open", Path: "/depot/{id}/open", Handle: weigh},
			port.Inbound[Parcel, Amount, Quote]{Name: "burn", Disabled: true, Handle: weigh},
			port.Func[Parcel, Route, Quote]{Name: "quote", Methods: []string{"GET", "POST"}, Handle: quote},
			port.Func[Parcel, Route, Quote]{Name: "nearest", Methods: []string{"GET"}, Path: "nearest", Handle: quote},
			port.Func[Parcel, map[string]int, Quote]{Name: "sum", Methods: []string{"GET"}, Handle: func(context.Context, map[string]int) (q Quote, err error) { return }},
			port.Outbound[Parcel, Amount, Quote]{Name: "ship", Methods: []string{"POST", "PATCH"}, Request: request},
			port.Outbound[Parcel, Amount, Quote]{Name: "book", Methods: []string{"POST"}, Path: "/book/{id}", Await: &port.Await{}, Request: request},
			port.Outbound[Parcel, Amount, Quote]{Name: "track", Request: request},
		},
	}
}

// serve is a handler over a fake with these models.
func serve(t testing.TB, cfg httpapi.Config, models ...modelspec.Interface) *api {
	t.Helper()
	a := &api{fake: newFake(t, models...), log: &bytes.Buffer{}}
	cfg.Backend, cfg.Logger = a.fake, slog.New(slog.NewTextHandler(a.log, nil))
	a.Handler = httpapi.New(cfg)
	return a
}

// A port answers exactly its methods, at exactly its paths.
func TestPortMethods(t *testing.T) {
	a := serve(t, httpapi.Config{}, parcels())
	paths := map[string]string{ // path: the methods it answers; empty: there is no such path
		"/models/parcels/p/weigh":               "PUT, DELETE",
		"/models/parcels/p/service/ports/weigh": "PUT, DELETE",
		"/models/parcels/service/ports/weigh":   "",
		"/depot/p/open":                         "POST, PATCH",
		"/models/parcels/p/open":                "",
		"/models/parcels/p/service/ports/open":  "",
		"/models/parcels/p/burn":                "POST, PATCH", // the backend refuses it
		"/models/parcels/service/ports/quote":   "GET, HEAD, POST",
		"/models/parcels/p/quote":               "",
		"/nearest":                              "GET, HEAD",
		"/models/parcels/service/ports/nearest": "",
		"/models/parcels/p/ship":                "POST, PATCH",
		"/models/parcels/p/service/ports/ship":  "POST, PATCH",
		"/models/parcels/service/ports/ship":    "",
		"/book/p":                               "POST",
		"/models/parcels/p/book":                "",
		"/models/parcels/p/track":               "",
		"/models/parcels/p/service/ports/track": "",
		"/models/parcels/service/ports/track":   "",
		"/depot/p":                              "",
		"/depot//open":                          "",
	}
	for path, allow := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			body, query := `{"cents":5}`, ""
			if strings.Contains(path, "ship") || strings.Contains(path, "book") {
				body = ""
			}
			if strings.Contains(path, "quote") || strings.Contains(path, "nearest") {
				body = `{"from":"a"}`
			}
			if method == "GET" || method == "HEAD" {
				body, query = "", "?from=a"
			}
			a.fake.calls()
			got := a.do(t, method+" "+path+query, body)
			calls := a.fake.calls()
			switch {
			case slices.Contains(strings.Split(allow, ", "), method):
				if got.StatusCode >= 300 || !slices.Equal(calls, []string{"invoke"}) {
					t.Errorf("%s %s: %d %s %v", method, path, got.StatusCode, got.body, calls)
				}
				continue
			case allow == "":
				got.problem(t, 404, modelspec.ErrNotFound)
			default:
				got.problem(t, 405, modelspec.ErrUnimplemented)
				got.has(t, "Allow", allow)
			}
			if len(calls) > 0 {
				t.Errorf("%s %s: the backend was asked: %v", method, path, calls)
			}
		}
	}
}

func TestPortPathsAreTold(t *testing.T) {
	a := serve(t, httpapi.Config{}, parcels())
	for line, hint := range map[string]string{
		"POST /models/parcels/p/open":               "port open is at /aegis/api/depot/{id}/open",
		"GET /models/parcels/service/ports/nearest": "port nearest is at /aegis/api/nearest",
		"POST /models/parcels/p/track":              "there are weigh, open, quote, nearest, sum, ship, book",
		"POST /models/parcels/service/ports/ship":   "parcels/{id}/ship",
		"POST /models/parcels/p/quote":              "parcels/service/ports/quote",
	} {
		if p := a.do(t, line, "").problem(t, 404, modelspec.ErrNotFound); !strings.Contains(p.Detail, hint) {
			t.Errorf("%s: %s", line, p.Detail)
		}
	}
	if p := a.do(t, "PATCH /models/parcels/p", "{}").problem(t, 405, modelspec.ErrUnimplemented); strings.Contains(p.Detail, "burn") {
		t.Errorf("a disabled port is listed: %s", p.Detail)
	}
	a.do(t, "POST /depot/a%20b/open", `{"cents":1}`).problem(t, 400, modelspec.ErrInvalid)
}

// Of ports that want one path, the one of the earlier model has it, and what
// the host has is nobody else's.
func TestPortPathsCollide(t *testing.T) {
	fn := func(name, path string) port.Func[Stamp, port.None, port.None] {
		return port.Func[Stamp, port.None, port.None]{Name: name, Path: path, Handle: func(context.Context, port.None) (n port.None, err error) { return }}
	}
	cmd := func(name, path string) port.Command[Stamp, port.None] {
		return port.Command[Stamp, port.None]{Name: name, Path: path, Handle: func(*Stamp, context.Context, port.None) error { return nil }}
	}
	first := modelspec.Model[Stamp]{Name: "a", Ports: []modelspec.Port[Stamp]{fn("one", "/x"), cmd("two", "/{id}/y"), fn("host", "/free/status")}}
	second := modelspec.Model[Stamp]{Name: "b", Ports: []modelspec.Port[Stamp]{fn("one", "x"), cmd("two", "/z/{id}"), cmd("three", "/{id}/models"), fn("four", "/ok")}}
	a := serve(t, httpapi.Config{Authorize: allow, Host: map[string]hostFunc{"free/status": nil}}, second, first)
	for line, want := range map[string]string{"POST /x": "a.one", "POST /d/y": "a.two", "POST /ok": "b.four", "POST /d/models": "b.three"} {
		if got := a.do(t, line, ""); got.StatusCode != 204 || a.fake.last.Model+"."+a.fake.last.Port != want {
			t.Errorf("%s: %d %s, by %s.%s", line, got.StatusCode, got.body, a.fake.last.Model, a.fake.last.Port)
		}
	}
	for path, port := range map[string]string{"/models/bs/service/ports/one": "one", "/models/bs/d/two": "two", "/models/as/service/ports/host": "host"} {
		if p := a.do(t, "POST "+path, "").problem(t, 404, modelspec.ErrNotFound); !strings.Contains(p.Detail, "is taken") {
			t.Error(path, p.Detail)
		}
		if !strings.Contains(a.log.String(), "port="+port) {
			t.Errorf("%s: not logged: %s", port, a.log)
		}
	}
}

// What an operator switches off answers as the backend says, and opens nothing.
func TestDisabledPort(t *testing.T) {
	a := serve(t, httpapi.Config{}, modelspec.Model[Parcel]{Name: "parcel", Ports: []modelspec.Port[Parcel]{
		port.Command[Parcel, Amount]{Name: "burn", Disabled: true, Handle: func(*Parcel, context.Context, Amount) error { return nil }},
	}})
	a.fake.err = &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "port burn is disabled", NotSent: true}
	if p := a.do(t, "POST /models/parcels/p/burn", `{"cents":1}`).problem(t, 501, modelspec.ErrUnimplemented); p.Detail != "port burn is disabled" {
		t.Error(p.Detail)
	}
	for _, line := range []string{"PATCH", "PUT", "DELETE"} {
		a.do(t, line+" /models/parcels/p", "{}").problem(t, 405, modelspec.ErrUnimplemented)
	}
}

func TestInvokeOutbound(t *testing.T) {
	a := serve(t, httpapi.Config{}, parcels())
	a.fake.result = flow.Result{Value: modelspec.FromJSON([]byte(`{"price":3}`)), Generation: answers, Replayed: true}
	for _, body := range []string{"", "{}", " { } "} {
		got := a.do(t, "POST /models/parcels/p/ship", body, "Idempotency-Key: k", `If-Match: "i.1"`)
		got.is(t, 200, `{"price":3}`)
		got.has(t, "Idempotency-Replayed", "true")
		if r := a.fake.last; r.Model != "parcel" || r.ID != "p" || r.Port != "ship" || r.Key != "k" || r.IfMatch != `"i.1"` || strings.TrimSpace(strings.ReplaceAll(a.fake.arg, " ", "")) != "{}" {
			t.Errorf("%q: %+v %s", body, r, a.fake.arg)
		}
	}
	a.do(t, "POST /book/p", "").is(t, 200, `{"price":3}`)
	a.fake.result.Value = nil
	a.do(t, "POST /models/parcels/p/ship", "").is(t, 204, "")
	got := a.do(t, "POST /book/p", "")
	got.is(t, 202, "") // its answer comes later
	got.has(t, "Aegis-Generation", "shop@1.2.3#7")
	a.fake.calls()
	for body, status := range map[string]int{`{"cents":5}`: 422, `[]`: 422, `null`: 422, `"{}"`: 422, `{`: 400, `{} {}`: 400} {
		a.do(t, "POST /models/parcels/p/ship", body).problem(t, status, modelspec.ErrInvalid)
	}
	a.do(t, "POST /models/parcels/p/ship", "{}", "Content-Type: text/plain").problem(t, 415, modelspec.ErrInvalid)
	if c := a.fake.calls(); len(c) > 0 {
		t.Errorf("the backend was asked: %v", c)
	}
}

func TestAskPort(t *testing.T) {
	var asked []httpapi.Access
	a := serve(t, httpapi.Config{Authorize: func(_ context.Context, x httpapi.Access) error { asked = append(asked, x); return nil }}, parcels())
	a.fake.result = flow.Result{Value: modelspec.FromJSON([]byte(`{"price":3}`)), Generation: answers}
	for query, want := range map[string]string{
		"from=a": `{"from":"a"}`,
		"from=7&grams=12&factor=-1.5e2&fragile=true": `{"factor":-1.5e2,"fragile":true,"from":"7","grams":12}`,
		"from=a%20%22b%22&via=x&via=y,z&zones=3":     `{"from":"a \"b\"","via":["x","y,z"],"zones":[3]}`,
		"from=&note=null&limit=4":                    ``,
		"from=%C3%A9&note=null&limit=4":              `{"from":"é","limit":4,"note":"null"}`,
	} {
		for _, line := range []string{"GET /models/parcels/service/ports/quote?", "GET /nearest?"} {
			got := a.do(t, line+query, "", "Idempotency-Key: not a key", "Sec-Fetch-Site: cross-site")
			if want == "" {
				got.problem(t, 422, modelspec.ErrInvalid)
				continue
			}
			got.is(t, 200, `{"price":3}`)
			got.has(t, "Aegis-Generation", "shop@1.2.3#7")
			if r := a.fake.last; a.fake.arg != want || r.Key != "" || r.ID != "" || r.Model != "parcel" || len(r.Trace) != 55 {
				t.Errorf("%s%s: %s %+v", line, query, a.fake.arg, r)
			}
			if x := asked[len(asked)-1]; x.Action != httpapi.ActionInvoke || x.Model != "parcel" || x.Port != a.fake.last.Port || x.ID != "" {
				t.Errorf("%+v", x)
			}
		}
	}
	a.do(t, "HEAD /nearest?from=a", "").is(t, 200, "")
	a.do(t, "GET /models/parcels/service/ports/sum?b=2&a=-1", "").is(t, 200, `{"price":3}`)
	if a.fake.arg != `{"a":-1,"b":2}` {
		t.Error(a.fake.arg)
	}
}

func TestAskPortRefuses(t *testing.T) {
	a := serve(t, httpapi.Config{}, parcels())
	for query, hint := range map[string]string{
		"":                                 "422 /from required",
		"from=a&grams=-1":                  "422 /grams min",
		"from=a&grams=1.5":                 "422 /grams type",
		"from=a&grams=":                    "422 /grams type",
		"from=a&grams=%2B1":                "422 /grams type",
		"from=a&grams=0x1":                 "422 /grams type",
		"from=a&grams=1%0A":                "422 /grams type",
		"from=a&factor=NaN":                "422 /factor type",
		"from=a&factor=1e999":              "422 /factor type",
		"from=a&fragile=1":                 "422 /fragile type",
		"from=a&fragile=TRUE":              "422 /fragile type",
		"from=a&zones=1&zones=x":           "422 /zones/1 type",
		"grams=x&fragile=x":                "422 /fragile type, /grams type, /from required",
		"from=a&from=b":                    "400 from is given 2 times",
		"from=a&form=b":                    "400 no member form",
		"From=a":                           "400 no member From",
		"from=a&box=1":                     "400 box is no scalar",
		"from=a&boxes=1":                   "400 elements of boxes",
		"from=a&__proto__=1":               "400 no member",
		"from=%zz":                         "400 malformed",
		"from=a;b":                         "400 malformed",
		"from=%ff":                         "400 UTF-8",
		"%ff=a":                            "400 no member",
		"from=" + strings.Repeat("x", 2e3): "400 1024",
		"from=" + strings.Repeat("x", 9e3): "400 8192",
		"from=a" + strings.Repeat("&zones=1", 257): "400 256 times",
		manyTerms(): "400 32 terms",
	} {
		status := 400
		if strings.HasPrefix(hint, "422") {
			status = 422
		}
		p := a.do(t, "GET /nearest?"+query, "").problem(t, status, modelspec.ErrInvalid)
		if text := p.rules() + p.Detail; !strings.Contains(text, hint[4:]) {
			t.Errorf("%.40s: %s", query, text)
		}
	}
	a.do(t, "GET /models/parcels/service/ports/sum?a=1&A=2", "").problem(t, 400, modelspec.ErrInvalid)
	a.do(t, "GET /nearest?from=a", "{}").problem(t, 400, modelspec.ErrInvalid)
	a.do(t, "GET /nearest?from=a", "", "If-Match: *").problem(t, 400, modelspec.ErrInvalid)
	if c := a.fake.calls(); len(c) > 0 {
		t.Errorf("the backend was asked: %v", c)
	}
}

// Schemas that came over a wire say less, or say it otherwise.
func TestAskForeignPorts(t *testing.T) {
	const query = "a=1&b=true"
	for schema, want := range map[string]string{
		"":                  `{"a":"1","b":"true"}`,
		`{"type":"object"}`: `{"a":"1","b":"true"}`,
		`{"type":"object","additionalProperties":{"type":["integer","boolean"]}}`:                                                           `{"a":1,"b":true}`,
		`{"properties":{"a":{"type":["integer","null"]},"b":{"type":["boolean","string"]}}}`:                                                `{"a":1,"b":"true"}`,
		`{"properties":{"a":{"anyOf":[{"type":"number"},{"type":"null"}]},"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"boolean"}}}`:      `{"a":1,"b":true}`,
		`{"properties":{"a":{"type":"array","items":{"$ref":"#/$defs/x"}},"b":{"type":["array","null"]}},"$defs":{"x":{"type":"integer"}}}`: `{"a":[1],"b":["true"]}`,
		`{"properties":{"a":{"type":"string"}}}`:                                      "",
		`{"properties":{"a":{"type":"string"},"b":false}}`:                            "",
		`{"properties":{"a":{"anyOf":[{"type":"number"},{"type":"string"}]},"b":{}}}`: "",
		`{"properties":{"a":{"type":"array","items":{"type":"array"}},"b":{}}}`:       "",
	} {
		var s *modelspec.Schema
		if schema != "" {
			if err := json.Unmarshal([]byte(schema), &s); err != nil {
				t.Fatal(err)
			}
		}
		got, err := httpapi.ParseArgument(s, query)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v", schema, got, err)
		}
	}
}

func FuzzAskPort(f *testing.F) {
	spec, err := parcels().Spec()
	if err != nil {
		f.Fatal(err)
	}
	schema := spec.Port("quote").Request
	f.Add("from=a&grams=1&fragile=true&via=x&via=y&zones=1&note=n&factor=1e3")
	f.Add("from=%zz&box=1")
	f.Add("from=1&factor=-&factor=.")
	f.Fuzz(func(t *testing.T, query string) {
		b, err := httpapi.ParseArgument(schema, query)
		if err != nil {
			if httpapi.Status(err) != 400 {
				t.Fatal(err)
			}
			return
		}
		if err := modelspec.CheckJSON(b); err != nil {
			t.Fatalf("%q made %s: %v", query, b, err)
		}
		names, err := httpapi.Names(b)
		for _, n := range names {
			if schema.Properties[n] == nil {
				t.Fatalf("%q made %s: %s, %v", query, b, n, err)
			}
		}
	})
}

// A command with another method is as safe from other origins as POST.
func TestPortMethodsCrossOrigin(t *testing.T) {
	a := serve(t, httpapi.Config{}, parcels())
	for _, line := range []string{"PUT /models/parcels/p/weigh", "DELETE /models/parcels/p/weigh", "POST /depot/p/open", "POST /book/p"} {
		a.do(t, line, "", "Sec-Fetch-Site: cross-site").problem(t, 403, modelspec.ErrDenied)
	}
	r := httptest.NewRequest("PUT", "/aegis/api/models/parcels/p/weigh", strings.NewReader(`{"cents":1}`))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != 415 || len(a.fake.calls()) > 0 {
		t.Error(w.Code, w.Body)
	}
}
