package httpapi

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// table is the routes of one snapshot. It never changes, but for what it
// remembers of documents that it has shown.
type table struct {
	seq    uint64
	mux    *http.ServeMux
	models map[string]*resource // by model name
	memo   memo
}

// newTable builds the routes of s. Endpoints are unique in a table. A model
// whose endpoint is no path segment is left out and logged: the others must not
// suffer.
func newTable(h *Handler, s *federation.Snapshot) *table {
	t := &table{seq: s.Seq, mux: http.NewServeMux(), models: map[string]*resource{}, memo: newMemo()}
	endpoints := map[string]string{}
	for _, spec := range s.Models() {
		m := newResource(spec)
		if !validID(m.endpoint) {
			h.log.Error("httpapi: model has no path: give it another Endpoint", "model", m.name, "endpoint", m.endpoint)
			continue
		}
		endpoints[m.endpoint] = m.name
		t.models[m.name] = m
		t.addModel(h, m)
	}
	t.addHost(h)
	known := strings.Join(sorted(endpoints), ", ")
	t.mux.Handle("/", &path{h: h, t: t, look: func(x *exchange) (*verbs, error) { return nil, t.unknown(x, endpoints, known) }})
	return t
}

func (t *table) addModel(h *Handler, m *resource) {
	at := h.root + "/models/" + m.endpoint
	add := func(pattern string, look func(x *exchange) (*verbs, error)) {
		t.mux.Handle(at+pattern, &path{h: h, t: t, m: m, look: look})
	}
	add("", m.lookCollection)
	add("/{id}", m.lookDocument)
	add("/{id}/{name}", m.lookMember)
	add("/service/ports/{name}", m.lookFunc)
	add("/{id}/service/ports/{name}", m.lookPort)
}

// unknown explains a path without a route.
func (t *table) unknown(x *exchange, endpoints map[string]string, known string) error {
	rest, ok := strings.CutPrefix(x.r.URL.Path, x.h.root+"/models/")
	if !ok {
		return noSuchPath(x.r, x.h.root)
	}
	endpoint, _, _ := strings.Cut(rest, "/")
	if _, ok := endpoints[endpoint]; ok {
		return fail(http.StatusNotFound, modelspec.ErrNotFound, "no such path: below "+endpoint+" there are /{id}, /{id}/{port or relation} and /service/ports/{port}")
	}
	return fail(http.StatusNotFound, modelspec.ErrNotFound, "no such endpoint: there are "+known)
}

// addHost adds Config.Host. Patterns that no mux takes are left out and
// logged.
func (t *table) addHost(h *Handler) {
	paths := map[string]map[string]verb{}
	for key, answer := range h.cfg.Host {
		method, name, found := strings.Cut(key, " ")
		if !found {
			method, name = http.MethodGet, key
		}
		name = strings.Trim(name, "/")
		if paths[name] == nil {
			paths[name] = map[string]verb{}
		}
		if method == http.MethodGet {
			v := verb{ActionHostRead, answerHost(answer)}
			paths[name][http.MethodGet], paths[name][http.MethodHead] = v, v
			continue
		}
		paths[name][method] = verb{ActionHostWrite, answerHost(answer)}
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
}

// handle registers a pattern and returns what the mux has against it.
func handle(mux *http.ServeMux, pattern string, to http.Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("httpapi: route %s: %v", pattern, p)
		}
	}()
	mux.Handle(pattern, to)
	return nil
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
