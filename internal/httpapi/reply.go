package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// reply is which call a request answers.
type reply struct{ model, key string }

// maxName is how long the names of models and ports are.
const maxName = 64

// addReplies adds the ways in of answers that ports wait for. They are the
// host's paths, and not the models': without Config.Authorize they are closed.
func (t *table) addReplies(h *Handler) {
	if h.cfg.Complete == nil {
		return
	}
	for end, run := range map[string]func(context.Context, *exchange) error{"": takeAnswer, "/refusal": takeRefusal} {
		v := newVerbs("", map[string]verb{http.MethodPost: {ActionReply, run}})
		look := func(x *exchange) (*verbs, error) { return v, x.readReply() }
		if err := handle(t.mux, h.root+"/replies/{model}/{port}/{key}"+end, &path{h: h, t: t, look: look}); err != nil {
			h.log.Error("httpapi: replies have no path", "error", err)
		}
	}
}

// readReply reads which call is answered. Whether there is one is told to those
// only who may answer it.
func (x *exchange) readReply() error {
	x.reply = &reply{x.r.PathValue("model"), x.r.PathValue("key")}
	x.name = x.r.PathValue("port")
	if len(x.reply.model) > maxName || len(x.name) > maxName {
		return notFound("there is no such port")
	}
	if n := len(x.reply.key); n == 0 || n > maxKey || !utf8.ValidString(x.reply.key) || strings.ContainsFunc(x.reply.key, unicode.IsControl) {
		return badRequest("a correlation key is 1 to 255 bytes of UTF-8 without control characters, percent-encoded in the path")
	}
	return nil
}

// takeAnswer answers POST of an answer. An empty body is null.
func takeAnswer(ctx context.Context, x *exchange) error {
	b, err := x.optional(mediaJSON)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		b = []byte("null")
	}
	if err := checkText(b); err != nil {
		return err
	}
	return x.complete(ctx, modelspec.FromJSON(b), nil)
}

// takeRefusal answers POST of a refusal.
func takeRefusal(ctx context.Context, x *exchange) error {
	b, err := x.optional(mediaJSON)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		b = []byte("{}")
	}
	if err := checkArgument(refusalSchema(), b); err != nil {
		return err
	}
	e := &modelspec.Error{Code: modelspec.ErrRefused, Message: "refused"}
	if err := json.Unmarshal(b, e); err != nil {
		return badRequest("the body could not be read")
	}
	if !e.Code.Known() {
		return invalid(modelspec.FieldError{Pointer: "/code", Rule: "oneof", Detail: "must be an error code, such as failed_precondition"})
	}
	return x.complete(ctx, nil, e)
}

// refusalSchema describes the body of a refusal.
func refusalSchema() *modelspec.Schema {
	most := maxDetail
	return &modelspec.Schema{Type: modelspec.Types{"object"}, Properties: map[string]*modelspec.Schema{
		"code":    {Type: modelspec.Types{"string"}},
		"message": {Type: modelspec.Types{"string"}, MaxLength: &most},
	}}
}

func (x *exchange) complete(ctx context.Context, answer *modelspec.Value, refusal error) error {
	if err := x.h.cfg.Complete(withAsker(ctx, x), x.reply.model, x.name, x.reply.key, answer, refusal); err != nil {
		return err
	}
	x.nothing(flow.Generation{})
	return nil
}
