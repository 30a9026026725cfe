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
	for _, name := range sorted(t.models) {
		t.addPaths(h, t.models[name])
	}
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

// addPaths adds the ports that have paths of their own. What the host has
// already, or a model of an earlier name, is not theirs: such a port is left
// out and logged.
func (t *table) addPaths(h *Handler, m *resource) {
	for _, name := range sorted(m.ports) {
		c := m.ports[name]
		if c.Path == "" {
			continue
		}
		if err := handle(t.mux, h.ownPath(c), &path{h: h, t: t, m: m, look: c.lookOwn}); err != nil {
			c.lost = true
			h.log.Error("httpapi: port has no path: its own is taken, give it another Path", "model", m.name, "port", name, "path", c.Path, "error", err)
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
