package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

type hostFunc = func(context.Context, *http.Request) (any, error)

func allow(context.Context, httpapi.Access) error { return nil }

func TestAuthorizeIsAskedOnceBeforeAnything(t *testing.T) {
	var asked []string
	var err error
	host := map[string]hostFunc{
		"config":          func(context.Context, *http.Request) (any, error) { return 1, nil },
		"flows/{model}":   func(_ context.Context, r *http.Request) (any, error) { return r.PathValue("model"), nil },
		"POST components": func(context.Context, *http.Request) (any, error) { return nil, nil },
	}
	a := newAPI(t, httpapi.Config{
		Host:   host,
		Caller: func(r *http.Request) (modelspec.Caller, error) { return modelspec.Caller{Subject: "ann"}, nil },
		Authorize: func(_ context.Context, x httpapi.Access) error {
			asked = append(asked, fmt.Sprintf("%s %s %s/%s/%s>%s %s", x.Caller.Subject, x.Action, x.Model, x.ID, x.Port, x.Related, x.Request.Method))
			return err
		},
	})
	for _, denied := range []bool{true, false} {
		if err = nil; denied {
			err = &modelspec.Error{Code: modelspec.ErrDenied, Message: "never"}
		}
		for _, tt := range []struct{ line, body, want string }{
			{"POST /models/todos", milk, "ann create todo//> POST"},
			{"GET /models/todos", "", "ann list todo//> GET"},
			{"GET /models/todos/n1", "", "ann find todo/n1/> GET"},
			{"HEAD /models/todos/n1", "", "ann find todo/n1/> HEAD"},
			{"PATCH /models/todos/n1", `{"done":true}`, "ann update todo/n1/> PATCH"},
			{"PUT /models/todos/n1", milk, "ann update todo/n1/> PUT"},
			{"DELETE /models/todos/n1", "", "ann delete todo/n1/> DELETE"},
			{"POST /models/orders/o/cancel", "", "ann invoke order/o/cancel> POST"},
			{"POST /models/orders/o/service/ports/cancel", "", "ann invoke order/o/cancel> POST"},
			{"POST /models/orders/service/ports/quote", `{"cents":1}`, "ann invoke order//quote> POST"},
			{"GET /models/customers/c/orders", "", "ann relate customer/c/orders>order GET"},
			{"GET /config", "", "ann host.read //config> GET"},
			{"GET /flows/order", "", "ann host.read //flows/{model}> GET"},
			{"POST /components", "{}", "ann host.write //components> POST"},
		} {
			asked = nil
			got := a.do(t, tt.line, tt.body)
			if len(asked) != 1 || asked[0] != tt.want {
				t.Errorf("%s: asked %q, want %q", tt.line, asked, tt.want)
			}
			calls := a.fake.calls()
			switch {
			case denied && (got.StatusCode != 403 || len(calls) > 0):
				t.Errorf("%s: %d %s, and asked the backend %v", tt.line, got.StatusCode, got.body, calls)
			case !denied && got.StatusCode >= 400:
				t.Errorf("%s: %d %s", tt.line, got.StatusCode, got.body)
			}
			if !denied && strings.HasPrefix(tt.want, "ann invoke") && (a.fake.last.Caller == nil || a.fake.last.Caller.Subject != "ann") {
				t.Errorf("%s: caller %+v", tt.line, a.fake.last.Caller)
			}
		}
	}
}

func TestAuthorizeErrors(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		code   modelspec.Code
		detail string
	}{
		{errors.New("secret policy"), 403, modelspec.ErrDenied, "not allowed"},
		{&modelspec.Error{Code: modelspec.ErrNotFound, Message: "no such thing"}, 404, modelspec.ErrNotFound, "no such thing"},
		{&modelspec.Error{Code: modelspec.ErrUnauthenticated, Message: "log in"}, 401, modelspec.ErrUnauthenticated, "log in"},
		{modelspec.ErrUnavailable, 503, modelspec.ErrUnavailable, "unavailable"},
	} {
		a := newAPI(t, httpapi.Config{Authorize: func(context.Context, httpapi.Access) error { return tt.err }})
		if p := a.do(t, "GET /models/todos/a", "").problem(t, tt.status, tt.code); p.Detail != tt.detail {
			t.Errorf("%v: %s", tt.err, p.Detail)
		}
		if tt.status == 403 && !strings.Contains(a.log.String(), "secret policy") {
			t.Errorf("log %s", a.log)
		}
	}
}

