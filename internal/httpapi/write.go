package httpapi

import (
	"context"
	"net/http"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// request is what a write tells the backend about itself.
func (x *exchange) request() (flow.Request, error) {
	r := flow.Request{Model: x.m.name, ID: x.id, Port: x.name, Caller: x.caller, Trace: x.traceparent()}
	var err error
	if r.Key, err = idempotencyKey(x.r.Header); err != nil {
		return r, badRequest(err.Error())
	}
	if none := x.r.Header["If-None-Match"]; none != nil {
		return r, badRequest("If-None-Match is for reading: a write takes If-Match")
	}
	return r, nil
}

// ifMatch reads If-Match into r. Of several tags the one counts that the
// document has at this moment.
func (x *exchange) ifMatch(ctx context.Context, r *flow.Request) error {
	values := x.r.Header["If-Match"]
	if len(values) == 0 {
		return nil
	}
	tags, any, ok := parseTags(values)
	switch {
	case any:
		r.IfMatch = "*"
	case !ok:
		return badRequest(`If-Match must be * or quoted entity tags, as ETag gave them`)
	default:
		r.IfMatch = string(tags[0])
	}
	if len(tags) < 2 {
		return nil
	}
	e, err := x.h.cfg.Backend.Get(ctx, r.Model, r.ID)
	if err != nil {
		return err
	}
	for _, t := range tags {
		if string(t) == e.ETag() {
			r.IfMatch = string(t)
		}
	}
	return nil
}

// create answers POST to a collection.
func (m *resource) create(ctx context.Context, x *exchange) error {
	r, err := x.request()
	if err != nil {
		return err
	}
	if x.r.Header["If-Match"] != nil {
		return badRequest("If-Match is for a document that exists: a creation takes Idempotency-Key")
	}
	body, err := x.body(mediaJSON)
	if err != nil {
		return err
	}
	body, r.ID, err = m.checkCreate(body)
	if err != nil {
		return err
	}
	e, err := x.h.cfg.Backend.Create(ctx, r, modelspec.FromJSON(body))
	if err != nil {
		return err
	}
	x.w.Header().Set("Location", x.h.location(m, e.ID))
	return x.written(http.StatusCreated, e)
}

// patch answers PATCH of a document: a JSON Merge Patch.
func (m *resource) patch(ctx context.Context, x *exchange) error {
	r, body, err := m.change(ctx, x, mediaPatch, modelspec.ModePatch)
	if err != nil {
		return err
	}
	r.Arg = modelspec.FromJSON(body)
	e, err := x.h.cfg.Backend.Update(ctx, r, func(was *modelspec.Value) (*modelspec.Value, error) {
		old, err := was.JSON()
		if err != nil {
			return nil, err
		}
		is, err := mergePatch(old, body)
		if err != nil {
			return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "httpapi: patch " + m.name + ": " + err.Error()}
		}
		return modelspec.FromJSON(is), nil
	})
	if err != nil {
		return err
	}
	return x.written(http.StatusOK, e)
}

// put answers PUT of a document: all of it that a client may write.
func (m *resource) put(ctx context.Context, x *exchange) error {
	r, body, err := m.change(ctx, x, mediaJSON, modelspec.ModeReplace)
	if err != nil {
		return err
	}
	r.Arg = modelspec.FromJSON(body)
	e, err := x.h.cfg.Backend.Update(ctx, r, func(was *modelspec.Value) (*modelspec.Value, error) {
		old, err := was.JSON()
		if err != nil {
			return nil, err
		}
		is, err := m.replace(old, body)
		if err != nil {
			return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "httpapi: replace " + m.name + ": " + err.Error()}
		}
		return modelspec.FromJSON(is), nil
	})
	if err != nil {
		return err
	}
	return x.written(http.StatusOK, e)
}

// change reads what PATCH and PUT have in common.
func (m *resource) change(ctx context.Context, x *exchange, media func(string) bool, mode modelspec.Mode) (flow.Request, []byte, error) {
	r, err := x.request()
	if err != nil {
		return r, nil, err
	}
	body, err := x.body(media)
	if err != nil {
		return r, nil, err
	}
	if body, err = m.checkChange(body, mode, x.id); err != nil {
		return r, nil, err
	}
	return r, body, x.ifMatch(ctx, &r)
}

// remove answers DELETE of a document.
func (m *resource) remove(ctx context.Context, x *exchange) error {
	r, err := x.request()
	if err != nil {
		return err
	}
	if err := x.ifMatch(ctx, &r); err != nil {
		return err
	}
	e, err := x.h.cfg.Backend.Delete(ctx, r)
	if err != nil {
		return err
	}
	x.replayed(e.Replayed)
	x.nothing(e.Generation)
	return nil
}

// written answers with the document that a write left.
func (x *exchange) written(status int, e flow.Entry) error {
	p, err := x.t.page(x.m, e)
	if err != nil {
		return err
	}
	x.replayed(e.Replayed)
	x.document(status, p, e.Generation)
	return nil
}

func (x *exchange) replayed(yes bool) {
	if yes {
		x.w.Header().Set("Idempotency-Replayed", "true")
	}
}
