package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/org/aegis/modelspec"
)

// resource is a model and what its paths do.
type resource struct {
	name     string
	endpoint string
	spec     *modelspec.Spec
	schema   *modelspec.Schema // nil: anything goes
	shape    shape
	visible  []string // scalars at the top of a document
	last     atomic.Pointer[generation]

	collection, document, relation *verbs
	ports                          map[string]*command // that HTTP calls
}

func newResource(spec *modelspec.Spec) *resource {
	d := spec.Descriptor()
	m := &resource{name: d.Name, endpoint: d.Endpoint, spec: spec, schema: d.Schema}
	m.shape, m.visible = newShape(d), visible(d.Schema)
	m.collection = newVerbs("", map[string]verb{
		http.MethodGet:  {ActionList, m.list},
		http.MethodHead: {ActionList, m.list},
		http.MethodPost: {ActionCreate, m.create},
	})
	m.document = m.documentVerbs(d)
	m.relation = newVerbs("", reading(verb{ActionRelate, m.relate}))
	m.ports = m.commands(d)
	return m
}

// documentVerbs leaves out what a model with inbound ports has not opened. A
// disabled one counts: what an operator switches off must open nothing.
func (m *resource) documentVerbs(d *modelspec.Descriptor) *verbs {
	open := !slices.ContainsFunc(d.Ports, func(p modelspec.PortDescriptor) bool { return p.Direction == modelspec.In })
	by := reading(verb{ActionFind, m.find})
	var closed []string
	add := func(method, field string, allowed bool, v verb) {
		if open || allowed {
			by[method] = v
		} else {
			closed = append(closed, method+" (API."+field+")")
		}
	}
	add(http.MethodPatch, "Patch", d.API.Patch, verb{ActionUpdate, m.patch})
	add(http.MethodPut, "Put", d.API.Put, verb{ActionUpdate, m.put})
	add(http.MethodDelete, "Delete", d.API.Delete, verb{ActionDelete, m.remove})
	why := ""
	if len(closed) > 0 {
		why = d.Name + " changes through its ports (" + strings.Join(callable(d), ", ") + "): " + strings.Join(closed, ", ") + " are closed until Model.API opens them"
	}
	return newVerbs(why, by)
}

func (m *resource) lookCollection(*exchange) (*verbs, error) { return m.collection, nil }

func (m *resource) lookDocument(x *exchange) (*verbs, error) { return m.document, x.readID() }

// readID reads the document's id of the path.
func (x *exchange) readID() error {
	x.id = x.r.PathValue("id")
	if !validID(x.id) {
		return badRequest(idRule)
	}
	return nil
}
