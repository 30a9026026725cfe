package aegis_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// desk is a host as operators see it. Who asks stands in a header.
type desk struct {
	t *testing.T
	h *aegis.Host
}

func newDesk(t *testing.T, cfg aegis.Config) (desk, aegis.Repository[shop.Order]) {
	cfg.Logger, cfg.Datasource = quiet, datasourcetest.Bytes()
	cfg.Caller = func(r *http.Request) (aegis.Caller, error) { return aegis.Caller{Subject: r.Header.Get("From")}, nil }
	cfg.Authorize = func(_ context.Context, a aegis.Access) error {
		if a.Action == aegis.HostRead || a.Action == aegis.HostWrite && a.Caller.Subject == "ann" {
			return nil
		}
		return modelspec.ErrDenied
	}
	h, r := boot(t, cfg)
	return desk{t, h}, r
}

// do asks and returns the status; v takes the answer.
func (d desk) do(who, line, body string, v any) int {
	d.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r := httptest.NewRequestWithContext(d.t.Context(), method, "/aegis/api"+path, strings.NewReader(body))
	r.Header.Set("From", who)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, r)
	if v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			d.t.Errorf("%s: %s: %v", line, w.Body, err)
		}
	}
	return w.Code
}

type problem struct{ Code, Detail string }

func TestOperatorsAPI(t *testing.T) {
	s := newService()
	s.answer("ship", modelspec.Refuse("no carrier"))
	s.answer("undo pick", modelspec.Refuse("the shelf is full"))
	d, r := newDesk(t, aegis.Config{Adapters: s.adapters()})
	create(t, r, "o1", "o2")
	approve(t.Context(), d.h, "o1")
	settle(t, d.h, 0)

	var page aegis.FlowPage
	if c := d.do("bob", "GET /flows?model=order&state=attention&newer=10m&limit=5", "", &page); c != 200 || len(page.Flows) != 1 || page.Flows[0].ID != "o1" || page.Next != "" {
		t.Fatalf("%d %+v", c, page)
	}
	at := "/flows/order/o1/" + page.Flows[0].Flow.ID
	var f aegis.Flow
	if c := d.do("bob", "GET "+at, "", &f); c != 200 || f.State != aegis.FlowAttention || len(f.Steps) != 3 {
		t.Errorf("%d %+v", c, f)
	}
	var fs []aegis.Flow
	if c := d.do("bob", "GET /flows/order/o1", "", &fs); c != 200 || len(fs) != 1 || fs[0].ID != f.ID {
		t.Errorf("%d %+v", c, fs)
	}
	if c := d.do("bob", "GET /flows/order/o2", "", &fs); c != 200 || len(fs) != 0 {
		t.Errorf("%d %+v", c, fs)
	}
	if c := d.do("bob", "POST "+at+"/retry", "", nil); c != 403 {
		t.Errorf("who may only look retried: %d", c)
	}
	s.answer("undo pick", nil)
	if c := d.do("ann", "POST "+at+"/retry", `{"reason":"the carrier says so"}`, &f); c != 200 || f.State != aegis.FlowUndoing {
		t.Errorf("%d %+v", c, f)
	}
	settle(t, d.h, 0)
	d.do("bob", "GET "+at, "", &f)
	if f.State != aegis.FlowUndone {
		t.Error(f.State)
	}
	signed(t, f, "retry")

	for _, x := range []struct {
		line, body string
		status     int
		detail     string
	}{
		{"POST " + at + "/retry", "", 409, "it is undone"},
		{"POST " + at + "/undo", "{}", 409, "taken back already"},
		{"POST " + at + "/abandon", "", 409, "nothing to abandon"},
		{"POST " + at + "/undo", `{"why":"x"}`, 422, "the body is empty, or"},
		{"POST " + at + "/undo", `[]`, 422, "the body is empty, or"},
		{"GET " + at + "x", "", 404, "has no flow"},
		{"GET /flows/horse/o1", "", 404, "customer, order"},
		{"GET /flows?state=open", "", 422, ""},
		{"GET /flows?older=yesterday", "", 422, ""},
		{"GET /flows?limit=0", "", 422, ""},
		{"GET /flows?limit=1&limit=2", "", 422, ""},
		{"GET /flows?colour=red", "", 422, ""},
		{"GET /flows?model=horse", "", 404, "customer, order"},
		{"GET /deadletters?cursor=_", "", 422, ""},
		{"POST /deadletters/none/retry", "", 404, "no dead letter"},
		{"DELETE /deadletters/none", "", 404, "no dead letter"},
		{"POST /flows/order/o3/retry", "", 404, "does not exist"},
	} {
		var p problem
		if c := d.do("ann", x.line, x.body, &p); c != x.status && (c != 400 || x.status != 422) && (c != 412 || x.status != 409) || !strings.Contains(p.Detail, x.detail) {
			t.Errorf("%s: %d %+v", x.line, c, p)
		}
	}
	if c := d.do("ann", "POST /flows/order/o2/retry", "", nil); c != 204 {
		t.Errorf("a document that needs nobody: %d", c)
	}
}

