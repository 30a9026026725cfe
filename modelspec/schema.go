package modelspec

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Schema is a JSON Schema, in the subset of draft 2020-12 that a host
// understands (https://json-schema.org/draft/2020-12). Keywords that are not
// listed here are ignored when a schema is read. The zero Schema accepts
// anything. A Schema is read-only once it has been handed on.
//
// $ref is "#" for the root, or "#/$defs/<name>" for an entry of the root's
// Defs; both may refer back to what they are in.
type Schema struct {
	Type                 Types              `json:"type,omitempty"`
	Format               string             `json:"format,omitempty"`
	Title                string             `json:"title,omitempty"`
	Description          string             `json:"description,omitempty"`
	ContentEncoding      string             `json:"contentEncoding,omitempty"`
	Properties           map[string]*Schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties *Schema            `json:"additionalProperties,omitempty"`
	Items                *Schema            `json:"items,omitempty"`
	AnyOf                []*Schema          `json:"anyOf,omitempty"` // a schema and {"type":"null"}: one that may be null
	Enum                 []any              `json:"enum,omitempty"`
	Minimum              *float64           `json:"minimum,omitempty"`
	Maximum              *float64           `json:"maximum,omitempty"`
	MinLength            *int               `json:"minLength,omitempty"`
	MaxLength            *int               `json:"maxLength,omitempty"`
	MinItems             *int               `json:"minItems,omitempty"`
	MaxItems             *int               `json:"maxItems,omitempty"`
	MinProperties        *int               `json:"minProperties,omitempty"`
	MaxProperties        *int               `json:"maxProperties,omitempty"`
	Default              json.RawMessage    `json:"default,omitempty"`
	ReadOnly             bool               `json:"readOnly,omitempty"`
	WriteOnly            bool               `json:"writeOnly,omitempty"`
	Immutable            bool               `json:"x-immutable,omitempty"`
	Unique               bool               `json:"x-unique,omitempty"`
	Index                bool               `json:"x-index,omitempty"`
	Ref                  string             `json:"$ref,omitempty"`
	Defs                 map[string]*Schema `json:"$defs,omitempty"`
	// Never is the schema false, which accepts nothing.
	Never bool `json:"-"`
}

// Types are the JSON types that a schema accepts; none accepts all. One type
// is written as a string, more as an array.
type Types []string

// Has reports whether t names the type, or accepts all.
func (t Types) Has(name string) bool { return len(t) == 0 || slices.Contains(t, name) }

// MarshalJSON writes one type as a string and more as an array.
func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

// UnmarshalJSON reads a string or an array of strings.
func (t *Types) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = make(Types, 1)
		return json.Unmarshal(b, &(*t)[0])
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// bare is a Schema without its methods.
type bare Schema

// MarshalJSON writes s as JSON Schema.
func (s *Schema) MarshalJSON() ([]byte, error) {
	if s.Never {
		return []byte("false"), nil
	}
	return json.Marshal((*bare)(s))
}

// UnmarshalJSON reads an object, or true or false. Numbers in Enum are kept as
// json.Number.
func (s *Schema) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		*s = Schema{}
		return nil
	case "false":
		*s = Schema{Never: true}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*bare)(s))
}

// resolve follows the reference of s, in root. What cannot be followed accepts
// nothing; New refuses such a schema.
func (s *Schema) resolve(root *Schema) *Schema {
	for n := 0; s != nil && s.Ref != ""; n++ {
		if n > maxDepth {
			return nothing()
		}
		if s.Ref == "#" {
			return root
		}
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		if s = root.Defs[name]; !ok || s == nil {
			return nothing()
		}
	}
	if s == nil {
		return nothing()
	}
	return s
}

func nothing() *Schema { return &Schema{Never: true} }

// null reports whether s accepts null only.
func (s *Schema) null() bool { return s != nil && slices.Equal(s.Type, Types{"null"}) }

// inner returns the schema behind s that describes values other than null.
func (s *Schema) inner(root *Schema) *Schema {
	for range maxDepth {
		if s = s.resolve(root); len(s.AnyOf) == 0 {
			return s
		}
		next := s.AnyOf[0]
		if next.null() && len(s.AnyOf) > 1 {
			next = s.AnyOf[1]
		}
		s = next
	}
	return nothing()
}
