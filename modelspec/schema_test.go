package modelspec_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

type tree []tree

func schemaJSON[T any](t *testing.T) string {
	t.Helper()
	s, err := modelspec.SchemaOf[T]()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := modelspec.SchemaOf[T]()
	if s != again {
		t.Error("derived twice")
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back modelspec.Schema
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if c, _ := json.Marshal(&back); string(c) != string(b) {
		t.Errorf("read back as %s", c)
	}
	return string(b)
}

func TestSchemaOf(t *testing.T) {
	type in struct {
		X int8 `json:"x" aegis:"min=1"`
	}
	for _, c := range []struct{ got, want string }{
		{schemaJSON[string](t), `{"type":"string"}`},
		{schemaJSON[*bool](t), `{"type":["boolean","null"]}`},
		{schemaJSON[any](t), `{}`},
		{schemaJSON[struct{}](t), `{"type":"object","additionalProperties":false}`},
		{schemaJSON[time.Time](t), `{"type":"string","format":"date-time"}`},
		{schemaJSON[time.Duration](t), `{"type":"integer","format":"int64"}`},
		{schemaJSON[json.Number](t), `{"type":"number"}`},
		{schemaJSON[json.RawMessage](t), `{}`},
		{schemaJSON[uid](t), `{"type":"string"}`},
		{schemaJSON[[]byte](t), `{"type":["string","null"],"contentEncoding":"base64"}`},
		{schemaJSON[[2]float32](t), `{"type":"array","items":{"type":"number"},"minItems":2,"maxItems":2}`},
		{schemaJSON[map[string]uint](t), `{"type":["object","null"],"additionalProperties":{"type":"integer","format":"uint64","minimum":0}}`},
		{schemaJSON[tree](t), `{"type":["array","null"],"items":{"$ref":"#"}}`},
		{schemaJSON[in](t), `{"type":"object","properties":{"x":{"type":"integer","format":"int32","minimum":1,"maximum":127}}}`},
		{schemaJSON[struct {
			A string  `json:"a" aegis:"required,unique,format=uuid"`
			B *string `json:"b" aegis:"required,minlen=2"`
			C []in    `json:"c" aegis:"required,maxlen=3"`
			D any     `aegis:"required"`
			E int     `json:",string" aegis:"immutable"`
			F *int    `json:"f" aegis:"oneof=1|2"`
			G string  `json:"g" aegis:"readonly,oneof=p|q"`
		}](t), `{"type":"object","properties":{"D":{"type":["string","number","boolean","object","array"]},"E":{"type":"string","default":"0","x-immutable":true},` +
			`"a":{"type":"string","format":"uuid","minLength":1,"x-unique":true},"b":{"type":"string","minLength":2},` +
			`"c":{"type":"array","items":{"type":"object","properties":{"x":{"type":"integer","format":"int32","minimum":1,"maximum":127}}},"minItems":1,"maxItems":3},` +
			`"f":{"type":["integer","null"],"format":"int64","enum":[1,2,null]},"g":{"type":"string","enum":["p","q",""],"readOnly":true}},"required":["a","b","c","D"]}`},
		{schemaJSON[node](t), `{"type":"object","properties":{"byName":{"type":["object","null"],"additionalProperties":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},` +
			`"children":{"type":["array","null"],"items":{"$ref":"#"}},"left":{"anyOf":[{"$ref":"#"},{"type":"null"}]},"name":{"type":"string"}}}`},
		{schemaJSON[struct {
			Root node `json:"root"`
			T    tree `json:"t"`
			Also node `json:"also"`
		}](t), `{"type":"object","properties":{"also":{"$ref":"#/$defs/node"},"root":{"$ref":"#/$defs/node"},"t":{"$ref":"#/$defs/tree"}},"$defs":{"node":{"type":"object",` +
			`"properties":{"byName":{"type":["object","null"],"additionalProperties":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},"children":{"type":["array","null"],` +
			`"items":{"$ref":"#/$defs/node"}},"left":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]},"name":{"type":"string"}}},"tree":{"type":["array","null"],"items":{"$ref":"#/$defs/tree"}}}}`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

// encoding/json decides what the members are; the schema follows.
func TestSchemaHasTheMembersOfTheJSON(t *testing.T) {
	type a struct{ X, Y, Z int }
	type b struct {
		X int
		Y int `json:"Y"`
	}
	type v struct {
		a
		b
		Z     string
		Dash  int `json:"-,"`
		Bad   int `json:"a\"b"`
		Skip  int `json:"-"`
		inner int
	}
	raw, _ := json.Marshal(v{})
	var members map[string]any
	json.Unmarshal(raw, &members)
	s, err := modelspec.SchemaOf[v]()
	if err != nil {
		t.Fatal(err)
	}
	for name := range members {
		if s.Properties[name] == nil {
			t.Errorf("%s is in %s, but not in the schema", name, raw)
		}
	}
	if len(members) != len(s.Properties) {
		t.Errorf("%s: the schema has %d members", raw, len(s.Properties))
	}
}

func TestTags(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errOf[struct {
			A string `aegis:"requierd"`
		}](), "requierd is not known: did you mean required?"},
		{errOf[struct {
			A []struct {
				B string `aegis:"min_len=3"`
			}
		}](), "field B: aegis tag: min_len=3 is not known: did you mean minlen=?"},
		{errOf[struct {
			A string `aegis:"xyz"`
		}](), "xyz is not known"},
		{errOf[struct {
			A string `aegis:"format=emial"`
		}](), "did you mean email?: the formats are email, uuid, uri, date-time"},
		{errOf[struct {
			A string `aegis:"min=3"`
		}](), "for lengths write minlen"},
		{errOf[struct {
			A int `aegis:"min=x"`
		}](), "a number is wanted"},
		{errOf[struct {
			A int `aegis:"min=NaN"`
		}](), "a number is wanted"},
		{errOf[struct {
			A string `aegis:"minlen=-1"`
		}](), "a number from 0 is wanted"},
		{errOf[struct {
			A string `aegis:"minlen=3,maxlen=2"`
		}](), "the minimum is over the maximum"},
		{errOf[struct {
			A bool `aegis:"oneof=a"`
		}](), "oneof is for strings and numbers"},
		{errOf[struct {
			A int `aegis:"oneof=a"`
		}](), "a is no number"},
		{errOf[struct {
			A int `aegis:"format=uri"`
		}](), "format is for strings"},
		{errOf[struct {
			A []string `aegis:"index"`
		}](), "unique and index are for"},
		{errOf[struct {
			A int `json:",string" aegis:"index"`
		}](), "unique and index are for"},
		{errOf[struct {
			A string `aegis:"readonly,writeonly"`
		}](), "nobody could use it"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
}

func errOf[T any]() error { _, err := modelspec.SchemaOf[T](); return err }