func TestDeadLettersAPI(t *testing.T) {
	why := errors.New("the ledger is closed")
	d, r := newDesk(t, aegis.Config{Subscriptions: aegis.Subscriptions{{Name: "ledger", Pattern: "order.touched", Required: true, Handler: func(context.Context, broker.Event) error { return why }}}})
	create(t, r, "o1", "o2")
	for _, id := range []string{"o1", "o2"} {
		if _, err := shop.Touch().Invoke(t.Context(), d.h, id, none); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		settle(t, d.h, time.Duration(i)*10*time.Minute)
	}
	var page aegis.DeadLetterPage
	if c := d.do("bob", "GET /deadletters?limit=5", "", &page); c != 200 || len(page.Letters) != 2 {
		t.Fatalf("%d %+v", c, page)
	}
	var p problem
	if c := d.do("ann", "POST /deadletters/"+page.Letters[0].ID+"/retry", "", &p); c != 503 || !strings.Contains(p.Detail, "ledger") {
		t.Errorf("%d %+v", c, p)
	}
	why = nil
	if c := d.do("ann", "POST /deadletters/"+page.Letters[0].ID+"/retry", `{"reason":"open again"}`, nil); c != 204 {
		t.Error(c)
	}
	if c := d.do("bob", "DELETE /deadletters/"+page.Letters[1].ID, "", nil); c != 403 {
		t.Error(c)
	}
	if c := d.do("ann", "DELETE /deadletters/"+page.Letters[1].ID, "", nil); c != 204 {
		t.Error(c)
	}
	if d.do("bob", "GET /deadletters", "", &page); len(page.Letters) != 0 {
		t.Errorf("%+v", page)
	}
}

// The overview names all that a host is made of.
func TestOverview(t *testing.T) {
	s := newService()
	d, _ := newDesk(t, aegis.Config{
		Adapters: s.adapters("ship"), Policies: map[string]port.Policy{"order.pick": {Retries: 7}},
		Subscriptions: aegis.Subscriptions{{Name: "ledger", Pattern: "order.touched", Handler: func(context.Context, broker.Event) error { return nil }}},
	})
	var o aegis.Overview
	if c := d.do("bob", "GET /config", "", &o); c != 200 {
		t.Fatal(c)
	}
	ports := map[string]aegis.PortInfo{}
	for _, p := range o.Ports {
		ports[p.Port] = p
	}
	switch {
	case len(o.Models) != 2 || o.Models[1].Name != "order":
		t.Errorf("models %+v", o.Models)
	case ports["order.ship"].Component != "" || ports["order.pick"].Component != "host" || ports["order.pick"].Policy.Retries != 7 || ports["order.touch"].Direction != modelspec.In:
		t.Errorf("ports %+v", ports)
	case len(o.Relations) != 2 || o.Relations[0].From != "order" || o.Relations[0].Name != "customer":
		t.Errorf("relations %+v", o.Relations)
	case !slices.ContainsFunc(o.Subscriptions, func(s broker.Stats) bool { return s.Name == "ledger" }):
		t.Errorf("subscriptions %+v", o.Subscriptions)
	case len(o.Components) != 1 || o.Components[0].Name != "host":
		t.Errorf("components %+v", o.Components)
	case o.Services == nil || o.Breakers == nil || len(o.Adapters) != 5:
		t.Errorf("services %v, breakers %v, adapters %v", o.Services, o.Breakers, o.Adapters)
	}
}
