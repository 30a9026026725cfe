package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// operators answers with what it was asked.
func operators(t testing.TB, cfg httpapi.Config) *api {
	tell := func(ctx context.Context, r *http.Request) (any, error) {
		b, err := io.ReadAll(r.Body)
		who := "nobody"
		if c := httpapi.CallerOf(ctx); c != nil {
			who = c.Subject
		}
		return fmt.Sprintf("%s %s/%s/%s ?%s %d:%s by %s %d", r.Method, r.PathValue("model"), r.PathValue("id"), r.PathValue("flow"),
			r.URL.Query().Get("state"), r.ContentLength, b, who, len(httpapi.TraceOf(ctx))), err
	}
	cfg.Host = map[string]hostFunc{
		"flows":                                tell,
		"flows/{model}/{id}":                   tell,
		"flows/{model}/{id}/{flow}":            tell,
		"POST flows/{model}/{id}/{flow}/retry": tell,
		"POST flows/{model}/{id}/{flow}/undo": func(context.Context, *http.Request) (any, error) {
			return nil, modelspec.Refuse("nothing of it can be taken back")
		},
		"DELETE deadletters/{id}": func(context.Context, *http.Request) (any, error) { return nil, nil },
		"PUT deadletters/{id}": func(context.Context, *http.Request) (any, error) {
			return nil, modelspec.Invalid("/reason", "too long")
		},
		"PATCH deadletters/{id}": func(context.Context, *http.Request) (any, error) { panic("boom") },
		"post lower":             tell,
		"HEAD heads":             tell,
		"flows/{model}/{odder}":  tell,
	}
	if cfg.Caller == nil {
		cfg.Caller = func(*http.Request) (modelspec.Caller, error) { return modelspec.Caller{Subject: "ann"}, nil }
	}
	return newAPI(t, cfg)
}

func TestHostCommands(t *testing.T) {
	a := operators(t, httpapi.Config{Authorize: allow})
	for _, tt := range []struct{ line, body, want string }{
		{"GET /flows?state=running", "", "GET // ?running 0: by ann 55"},
		{"GET /flows/order/o1", "", "GET order/o1/ ? 0: by ann 55"},
		{"GET /flows/order/o1/f%2F1?state=x%20y", "", "GET order/o1/f/1 ?x y 0: by ann 55"},
		{"POST /flows/order/o1/f1/retry", "", "POST order/o1/f1 ? 0: by ann 55"},
		{"POST /flows/order/o1/f1/retry?state=s", `{"reason":"x"}`, `POST order/o1/f1 ?s 14:{\"reason\":\"x\"} by ann 55`},
	} {
		a.do(t, tt.line, tt.body, "Idempotency-Key: not a key").is(t, 200, `"`+tt.want+`"`)
	}
	a.do(t, "DELETE /deadletters/d", "").is(t, 204, "")
	if p := a.do(t, "POST /flows/order/o1/f1/undo", "").problem(t, 409, modelspec.ErrRefused); p.Detail != "nothing of it can be taken back" {
		t.Error(p.Detail)
	}
	if p := a.do(t, "PUT /deadletters/d", "{}").problem(t, 422, modelspec.ErrInvalid); p.rules() != "/reason invalid" {
		t.Error(p.rules())
	}
	a.do(t, "PATCH /deadletters/d", "{}").problem(t, 500, modelspec.ErrInternal)
	a.do(t, "GET /deadletters/d", "").has(t, "Allow", "PUT, PATCH, DELETE")
	for _, key := range []string{"post lower", "HEAD heads", "flows/{model}/{"} {
		if !strings.Contains(a.log.String(), key) {
			t.Errorf("%s is left out and not logged: %s", key, a.log)
		}
	}
}

func TestHostCommandsRefused(t *testing.T) {
	a := operators(t, httpapi.Config{Authorize: allow, MaxBody: 32})
	for _, tt := range []struct {
		body    string
		headers string
		status  int
		code    modelspec.Code
	}{
		{"", "Sec-Fetch-Site: cross-site", 403, modelspec.ErrDenied},
		{"{}", "Origin: https://evil.example", 403, modelspec.ErrDenied},
		{"{}", "Content-Type: text/plain", 415, modelspec.ErrInvalid},
		{"a=b", "Content-Type: application/x-www-form-urlencoded", 415, modelspec.ErrInvalid},
		{"{}", "Content-Encoding: gzip", 415, modelspec.ErrInvalid},
		{"{", "X: y", 400, modelspec.ErrInvalid},
		{`{"a":1,"A":2}`, "X: y", 400, modelspec.ErrInvalid},
		{`{} {}`, "X: y", 400, modelspec.ErrInvalid},
		{`"` + strings.Repeat("x", 32) + `"`, "X: y", 413, modelspec.ErrExhausted},
	} {
		a.do(t, "POST /flows/order/o1/f1/retry", tt.body, tt.headers).problem(t, tt.status, tt.code)
	}
	a.do(t, "GET /flows?state="+strings.Repeat("x", 9000), "").problem(t, 400, modelspec.ErrInvalid)
}
