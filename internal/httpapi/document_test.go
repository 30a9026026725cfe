package httpapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

const milk = `{"title":"milk","done":false,"rank":1,"address":{"city":"Ulm"}}`

const times = `"createTime":"2026-01-02T03:04:05Z","updateTime":"2026-01-02T03:04:05Z"`

func shown(id, members, model string) string {
	return `{"id":"` + id + `",` + members + `,` + times + `,"modelName":"` + model + `"}`
}

var milkShown = strings.Trim(milk, "{}") + "}" // its address closes itself

func TestCreate(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	got := a.do(t, "POST /models/todos", milk, "Idempotency-Key: k1")
	want := shown("n1", milkShown, "todo")
	got.is(t, 201, want)
	got.has(t, "Location", "/aegis/api/models/todos/n1")
	got.has(t, "Etag", `"i.1"`)
	got.has(t, "Content-Type", "application/json")
	got.has(t, "Aegis-Generation", "shop@1.2.3#7")
	got.has(t, "Cache-Control", "private, no-cache")
	got.has(t, "X-Content-Type-Options", "nosniff")
	got.has(t, "Idempotency-Replayed", "")
	if k := a.fake.last.Key; k != "k1" {
		t.Errorf("key is %q", k)
	}
	again := a.do(t, "POST /models/todos", milk, `Idempotency-Key: "k1"`)
	again.is(t, 201, want)
	again.has(t, "Idempotency-Replayed", "true")
	again.has(t, "Location", "/aegis/api/models/todos/n1")
}

func TestFind(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	want := shown("a", milkShown, "todo")
	for range 2 { // the second comes from memory
		got := a.do(t, "GET /models/todos/a", "")
		got.is(t, 200, want)
		got.has(t, "Etag", `"i.1"`)
		got.has(t, "Aegis-Generation", "shop@1.2.3#7")
	}
	head := a.do(t, "HEAD /models/todos/a", "")
	head.is(t, 200, "")
	head.has(t, "Content-Length", strconv.Itoa(len(want)))
	a.do(t, "GET /models/todos/b", "").problem(t, 404, modelspec.ErrNotFound)
	for header, status := range map[string]int{
		`"i.1"`: 304, `W/"i.1"`: 304, `*`: 304, `"x", "i.1"`: 304, `"i.2"`: 200, `i.1`: 200, `"x","y"`: 200, ``: 200,
	} {
		got := a.do(t, "GET /models/todos/a", "", "If-None-Match: "+header)
		if got.StatusCode != status || status == 304 && got.body != "" {
			t.Errorf("If-None-Match %s: %d %s", header, got.StatusCode, got.body)
		}
		got.has(t, "Etag", `"i.1"`)
	}
}

func TestOutward(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", `{"id":"forged","title":"x","secret":"s","later":{"secret":1},"modelName":"evil","createTime":0}`)
	a.do(t, "GET /models/todos/a", "").is(t, 200, shown("a", `"title":"x"`, "todo"))
	a.fake.put("customer", "c", `{}`)
	a.do(t, "GET /models/customers/c", "").is(t, 200, `{"id":"c",`+times+`,"modelName":"customer"}`)
	a.fake.put("stamp", "s", `{"createTime":"mine","modelName":"own"}`)
	a.do(t, "GET /models/marks/s", "").is(t, 200, `{"id":"s","createTime":"mine","modelName":"own","updateTime":"2026-01-02T03:04:05Z"}`)
	a.fake.put("todo", "broken", `[1]`)
	a.do(t, "GET /models/todos/broken", "").problem(t, 500, modelspec.ErrDataLoss)
}

// A document's memory must not answer for another document or revision that
// shares its value.
func TestMemoryKeepsDocumentsApart(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	one := *a.fake.docs["todo/a"]
	two := one
	two.ID = "b"
	a.fake.docs["todo/b"] = &two
	for _, id := range []string{"a", "b", "a"} {
		a.do(t, "GET /models/todos/"+id, "").is(t, 200, shown(id, milkShown, "todo"))
	}
	a.fake.docs["todo/a"].Revision = 2
	a.do(t, "GET /models/todos/a", "").has(t, "Etag", `"i.2"`)
	a.fake.docs["todo/a"].Inc = "j"
	a.do(t, "GET /models/todos/a", "").has(t, "Etag", `"j.2"`)
}

func TestPatch(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", `{"title":"milk","rank":1.50,"later":{"big":12345678901234567890},"secret":"s","address":{"city":"Ulm","verified":true}}`)
	got := a.do(t, "PATCH /models/todos/a", `{"id":"a","done":true,"address":{"city":"Bonn"}}`, "Content-Type: application/merge-patch+json", "Idempotency-Key: k")
	got.is(t, 200, shown("a", `"title":"milk","rank":1.50,"address":{"city":"Bonn","verified":true},"done":true`, "todo"))
	got.has(t, "Etag", `"i.2"`)
	want := `{"title":"milk","rank":1.50,"later":{"big":12345678901234567890},"secret":"s","address":{"city":"Bonn","verified":true},"done":true}`
	if s := a.fake.stored("todo", "a"); s != want {
		t.Errorf("stored %s", s)
	}
	if a.fake.last.Key != "k" || a.fake.last.ID != "a" {
		t.Errorf("request %+v", a.fake.last)
	}
	a.do(t, "PATCH /models/todos/zz", `{"done":true}`).problem(t, 404, modelspec.ErrNotFound)
}

