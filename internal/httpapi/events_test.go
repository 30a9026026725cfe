package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

const (
	parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	paid   = `{"specversion":"1.0","id":"e1","source":"bank","type":"payment.settled","subject":"o1","time":"2026-01-02T03:04:05.5+01:00","data":{"cents":5}}`
)

// inbox takes events.
type inbox struct {
	*api
	got    []broker.Event
	asked  []httpapi.Access
	caller *modelspec.Caller // in the context
	err    map[string]error  // by id
}

func newInbox(t testing.TB, cfg httpapi.Config) *inbox {
	b := &inbox{err: map[string]error{}}
	cfg.Caller = func(*http.Request) (modelspec.Caller, error) { return modelspec.Caller{Subject: "ann"}, nil }
	cfg.Authorize = func(_ context.Context, x httpapi.Access) error { b.asked = append(b.asked, x); return nil }
	cfg.Events = func(ctx context.Context, e broker.Event) error {
		b.got, b.caller = append(b.got, e), httpapi.CallerOf(ctx)
		return b.err[e.ID]
	}
	b.api = newAPI(t, cfg)
	return b
}

func (b *inbox) send(t testing.TB, body string, headers ...string) answer {
	t.Helper()
	b.got, b.asked = nil, nil
	return b.do(t, "POST /events", body, headers...)
}

func dataOf(e broker.Event) string {
	if e.Data == nil {
		return ""
	}
	b, _ := e.Data.JSON()
	return string(b)
}

var binaryEvent = []string{"Content-Type: application/json", "ce-specversion: 1.0", "ce-id: e1", "ce-source: bank", "ce-type: payment.settled", "ce-subject: o1", "ce-time: 2026-01-02T03:04:05.5+01:00"}

