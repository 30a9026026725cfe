package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

func TestContentTypes(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	for _, tt := range []struct {
		line, media string
		status      int
	}{
		{"POST /models/todos", "application/json", 201},
		{"POST /models/todos", "application/json; charset=UTF-8", 201},
		{"POST /models/todos", "Application/vnd.acme.todo+JSON", 201},
		{"POST /models/todos", "application/json; charset=latin1", 415},
		{"POST /models/todos", "application/merge-patch+json", 415},
		{"POST /models/todos", "text/plain", 415},
		{"POST /models/todos", "application/x-www-form-urlencoded", 415},
		{"POST /models/todos", "json", 415},
		{"POST /models/todos", "", 415},
		{"PUT /models/todos/a", "application/json", 200},
		{"PUT /models/todos/a", "text/plain", 415},
		{"PATCH /models/todos/a", "application/json", 200},
		{"PATCH /models/todos/a", "application/merge-patch+json", 200},
		{"PATCH /models/todos/a", "application/json-patch+json", 415},
		{"PATCH /models/todos/a", "application/vnd.acme+json", 415},
		{"POST /models/orders/o/approve", "application/json", 204},
		{"PATCH /models/orders/o/approve", "application/merge-patch+json", 204},
		{"POST /models/orders/o/approve", "text/plain", 415},
	} {
		body := milk
		if strings.Contains(tt.line, "approve") {
			body = `{"cents":1}`
		}
		got := a.do(t, tt.line, body, "Content-Type: "+tt.media)
		if got.StatusCode != tt.status {
			t.Errorf("%s as %q: %d %s", tt.line, tt.media, got.StatusCode, got.body)
		}
		if tt.status == 415 && strings.HasPrefix(tt.line, "PATCH") {
			got.has(t, "Accept-Patch", "application/merge-patch+json, application/json")
		}
	}
	a.do(t, "POST /models/todos", milk, "Content-Encoding: gzip", "Content-Type: application/json; v=1").problem(t, 415, modelspec.ErrInvalid)
	a.do(t, "POST /models/todos", milk, "Content-Encoding: gzip").problem(t, 415, modelspec.ErrInvalid)
	untyped := httptest.NewRequest("POST", "/aegis/api/models/orders/o/approve", strings.NewReader(`{"cents":1}`))
	w := httptest.NewRecorder()
	a.ServeHTTP(w, untyped)
	if w.Code != 415 {
		t.Errorf("a body without a type: %d", w.Code)
	}
}

func TestForgedBodies(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("todo", "a", milk)
	a.fake.calls()
	for name, tt := range map[string]struct {
		body   string
		status int
		rules  string // empty: not compared
	}{
		"not json":        {`{"title":`, 400, ""},
		"two values":      {`{"title":"a"} {}`, 400, ""},
		"duplicate":       {`{"title":"a","title":"b"}`, 400, ""},
		"case duplicate":  {`{"title":"a","Title":"b"}`, 400, ""},
		"hidden double":   {`{"title":"a","\u0074itle":"b"}`, 400, ""},
		"deep":            {`{"title":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, 400, ""},
		"bad utf-8":       {"{\"title\":\"\xff\"}", 400, ""},
		"array":           {`[]`, 422, " type"},
		"null":            {`null`, 422, " type"},
		"string":          {`"x"`, 422, " type"},
		"unknown":         {`{"title":"a","titel":"b"}`, 422, "/titel unknown"},
		"read-only":       {`{"title":"a","state":"paid"}`, 422, "/state readonly"},
		"nested readonly": {`{"title":"a","address":{"verified":true}}`, 422, "/address/verified readonly"},
		"type":            {`{"title":1}`, 422, "/title type"},
		"required null":   {`{"title":null}`, 422, ""},
		"prototype":       {`{"title":"a","__proto__":{}}`, 422, "/__proto__ unknown"},
	} {
		for _, line := range []string{"POST /models/todos", "PUT /models/todos/a", "PATCH /models/todos/a"} {
			got := a.do(t, line, tt.body)
			p := got.problem(t, tt.status, modelspec.ErrInvalid)
			if tt.rules != "" && p.rules() != tt.rules {
				t.Errorf("%s, %s: %s", name, line, got.body)
			}
		}
	}
	for _, name := range []string{"createTime", "updateTime", "modelName"} {
		p := a.do(t, "PATCH /models/todos/a", `{"`+name+`":"todo"}`).problem(t, 422, modelspec.ErrInvalid)
		if p.rules() != "/"+name+" readonly" {
			t.Error(p)
		}
	}
	for _, id := range []string{`"b"`, `1`, `null`} {
		if p := a.do(t, "PATCH /models/todos/a", `{"id":`+id+`}`).problem(t, 422, modelspec.ErrInvalid); p.rules() != "/id readonly" {
			t.Error(p)
		}
	}
	p := a.do(t, "POST /models/todos", `{"id":"x","rank":"1","nope":0}`).problem(t, 422, modelspec.ErrInvalid)
	if rules := p.rules(); !strings.HasPrefix(rules, "/id readonly, ") || len(p.Fields) != 4 {
		t.Errorf("all that is wrong is told at once: %s", rules)
	}
	a.do(t, "POST /models/todos", "").problem(t, 415, modelspec.ErrInvalid)
	a.do(t, "POST /models/todos", "", "Content-Type: application/json").problem(t, 400, modelspec.ErrInvalid)
	if c := a.fake.calls(); len(c) != 0 {
		t.Errorf("the backend was asked: %v", c)
	}
}

func TestBodyLimit(t *testing.T) {
	a := newAPI(t, httpapi.Config{MaxBody: 64})
	fits := `{"title":"` + strings.Repeat("x", 64-12) + `"}`
	if got := a.do(t, "POST /models/todos", fits); got.StatusCode != 201 {
		t.Errorf("%d bytes: %s", len(fits), got.body)
	}
	big := fits[:len(fits)-2] + `y"}`
	for _, line := range []string{"POST /models/todos", "PATCH /models/orders/o/approve"} {
		if p := a.do(t, line, big).problem(t, 413, modelspec.ErrExhausted); !strings.Contains(p.Detail, "64 bytes") {
			t.Error(p.Detail)
		}
		chunked := httptest.NewRequest(line[:strings.Index(line, " ")], "/aegis/api"+line[strings.Index(line, "/"):], io.MultiReader(strings.NewReader(big)))
		chunked.Header.Set("Content-Type", "application/json")
		chunked.ContentLength = -1
		w := httptest.NewRecorder()
		a.ServeHTTP(w, chunked)
		if w.Code != 413 {
			t.Errorf("%s without a length: %d %s", line, w.Code, w.Body)
		}
	}
	if c := a.fake.calls(); len(c) != 1 {
		t.Errorf("the backend was asked: %v", c)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("secret cause") }

func TestBrokenBody(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	r := httptest.NewRequest(http.MethodPost, "/aegis/api/models/todos", brokenReader{})
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if w.Code != 400 || strings.Contains(w.Body.String(), "secret") {
		t.Error(w.Code, w.Body)
	}
}
