package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

const controls = "__sort, __limit and __cursor"

// parseList reads the query of a list. Everything in it means something, or is
// refused: a term that were ignored would show documents nobody asked for.
func (m *resource) parseList(raw string) (flow.ListRequest, error) {
	q := flow.ListRequest{Model: m.name}
	terms, err := parseTerms(raw)
	if err != nil {
		return q, err
	}
	for _, name := range sorted(terms) {
		if err := m.addTerm(&q, name, terms[name]); err != nil {
			return q, err
		}
	}
	return q, nil
}

func (m *resource) addTerm(q *flow.ListRequest, name string, values []string) error {
	if len(values) != 1 {
		return badRequest("query: " + clip(name) + " is given " + strconv.Itoa(len(values)) + " times: once is enough")
	}
	text := values[0]
	limit := maxText
	if name == "__cursor" {
		limit = maxCursor
	}
	if len(text) > limit || !utf8.ValidString(text) {
		return badRequest("query: the value of " + clip(name) + " is over " + strconv.Itoa(limit) + " bytes, or no UTF-8")
	}
	switch name {
	case "__limit":
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return badRequest("query: __limit must be 1 to " + strconv.Itoa(maxPage))
		}
		q.Limit = n
		return nil
	case "__cursor":
		if text == "" {
			return badRequest("query: __cursor is empty: take it from next of the page before, or leave it out")
		}
		q.Cursor = text
		return nil
	case "__sort":
		return m.addSort(q, text)
	}
	return m.addEqual(q, name, text)
}

func (m *resource) addSort(q *flow.ListRequest, text string) error {
	if field := strings.TrimPrefix(text, "-"); field != "id" {
		if err := m.checkField("__sort="+text, field); err != nil {
			return err
		}
	}
	q.Sort = text
	return nil
}

func (m *resource) addEqual(q *flow.ListRequest, name, text string) error {
	if strings.HasPrefix(name, "__") {
		return badRequest("query: " + clip(name) + " is unknown: there are " + controls)
	}
	if field, op, ok := strings.Cut(name, "__"); ok && !slices.Contains(m.visible, name) {
		return badRequest("query: " + clip(field) + " has no operator " + clip(op) + ": there is equality, field=value")
	}
	if err := m.checkField(name, name); err != nil {
		return err
	}
	if _, err := m.spec.KeyFor(name, text); err != nil {
		return badRequest("query: " + name + "=" + clip(text) + ": " + modelspec.AsError(err).Error())
	}
	if q.Equal == nil {
		q.Equal = map[string]string{}
	}
	q.Equal[name] = text
	return nil
}

// checkField refuses a field that has no index, or that clients cannot read:
// whoever could compare with a write-only field could guess it.
func (m *resource) checkField(term, field string) error {
	visible := slices.Contains(m.visible, field)
	if visible && m.spec.HasIndex(field) {
		return nil
	}
	detail := "query: " + clip(term) + ": " + m.name + " has no field " + clip(field)
	if visible {
		detail = "query: " + clip(term) + ": " + field + ` has no index: add aegis:"index" to it`
	}
	var indexed []string
	for _, name := range m.visible {
		if m.spec.HasIndex(name) {
			indexed = append(indexed, name)
		}
	}
	return badRequest(detail + "; there are " + strings.Join(append(indexed, controls), ", "))
}

// visible returns the names of the scalars at the top of a document that
// clients can read, sorted.
func visible(root *modelspec.Schema) (names []string) {
	top := resolve(root, root)
	if top == nil {
		return nil
	}
	for _, name := range sorted(top.Properties) {
		p := top.Properties[name]
		target := resolve(root, p)
		if target == nil || p.WriteOnly || target.WriteOnly {
			continue
		}
		if !slices.Contains(target.Type, "object") && !slices.Contains(target.Type, "array") {
			names = append(names, name)
		}
	}
	return names
}

// nextPage is the path and query of the page after u's.
func nextPage(u *url.URL, cursor string) string {
	q := u.Query()
	q.Set("__cursor", cursor)
	return u.EscapedPath() + "?" + q.Encode()
}
