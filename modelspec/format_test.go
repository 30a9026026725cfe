package modelspec_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/org/aegis/modelspec"
)

func TestFormats(t *testing.T) {
	for format, values := range map[string]map[string]bool{
		"email":     {"": true, "a@b": true, "a.b+c@d.example": true, "é@ü.example": true, "a": false, "@b": false, "a@": false, "a@b@c": false, "a b@c": false, "a@.c": false, "a@c.": false, "a@b..c": false, "<a@b>": false, strings.Repeat("x", 250) + "@abcd": false},
		"uuid":      {"": true, "00000000-0000-0000-0000-000000000000": true, "01234567-89ab-CDEF-0123-456789abcdef": true, "01234567-89ab-cdef-0123-456789abcdeg": false, "0123456789abcdef0123456789abcdef": false, "01234567+89ab-cdef-0123-456789abcdef": false, "01234567-89ab-cdef-0123-456789abcde-": false},
		"uri":       {"": true, "https://example.com/a?b#c": true, "urn:x:1": true, "h2+x.-:/": true, "example.com": false, ":x": false, "http:": false, "1http:x": false, "ht_tp:x": false, "http:a b": false, "http:é": false, "http:<a>": false},
		"date-time": {"": true, "2006-01-02T15:04:05Z": true, "2006-01-02T15:04:05.123456789+07:00": true, "2006-01-02": false, "2006-13-02T15:04:05Z": false, "now": false},
		"color":     {"anything": true},
	} {
		s := &modelspec.Schema{Type: modelspec.Types{"string"}, Format: format}
		for v, ok := range values {
			b, _ := json.Marshal(v)
			if err := s.CheckBody(b, modelspec.ModeArgument); (err == nil) != ok {
				t.Errorf("%s %q: %v", format, v, err)
			}
		}
	}
}

// Schemas that came over a wire hold what encoding/json makes of them.
func TestForeignSchemas(t *testing.T) {
	for schema, values := range map[string]map[string]bool{
		`{"enum":[1,9007199254740993,"a",null,true]}`:                {"1": true, "1.0": true, "9007199254740993": true, "9007199254740992": false, `"a"`: true, `"\u0061"`: true, `"b"`: false, "null": true, "true": true, "false": false, "[]": false},
		`{"type":["number","null"],"maximum":1.5}`:                   {"1": true, "1.5": true, "2": false, "1e400": false, "null": true, `""`: false},
		`{"type":"integer","format":"uint64"}`:                       {"18446744073709551615": true, "18446744073709551616": false, "-0": true, "1.5": false},
		`{"properties":{"a":true,"b":false}}`:                        {`{"a":[]}`: true, `{"b":1}`: false, `{"c":1}`: false, `{}`: true, "7": true},
		`{"type":"object","additionalProperties":{"minLength":2}}`:   {`{"x":"ab","y":7}`: true, `{"x":"a"}`: false, `{"x":"\u00e9\u00e9"}`: true, `{"x":"\u00e9"}`: false},
		`{"type":"object"}`:                                          {`{"x":1}`: true},
		`{"items":{"type":"string"},"minItems":1}`:                   {`["a"]`: true, `[]`: false, `[1]`: false},
		`{"type":"string","contentEncoding":"base64","minLength":2}`: {`"AQI="`: true, `"AQ=="`: false},
	} {
		var s modelspec.Schema
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		for v, ok := range values {
			if err := s.CheckBody([]byte(v), modelspec.ModeArgument); (err == nil) != ok {
				t.Errorf("%s %s: %v", schema, v, err)
			}
		}
	}
	if !(modelspec.Types{}).Has("string") || (modelspec.Types{"null"}).Has("string") {
		t.Error("Has")
	}
	var wide modelspec.Schema
	var body strings.Builder
	for i := range 70 {
		name := strings.Repeat("x", i+1)
		wide.Required = append(wide.Required, name)
		body.WriteString(`"` + name + `":1,`)
	}
	wide.AdditionalProperties = &modelspec.Schema{}
	if err := wide.CheckBody([]byte("{"+body.String()+`"y":1}`), modelspec.ModeArgument); err != nil {
		t.Error(err)
	}
	if err := wide.CheckBody([]byte("{"+strings.Replace(body.String(), `"`+strings.Repeat("x", 70)+`"`, `"z"`, 1)+`"y":1}`), modelspec.ModeArgument); err == nil {
		t.Error("the 70th required member may be missing")
	}
}