// The three modes of the HTTP binding mean the same.
func TestEventModes(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	for name, send := range map[string]func() answer{
		"structured": func() answer { return b.send(t, paid, "Content-Type: application/cloudevents+json") },
		"charset":    func() answer { return b.send(t, paid, "Content-Type: application/cloudevents+json; charset=UTF-8") },
		"batch":      func() answer { return b.send(t, " [ "+paid+" ] ", "Content-Type: application/cloudevents-batch+json") },
		"binary":     func() answer { return b.send(t, `{"cents":5}`, binaryEvent...) },
		"vendor": func() answer {
			return b.send(t, `{"cents":5}`, append(slices.Clone(binaryEvent), "Content-Type: application/vnd.bank+json")...)
		},
	} {
		send().is(t, 202, "")
		if len(b.got) != 1 {
			t.Fatalf("%s: %d events", name, len(b.got))
		}
		e := b.got[0]
		if e.ID != "e1" || e.Source != "bank" || e.Type != "payment.settled" || e.Subject != "o1" || dataOf(e) != `{"cents":5}` ||
			!e.Time.Equal(time.Date(2026, 1, 2, 2, 4, 5, 5e8, time.UTC)) || e.Caller == nil || e.Caller.Subject != "ann" || b.caller != e.Caller ||
			e.Cause != "" || e.Hop != 0 || len(e.Trace) != 55 {
			t.Errorf("%s: %+v %s", name, e, dataOf(e))
		}
		if x := b.asked; len(x) != 1 || x[0].Action != httpapi.ActionHostWrite || x[0].Port != "events" || x[0].Model != "" || x[0].Caller.Subject != "ann" {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

// Of what led to an event, outside is believed the trace and nothing else.
func TestEventsFromOutsideAreNotBelieved(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	more := `,"cause":"c","hop":7,"caller":{"subject":"root"},"traceparent":"` + parent + `","tracestate":"x","Extra":[1],"dataschema":null,"datacontenttype":"application/json"}`
	b.send(t, strings.TrimSuffix(paid, "}")+more, "Content-Type: application/cloudevents+json").is(t, 202, "")
	binary := append(slices.Clone(binaryEvent), "ce-cause: c", "ce-hop: 7", "ce-caller: root", "ce-traceparent: "+parent)
	first := b.got[0]
	b.send(t, `{"cents":5}`, binary...).is(t, 202, "")
	for _, e := range []broker.Event{first, b.got[0]} {
		if e.Cause != "" || e.Hop != 0 || e.Caller.Subject != "ann" || e.Trace != parent {
			t.Errorf("%+v", e)
		}
	}
	b.send(t, strings.Replace(paid, `"id"`, `"traceparent":"00-x","id"`, 1), "Content-Type: application/cloudevents+json", "Traceparent: "+parent).is(t, 202, "")
	if b.got[0].Trace != parent {
		t.Errorf("without one of its own, an event has the trace of its request: %s", b.got[0].Trace)
	}
}

// What need not be there is made up for.
func TestEventDefaults(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	least := `{"specversion":"1.0","id":"e1","source":"bank","type":"t","subject":"o1","time":null,"data":null}`
	b.send(t, least, "Content-Type: application/cloudevents+json").is(t, 202, "")
	e := b.got[0]
	if age := time.Since(e.Time); age < 0 || age > time.Minute || e.Data != nil {
		t.Errorf("%+v", e)
	}
	headers := []string{"Content-Type: application/json"}
	for _, h := range binaryEvent[1:] {
		if !strings.HasPrefix(h, "ce-time") {
			headers = append(headers, h)
		}
	}
	for body, h := range map[string][]string{"": headers[1:], " null ": headers} {
		b.send(t, body, h...).is(t, 202, "")
		if e := b.got[0]; e.Time.IsZero() || e.Data != nil {
			t.Errorf("%q: %+v", body, e)
		}
	}
	b.send(t, "[]", "Content-Type: application/cloudevents-batch+json").is(t, 202, "")
}

func TestEventHeaders(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	for header, want := range map[string]string{
		"plain": "plain", "a%20b": "a b", "%C3%A9": "é", `"a b"`: "a b", `"a\"%41"`: `a"A`, "100%": "100%", "%zz%4": "%zz%4", "%25": "%",
		"%FF": "", "%00": "", "%0A": "", `"a`: "", `"a"b"`: "", "": "", strings.Repeat("x", 129): "",
	} {
		h := slices.Clone(binaryEvent)
		h[slices.Index(h, "ce-subject: o1")] = "ce-subject: " + header
		got := b.send(t, "", h...)
		if want == "" {
			if p := got.problem(t, 422, modelspec.ErrInvalid); !strings.HasPrefix(p.rules(), "/subject ") {
				t.Errorf("%q: %s", header, p.rules())
			}
			continue
		}
		if got.is(t, 202, ""); b.got[0].Subject != want {
			t.Errorf("%q is %q, want %q", header, b.got[0].Subject, want)
		}
	}
	twice := append(slices.Clone(binaryEvent), "ce-id: e2")
	if p := b.send(t, "", twice...).problem(t, 422, modelspec.ErrInvalid); p.rules() != "/id type" {
		t.Error(p.rules())
	}
}

func TestEventRules(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	for name, tt := range map[string]struct {
		member, value string // in place of the one of a good event; no value: left out
		rules         string
	}{
		"no version":    {"specversion", "", "/specversion required"},
		"old version":   {"specversion", `"0.3"`, "/specversion format"},
		"number":        {"specversion", `1.0`, "/specversion type"},
		"no id":         {"id", "", "/id required"},
		"null id":       {"id", "null", "/id required"},
		"empty id":      {"id", `""`, "/id required"},
		"long id":       {"id", `"` + strings.Repeat("x", 256) + `"`, "/id maxlen"},
		"line in id":    {"id", `"a\nb"`, "/id format"},
		"number id":     {"id", `7`, "/id type"},
		"no source":     {"source", "", "/source required"},
		"long source":   {"source", `"` + strings.Repeat("x", 257) + `"`, "/source maxlen"},
		"odd source":    {"source", `"a b"`, "/source format"},
		"forged source": {"source", `"order"`, "/source reserved"},
		"no type":       {"type", "", "/type required"},
		"odd type":      {"type", `"a/b"`, "/type format"},
		"tilde":         {"type", `"a~b"`, "/type format"},
		"long type":     {"type", `"` + strings.Repeat("x", 129) + `"`, "/type maxlen"},
		"no subject":    {"subject", "", "/subject required"},
		"long subject":  {"subject", `"` + strings.Repeat("x", 129) + `"`, "/subject maxlen"},
		"odd time":      {"time", `"yesterday"`, "/time format"},
		"empty time":    {"time", `""`, "/time required"},
		"no seconds":    {"time", `"2026-01-02T03:04Z"`, "/time format"},
		"number time":   {"time", `1`, "/time type"},
		"xml":           {"datacontenttype", `"text/xml"`, "/datacontenttype format"},
		"latin1":        {"datacontenttype", `"application/json; charset=latin1"`, "/datacontenttype format"},
		"base64":        {"data_base64", `"e30="`, "/data_base64 unknown"},
	} {
		m := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(paid), &m); err != nil {
			t.Fatal(err)
		}
		if m[tt.member] = json.RawMessage(tt.value); tt.value == "" {
			delete(m, tt.member)
		}
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if p := b.send(t, string(body), "Content-Type: application/cloudevents+json").problem(t, 422, modelspec.ErrInvalid); p.rules() != tt.rules {
			t.Errorf("%s: %s", name, p.rules())
		}
		rules := strings.Replace(tt.rules, "/", "/1/", 1)
		if p := b.send(t, "["+paid+","+string(body)+"]", "Content-Type: application/cloudevents-batch+json").problem(t, 422, modelspec.ErrInvalid); p.rules() != rules {
			t.Errorf("%s in a batch: %s", name, p.rules())
		}
		if len(b.got) > 0 {
			t.Errorf("%s: taken", name)
		}
	}
	if p := b.send(t, `{"specversion":"1.0","type":"a b"}`, "Content-Type: application/cloudevents+json").problem(t, 422, modelspec.ErrInvalid); p.rules() != "/id required, /source required, /type format, /subject required" {
		t.Errorf("all that is wrong is told at once: %s", p.rules())
	}
	longest := fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"%s","type":"%s","subject":"%s"}`, strings.Repeat("i", 255), strings.Repeat("s", 256), strings.Repeat("t", 128), strings.Repeat("u", 128))
	b.send(t, longest, "Content-Type: application/cloudevents+json").is(t, 202, "")
}

func TestEventsRefused(t *testing.T) {
	b := newInbox(t, httpapi.Config{MaxBody: 4 << 10})
	typed := "Content-Type: application/cloudevents+json"
	for name, tt := range map[string]struct {
		body, media string
		status      int
		code        modelspec.Code
	}{
		"no json":     {`{"specversion":`, typed, 400, modelspec.ErrInvalid},
		"twice":       {`{"id":"a","ID":"b"}`, typed, 400, modelspec.ErrInvalid},
		"empty":       {"", typed, 400, modelspec.ErrInvalid},
		"array":       {`[]`, typed, 422, modelspec.ErrInvalid},
		"text":        {`"x"`, typed, 422, modelspec.ErrInvalid},
		"no array":    {paid, "Content-Type: application/cloudevents-batch+json", 422, modelspec.ErrInvalid},
		"no events":   {`[1,[],null]`, "Content-Type: application/cloudevents-batch+json", 422, modelspec.ErrInvalid},
		"too many":    {"[" + strings.Repeat("1,", 100) + "1]", "Content-Type: application/cloudevents-batch+json", 422, modelspec.ErrInvalid},
		"no headers":  {paid, "Content-Type: application/json", 415, modelspec.ErrInvalid},
		"xml":         {paid, "Content-Type: application/cloudevents+xml", 415, modelspec.ErrInvalid},
		"latin1":      {paid, typed + "; charset=latin1", 415, modelspec.ErrInvalid},
		"plain":       {paid, "Content-Type: text/plain", 415, modelspec.ErrInvalid},
		"too big":     {`"` + strings.Repeat("x", 5<<10) + `"`, typed, 413, modelspec.ErrExhausted},
		"cross":       {paid, "Sec-Fetch-Site: cross-site", 403, modelspec.ErrDenied},
		"avro binary": {"x", "Content-Type: application/avro", 415, modelspec.ErrInvalid},
	} {
		b.send(t, tt.body, tt.media).problem(t, tt.status, tt.code)
		if len(b.got) > 0 {
			t.Errorf("%s: taken", name)
		}
	}
	b.send(t, "x", append(slices.Clone(binaryEvent), "Content-Type: text/plain")...).problem(t, 415, modelspec.ErrInvalid)
	b.send(t, "{", binaryEvent...).problem(t, 400, modelspec.ErrInvalid)
	b.send(t, paid, typed, "Content-Encoding: gzip").problem(t, 415, modelspec.ErrInvalid)
	b.do(t, "GET /events", "").has(t, "Allow", "POST")

	take := func(context.Context, broker.Event) error { t.Error("taken"); return nil }
	newAPI(t, httpapi.Config{Events: take}).do(t, "POST /events", paid, typed).problem(t, 403, modelspec.ErrDenied)
	newAPI(t, httpapi.Config{Authorize: allow}).do(t, "POST /events", paid, typed).problem(t, 404, modelspec.ErrNotFound)
}

// A batch that is not taken as a whole says so, and keeps its order.
func TestEventBatch(t *testing.T) {
	b := newInbox(t, httpapi.Config{})
	list := make([]string, 100)
	for i := range list {
		list[i] = strings.Replace(paid, `"e1"`, fmt.Sprintf(`"e%d"`, i), 1)
	}
	body := "[" + strings.Join(list, ",\n") + "]"
	b.send(t, body, "Content-Type: application/cloudevents-batch+json").is(t, 202, "")
	for i, e := range b.got {
		if e.ID != fmt.Sprint("e", i) || len(b.got) != 100 {
			t.Fatalf("%d of %d is %s", i, len(b.got), e.ID)
		}
	}
	if p := b.send(t, "["+paid+","+body[1:], "Content-Type: application/cloudevents-batch+json").problem(t, 422, modelspec.ErrInvalid); p.rules() != " maxlen" || len(b.got) > 0 {
		t.Errorf("101 events: %s, %d taken", p.rules(), len(b.got))
	}
	b.err["e3"] = modelspec.ErrUnavailable
	b.send(t, body, "Content-Type: application/cloudevents-batch+json").problem(t, 503, modelspec.ErrUnavailable)
	if len(b.got) != 4 {
		t.Errorf("%d were handed on", len(b.got))
	}
	b.err["e3"] = errors.New("secret cause")
	if p := b.send(t, body, "Content-Type: application/cloudevents-batch+json").problem(t, 500, modelspec.ErrUnknown); strings.Contains(p.Detail, "secret") {
		t.Error(p.Detail)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(0, paid, "")
	f.Add(1, "["+paid+","+paid+"]", "")
	f.Add(1, "[{},]", "")
	f.Add(2, `{"a":1}`, `"a\"%41`)
	f.Add(0, `{"specversion":"1.0","id":"\u0000","source":"own","data_base64":null,"traceparent":"`+parent+`"}`, "")
	f.Fuzz(func(t *testing.T, form int, body, header string) {
		h := http.Header{}
		for _, line := range binaryEvent {
			name, value, _ := strings.Cut(line, ": ")
			h.Set(name, value)
		}
		h.Set("Ce-Subject", header)
		h.Set("Ce-Id", header)
		mode := httpapi.Structured
		switch form % 3 {
		case 1:
			mode = httpapi.Batch
		case 2:
			mode = httpapi.Binary
		}
		events, err := httpapi.DecodeEvents(mode, h, []byte(body))
		if err != nil {
			if s := httpapi.Status(err); s != 400 && s != 422 || len(events) > 0 {
				t.Fatal(s, err, events)
			}
			return
		}
		if len(events) > 100 || mode != httpapi.Batch && len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		for _, e := range events {
			if e.ID == "" || len(e.ID) > 255 || e.Source == "" || len(e.Source) > 256 || e.Source == "own" || e.Type == "" || len(e.Type) > 128 || e.Subject == "" || len(e.Subject) > 128 ||
				e.Cause != "" || e.Hop != 0 || e.Caller != nil || e.Trace != "" && httpapi.Traceparent(e.Trace) != e.Trace {
				t.Fatalf("%+v", e)
			}
			again(t, e)
		}
	})
}

// again fails unless e, written as a CloudEvent, is read as itself.
func again(t *testing.T, e broker.Event) {
	m := map[string]any{"specversion": "1.0", "id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject, "traceparent": e.Trace}
	if !e.Time.IsZero() {
		m["time"] = e.Time
	}
	if e.Data != nil {
		b, err := e.Data.JSON()
		if err != nil || modelspec.CheckJSON(b) != nil {
			t.Fatal(err, string(b))
		}
		if modelspec.CheckJSON(append(append([]byte{'['}, b...), ']')) != nil {
			return // as deep as can be, and here it would be deeper by one
		}
		m["data"] = b
	}
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := httpapi.DecodeEvents(httpapi.Structured, nil, body)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if !got[0].Time.Equal(e.Time) || (got[0].Data == nil) != (e.Data == nil) {
		t.Fatalf("%s became %+v", body, got[0])
	}
	got[0].Time, got[0].Data, e.Time, e.Data = time.Time{}, nil, time.Time{}, nil
	if !reflect.DeepEqual(got[0], e) {
		t.Fatalf("%s became %+v", body, got[0])
	}
}
