package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis/examples/orders/order"
)

// forged is a request that must be refused, with this status, for this rule at
// this place.
type forged struct {
	name    string
	request request
	status  int
	pointer string // of one of the fields in the answer; empty: any or none
	rule    string
	allow   string // a 405's Allow must contain it
}

// TestForgedBodies sends orders that nobody may send. Each is refused with the
// right status, says what is wrong, and leaves no order behind.
func TestForgedBodies(t *testing.T) {
	s := newShop(t)
	with := func(more string) string { return strings.Replace(good, "{", "{"+more+",", 1) }
	item := func(it string) string { return `{"customerId":"ann","items":[` + it + `]}` }
	post := func(body string) request { return request{"POST", "/orders", body, nil} }
	typed := func(contentType string) request {
		return request{"POST", "/orders", good, map[string]string{"Content-Type": contentType}}
	}
	for _, f := range []forged{
		// What only hooks and ports set.
		{"status", post(with(`"status":"COMPLETE"`)), 422, "/status", "readonly", ""},
		{"total", post(with(`"total":1`)), 422, "/total", "readonly", ""},
		{"zero total", post(with(`"total":0`)), 422, "/total", "readonly", ""},
		{"orderNo", post(with(`"orderNo":"X"`)), 422, "/orderNo", "readonly", ""},
		{"paymentId", post(with(`"paymentId":"pay-1"`)), 422, "/paymentId", "readonly", ""},
		{"trackingId", post(with(`"trackingId":"trk-1"`)), 422, "/trackingId", "readonly", ""},
		{"shipmentId", post(with(`"shipmentId":"shp-1"`)), 422, "/shipmentId", "readonly", ""},
		{"proofOfDelivery", post(with(`"proofOfDelivery":"p"`)), 422, "/proofOfDelivery", "readonly", ""},
		{"confirmationCode", post(with(`"confirmationCode":"ok"`)), 422, "/confirmationCode", "readonly", ""},
		{"log", post(with(`"log":["COMPLETE"]`)), 422, "/log", "readonly", ""},
		{"signatureRequired", post(with(`"signatureRequired":false`)), 422, "/signatureRequired", "readonly", ""},
		{"id", post(with(`"id":"mine"`)), 422, "/id", "readonly", ""},
		{"createTime", post(with(`"createTime":"2001-01-01T00:00:00Z"`)), 422, "/createTime", "readonly", ""},

		// What is not there.
		{"unknown member", post(with(`"discount":100`)), 422, "/discount", "unknown", ""},
		{"unknown member of an item", post(item(`{"itemId":"tea","price":1,"free":true}`)), 422, "/items/0/free", "unknown", ""},
		{"case variant", post(with(`"Status":"COMPLETE"`)), 422, "/Status", "unknown", ""},
		{"prototype", post(with(`"__proto__":{"status":"COMPLETE"}`)), 422, "/__proto__", "unknown", ""},

		// Types and limits.
		{"items are text", post(`{"customerId":"ann","items":"tea"}`), 422, "/items", "type", ""},
		{"qty is text", post(item(`{"itemId":"tea","price":1,"qty":"2"}`)), 422, "/items/0/qty", "type", ""},
		{"price is a fraction", post(item(`{"itemId":"tea","price":1.5}`)), 422, "/items/0/price", "type", ""},
		{"price is huge", post(item(`{"itemId":"tea","price":1e300}`)), 422, "/items/0/price", "", ""},
		{"price is negative", post(item(`{"itemId":"tea","price":-1}`)), 422, "/items/0/price", "min", ""},
		{"qty is negative", post(item(`{"itemId":"tea","price":1,"qty":-1}`)), 422, "/items/0/qty", "min", ""},
		{"total over the limit", post(item(`{"itemId":"tea","price":9999999,"qty":2}`)), 422, "/items", "", ""},
		{"one item twice", post(item(`{"itemId":"tea","price":1},{"itemId":"tea","price":1}`)), 422, "/items", "", ""},
		{"no items", post(`{"customerId":"ann","items":[]}`), 422, "/items", "", ""},
		{"no customer", post(`{"items":[{"itemId":"tea","price":1}]}`), 422, "/customerId", "required", ""},
		{"an array", post(`[]`), 422, "", "", ""},
		{"null", post(`null`), 422, "", "", ""},

		// Not JSON.
		{"duplicate member", post(with(`"customerId":"bob"`)), 400, "", "", ""},
		{"duplicate in another case", post(with(`"CustomerID":"bob"`)), 400, "", "", ""},
		{"broken", post(`{"customerId":`), 400, "", "", ""},
		{"two values", post(good + good), 400, "", "", ""},
		{"bad UTF-8", post(`{"customerId":"` + "\xff" + `"}`), 400, "", "", ""},
		{"too deep", post(`{"items":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), 400, "", "", ""},
		{"empty", request{"POST", "/orders", "", map[string]string{"Content-Type": "application/json"}}, 400, "", "", ""},
		{"huge", post(with(`"billingAddress":"` + strings.Repeat("x", 2<<20) + `"`)), 413, "", "", ""},

		// What a page of another origin can send.
		{"text/plain", typed("text/plain"), 415, "", "", ""},
		{"a form", typed("application/x-www-form-urlencoded"), 415, "", "", ""},
		{"multipart", typed("multipart/form-data; boundary=x"), 415, "", "", ""},
		{"another charset", typed("application/json; charset=utf-16"), 415, "", "", ""},
		{"compressed", request{"POST", "/orders", good, map[string]string{"Content-Encoding": "gzip"}}, 415, "", "", ""},
		{"cross-site", request{"POST", "/orders", good, map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "", "", ""},
		{"another origin", request{"POST", "/orders", good, map[string]string{"Origin": "https://evil.example"}}, 403, "", "", ""},

		// Documents that clients do not write.
		{"an account", request{"POST", "/accounts", `{"id":"eve","limit":1000000}`, nil}, 403, "", "", ""},
		{"a refund", request{"POST", "/accounts/ann/refund", `{"orderId":"x","customerId":"ann","amount":1}`, nil}, 403, "", "", ""},
		{"a booking", request{"POST", "/carriers/post/book", `{"orderId":"x","lines":[]}`, nil}, 403, "", "", ""},
		{"a pick", request{"POST", "/warehouses/north/pick", `{"orderId":"x","lines":[]}`, nil}, 403, "", "", ""},
	} {
		t.Run(f.name, func(t *testing.T) { s.refuses(t, f) })
	}
	if r, v := s.send(request{"GET", "/orders", "", nil}); r.status != 200 || len(v["data"].([]any)) != 0 {
		t.Errorf("a forged order was stored: %s", r.body)
	}
}

// TestForgedCommands asks an order for what it does not do.
func TestForgedCommands(t *testing.T) {
	s := newShop(t)
	id := s.create(nil)
	at := "/orders/" + id
	for _, f := range []forged{
		{"patch", request{"PATCH", at, `{"status":"COMPLETE"}`, nil}, 405, "", "", "GET"},
		{"put", request{"PUT", at, good, nil}, 405, "", "", "GET"},
		{"delete", request{"DELETE", at, "", nil}, 405, "", "", "GET"},
		{"patch by another name", request{"POST", at, `{"status":"COMPLETE"}`, map[string]string{"X-HTTP-Method-Override": "PATCH"}}, 405, "", "", "GET"},
		{"get a command", request{"GET", at + "/approve", "", nil}, 405, "", "", "POST"},
		{"head a command", request{"HEAD", at + "/approve", "", nil}, 405, "", "", "POST"},
		{"an outbound port", request{"POST", at + "/completePayment", `{}`, nil}, 404, "", "", ""},
		{"an outbound port by its long name", request{"POST", at + "/service/ports/completePayment", `{}`, nil}, 404, "", "", ""},
		{"no such port", request{"POST", at + "/ship", `{}`, nil}, 404, "", "", ""},
		{"another's id", request{"POST", "/orders/OTHER/approve", `{}`, nil}, 404, "", "", ""},
		{"an id of the wrong kind", request{"POST", "/orders/a%20b/approve", `{}`, nil}, 400, "", "", ""},
		{"unknown argument", request{"POST", at + "/approve", `{"by":"x","force":true}`, nil}, 422, "/force", "unknown", ""},
		{"argument of the wrong type", request{"POST", at + "/approve", `{"by":7}`, nil}, 422, "/by", "type", ""},
		{"argument that is too long", request{"POST", at + "/approve", `{"by":"` + strings.Repeat("x", 81) + `"}`, nil}, 422, "/by", "maxlen", ""},
		{"argument twice", request{"POST", at + "/approve", `{"by":"x","by":"y"}`, nil}, 400, "", "", ""},
		{"argument as text", request{"POST", at + "/approve", `{}`, map[string]string{"Content-Type": "text/plain"}}, 415, "", "", ""},
		{"a form", request{"POST", at + "/approve", `by=x`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, 415, "", "", ""},
		{"huge argument", request{"POST", at + "/approve", `{"by":"` + strings.Repeat("x", 2<<20) + `"}`, nil}, 413, "", "", ""},
		{"cross-site", request{"POST", at + "/approve", "", map[string]string{"Sec-Fetch-Site": "cross-site"}}, 403, "", "", ""},
		{"stale If-Match", request{"POST", at + "/approve", `{}`, map[string]string{"If-Match": `"old.1"`}}, 412, "", "", ""},
		{"weak If-Match", request{"POST", at + "/approve", `{}`, map[string]string{"If-Match": `W/"old.1"`}}, 412, "", "", ""},
		{"a key with a blank", request{"POST", at + "/approve", `{}`, map[string]string{"Idempotency-Key": "a b"}}, 400, "", "", ""},
		{"endless key", request{"POST", at + "/approve", `{}`, map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}}, 400, "", "", ""},
		{"key of no ASCII", request{"POST", at + "/approve", `{}`, map[string]string{"Idempotency-Key": "schl\u00fcssel"}}, 400, "", "", ""},
		{"query injection", request{"GET", "/orders?status[$ne]=x", "", nil}, 400, "", "", ""},
	} {
		t.Run(f.name, func(t *testing.T) { s.refuses(t, f) })
	}
	if o := s.find(id); o.Status != order.Pending || len(o.Log) != 0 {
		t.Errorf("a forged command had an effect: %+v", o)
	}
}

// TestForgedKeys uses a key that was used for something else.
func TestForgedKeys(t *testing.T) {
	s := newShop(t)
	key := func(k, caller string) map[string]string {
		return map[string]string{"Idempotency-Key": k, "Test-Caller": caller}
	}
	id := s.create(key("k1", "ann"))
	at := "/orders/" + id
	if again := s.create(key("k1", "ann")); again != id {
		t.Errorf("asked again, another order was made: %s", again)
	}
	if other := s.create(key("k1", "eve")); other == id {
		t.Error("another caller got ann's order with her key")
	}
	if r, _ := s.send(request{"POST", at + "/approve", `{"by":"x"}`, key("k2", "ann")}); r.status/100 != 2 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r, _ := s.send(request{"POST", at + "/approve", `{"by":"x"}`, key("k2", "ann")}); r.status/100 != 2 || r.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("asked again: %d %s", r.status, r.body)
	}
	for _, f := range []forged{
		{"create, another body", request{"POST", "/orders", strings.Replace(good, "450", "1", 1), key("k1", "ann")}, 422, "", "", ""},
		{"another argument", request{"POST", at + "/approve", `{"by":"y"}`, key("k2", "ann")}, 422, "", "", ""},
		{"another port", request{"POST", at + "/cancel", `{}`, key("k2", "ann")}, 422, "", "", ""},
		{"another caller", request{"POST", at + "/approve", `{"by":"x"}`, key("k2", "eve")}, 409, "", "", ""},
		{"no key, done already", request{"POST", at + "/approve", `{"by":"x"}`, key("", "ann")}, 409, "", "", ""},
	} {
		if f.request.header["Idempotency-Key"] == "" {
			delete(f.request.header, "Idempotency-Key")
		}
		t.Run(f.name, func(t *testing.T) { s.refuses(t, f) })
	}
}

// refuses sends f and checks the answer.
func (s *shop) refuses(t *testing.T, f forged) {
	t.Helper()
	r, v := s.send(f.request)
	if r.status != f.status {
		t.Fatalf("answered %d, want %d: %s", r.status, f.status, r.body)
	}
	if got := r.header.Get("Content-Type"); f.request.method != http.MethodHead && got != "application/problem+json" {
		t.Errorf("Content-Type is %q", got)
	}
	if f.allow != "" && !strings.Contains(r.header.Get("Allow"), f.allow) {
		t.Errorf("Allow is %q, without %s", r.header.Get("Allow"), f.allow)
	}
	if f.pointer == "" {
		return
	}
	fields, _ := v["fields"].([]any)
	found := slices.ContainsFunc(fields, func(x any) bool {
		m, _ := x.(map[string]any)
		return m["pointer"] == f.pointer && (f.rule == "" || m["rule"] == f.rule)
	})
	if !found {
		t.Errorf("no field %s with rule %q: %s", f.pointer, f.rule, r.body)
	}
}
