package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// completed is what Config.Complete was told.
type completed struct {
	model, port, key, answer string
	refusal                  error
	caller                   *modelspec.Caller
	trace                    string
}

func TestReplies(t *testing.T) {
	var got []completed
	var asked []httpapi.Access
	var err error
	a := newAPI(t, httpapi.Config{
		Caller:    func(r *http.Request) (modelspec.Caller, error) { return modelspec.Caller{Subject: "bank"}, nil },
		Authorize: func(_ context.Context, x httpapi.Access) error { asked = append(asked, x); return nil },
		Complete: func(ctx context.Context, model, port, key string, answer *modelspec.Value, refusal error) error {
			c := completed{model: model, port: port, key: key, refusal: refusal, caller: httpapi.CallerOf(ctx), trace: httpapi.TraceOf(ctx)}
			if answer != nil {
				b, _ := answer.JSON()
				c.answer = string(b)
			}
			got = append(got, c)
			return err
		},
	})
	long := strings.Repeat("k", 255)
	for _, tt := range []struct {
		path, body  string
		key, answer string
		code        modelspec.Code // of a refusal
		message     string
	}{
		{"/replies/order/pay/k1", `{"paid":true}`, "k1", `{"paid":true}`, "", ""},
		{"/replies/order/pay/a%2Fb%20%C3%A9", `[1.50]`, "a/b é", `[1.50]`, "", ""},
		{"/replies/order/pay/" + long, ``, long, `null`, "", ""},
		{"/replies/order/pay/refusal", `null`, "refusal", `null`, "", ""},
		{"/replies/order/pay/k1/refusal", ``, "k1", "", modelspec.ErrRefused, "refused"},
		{"/replies/order/pay/k1/refusal", `{"message":"no money"}`, "k1", "", modelspec.ErrRefused, "no money"},
		{"/replies/order/pay/k1/refusal", `{"code":"not_found","message":""}`, "k1", "", modelspec.ErrNotFound, ""},
	} {
		got, asked = nil, nil
		a.do(t, "POST "+tt.path, tt.body).is(t, 204, "")
		if len(got) != 1 || len(asked) != 1 {
			t.Fatalf("%s: %+v %+v", tt.path, got, asked)
		}
		c, x := got[0], asked[0]
		if c.model != "order" || c.port != "pay" || c.key != tt.key || c.answer != tt.answer || c.caller.Subject != "bank" || len(c.trace) != 55 {
			t.Errorf("%s: %+v", tt.path, c)
		}
		if x.Action != httpapi.ActionReply || x.Model != "order" || x.Port != "pay" || x.Reply != tt.key || x.ID != "" || x.Caller.Subject != "bank" {
			t.Errorf("%s: %+v", tt.path, x)
		}
		if tt.code == "" {
			if c.refusal != nil {
				t.Errorf("%s: refused: %v", tt.path, c.refusal)
			}
			continue
		}
		if e, ok := c.refusal.(*modelspec.Error); !ok || e.Code != tt.code || e.Message != tt.message {
			t.Errorf("%s: %+v", tt.path, c.refusal)
		}
	}
	err = &modelspec.Error{Code: modelspec.ErrNotFound, Message: "nobody waits"}
	if p := a.do(t, "POST /replies/order/pay/k1", "1").problem(t, 404, modelspec.ErrNotFound); p.Detail != "nobody waits" {
		t.Error(p.Detail)
	}
}

func TestRepliesRefused(t *testing.T) {
	called := false
	cfg := httpapi.Config{Authorize: allow, Complete: func(context.Context, string, string, string, *modelspec.Value, error) error {
		called = true
		return nil
	}}
	a := newAPI(t, cfg)
	for _, tt := range []struct {
		line, body, rules string
		status            int
	}{
		{"POST /replies/order/pay/k", `{"a":1,"a":2}`, "", 400},
		{"POST /replies/order/pay/k", `{`, "", 400},
		{"POST /replies/order/pay/" + strings.Repeat("k", 256), `1`, "", 400},
		{"POST /replies/order/pay/%FF", `1`, "", 400},
		{"POST /replies/order/pay/a%0Ab", `1`, "", 400},
		{"POST /replies/order/pay/k/refusal", `[]`, " type", 422},
		{"POST /replies/order/pay/k/refusal", `{`, "", 400},
		{"POST /replies/order/pay/k/refusal", `{"code":"nope"}`, "/code oneof", 422},
		{"POST /replies/order/pay/k/refusal", `{"code":null}`, "/code type", 422},
		{"POST /replies/order/pay/k/refusal", `{"code":7,"notSent":true,"message":1}`, "/code type, /notSent unknown, /message type", 422},
		{"POST /replies/order/pay/k/refusal", `{"message":"` + strings.Repeat("x", 5000) + `"}`, "/message maxlen", 422},
	} {
		if p := a.do(t, tt.line, tt.body).problem(t, tt.status, modelspec.ErrInvalid); tt.rules != "" && p.rules() != tt.rules {
			t.Errorf("%s %.40s: %s", tt.line, tt.body, p.rules())
		}
	}
	a.do(t, "POST /replies/order/pay/k", "1", "Content-Type: text/plain").problem(t, 415, modelspec.ErrInvalid)
	a.do(t, "POST /replies/order/pay/k", "1", "Sec-Fetch-Site: cross-site").problem(t, 403, modelspec.ErrDenied)
	a.do(t, "POST /replies/order/"+strings.Repeat("p", 65)+"/k", "1").problem(t, 404, modelspec.ErrNotFound)
	a.do(t, "POST /replies/order/pay", "1").problem(t, 404, modelspec.ErrNotFound)
	a.do(t, "GET /replies/order/pay/k", "").has(t, "Allow", "POST")

	cfg.Authorize = nil
	for _, end := range []string{"", "/refusal"} {
		if p := newAPI(t, cfg).do(t, "POST /replies/order/pay/k"+end, "").problem(t, 403, modelspec.ErrDenied); !strings.Contains(p.Detail, "Config.Authorize") {
			t.Error(p.Detail)
		}
		newAPI(t, httpapi.Config{Authorize: allow}).do(t, "POST /replies/order/pay/k"+end, "").problem(t, 404, modelspec.ErrNotFound)
	}
	if called {
		t.Error("an answer was taken")
	}
}
