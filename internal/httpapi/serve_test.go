package httpapi_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// api is a handler over a fake, and its log.
type api struct {
	*httpapi.Handler
	fake *fake
	log  *bytes.Buffer
}

func newAPI(t testing.TB, cfg httpapi.Config) *api {
	t.Helper()
	a := &api{fake: newFake(t, todos(), orders(), customers(), stamps()), log: &bytes.Buffer{}}
	cfg.Backend = a.fake
	cfg.Logger = slog.New(slog.NewTextHandler(a.log, nil))
	a.Handler = httpapi.New(cfg)
	return a
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// do sends "METHOD /path", with headers as "Name: value" and a body.
func (a *api) do(t testing.TB, line, body string, headers ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, a.Root()+path, r)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Remote" {
			req.RemoteAddr = value
			continue
		}
		if name == "Content-Type" {
			req.Header.Del(name)
		}
		req.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, req)
	return answer{w.Result(), w.Body.String()}
}

// problem reads an answer that must be one, of the status and code.
func (got answer) problem(t testing.TB, status int, code modelspec.Code) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		t.Fatalf("status %d with a body that is no problem: %s", got.StatusCode, got.body)
	}
	if got.StatusCode != status || p.Status != status || p.Code != code || p.Type != "urn:aegis:code:"+string(code) || p.Title == "" {
		t.Fatalf("got %d %s, want %d %s", got.StatusCode, got.body, status, code)
	}
	if got.Header.Get("Content-Type") != "application/problem+json" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers of a problem: %v", got.Header)
	}
	if len(p.Trace) != 32 {
		t.Errorf("trace %q is no trace id", p.Trace)
	}
	return p
}

// is fails unless the answer has the status and body.
func (got answer) is(t testing.TB, status int, body string) {
	t.Helper()
	if got.StatusCode != status || got.body != body {
		t.Fatalf("got %d %s\nwant %d %s", got.StatusCode, got.body, status, body)
	}
}

// has fails unless the answer has the header.
func (got answer) has(t testing.TB, name, value string) {
	t.Helper()
	if h := got.Header.Get(name); h != value {
		t.Errorf("%s is %q, want %q", name, h, value)
	}
}

type problem struct {
	Type, Title, Detail, Trace string
	Status                     int
	Code                       modelspec.Code
	Fields                     []modelspec.FieldError
}

// rules returns the broken rules, as "/pointer rule".
func (p problem) rules() string {
	var out []string
	for _, f := range p.Fields {
		out = append(out, f.Pointer+" "+f.Rule)
	}
	return strings.Join(out, ", ")
}
