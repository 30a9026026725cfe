package modelspec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
)

type ticket struct {
	ID     string                `json:"id"`
	Title  string                `json:"title" aegis:"required,maxlen=10"`
	Done   bool                  `json:"done" aegis:"required"`
	Mail   string                `json:"mail" aegis:"format=email"`
	Level  int64                 `json:"level" aegis:"min=1,max=3"`
	Small  uint8                 `json:"small"`
	Kind   string                `json:"kind" aegis:"oneof=bug|idea"`
	Rev    int                   `json:"rev" aegis:"required,readonly"`
	Secret string                `json:"secret" aegis:"writeonly"`
	Owner  struct{ Name string } `json:"owner"`
	Steps  []struct {
		What string `json:"what" aegis:"required"`
	} `json:"steps" aegis:"maxlen=2"`
	Labels map[string]int `json:"labels"`
	Blob   []byte         `json:"blob" aegis:"maxlen=2"`
	Next   *ticket        `json:"next"`
}

func TestCheckBody(t *testing.T) {
	s, err := modelspec.SchemaOf[ticket]()
	if err != nil {
		t.Fatal(err)
	}
	const ok = `"title":"t","done":false`
	for _, c := range []struct {
		mode modelspec.Mode
		body string
		want []string
	}{
		{modelspec.ModeCreate, `{` + ok + `}`, nil},
		{modelspec.ModeCreate, ` {` + ok + `,"mail":"","kind":"","steps":null,"labels":null,"blob":null,"next":null} `, nil},
		{modelspec.ModeReplace, `{` + ok + `,"steps":[{"what":"a"}],"labels":{"x":1},"secret":"s","blob":"AQI="}`, nil},
		{modelspec.ModePatch, `{}`, nil},
		{modelspec.ModePatch, `{"level":null,"owner":{"Name":null},"labels":{"x":null}}`, nil},
		{modelspec.ModeArgument, `{` + ok + `,"id":"","rev":1}`, nil},
		{modelspec.ModeCreate | modelspec.AllowID, `{` + ok + `,"id":"a:b"}`, nil},
		{modelspec.ModeCreate, `{}`, []string{"/title required", "/done required"}},
		{modelspec.ModeReplace, `{}`, []string{"/title required", "/done required"}},
		{modelspec.ModeArgument, `{}`, []string{"/title required", "/done required", "/rev required"}},
		{modelspec.ModeCreate, `{` + ok + `,"id":"a"}`, []string{"/id readonly"}},
		{modelspec.ModePatch, `{"id":"a"}`, []string{"/id readonly"}},
		{modelspec.ModeCreate | modelspec.AllowID, `{` + ok + `,"id":"a b"}`, []string{"/id format"}},
		{modelspec.ModeCreate | modelspec.AllowID, `{` + ok + `,"id":7}`, []string{"/id type"}},
		{modelspec.ModePatch, `{"title":null,"done":null}`, []string{"/title required", "/done required"}},
		{modelspec.ModePatch, `{"rev":2}`, []string{"/rev readonly"}},
		{modelspec.ModeReplace, `{` + ok + `,"rev":null}`, []string{"/rev readonly"}},
		{modelspec.ModeCreate, `{"title":"","done":null}`, []string{"/title required", "/done required"}},
		{modelspec.ModeCreate, `{"title":"01234567890","done":0}`, []string{"/title maxlen", "/done type"}},
		{modelspec.ModeCreate, `{"title":"éééééééééé","done":true,"level":0,"mail":"x","kind":"bgu"}`, []string{"/level min", "/mail format", "/kind oneof"}},
		{modelspec.ModeCreate, `{` + ok + `,"level":1.0,"small":256}`, []string{"/level type", "/small max"}},
		{modelspec.ModeCreate, `{` + ok + `,"level":9223372036854775808}`, []string{"/level type"}},
		{modelspec.ModeCreate, `{` + ok + `,"steps":[{"what":"a","x":1},{}]}`, []string{"/steps/0/x unknown", "/steps/1/what required"}},
		{modelspec.ModePatch, `{"steps":[{}]}`, []string{"/steps/0/what required"}},
		{modelspec.ModeCreate, `{` + ok + `,"steps":[{},{},{}],"blob":"AQIDBA=="}`, []string{"/steps maxlen", "/blob maxlen"}},
		{modelspec.ModeCreate, `{` + ok + `,"blob":"*"}`, []string{"/blob format"}},
		{modelspec.ModeCreate, `{` + ok + `,"labels":{"a/b":"x"},"owner":[]}`, []string{"/labels/a~1b type", "/owner type"}},
		{modelspec.ModeCreate, `{` + ok + `,"next":{"next":{"title":1}}}`, []string{"/next/next/title type", "/next/next/done required", "/next/title required", "/next/done required"}},
		{modelspec.ModeCreate, `{"Title":"t","done":true}`, []string{"/Title unknown", "/title required"}},
		{modelspec.ModeCreate, `[]`, []string{" type"}},
		{modelspec.ModePatch, `null`, []string{" type"}},
		{modelspec.ModeCreate, `{"title"`, []string{" json"}},
		{modelspec.ModeCreate, ``, []string{" json"}},
		{modelspec.ModeCreate, `{"done":true,"done":false}`, []string{"/done json"}},
	} {
		err := s.CheckBody([]byte(c.body), c.mode)
		var got []string
		if e, _ := errors.AsType[*modelspec.Error](err); e != nil {
			if e.Code != modelspec.ErrInvalid {
				t.Errorf("%s: %v", c.body, e.Code)
			}
			for _, f := range e.Fields {
				got = append(got, f.Pointer+" "+f.Rule)
				if f.Detail == "" {
					t.Errorf("%s: %v has no detail", c.body, f)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("mode %d %s:\ngot  %q\nwant %q", c.mode, c.body, got, c.want)
		}
	}
}

func TestCheckBodySuggests(t *testing.T) {
	s, _ := modelspec.SchemaOf[ticket]()
	err := s.CheckBody([]byte(`{"titel":"t","title":"t","done":true}`), modelspec.ModeCreate)
	if err == nil || !strings.Contains(err.Error(), "/titel unknown (there is no such member: did you mean title?)") {
		t.Error(err)
	}
}

func TestCheckBodyStopsAt32(t *testing.T) {
	s, _ := modelspec.SchemaOf[ticket]()
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, `"x%d":0,`, i)
	}
	err := s.CheckBody([]byte("{"+b.String()+`"z":0}`), modelspec.ModeCreate)
	if e, _ := errors.AsType[*modelspec.Error](err); e == nil || len(e.Fields) != 32 {
		t.Errorf("%v", err)
	}
}

