package modelspec_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

func TestNewFindsAllMistakes(t *testing.T) {
	number := &modelspec.Schema{Type: modelspec.Types{"integer"}}
	deep := &modelspec.Schema{}
	for range 40 {
		deep = &modelspec.Schema{Items: deep}
	}
	d := modelspec.Descriptor{
		Name: "Order", Plural: "order s", Endpoint: "/orders", Version: -1,
		Schema: &modelspec.Schema{Type: modelspec.Types{"object"}, Properties: map[string]*modelspec.Schema{
			"id": number, "n": number, "list": {Type: modelspec.Types{"array"}, Unique: true, Items: &modelspec.Schema{Properties: map[string]*modelspec.Schema{"x": {Type: modelspec.Types{"string"}, Immutable: true}}}},
			"map": {AdditionalProperties: &modelspec.Schema{Properties: map[string]*modelspec.Schema{"y": {Type: modelspec.Types{"string"}, Index: true}}}},
		}},
		Relations: []modelspec.RelationDescriptor{
			{Name: "Bad", Model: "m"}, {Name: "r1", Model: "M", Cardinality: modelspec.ManyToOne, Key: "n"}, {Name: "r2", Model: "m", Cardinality: modelspec.OneToMany},
			{Name: "r3", Model: "m", Cardinality: modelspec.Contains, Key: "/a/b"}, {Name: "r4", Model: "m", Cardinality: "x"},
		},
		Ports: []modelspec.PortDescriptor{
			{Name: "r2", Direction: modelspec.In}, {Name: "service", Direction: modelspec.In}, {Name: "p", Direction: modelspec.In, On: []string{"e"}, Undo: true, Policy: modelspec.Policy{Retries: 1}},
			{Name: "p", Direction: modelspec.Out, On: []string{"a b", "e", "e"}, Produces: "?", Stateless: true, Repeats: -1},
			{Name: "q", Direction: "sideways", Policy: modelspec.Policy{Timeout: 25 * time.Hour, Retries: 101, Backoff: -1, Breaker: modelspec.Breaker{Open: time.Second}}},
			{Name: "s", Direction: modelspec.In, Stateless: true, Produces: "e", Request: deep, Response: &modelspec.Schema{Ref: "#/$defs/none"}},
		},
		Publishes: []modelspec.EventDescriptor{{Type: "e"}, {Type: "e"}, {Type: strings.Repeat("x", 129)}},
	}
	_, err := modelspec.New(d, echo{})
	if modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Fatal(err)
	}
	want := []string{
		`model Order: its name is "Order": write a lower-case letter`, `plural: "order s"`, `endpoint: "/orders"`, `version: -1`,
		"field id: is the document's id: make it a string", "field /list: unique and index are for", "field /list/*/x: immutable and readonly need to know", "field /map/*: unique and index",
		`relation "Bad": write a name`, `relation r1: model "M"`, `relation r1: key "n": write the JSON name of a string field`, "relation r2: has no key",
		`relation r3: key "/a/b": write a JSON Pointer with one *`, `relation r4: cardinality "x"`,
		"port r2: a relation has that name too", "port service: the name is the host's", "port p: undo, await, fallback", "port p: policy: a handler acts",
		"port p: there are two of that name", `port p: on "a b"`, "port p: on e: twice", `port p: produces "?"`, "port p: stateless is for inbound", "port p: repeats -1",
		`port q: direction "sideways"`, "port q: policy: timeout 25h0m0s: write 0 to 24h", "port q: policy: retries 101", "port q: policy: backoff -1ns", "port q: policy: breaker.open without",
		"port s: produces e: an event goes out with a document", "port s: request: the schema is nested deeper than 32", `port s: response: $ref "#/$defs/none" leads nowhere`,
		"event e: is published twice", `event "xxx`,
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("not found: %s", w)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(want) {
		t.Errorf("%d mistakes, want %d:\n%v", n, len(want), err)
	}
}

