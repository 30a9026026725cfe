package modelspec_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type address struct {
	City string `json:"city"`
}

type parcel struct {
	ID    string    `json:"id"`
	To    address   `json:"to"`
	From  *address  `json:"from,omitempty"`
	Stops []address `json:"stops,omitempty"`
	N     int       `json:"n"`
}

var parcels = modelspec.Model[parcel]{Name: "parcel", Ports: []modelspec.Port[parcel]{
	port.Command[parcel, port.None]{Name: "count", Handle: func(p *parcel, _ context.Context, _ port.None) error { p.N++; return nil }},
	port.Command[parcel, port.None]{Name: "drop", Handle: func(p *parcel, _ context.Context, _ port.None) error { p.From = nil; return nil }},
}}

// A document written by a newer version of the type.
const newer = `{"id":"p1", "giftNote" : {"a": [1,2]} ,"to":{"city":"Rome","geo":{"lat":1.50}},"from":{"zip":"1","city":"Bari"},"stops":[{"city":"x","t":1}],"n":1,"\u00e9":"<é>"}`

func run(t *testing.T, s *modelspec.Spec, p string, doc *modelspec.Value) *modelspec.Value {
	t.Helper()
	r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpInvoke, Port: p, ID: "p1", Doc: doc, Arg: modelspec.FromJSON([]byte("{}"))})
	if err != nil {
		t.Fatal(err)
	}
	return r.Doc
}

func expect(t *testing.T, v *modelspec.Value, want string) {
	t.Helper()
	got, err := v.JSON()
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestUnknownMembersSurvive(t *testing.T) {
	s, err := parcels.Spec()
	if err != nil {
		t.Fatal(err)
	}
	const gift, eAcute = `"giftNote" : {"a": [1,2]}`, `"\u00e9":"<é>"`
	after := func(n, from string) string {
		return `{"id":"p1","to":{"city":"Rome","geo":{"lat":1.50}},` + from + `"stops":[{"city":"x"}],"n":` + n + `,` + gift + `,` + eAcute + `}`
	}
	const from = `"from":{"city":"Bari","zip":"1"},`
	one := run(t, s, "count", modelspec.FromJSON([]byte(newer)))
	expect(t, one, after("2", from))
	expect(t, run(t, s, "count", one), after("3", from)) // from the Go value
	read := modelspec.FromJSON([]byte(newer))
	if _, err := modelspec.As[parcel](read); err != nil { // decoded before
		t.Fatal(err)
	}
	for range 2 {
		expect(t, run(t, s, "count", read), after("2", from))
	}
	expect(t, run(t, s, "drop", one), after("2", ""))

	p, held, err := modelspec.Own[parcel](one)
	if err != nil {
		t.Fatal(err)
	}
	p.N = 9
	expect(t, held, after("9", from))

	// A typed replacement knows nothing of them, so they stay; in JSON it is
	// the text that says what there is.
	r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "p1", Prev: one, Doc: modelspec.Of(*p)})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r.Doc, after("9", from))
	r, err = s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "p1", Prev: one, Doc: modelspec.FromJSON([]byte(`{"n":4}`))})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, r.Doc, `{"id":"p1","to":{"city":""},"n":4}`)
}

func TestUnknownMembersOfAnotherType(t *testing.T) {
	type next struct {
		ID   string `json:"id"`
		N    int    `json:"n"`
		Note string `json:"note"`
	}
	s, _ := parcels.Spec()
	expect(t, run(t, s, "count", modelspec.Of(next{"p1", 1, "new"})), `{"id":"p1","to":{"city":""},"n":2,"note":"new"}`)
}

func FuzzCarry(f *testing.F) {
	f.Add([]byte(newer))
	f.Add([]byte(`{"TO":{"x":1},"ID":"a","":{}}`))
	f.Add([]byte(`{"from":null,"to":{"":""}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var want map[string]any
		if modelspec.CheckJSON(b) != nil || json.Unmarshal(b, &want) != nil {
			return
		}
		_, held, err := modelspec.Own[parcel](modelspec.FromJSON(b))
		if err != nil {
			return
		}
		raw, err := held.JSON()
		var got map[string]any
		if err != nil || modelspec.CheckJSON(raw) != nil || json.Unmarshal(raw, &got) != nil {
			t.Fatalf("%q became %q, %v", b, raw, err)
		}
		known := reflect.ValueOf(parcel{})
		for name, v := range want {
			if _, ok := got[name]; !ok && known.FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, name) }).IsValid() {
				continue
			} else if v != nil && !ok {
				t.Fatalf("%q: %s is lost in %q", b, name, raw)
			}
		}
		_, twice, err := modelspec.Own[parcel](held)
		again, err2 := twice.JSON()
		if err != nil || err2 != nil || string(again) != string(raw) {
			t.Fatalf("%q became %q", raw, again)
		}
	})
}