func TestPut(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", `{"id":"a","title":"milk","rank":7,"later":1,"secret":"s","state":"open","address":{"city":"Ulm","verified":true,"geo":2}}`)
	read := a.do(t, "GET /models/todos/a", "").body
	read = strings.NewReplacer(`"state":"open",`, ``, `,"verified":true`, ``, `"rank":7,`, ``, `,"geo":2`, ``, "milk", "tea").Replace(read)
	if !strings.Contains(read, "createTime") {
		t.Fatal("the test must send back what the host adds")
	}
	if got := a.do(t, "PUT /models/todos/a", read); got.StatusCode != 200 {
		t.Fatal(got.body)
	}
	want := `{"title":"tea","address":{"city":"Ulm","verified":true,"geo":2},"id":"a","later":1,"secret":"s","state":"open"}`
	if s := a.fake.stored("todo", "a"); s != want {
		t.Errorf("stored %s\nwant   %s", s, want)
	}
	a.do(t, "PUT /models/todos/zz", milk).problem(t, 404, modelspec.ErrNotFound)
	p := a.do(t, "PUT /models/todos/a", `{"title":"x","modelName":"order"}`).problem(t, 422, modelspec.ErrInvalid)
	if !strings.Contains(p.rules(), "/modelName readonly") {
		t.Error(p)
	}
}

func TestDelete(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	got := a.do(t, "DELETE /models/todos/a", "", "Idempotency-Key: k", `If-Match: "i.1"`)
	got.is(t, 204, "")
	if a.fake.last.Key != "k" || a.fake.last.IfMatch != `"i.1"` {
		t.Errorf("request %+v", a.fake.last)
	}
	a.do(t, "DELETE /models/todos/a", "").problem(t, 404, modelspec.ErrNotFound)
}

func TestIfMatch(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	for _, tt := range []struct {
		header string
		status int
	}{
		{`"i.0"`, 412}, {`W/"i.1"`, 412}, {`"x", "y"`, 412}, {`i.1`, 400}, {`"open`, 400}, {``, 400},
		{`*`, 200}, {`"i.2"`, 200}, {`"x", "i.3"`, 200},
	} {
		for _, verb := range []string{"PATCH", "DELETE"} {
			if verb == "DELETE" && tt.status == 200 {
				continue
			}
			got := a.do(t, verb+" /models/todos/a", `{"done":true}`, "If-Match: "+tt.header)
			if got.StatusCode != tt.status {
				t.Errorf("%s with If-Match %s: %d %s", verb, tt.header, got.StatusCode, got.body)
			}
		}
	}
	a.do(t, "PUT /models/todos/a", milk, "If-None-Match: *").problem(t, 400, modelspec.ErrInvalid)
	a.do(t, "POST /models/todos", milk, "If-Match: *").problem(t, 400, modelspec.ErrInvalid)
}

func TestChosenID(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.do(t, "POST /models/customers", `{"id":"ann","name":"Ann"}`).is(t, 201, shown("ann", `"name":"Ann"`, "customer"))
	if s := a.fake.stored("customer", "ann"); s != `{"name":"Ann"}` {
		t.Errorf("stored %s", s)
	}
	a.do(t, "POST /models/customers", `{"id":"ann","name":"Ann"}`).problem(t, 409, modelspec.ErrExists)
	for _, id := range []string{`".."`, `"a/b"`, `""`, `7`, `null`, `"` + strings.Repeat("x", 129) + `"`, `"a\u0000"`} {
		p := a.do(t, "POST /models/customers", `{"name":"x","id":`+id+`}`).problem(t, 422, modelspec.ErrInvalid)
		if p.rules() != "/id invalid" {
			t.Errorf("id %s: %+v", id, p)
		}
	}
	p := a.do(t, "POST /models/todos", `{"id":"x","title":"x"}`).problem(t, 422, modelspec.ErrInvalid)
	if p.rules() != "/id readonly" || !strings.Contains(p.Fields[0].Detail, "API.ID") {
		t.Errorf("%+v", p)
	}
}

