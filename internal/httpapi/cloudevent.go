package httpapi

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// eventForm is a content mode of the CloudEvents HTTP binding
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md).
type eventForm int

const (
	structured eventForm = iota // the body is the event
	batch                       // the body is an array of events
	binaryForm                  // headers are the attributes, and the body is the data
)

const (
	typeEvent = "application/cloudevents+json"
	typeBatch = "application/cloudevents-batch+json"
)

// attribute is one that is read.
type attribute struct {
	name     string
	most     int // bytes
	optional bool
	fits     func(string) bool // nil: any text does
	rule     string            // what does
}

// attributes are those that mean something here, and are checked. All others
// are ignored, and so are the extensions cause, hop and caller of a
// [broker.Event]: what led to an event from outside is not for outside to say.
var attributes = [...]attribute{
	{name: "specversion", most: 16, fits: func(s string) bool { return s == "1.0" }, rule: "must be 1.0"},
	{name: "id", most: 255},
	{name: "source", most: 256, fits: func(s string) bool { return !strings.Contains(s, " ") }, rule: "must be a URI reference"},
	{name: "type", most: 128, fits: isEventType, rule: "an event type is 1 to 128 of A-Z a-z 0-9 . _ -"},
	{name: "subject", most: 128},
	{name: "time", most: 64, optional: true, fits: isTime, rule: "must be a time such as 2006-01-02T15:04:05Z (RFC 3339)"},
	{name: "datacontenttype", most: 256, optional: true, fits: isJSONType, rule: "the data must be JSON: " + typeJSON},
}

// traceAttribute is the one extension that is believed. Where it is malformed
// it is ignored, as the header is.
const traceAttribute = "traceparent"

func isAttribute(name string) bool {
	for i := range attributes {
		if attributes[i].name == name {
			return true
		}
	}
	return name == traceAttribute
}

// incoming is an event as it is being read.
type incoming struct {
	at   string            // JSON Pointer of the event in the body
	text map[string]string // attributes by name
	data []byte            // JSON, or nil
	bad  []modelspec.FieldError
}

func (e *incoming) wrong(name, rule, detail string) {
	e.bad = append(e.bad, modelspec.FieldError{Pointer: e.at + "/" + name, Rule: rule, Detail: detail})
}

// decodeEvents reads the events of a request. own reports the sources that are
// not for outside to speak for. Of body, an event keeps its data and no more.
func decodeEvents(form eventForm, h http.Header, body []byte, own func(source string) bool) ([]broker.Event, error) {
	if len(body) > 0 || form != binaryForm {
		if err := checkText(body); err != nil {
			return nil, err
		}
	}
	all, err := readEvents(form, h, body)
	if err != nil {
		return nil, err
	}
	events := make([]broker.Event, 0, len(all))
	var bad []modelspec.FieldError
	for i := range all {
		e := all[i].event(own)
		if bad = append(bad, all[i].bad...); len(bad) >= maxFields {
			break
		}
		events = append(events, e)
	}
	if len(bad) > 0 {
		return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "this is no event that can be taken", Fields: bad}
	}
	return events, nil
}

func readEvents(form eventForm, h http.Header, body []byte) ([]incoming, error) {
	switch form {
	case structured:
		return []incoming{readEvent("", body)}, nil
	case binaryForm:
		return []incoming{readHeaders(h, body)}, nil
	}
	list, ok := elements(body, maxEvents+1)
	if !ok {
		return nil, invalid(modelspec.FieldError{Rule: "type", Detail: "must be an array of events"})
	}
	if len(list) > maxEvents {
		return nil, invalid(modelspec.FieldError{Rule: "maxlen", Detail: "must have at most " + strconv.Itoa(maxEvents) + " events: send more batches"})
	}
	all := make([]incoming, len(list))
	for i, b := range list {
		all[i] = readEvent("/"+strconv.Itoa(i), b)
	}
	return all, nil
}

