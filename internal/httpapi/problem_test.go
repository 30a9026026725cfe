package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

func TestStatuses(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for _, tt := range []struct {
		err    error
		status int
		code   modelspec.Code
		detail string
	}{
		{modelspec.Invalid("/a", "odd"), 422, modelspec.ErrInvalid, "invalid"},
		{&modelspec.Error{Code: modelspec.ErrInvalid, Message: "x", Fields: []modelspec.FieldError{{Rule: "json"}}}, 400, modelspec.ErrInvalid, "x"},
		{&modelspec.Error{Code: modelspec.ErrUnauthenticated, Message: "who?"}, 401, modelspec.ErrUnauthenticated, "who?"},
		{&modelspec.Error{Code: modelspec.ErrDenied, Message: "no"}, 403, modelspec.ErrDenied, "no"},
		{modelspec.ErrNotFound, 404, modelspec.ErrNotFound, "not_found"},
		{modelspec.ErrExists, 409, modelspec.ErrExists, "already_exists"},
		{modelspec.ErrConflict, 409, modelspec.ErrConflict, "aborted"},
		{modelspec.Refuse("closed"), 409, modelspec.ErrRefused, "closed"},
		{&modelspec.Error{Code: modelspec.ErrRefused, Message: "changed", Fields: []modelspec.FieldError{{Rule: "if-match"}}}, 412, modelspec.ErrRefused, "changed"},
		{&modelspec.Error{Code: modelspec.ErrExhausted, Message: "slow down"}, 429, modelspec.ErrExhausted, "slow down"},
		{context.Canceled, 499, modelspec.ErrCanceled, "context canceled"},
		{context.DeadlineExceeded, 504, modelspec.ErrDeadline, "context deadline exceeded"},
		{fmt.Errorf("store: get: %w", modelspec.ErrUnavailable), 503, modelspec.ErrUnavailable, "store: get: unavailable"},
		{modelspec.ErrUnimplemented, 501, modelspec.ErrUnimplemented, "unimplemented"},
		{&modelspec.Error{Code: modelspec.ErrInternal, Message: "secret", Fields: []modelspec.FieldError{{Detail: "secret"}}}, 500, modelspec.ErrInternal, ""},
		{&modelspec.Error{Code: modelspec.ErrDataLoss, Message: "secret"}, 500, modelspec.ErrDataLoss, ""},
		{errors.New("secret"), 500, modelspec.ErrUnknown, ""},
		{&modelspec.Error{Code: "made_up", Message: "secret"}, 500, modelspec.ErrUnknown, ""},
	} {
		a.fake.err = tt.err
		a.log.Reset()
		got := a.do(t, "GET /models/todos/a", "", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		p := got.problem(t, tt.status, tt.code)
		if p.Trace != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("trace %s", p.Trace)
		}
		if tt.status != 500 {
			if p.Detail != tt.detail || a.log.Len() > 0 {
				t.Errorf("%v: %s, log %s", tt.err, got.body, a.log)
			}
		} else if strings.Contains(got.body, "secret") || !strings.Contains(a.log.String(), "secret") || !strings.Contains(a.log.String(), p.Trace) {
			t.Errorf("%v: %s, log %s", tt.err, got.body, a.log)
		}
		got.has(t, "Retry-After", map[int]string{429: "1", 503: "1"}[tt.status])
		got.has(t, "Www-Authenticate", map[int]string{401: "Bearer"}[tt.status])
	}
}

func TestProblemsAreBounded(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.err = &modelspec.Error{Code: modelspec.ErrRefused, Message: strings.Repeat("é", 1<<20), Fields: make([]modelspec.FieldError, 1000)}
	got := a.do(t, "GET /models/todos/a", "")
	if p := got.problem(t, 409, modelspec.ErrRefused); len(p.Detail) > 5000 || len(p.Fields) != 32 {
		t.Errorf("%d bytes, %d fields", len(p.Detail), len(p.Fields))
	}
	a.fake.err = modelspec.Refuse("<script>\xff\r\n")
	got = a.do(t, "GET /models/todos/a", "")
	if got.problem(t, 409, modelspec.ErrRefused); strings.Contains(got.body, "<") {
		t.Error(got.body)
	}
}

