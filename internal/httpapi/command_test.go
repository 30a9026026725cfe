package httpapi_test

import (
	"strings"
	"testing"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

func TestInvoke(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for _, line := range []string{
		"POST /models/orders/o/approve", "PATCH /models/orders/o/approve",
		"POST /models/orders/o/service/ports/approve", "PATCH /models/orders/o/service/ports/approve",
	} {
		a.fake.result = flow.Result{Value: modelspec.FromJSON([]byte(`{"price":3}`)), Generation: answers, Replayed: line[0] == 'P' && line[1] == 'A'}
		got := a.do(t, line, `{"cents":5}`, "Idempotency-Key: k", `If-Match: "i.1"`)
		got.is(t, 200, `{"price":3}`)
		got.has(t, "Aegis-Generation", "shop@1.2.3#7")
		got.has(t, "Idempotency-Replayed", map[bool]string{true: "true"}[a.fake.result.Replayed])
		r := a.fake.last
		if r.Model != "order" || r.ID != "o" || r.Port != "approve" || r.Key != "k" || r.IfMatch != `"i.1"` || len(r.Trace) != 55 || a.fake.arg != `{"cents":5}` {
			t.Errorf("%s: %+v %s", line, r, a.fake.arg)
		}
	}
	a.do(t, "POST /models/orders/service/ports/quote", `{"cents":5}`).is(t, 200, `{"price":3}`)
	if r := a.fake.last; r.ID != "" || r.Port != "quote" {
		t.Errorf("%+v", r)
	}
}

func TestInvokeWithoutBodyOrResult(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for _, v := range []*modelspec.Value{nil, modelspec.FromJSON([]byte("{}")), modelspec.FromJSON([]byte("null"))} {
		a.fake.result = flow.Result{Value: v, Generation: answers}
		got := a.do(t, "POST /models/orders/o/cancel", "")
		got.is(t, 204, "")
		got.has(t, "Aegis-Generation", "shop@1.2.3#7")
		if a.fake.arg != "{}" {
			t.Errorf("argument %s", a.fake.arg)
		}
	}
	// An empty object is an answer, where the port's answer has members.
	a.fake.result = flow.Result{Value: modelspec.FromJSON([]byte("{}"))}
	a.do(t, "POST /models/orders/o/approve", `{"cents":1}`).is(t, 200, "{}")
}

func TestInvokeRefuses(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	for _, tt := range []struct {
		line   string
		status int
		code   modelspec.Code
		hint   string
	}{
		{"GET /models/orders/o/approve", 405, modelspec.ErrUnimplemented, "POST, PATCH"},
		{"HEAD /models/orders/o/approve", 405, modelspec.ErrUnimplemented, "POST, PATCH"},
		{"GET /models/orders/service/ports/quote", 405, modelspec.ErrUnimplemented, "POST, PATCH"},
		{"GET /models/orders/o/service/ports/approve", 405, modelspec.ErrUnimplemented, "POST, PATCH"},
		{"PUT /models/orders/o/approve", 405, modelspec.ErrUnimplemented, "POST, PATCH"},
		{"POST /models/orders/o/refuse", 404, modelspec.ErrNotFound, "approve, cancel, quote, customer"},
		{"POST /models/orders/o/quote", 404, modelspec.ErrNotFound, "orders/service/ports/quote"},
		{"POST /models/orders/service/ports/approve", 404, modelspec.ErrNotFound, "orders/{id}/approve"},
		{"POST /models/orders/o/service/ports/customer", 404, modelspec.ErrNotFound, "no inbound port"},
		{"POST /models/orders/service/ports/nope", 404, modelspec.ErrNotFound, "no inbound port"},
		{"POST /models/orders/a%20b/approve", 400, modelspec.ErrInvalid, "A-Za-z0-9"},
	} {
		got := a.do(t, tt.line, `{"cents":1}`)
		if p := got.problem(t, tt.status, tt.code); !strings.Contains(p.Detail, tt.hint) {
			t.Errorf("%s: %s", tt.line, p.Detail)
		}
		if tt.status == 405 {
			got.has(t, "Allow", "POST, PATCH")
		}
	}
	p := a.do(t, "POST /models/orders/o/approve", `{"cents":-1,"cent":2}`).problem(t, 422, modelspec.ErrInvalid)
	if rules := p.rules(); !strings.Contains(rules, "/cents min") || !strings.Contains(rules, "/cent unknown") {
		t.Errorf("%+v", p)
	}
	if c := a.fake.calls(); len(c) != 0 {
		t.Errorf("the backend was asked: %v", c)
	}
}

// A model with inbound ports is changed through them, until somebody writes
// down that it is not.
func TestClosedWrites(t *testing.T) {
	a := newAPI(t, httpapi.Config{})
	a.fake.put("order", "o", `{"total":1}`)
	for _, verb := range []string{"PATCH", "PUT", "DELETE"} {
		got := a.do(t, verb+" /models/orders/o", `{"total":2}`)
		p := got.problem(t, 405, modelspec.ErrUnimplemented)
		got.has(t, "Allow", "GET, HEAD")
		if !strings.Contains(p.Detail, "Model.API") || !strings.Contains(p.Detail, "approve, cancel, quote") {
			t.Error(p.Detail)
		}
	}
	a.do(t, "GET /models/orders/o", "", "X-HTTP-Method-Override: DELETE").is(t, 200, shown("o", `"total":1`, "order"))
	a.do(t, "POST /models/orders/o", `{}`, "X-HTTP-Method-Override: PATCH").problem(t, 405, modelspec.ErrUnimplemented)

	open := orders()
	open.API = modelspec.API{Patch: true, Delete: true}
	b := &api{fake: newFake(t, open)}
	b.Handler = httpapi.New(httpapi.Config{Backend: b.fake})
	b.fake.put("order", "o", `{"total":1}`)
	b.do(t, "PATCH /models/orders/o", `{"total":2}`).is(t, 200, shown("o", `"total":2`, "order"))
	b.do(t, "PUT /models/orders/o", `{"total":2}`).has(t, "Allow", "GET, HEAD, PATCH, DELETE")
	b.do(t, "DELETE /models/orders/o", "").is(t, 204, "")
}