// readEvent reads an event in the JSON format
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md):
// an attribute that is null is not there.
func readEvent(at string, b []byte) incoming {
	e := incoming{at: at, text: map[string]string{}}
	if !isObject(b) {
		e.bad = []modelspec.FieldError{{Pointer: at, Rule: "type", Detail: "must be an event: a JSON object"}}
		return e
	}
	for s := scan(b); s.next(); {
		name, null := string(s.name), string(s.value) == "null"
		switch {
		case null:
		case name == "data":
			e.data = bytes.Clone(s.value)
		case name == "data_base64":
			e.wrong(name, "unknown", "the data must be JSON: write it as data")
		case isAttribute(name):
			var text string
			if s.value[0] != '"' || json.Unmarshal(s.value, &text) != nil {
				e.wrong(name, "type", "must be a string")
				continue
			}
			e.text[name] = text
		}
	}
	return e
}

// readHeaders reads an event in binary mode.
func readHeaders(h http.Header, body []byte) incoming {
	e := incoming{text: map[string]string{}}
	for i := range attributes {
		if name := attributes[i].name; name != "datacontenttype" { // it is the Content-Type, which has been read
			e.header(h, name)
		}
	}
	e.header(h, traceAttribute)
	if text := bytes.TrimSpace(body); len(text) > 0 && string(text) != "null" {
		e.data = body
	}
	return e
}

func (e *incoming) header(h http.Header, name string) {
	values := h[http.CanonicalHeaderKey("ce-"+name)]
	if len(values) == 0 {
		return
	}
	text, ok := headerText(values[0])
	if len(values) > 1 || !ok {
		e.wrong(name, "type", "the header ce-"+name+" must be there once, percent-encoded where it is not ASCII")
		return
	}
	e.text[name] = text
}

// headerText decodes a header of an attribute: section 3.1.3.2 of the binding.
func headerText(s string) (string, bool) {
	if len(s) > 1 && s[0] == '"' {
		var ok bool
		if s, ok = unquoteKey(s); !ok {
			return "", false
		}
	}
	if strings.IndexByte(s, '%') < 0 {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		}
		b = append(b, c)
	}
	return string(b), utf8.Valid(b)
}

// event checks what has been read.
func (e *incoming) event(own func(source string) bool) (out broker.Event) {
	if len(e.bad) > 0 {
		return out
	}
	for i := range attributes {
		e.check(&attributes[i])
	}
	out = broker.Event{ID: e.text["id"], Source: e.text["source"], Type: e.text["type"], Subject: e.text["subject"]}
	if own(out.Source) {
		e.wrong("source", "reserved", "is a model of this host, which tells its events itself: name the sender")
	}
	if len(e.bad) > 0 {
		return out
	}
	if text := e.text["time"]; text != "" {
		_ = out.Time.UnmarshalText([]byte(text)) // as isTime has done
	}
	if parent := e.text[traceAttribute]; validTraceparent(parent) {
		out.Trace = parent
	}
	if e.data != nil {
		out.Data = modelspec.FromJSON(e.data)
	}
	return out
}

func (e *incoming) check(a *attribute) {
	text, ok := e.text[a.name]
	switch {
	case !ok && a.optional:
	case !ok, text == "":
		e.wrong(a.name, "required", "must be there, and not empty")
	case len(text) > a.most:
		e.wrong(a.name, "maxlen", "must have at most "+strconv.Itoa(a.most)+" bytes")
	case strings.ContainsFunc(text, unicode.IsControl):
		e.wrong(a.name, "format", "must have no control characters")
	case a.fits != nil && !a.fits(text):
		e.wrong(a.name, "format", a.rule)
	}
}

func isTime(s string) bool {
	var t time.Time
	return t.UnmarshalText([]byte(s)) == nil
}

func isJSONType(s string) bool {
	t, params, err := mime.ParseMediaType(s)
	c, charset := params["charset"]
	return err == nil && mediaJSON(t) && (!charset || strings.EqualFold(c, "utf-8"))
}

func isEventType(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isUnreserved(c) || c == '~' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 128
}

// elements returns the elements of the JSON array b, at most limit of them. ok
// is false where b is no array.
func elements(b []byte, limit int) (list [][]byte, ok bool) {
	i := space(b, 0)
	if i >= len(b) || b[i] != '[' {
		return nil, false
	}
	for i = space(b, i+1); i < len(b) && b[i] != ']' && len(list) < limit; {
		end := skipValue(b, i)
		if end <= i {
			return nil, false
		}
		list = append(list, b[i:end])
		if i = space(b, end); i < len(b) && b[i] == ',' {
			i = space(b, i+1)
		}
	}
	return list, true
}
