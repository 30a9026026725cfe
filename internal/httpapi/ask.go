package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// parseArgument makes the argument of a port of a query, by its schema s: a
// parameter for each member, and an array's once for each element. Everything
// in it means something, or is refused. What has not the form that its type
// asks for is left as text, and the check of the argument tells of it together
// with all else that is wrong.
func parseArgument(s *modelspec.Schema, raw string) ([]byte, error) {
	terms, err := parseTerms(raw)
	if err != nil {
		return nil, err
	}
	top := resolve(s, s)
	out := newObject(len(raw) + 16)
	for _, name := range sorted(terms) {
		value, err := parseParameter(s, parameter(top, name), name, terms[name])
		if err != nil {
			return nil, err
		}
		out.add(appendString(nil, name), value)
	}
	return out.end(), nil
}

// parseTerms reads a query.
func parseTerms(raw string) (url.Values, error) {
	if len(raw) > maxQuery {
		return nil, badRequest("the query is over " + strconv.Itoa(maxQuery) + " bytes")
	}
	terms, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("the query is malformed: terms are field=value, joined by & and percent-encoded")
	}
	if len(terms) > maxTerms {
		return nil, badRequest("the query has over " + strconv.Itoa(maxTerms) + " terms")
	}
	return terms, nil
}

// parameter is the schema of a member: Never where there is no such member, and
// the zero one where anything goes.
func parameter(top *modelspec.Schema, name string) *modelspec.Schema {
	switch p := property(top, []byte(name)); {
	case p != nil:
		return p
	case isClosed(top):
		return &modelspec.Schema{Never: true}
	case top != nil && top.AdditionalProperties != nil:
		return top.AdditionalProperties
	}
	return &modelspec.Schema{}
}

func parseParameter(root, s *modelspec.Schema, name string, texts []string) ([]byte, error) {
	if s.Never || !utf8.ValidString(name) {
		return nil, badRequest("query: the request has no member " + clip(name))
	}
	for _, t := range texts {
		if len(t) > maxText || !utf8.ValidString(t) {
			return nil, badRequest("query: a value of " + clip(name) + " is over " + strconv.Itoa(maxText) + " bytes, or no UTF-8")
		}
	}
	s = resolve(root, s)
	if s == nil || isAlways(s, "object") {
		return nil, badRequest("query: " + clip(name) + " is no scalar and no array of scalars, so a query cannot say it: leave it out, or call the port with a body")
	}
	if !isAlways(s, "array") {
		if len(texts) != 1 {
			return nil, badRequest("query: " + clip(name) + " is given " + strconv.Itoa(len(texts)) + " times: once is enough")
		}
		return parseScalar(s, texts[0]), nil
	}
	if len(texts) > maxItems {
		return nil, badRequest("query: " + clip(name) + " is given over " + strconv.Itoa(maxItems) + " times")
	}
	items := &modelspec.Schema{}
	if s.Items != nil {
		items = resolve(root, s.Items)
	}
	if items == nil || isAlways(items, "object") || isAlways(items, "array") {
		return nil, badRequest("query: the elements of " + clip(name) + " are no scalars, so a query cannot say them: leave them out, or call the port with a body")
	}
	b := []byte{'['}
	for i, t := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, parseScalar(items, t)...)
	}
	return append(b, ']'), nil
}

// isAlways reports whether s accepts nothing but t and null.
func isAlways(s *modelspec.Schema, t string) bool {
	return slices.Contains(s.Type, t) && !slices.ContainsFunc(s.Type, func(o string) bool { return o != t && o != "null" })
}

// parseScalar writes text as JSON of the type of s: a string, wherever s takes
// one.
func parseScalar(s *modelspec.Schema, text string) []byte {
	number := slices.Contains(s.Type, "number") || slices.Contains(s.Type, "integer")
	switch {
	case s.Type.Has("string"):
	case number && isNumber(text), slices.Contains(s.Type, "boolean") && (text == "true" || text == "false"):
		return []byte(text)
	}
	return appendString(nil, text)
}

// isNumber reports what JSON calls a number.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return false
	}
	return modelspec.CheckJSON([]byte(s)) == nil
}
