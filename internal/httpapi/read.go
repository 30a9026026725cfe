package httpapi

import (
	"context"
	"net/http"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// find answers GET of a document.
func (m *resource) find(ctx context.Context, x *exchange) error {
	e, err := x.h.cfg.Backend.Get(ctx, m.name, x.id)
	if err != nil {
		return err
	}
	p, err := x.t.page(m, e)
	if err != nil {
		return err
	}
	if notModified(x.r.Header, p.etag) {
		x.unchanged(p, e.Generation)
		return nil
	}
	x.document(http.StatusOK, p, e.Generation)
	return nil
}

// list answers GET of a model's documents.
func (m *resource) list(ctx context.Context, x *exchange) error {
	q, err := m.parseList(x.r.URL.RawQuery)
	if err != nil {
		return err
	}
	page, err := x.h.cfg.Backend.List(ctx, q)
	if modelspec.CodeOf(err) == modelspec.ErrInvalid {
		return &failure{status: http.StatusBadRequest, err: err} // a cursor, say
	}
	if err != nil {
		return err
	}
	body := append(make([]byte, 0, 256*(len(page.Entries)+1)), `{"data":[`...)
	for i, e := range page.Entries {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = m.shape.render(body, m.spec, e); err != nil {
			return err
		}
	}
	body = append(body, ']')
	if page.Next != "" {
		body = appendString(append(body, `,"next":`...), page.Next)
		x.w.Header().Set("Link", "<"+nextPage(x.r.URL, page.Next)+`>; rel="next"`)
	}
	x.json(http.StatusOK, append(body, '}'), page.Generation)
	return nil
}

// relate answers GET of a relation: the document it leads to, or a list.
func (m *resource) relate(ctx context.Context, x *exchange) error {
	r := m.spec.Relation(x.name)
	entries, err := x.h.cfg.Backend.Relate(ctx, m.name, x.id, x.name)
	if err != nil {
		return err
	}
	one := r.Cardinality == modelspec.ManyToOne || r.Cardinality == modelspec.OneToOne
	if one && len(entries) != 1 {
		return &modelspec.Error{Code: modelspec.ErrNotFound, Message: m.name + " " + x.id + " has no " + x.name}
	}
	of, ok := x.t.models[r.Model]
	if !ok {
		return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "model " + r.Model + " is not here: load the component that defines it"}
	}
	if one {
		return x.related(of, entries[0])
	}
	body := []byte(`{"data":[`)
	for i, e := range entries {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = of.shape.render(body, of.spec, e); err != nil {
			return err
		}
	}
	var g flow.Generation
	if len(entries) > 0 {
		g = entries[0].Generation
	}
	x.json(http.StatusOK, append(body, "]}"...), g)
	return nil
}

func (x *exchange) related(of *resource, e flow.Entry) error {
	p, err := x.t.page(of, e)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Location", x.h.location(of, e.ID))
	if notModified(x.r.Header, p.etag) {
		x.unchanged(p, e.Generation)
		return nil
	}
	x.document(http.StatusOK, p, e.Generation)
	return nil
}

// location is the path of a document.
func (h *Handler) location(m *resource, id string) string {
	return h.root + "/models/" + m.endpoint + "/" + id
}