func TestList(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.do(t, "GET /models/todos", "").is(t, 200, `{"data":[]}`)
	a.fake.put("todo", "a", `{"title":"a","secret":"s"}`)
	a.fake.put("todo", "b", `{"title":"b"}`)
	a.fake.page = flow.Page{Entries: []flow.Entry{*a.fake.docs["todo/a"], *a.fake.docs["todo/b"]}, Next: `c"1`, Generation: answers}
	got := a.do(t, "GET /models/todos?rank=3&__sort=-rank&__limit=2&__cursor=c0&title=a%26b", "")
	got.is(t, 200, `{"data":[`+shown("a", `"title":"a"`, "todo")+`,`+shown("b", `"title":"b"`, "todo")+`],"next":"c\"1"}`)
	got.has(t, "Link", `</aegis/api/models/todos?__cursor=c%221&__limit=2&__sort=-rank&rank=3&title=a%26b>; rel="next"`)
	got.has(t, "Aegis-Generation", "shop@1.2.3#7")
	q := a.fake.query
	if q.Model != "todo" || q.Sort != "-rank" || q.Limit != 2 || q.Cursor != "c0" || len(q.Equal) != 2 || q.Equal["rank"] != "3" || q.Equal["title"] != "a&b" {
		t.Errorf("%+v", q)
	}
	a.do(t, "GET /models/todos?__sort=-id", "")
	if a.fake.query.Sort != "-id" {
		t.Errorf("%+v", a.fake.query)
	}
	head := a.do(t, "HEAD /models/todos", "")
	head.is(t, http.StatusOK, "")
	a.fake.err = modelspec.Invalid("/__cursor", "of another list")
	a.do(t, "GET /models/todos?__cursor=x", "").problem(t, 400, modelspec.ErrInvalid)
}

func TestRelate(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("order", "o", `{"customerId":"c","total":1}`)
	a.do(t, "GET /models/orders/o/customer", "").problem(t, 404, modelspec.ErrNotFound)
	a.fake.put("customer", "c", `{"name":"Ann"}`)
	got := a.do(t, "GET /models/orders/o/customer", "")
	got.is(t, 200, shown("c", `"name":"Ann"`, "customer"))
	got.has(t, "Content-Location", "/aegis/api/models/customers/c")
	if s := a.do(t, "GET /models/orders/o/customer", "", `If-None-Match: "i.1"`).StatusCode; s != 304 {
		t.Error(s)
	}
	a.do(t, "GET /models/customers/c/orders", "").is(t, 200, `{"data":[`+shown("o", `"customerId":"c","total":1`, "order")+`]}`)
	got = a.do(t, "POST /models/customers/c/orders", "{}")
	got.problem(t, 405, modelspec.ErrUnimplemented)
	got.has(t, "Allow", "GET, HEAD")
}

func TestRelateToNowhere(t *testing.T) {
	f := newFake(t, orders())
	a := &api{fake: f}
	a.Handler = httpapi.New(httpapi.Config{Backend: f})
	f.put("order", "o", `{"customerId":"c","total":1}`)
	f.put("customer", "c", `{"name":"Ann"}`)
	p := a.do(t, "GET /models/orders/o/customer", "").problem(t, 503, modelspec.ErrUnavailable)
	if !strings.Contains(p.Detail, "customer") {
		t.Error(p.Detail)
	}
}

// Part is a model that refers to itself, and whose parts may be missing.
type Part struct {
	Name  string          `json:"name"`
	Seal  string          `json:"seal,omitempty" aegis:"readonly"`
	Inner *Part           `json:"inner,omitempty"`
	Tags  map[string]Mark `json:"tags,omitempty"`
}

type Mark struct {
	By   string `json:"by"`
	Seal string `json:"seal,omitempty" aegis:"readonly"`
}

// What a replacement cannot say survives at any depth, and entries of maps,
// which it can say, do not.
func TestPutNested(t *testing.T) {
	f := newFake(t, modelspec.Model[Part]{Name: "part"})
	a := &api{fake: f}
	a.Handler = httpapi.New(httpapi.Config{Backend: f})
	f.put("part", "p", `{"name":"a","seal":"1","inner":{"name":"b","seal":"2","later":[1],"inner":{"name":"c","seal":"3"}},"tags":{"x":{"by":"ann"},"y":{"by":"bob"}}}`)
	got := a.do(t, "PUT /models/parts/p", `{"name":"A","inner":{"name":"B","inner":{"name":"C"}},"tags":{"x":{"by":"eve"}}}`)
	if got.StatusCode != 200 {
		t.Fatal(got.body)
	}
	want := `{"name":"A","inner":{"name":"B","inner":{"name":"C","seal":"3"},"seal":"2","later":[1]},"tags":{"x":{"by":"eve"}},"seal":"1"}`
	if s := f.stored("part", "p"); s != want {
		t.Errorf("stored %s\nwant   %s", s, want)
	}
	a.do(t, "PUT /models/parts/p", `{"name":"A","inner":{"name":"B"}}`)
	if s := f.stored("part", "p"); s != `{"name":"A","inner":{"name":"B","seal":"2","later":[1]},"seal":"1"}` {
		t.Errorf("stored %s", s)
	}
}