func FuzzCheckBody(f *testing.F) {
	for _, b := range []string{`{"title":"t","done":false,"next":{"steps":[{"what":""}]}}`, `{"blob":"=","labels":{"":1}}`, `[]`, `{"next":null,"level":-0e0}`} {
		f.Add([]byte(b), 0)
		f.Add([]byte(b), 2)
	}
	s, err := modelspec.SchemaOf[ticket]()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte, mode int) {
		err := s.CheckBody(b, modelspec.Mode(mode))
		if e, _ := errors.AsType[*modelspec.Error](err); err != nil && (e == nil || len(e.Fields) == 0 || len(e.Fields) > 32) {
			t.Fatalf("%v", err)
		}
		// What is accepted as a whole document can be read as one.
		if err == nil && (mode == 0 || mode == 1) {
			if err := json.Unmarshal(b, new(ticket)); err != nil {
				t.Fatalf("%q accepted: %v", b, err)
			}
		}
	})
}

func FuzzSchema(f *testing.F) {
	for _, s := range []string{`{"properties":{"a":{"$ref":"#"}},"anyOf":[{"$ref":"#"},{"type":"null"}]}`, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`, `{"properties":{"a":null}}`, `{"enum":[1,"a",null,true,{}],"required":["a"],"items":false,"x-immutable":true}`} {
		f.Add([]byte(s), []byte(`{"a":{"a":[1,null]}}`))
	}
	f.Fuzz(func(t *testing.T, schema, doc []byte) {
		var s modelspec.Schema
		if json.Unmarshal(schema, &s) != nil {
			return
		}
		s.CheckBody(doc, modelspec.ModeArgument)
		spec, err := modelspec.New(modelspec.Descriptor{Name: "m", Schema: &s}, echo{})
		if err != nil || modelspec.CheckJSON(doc) != nil {
			return
		}
		v := modelspec.FromJSON(doc)
		spec.Handle(t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "i", Prev: v, Doc: v})
		spec.CheckInput(v, v)
		spec.Index(v)
		spec.Keep(v, doc)
		if out, err := spec.Outward(v); err == nil && !json.Valid(out) {
			t.Fatalf("%q became %q", doc, out)
		}
	})
}
