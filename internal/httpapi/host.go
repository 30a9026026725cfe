package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/aegis/internal/flow"
)

// addHost adds what concerns the host: Config.Host, and the ways in of events
// and answers. Keys that are no pattern, and those of methods that nothing here
// answers, are left out and logged.
func (t *table) addHost(h *Handler) {
	paths := map[string]map[string]verb{}
	add := func(method, name string, v verb) {
		if paths[name] == nil {
			paths[name] = map[string]verb{}
		}
		paths[name][method] = v
	}
	for key, answer := range h.cfg.Host {
		method, name, found := strings.Cut(key, " ")
		if !found {
			method, name = http.MethodGet, key
		}
		name = strings.Trim(name, "/")
		switch method {
		case http.MethodGet:
			v := verb{ActionHostRead, answerHost(answer)}
			add(http.MethodGet, name, v)
			add(http.MethodHead, name, v)
		case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
			add(method, name, verb{ActionHostWrite, answerHost(answer)})
		default:
			h.log.Error("httpapi: Config.Host has a key with a method that is not GET, POST, PUT, PATCH or DELETE", "key", key)
		}
	}
	if h.cfg.Events != nil {
		add(http.MethodPost, "events", verb{ActionHostWrite, takeEvents})
	}
	for _, name := range sorted(paths) {
		v := newVerbs("", paths[name])
		look := func(x *exchange) (*verbs, error) {
			x.name = name
			return v, nil
		}
		if err := handle(t.mux, h.root+"/"+name, &path{h: h, t: t, look: look}); err != nil {
			h.log.Error("httpapi: Config.Host has a key that is no path", "key", name, "error", err)
		}
	}
	t.addReplies(h)
}

// answerHost serves one entry of Config.Host. A nil answer is 204.
func answerHost(answer func(context.Context, *http.Request) (any, error)) func(context.Context, *exchange) error {
	return func(ctx context.Context, x *exchange) error {
		if err := x.hostBody(); err != nil {
			return err
		}
		v, err := answer(withAsker(ctx, x), x.r)
		if err != nil {
			return err
		}
		if v == nil {
			x.nothing(flow.Generation{})
			return nil
		}
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("httpapi: encode answer of %s: %w", x.name, err)
		}
		x.json(http.StatusOK, b, flow.Generation{})
		return nil
	}
}

// hostBody checks what comes with a request to the host, and leaves in it a
// body that is empty or strict JSON.
func (x *exchange) hostBody() error {
	r := x.r
	if len(r.URL.RawQuery) > maxQuery {
		return badRequest("the query is over " + strconv.Itoa(maxQuery) + " bytes")
	}
	b, err := x.optional(mediaJSON)
	if err == nil && len(b) > 0 {
		err = checkText(b)
	}
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return nil
}
