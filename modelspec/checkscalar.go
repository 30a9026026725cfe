package modelspec

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// typed reports whether the JSON value v is of one of the types.
func typed(types Types, v []byte) bool {
	if len(types) == 0 {
		return true
	}
	for _, t := range types {
		switch t {
		case "null":
			if v[0] == 'n' {
				return true
			}
		case "boolean":
			if v[0] == 't' || v[0] == 'f' {
				return true
			}
		case "string":
			if v[0] == '"' {
				return true
			}
		case "object":
			if v[0] == '{' {
				return true
			}
		case "array":
			if v[0] == '[' {
				return true
			}
		case "number":
			if isNumber(v) {
				return true
			}
		case "integer":
			if isNumber(v) && !bytes.ContainsAny(v, ".eE") {
				return true
			}
		}
	}
	return false
}

func isNumber(v []byte) bool { return v[0] == '-' || v[0]-'0' < 10 }

func kindName(v []byte) string {
	if len(v) == 0 {
		return "nothing"
	}
	switch v[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	if bytes.ContainsAny(v, ".eE") {
		return "a number with a fraction or an exponent"
	}
	return "a number"
}

func wanted(types Types) string {
	var out []string
	for _, t := range types {
		switch t {
		case "null":
		case "object", "array", "integer":
			out = append(out, "an "+t)
		default:
			out = append(out, "a "+t)
		}
	}
	if len(out) == 0 {
		return "null"
	}
	return strings.Join(out, " or ")
}

func (c *checker) text(s *Schema, v []byte) {
	if s.MinLength == nil && s.MaxLength == nil && s.Format == "" && s.ContentEncoding == "" {
		return
	}
	l := limits{minlen: s.MinLength, maxlen: s.MaxLength, unit: "characters"}
	if s.Format == "" && s.ContentEncoding == "" && bytes.IndexByte(v, '\\') < 0 {
		if f, ok := l.length(utf8.RuneCount(v) - 2); !ok {
			c.fail(f)
		}
		return
	}
	text, _ := stringOf(v)
	if s.ContentEncoding == "base64" {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			c.fail(FieldError{Rule: ruleFormat, Detail: "must be base64 (RFC 4648, section 4)"})
			return
		}
		l.unit = "bytes"
		if f, ok := l.length(len(b)); !ok {
			c.fail(f)
		}
		return
	}
	if f, ok := l.text(text); !ok {
		c.fail(f)
		return
	}
	if s.Format != "" && !formatted(s.Format, text) {
		c.fail(badFormat(s.Format))
	}
}

func (c *checker) number(s *Schema, v []byte) {
	switch s.Format {
	case "int64", "int32":
		if _, err := strconv.ParseInt(string(v), 10, 64); err != nil {
			c.fail(FieldError{Rule: ruleType, Detail: "must fit in 64 bits"})
			return
		}
	case "uint64":
		if _, err := strconv.ParseUint(strings.TrimPrefix(string(v), "-"), 10, 64); err != nil {
			c.fail(FieldError{Rule: ruleType, Detail: "must fit in 64 bits"})
			return
		}
	}
	n, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		c.fail(FieldError{Rule: ruleType, Detail: "must fit in a 64-bit float"})
		return
	}
	l := limits{min: s.Minimum, max: s.Maximum}
	if f, ok := l.number(n); !ok {
		c.fail(f)
	}
}

// listed reports whether v is one of the values of an enum.
func listed(enum []any, v []byte) bool {
	for _, e := range enum {
		switch e := e.(type) {
		case nil:
			if v[0] == 'n' {
				return true
			}
		case string:
			if s, ok := stringOf(v); ok && s == e {
				return true
			}
		case bool:
			if string(v) == strconv.FormatBool(e) {
				return true
			}
		case float64:
			if n, err := strconv.ParseFloat(string(v), 64); err == nil && n == e {
				return true
			}
		case json.Number:
			if isNumber(v) && sameNumber(v, []byte(e)) {
				return true
			}
		}
	}
	return false
}