func TestPanics(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.panic = "secret boom"
	got := a.do(t, "GET /models/todos/a", "")
	got.problem(t, 500, modelspec.ErrInternal)
	if strings.Contains(got.body, "boom") || !strings.Contains(a.log.String(), "secret boom") || !strings.Contains(a.log.String(), "fake_test.go") {
		t.Errorf("%s, log %s", got.body, a.log)
	}
	for name, cfg := range map[string]httpapi.Config{
		"caller":    {Caller: func(*http.Request) (modelspec.Caller, error) { panic("secret") }},
		"authorize": {Authorize: func(context.Context, httpapi.Access) error { panic("secret") }},
		"host":      {Host: map[string]hostFunc{"config": func(context.Context, *http.Request) (any, error) { panic("secret") }}, Authorize: allow},
	} {
		b := newAPI(t, cfg)
		line := "GET /models/todos/a"
		if name == "host" {
			line = "GET /config"
		}
		if got := b.do(t, line, ""); strings.Contains(got.body, "secret") {
			t.Error(name, got.body)
		} else {
			got.problem(t, 500, modelspec.ErrInternal)
		}
	}
	a.fake.panic = http.ErrAbortHandler
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("an abort became %v", p)
		}
	}()
	a.do(t, "GET /models/todos/a", "")
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(t, httpapi.Config{Timeout: 3 * time.Second})
		a.fake.wait = true
		start := time.Now()
		a.do(t, "GET /models/todos/a", "").problem(t, 504, modelspec.ErrDeadline)
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestClientGone(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.wait = true
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/aegis/api/models/todos/a", nil))
	if w.Code != 499 {
		t.Error(w.Code, w.Body)
	}
}

func TestUnknownPaths(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for line, hint := range map[string]string{
		"GET /models/tasks":               "customers, marks, orders, todos",
		"GET /models/todo":                "customers",
		"GET /models":                     "/aegis/api/models/{endpoint}",
		"GET /models/":                    "there are customers",
		"GET ":                            "/aegis/api/models",
		"GET /nothing":                    "/aegis/api/models",
		"GET /models/todos/":              "/{id}",
		"GET /models/todos/a/b/c":         "/{id}",
		"GET /models/todos//a":            "no such path",
		"GET /models/todos/../orders/a":   "no such path",
		"GET /models/./todos":             "no such path",
		"POST //models/todos":             "no such path",
		"GET /models/todos/%2e%2e/orders": "no such path",
	} {
		if p := a.do(t, line, "").problem(t, 404, modelspec.ErrNotFound); !strings.Contains(p.Detail, hint) {
			t.Errorf("%s: %s", line, p.Detail)
		}
	}
	for _, id := range []string{"a%2Fb", "a%00", "%20", "a%0d%0aX:1", "ä", strings.Repeat("x", 129), "a;b", "a+b"} {
		got := a.do(t, "GET /models/todos/"+id, "")
		if got.StatusCode != 400 {
			t.Errorf("id %s: %d %s", id, got.StatusCode, got.body)
		}
	}
	for _, id := range []string{"a", "A-Z_0.9~:@", strings.Repeat("x", 128), "service", "..."} {
		a.do(t, "GET /models/todos/"+id, "").problem(t, 404, modelspec.ErrNotFound)
		if a.fake.last.ID != id {
			t.Errorf("asked for %s, not %s", a.fake.last.ID, id)
		}
	}
	got := a.do(t, "DELETE /models/todos", "")
	got.problem(t, 405, modelspec.ErrUnimplemented)
	got.has(t, "Allow", "GET, HEAD, POST")
	got = a.do(t, "OPTIONS /models/todos/a", "")
	got.problem(t, 405, modelspec.ErrUnimplemented)
	got.has(t, "Allow", "GET, HEAD, PUT, PATCH, DELETE")
	star := httptest.NewRequest("OPTIONS", "*", nil)
	w := httptest.NewRecorder()
	a.ServeHTTP(w, star)
	if w.Code != 404 {
		t.Error(w.Code)
	}
}

// Whatever the backend says on any path is the answer.
func TestBackendErrors(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.err = modelspec.Refuse("not now")
	for line, body := range map[string]string{
		"POST /models/todos": milk, "GET /models/todos": "", "GET /models/todos/a": "", "PATCH /models/todos/a": "{}", "PUT /models/todos/a": milk,
		"DELETE /models/todos/a": "", "POST /models/orders/o/cancel": "", "POST /models/orders/service/ports/quote": `{"cents":1}`, "GET /models/orders/o/customer": "",
	} {
		if p := a.do(t, line, body).problem(t, 409, modelspec.ErrRefused); p.Detail != "not now" {
			t.Error(line, p)
		}
	}
	a.do(t, "PATCH /models/todos/a", "{}", `If-Match: "a", "b"`).problem(t, 409, modelspec.ErrRefused)
}

// A stored document that is no object is a loss, not a surprise.
func TestBrokenDocuments(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for _, data := range []string{`{"name"`, `{"name":`, `{"name":"a"`, `{"name":1 2}`, `{name:1}`, `{"\q":1}`, `"x"`, ``} {
		a.fake.put("customer", "a", data)
		a.fake.page = flow.Page{Entries: []flow.Entry{*a.fake.docs["customer/a"]}}
		for _, line := range []string{"GET /models/customers/a", "GET /models/customers"} {
			a.do(t, line, "").problem(t, 500, modelspec.ErrDataLoss)
		}
	}
}