func TestNewRefusesSchemas(t *testing.T) {
	for schema, want := range map[string]string{
		`{"properties":{"a":null}}`: "null is no schema", `{"type":"array"}`: "a document is an object", `{"type":"text"}`: "none of JSON's",
		`{"anyOf":[{"$ref":"#"},{"type":"null"}]}`:                                                                 "", // leads to itself: accepts nothing
		`{"anyOf":[{},{}]}`:                                                                                        "anyOf is understood as",
		`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`:                                                  "leads nowhere",
		`{"properties":{"a":{"enum":["` + strings.Repeat("x", 256<<10) + `"]}}}`:                                   "at most",
		`{"properties":{"a":{"items":{"$ref":"#/$defs/b"}}},"$defs":{"b":{"properties":{"c":{"readOnly":true}}}}}`: "immutable and readonly",
	} {
		var s modelspec.Schema
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		_, err := modelspec.New(modelspec.Descriptor{Name: "m", Schema: &s}, echo{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.80s: %v", schema, err)
		}
	}
	if _, err := modelspec.New(modelspec.Descriptor{Name: "m"}, nil); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
}

func TestPlurals(t *testing.T) {
	for name, want := range map[string]string{"order": "orders", "category": "categories", "day": "days", "box": "boxes", "bus": "buses", "quiz": "quizes", "match": "matches", "dish": "dishes", "y": "ys"} {
		s, err := modelspec.New(modelspec.Descriptor{Name: name}, echo{})
		if err != nil || s.Descriptor().Plural != want || s.Descriptor().Endpoint != want {
			t.Errorf("%s: %v %v", name, s, err)
		}
	}
	s, _ := modelspec.New(modelspec.Descriptor{Name: "person", Plural: "people", Endpoint: "staff"}, echo{})
	if d := s.Descriptor(); d.Plural != "people" || d.Endpoint != "staff" {
		t.Error(d)
	}
}

func TestSpecAnswersByName(t *testing.T) {
	type note struct{ Text string }
	noted := modelspec.Event[note]{Type: "order.noted"}
	m := orders
	m.Publishes = []modelspec.EventRef{noted, modelspec.EventName("audit.seen")}
	send := port.Outbound[order, port.None, port.None]{Name: "send", On: []modelspec.EventRef{orders.Created(), noted}, Request: func(*order) port.None { return port.None{} }}
	m.Ports = append([]modelspec.Port[order]{send}, m.Ports...)
	m.Relations = []modelspec.Relation[order]{modelspec.BelongsTo[order, customer]{Name: "customer", Model: "customer", Key: "customerId"}}
	s := specOf(t, m)
	if p := s.Port("send"); p == nil || p != s.Port("send") || s.Port("no") != nil || s.Consumers("order.noted")[0] != p || len(s.Consumers("order.created")) != 1 || s.Consumers("x") != nil {
		t.Error("ports")
	}
	if s.Relation("customer").Model != "customer" || s.Relation("no") != nil {
		t.Error("relations")
	}
	if !s.MayPublish("order.noted") || !s.MayPublish("audit.seen") || s.MayPublish("order.created") {
		t.Error("events")
	}
	if d := s.Descriptor(); d.Publishes[0].Schema == nil || d.Publishes[1].Schema != nil {
		t.Error("schemas of events")
	}
	if !s.Native() || s.Type().Name() != "order" {
		t.Error("type")
	}
	if again, err := s.Spec(); again != s || err != nil {
		t.Error("a Spec is its own Spec")
	}
	if r := overTheWire(t, s); r.Native() || r.Type() != nil || r.Port("send").On[1] != "order.noted" || !r.HasIndex("customerId") {
		t.Error("over the wire")
	}
}

func TestModelFindsAllMistakes(t *testing.T) {
	m := modelspec.Model[order]{
		Name:      "order",
		Ports:     []modelspec.Port[order]{nil, port.Command[order, port.None]{Name: "a"}, port.Outbound[order, port.None, port.None]{Name: "b"}},
		Relations: []modelspec.Relation[order]{nil, modelspec.BelongsTo[order, customer]{Name: "c", Model: "customer", Key: "custmerId"}},
		Publishes: []modelspec.EventRef{nil},
	}
	_, err := m.Spec()
	for _, want := range []string{"port 0 is nil", "port a: has no Handle", "port b: has no Request", "relation 0 is nil", `relation c: key "custmerId": modelspec_test.order has no string field with that JSON name: did you mean customerId?`, "event 0: is nil"} {
		if modelspec.CodeOf(err) != modelspec.ErrInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestOutward(t *testing.T) {
	type secret struct {
		Open string `json:"open"`
		Key  string `json:"key" aegis:"writeonly"`
	}
	type vault struct {
		ID   string            `json:"id"`
		PIN  string            `json:"pin" aegis:"writeonly"`
		One  *secret           `json:"one"`
		Many []secret          `json:"many"`
		Map  map[string]secret `json:"map"`
	}
	s := specOf(t, modelspec.Model[vault]{Name: "vault"})
	v := modelspec.Of(vault{"v", "1", &secret{"a", "b"}, []secret{{"c", "d"}, {}}, map[string]secret{"x": {"e", "f"}}})
	const want = `{"id":"v","one":{"open":"a"},"many":[{"open":"c"},{"open":""}],"map":{"x":{"open":"e"}}}`
	for _, s := range []*modelspec.Spec{s, overTheWire(t, s)} {
		if got, err := s.Outward(v); err != nil || string(got) != want {
			t.Errorf("%s %v", got, err)
		}
		got, err := s.Outward(modelspec.FromJSON([]byte(` { "new" : [ 1 , 2 ] , "pin" : "1" , "one" : null }`)))
		if err != nil || string(got) != `{"new" : [ 1 , 2 ],"one" : null}` {
			t.Errorf("%s %v", got, err)
		}
	}
	plain := specOf(t, orders)
	raw, _ := v.JSON()
	if got, _ := plain.Outward(v); &got[0] != &raw[0] {
		t.Error("copied though nothing is hidden")
	}
}

func TestKeep(t *testing.T) {
	type inner struct {
		Rev int    `json:"rev" aegis:"readonly"`
		A   string `json:"a"`
	}
	type doc struct {
		ID   string           `json:"id"`
		Rev  int              `json:"rev" aegis:"readonly"`
		PIN  string           `json:"pin" aegis:"writeonly"`
		In   inner            `json:"in"`
		Map  map[string]inner `json:"map"`
		Name string           `json:"name"`
	}
	s := specOf(t, modelspec.Model[doc]{Name: "doc"})
	prev := modelspec.Of(doc{"d", 7, "1", inner{3, "x"}, map[string]inner{"k": {4, "y"}}, "n"})
	for body, want := range map[string]string{
		`{}`:                                    `{"rev":7,"pin":"1"}`,
		`{"name":"m","pin":"2","in":{"a":"z"}}`: `{"name":"m","pin":"2","in":{"a":"z","rev":3},"rev":7}`,
		`{"map":{"k":{},"l":{}},"in":null}`:     `{"map":{"k":{"rev":4},"l":{}},"in":null,"rev":7,"pin":"1"}`,
	} {
		got, err := s.Keep(prev, json.RawMessage(body))
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v", body, got, err)
		}
	}
	if err := s.CheckInput(prev, modelspec.FromJSON([]byte(`{"rev":7,"in":{"rev":3}}`))); err != nil {
		t.Error(err)
	}
	if got := faults(t, s.CheckInput(nil, modelspec.Of(doc{Rev: 1}))); len(got) != 1 || !strings.HasPrefix(got[0], "/rev readonly") {
		t.Error(got)
	}
	body := json.RawMessage(`{"x":1}`)
	if got, _ := specOf(t, orders).Keep(prev, body); &got[0] != &body[0] {
		t.Error("copied though nothing is kept")
	}
}

func TestCheckID(t *testing.T) {
	for id, ok := range map[string]bool{"a": true, "A-z_0.9~:@": true, strings.Repeat("x", 128): true, "": false, strings.Repeat("x", 129): false, "a b": false, "a/b": false, "é": false} {
		if err := modelspec.CheckID(id); (err == nil) != ok || err != nil && !errors.Is(err, modelspec.ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
