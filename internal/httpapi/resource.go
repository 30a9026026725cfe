package httpapi

import (
	"net/http"
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

	collection, document, command, relation *verbs
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
	command := verb{ActionInvoke, m.invoke}
	m.command = newVerbs("", map[string]verb{http.MethodPost: command, http.MethodPatch: command})
	m.relation = newVerbs("", reading(verb{ActionRelate, m.relate}))
	return m
}

// documentVerbs leaves out what a model with inbound ports has not opened.
func (m *resource) documentVerbs(d *modelspec.Descriptor) *verbs {
	ports := inbound(d)
	open := len(ports) == 0
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
		why = d.Name + " changes through its ports (" + strings.Join(ports, ", ") + "): " + strings.Join(closed, ", ") + " are closed until Model.API opens them"
	}
	return newVerbs(why, by)
}

func inbound(d *modelspec.Descriptor) (names []string) {
	for _, p := range d.Ports {
		if p.Direction == modelspec.In {
			names = append(names, p.Name)
		}
	}
	return names
}

func (m *resource) lookCollection(*exchange) (*verbs, error) { return m.collection, nil }

func (m *resource) lookDocument(x *exchange) (*verbs, error) { return m.document, x.readID() }

// lookMember finds what stands below a document: a port or a relation.
func (m *resource) lookMember(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	if m.spec.Relation(x.name) != nil {
		return m.relation, x.readID()
	}
	return m.lookPort(x)
}

// lookPort finds an inbound port of a document.
func (m *resource) lookPort(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	p := m.port(x.name)
	if p == nil {
		return nil, m.noPort(x.name)
	}
	if p.Stateless {
		return nil, fail(http.StatusNotFound, modelspec.ErrNotFound, "port "+x.name+" needs no document: it is at "+m.endpoint+"/service/ports/"+x.name)
	}
	return m.command, x.readID()
}

// lookFunc finds an inbound port that needs no document.
func (m *resource) lookFunc(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	p := m.port(x.name)
	if p == nil {
		return nil, m.noPort(x.name)
	}
	if !p.Stateless {
		return nil, fail(http.StatusNotFound, modelspec.ErrNotFound, "port "+x.name+" needs a document: it is at "+m.endpoint+"/{id}/"+x.name)
	}
	return m.command, nil
}

func (m *resource) port(name string) *modelspec.PortDescriptor {
	if p := m.spec.Port(name); p != nil && p.Direction == modelspec.In {
		return p
	}
	return nil
}

func (m *resource) noPort(name string) error {
	d := m.spec.Descriptor()
	names := inbound(d)
	for _, r := range d.Relations {
		names = append(names, r.Name)
	}
	detail := m.name + " has no inbound port or relation " + clip(name)
	if len(names) > 0 {
		detail += ": there are " + strings.Join(names, ", ")
	}
	return fail(http.StatusNotFound, modelspec.ErrNotFound, detail)
}

// readID reads the document's id of the path.
func (x *exchange) readID() error {
	x.id = x.r.PathValue("id")
	if !validID(x.id) {
		return badRequest(idRule)
	}
	return nil
}