func TestCallerErrors(t *testing.T) {
	var asked bool
	for _, tt := range []struct {
		err    error
		status int
		code   modelspec.Code
		detail string
	}{
		{errors.New("secret token"), 401, modelspec.ErrUnauthenticated, "not authenticated"},
		{&modelspec.Error{Code: modelspec.ErrUnavailable, Message: "no keys yet"}, 503, modelspec.ErrUnavailable, "no keys yet"},
	} {
		a := newAPI(t, httpapi.Config{
			Caller:    func(*http.Request) (modelspec.Caller, error) { return modelspec.Caller{Subject: "ann"}, tt.err },
			Authorize: func(context.Context, httpapi.Access) error { asked = true; return nil },
		})
		if p := a.do(t, "GET /models/todos/a", "").problem(t, tt.status, tt.code); p.Detail != tt.detail {
			t.Errorf("%v: %s", tt.err, p.Detail)
		}
		if asked || len(a.fake.calls()) > 0 {
			t.Error("a caller nobody knows got further")
		}
	}
}

func TestHost(t *testing.T) {
	host := map[string]hostFunc{
		"config":        func(context.Context, *http.Request) (any, error) { return map[string]int{"a": 1}, nil },
		"flows/{model}": func(_ context.Context, r *http.Request) (any, error) { return r.PathValue("model"), nil },
		"nothing":       func(context.Context, *http.Request) (any, error) { return nil, nil },
		"broken":        func(context.Context, *http.Request) (any, error) { return func() {}, nil },
		"gone":          func(context.Context, *http.Request) (any, error) { return nil, modelspec.ErrNotFound },
		"POST components": func(_ context.Context, r *http.Request) (any, error) {
			b, err := io.ReadAll(r.Body)
			return json.RawMessage(b), err
		},
		"{odd": func(context.Context, *http.Request) (any, error) { return nil, nil },
	}
	closed := newAPI(t, httpapi.Config{Host: host})
	for _, line := range []string{"GET /config", "GET /flows/order", "POST /components"} {
		if p := closed.do(t, line, "").problem(t, 403, modelspec.ErrDenied); !strings.Contains(p.Detail, "Config.Authorize") {
			t.Error(p.Detail)
		}
	}
	if !strings.Contains(closed.log.String(), "{odd") {
		t.Error("a key that is no path is not logged")
	}
	a := newAPI(t, httpapi.Config{Host: host, Authorize: allow, MaxBody: 4})
	got := a.do(t, "GET /config", "")
	got.is(t, 200, `{"a":1}`)
	got.has(t, "Cache-Control", "private, no-cache")
	a.do(t, "HEAD /config", "").is(t, 200, "")
	a.do(t, "GET /flows/order", "").is(t, 200, `"order"`)
	a.do(t, "GET /nothing", "").is(t, 204, "")
	a.do(t, "GET /gone", "").problem(t, 404, modelspec.ErrNotFound)
	a.do(t, "GET /broken", "").problem(t, 500, modelspec.ErrUnknown)
	a.do(t, "POST /components", "[1]").is(t, 200, `[1]`)
	a.do(t, "POST /components", "[1,2]").problem(t, 413, modelspec.ErrExhausted)
	got = a.do(t, "GET /components", "")
	got.problem(t, 405, modelspec.ErrUnimplemented)
	got.has(t, "Allow", "POST")
}

// A browser's page of another origin changes nothing, whatever it sends.
func TestCrossOrigin(t *testing.T) {
	a := newAPI(t, httpapi.Config{Authorize: allow})
	for _, headers := range [][]string{{"Sec-Fetch-Site: cross-site"}, {"Sec-Fetch-Site: same-site"}, {"Origin: https://evil.example"}} {
		a.do(t, "POST /models/todos", milk, headers...).problem(t, 403, modelspec.ErrDenied)
		a.do(t, "DELETE /models/todos/a", "", headers...).problem(t, 403, modelspec.ErrDenied)
		a.do(t, "POST /models/orders/o/cancel", "", headers...).problem(t, 403, modelspec.ErrDenied)
	}
	if c := a.fake.calls(); len(c) != 0 {
		t.Errorf("the backend was asked: %v", c)
	}
	if got := a.do(t, "POST /models/todos", milk, "Sec-Fetch-Site: same-origin"); got.StatusCode != 201 {
		t.Error(got.body)
	}
	if got := a.do(t, "GET /models/todos/n1", "", "Sec-Fetch-Site: cross-site"); got.StatusCode != 200 {
		t.Error(got.body)
	}
}

func TestRoutesFollowTheTable(t *testing.T) {
	f := newFake(t, todos())
	logger := slog.New(slog.DiscardHandler)
	a := &api{Handler: httpapi.New(httpapi.Config{Backend: f, Root: "/v1/", Logger: logger}), fake: f}
	if a.Root() != "/v1" {
		t.Fatal(a.Root())
	}
	a.do(t, "GET /models/marks", "").problem(t, 404, modelspec.ErrNotFound)
	f.show(t, "stamps", stamps())
	a.do(t, "GET /models/marks", "").is(t, 200, `{"data":[]}`)
	b := httpapi.New(httpapi.Config{Backend: f, Root: "/", Logger: logger})
	if b.Root() != "" {
		t.Error(b.Root())
	}
	(&api{Handler: b, fake: f}).do(t, "GET /models/marks", "").is(t, 200, `{"data":[]}`)
}
