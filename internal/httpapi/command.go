package httpapi

import (
	"net/http"
	"strings"

	"github.com/org/aegis/modelspec"
)

// command is a port that HTTP calls.
type command struct {
	*modelspec.PortDescriptor
	verbs *verbs
	lost  bool // its own path is another's
}

// calls reports whether HTTP calls the port: every inbound one, and those
// outbound ones that say by which methods.
func calls(p *modelspec.PortDescriptor) bool {
	return p.Direction == modelspec.In || len(p.Methods) > 0
}

// callable names what noPort and the like may tell of: a disabled port is
// listed nowhere.
func callable(d *modelspec.Descriptor) (names []string) {
	for i := range d.Ports {
		if p := &d.Ports[i]; calls(p) && !p.Disabled {
			names = append(names, p.Name)
		}
	}
	return names
}

// commands makes the methods of the ports.
func (m *resource) commands(d *modelspec.Descriptor) map[string]*command {
	out := map[string]*command{}
	for i := range d.Ports {
		if p := &d.Ports[i]; calls(p) {
			out[p.Name] = &command{PortDescriptor: p, verbs: m.commandVerbs(p)}
		}
	}
	return out
}

// commandVerbs are exactly the methods that the port names. One that names none
// takes a command as POST, and as PATCH, which is how a client that only knows
// documents changes one.
func (m *resource) commandVerbs(p *modelspec.PortDescriptor) *verbs {
	run := verb{ActionInvoke, m.invoke}
	if len(p.Methods) == 0 {
		return newVerbs("", map[string]verb{http.MethodPost: run, http.MethodPatch: run})
	}
	by := map[string]verb{}
	for _, method := range p.Methods {
		if method == http.MethodGet {
			ask := verb{ActionInvoke, m.ask}
			by[http.MethodGet], by[http.MethodHead] = ask, ask
			continue
		}
		by[method] = run
	}
	return newVerbs("", by)
}

// lookMember finds what stands below a document: a port or a relation.
func (m *resource) lookMember(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	if m.spec.Relation(x.name) != nil {
		return m.relation, x.readID()
	}
	return m.lookPort(x)
}

// lookPort finds a port of a document.
func (m *resource) lookPort(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	c := m.ports[x.name]
	switch {
	case c == nil:
		return nil, m.noPort(x.name)
	case c.Path != "":
		return nil, x.h.moved(c)
	case c.Stateless:
		return nil, notFound("port " + x.name + " needs no document: it is at " + m.endpoint + "/service/ports/" + x.name)
	}
	return c.verbs, x.readID()
}

// lookFunc finds a port that needs no document.
func (m *resource) lookFunc(x *exchange) (*verbs, error) {
	x.name = x.r.PathValue("name")
	c := m.ports[x.name]
	switch {
	case c == nil:
		return nil, m.noPort(x.name)
	case c.Path != "":
		return nil, x.h.moved(c)
	case !c.Stateless:
		return nil, notFound("port " + x.name + " needs a document: it is at " + m.endpoint + "/{id}/" + x.name)
	}
	return c.verbs, nil
}

// lookOwn finds a port at its own path.
func (c *command) lookOwn(x *exchange) (*verbs, error) {
	x.name = c.Name
	if c.Stateless {
		return c.verbs, nil
	}
	return c.verbs, x.readID()
}

// ownPath is where a port with a path of its own is.
func (h *Handler) ownPath(c *command) string { return h.root + "/" + strings.TrimPrefix(c.Path, "/") }

// moved says where a port is that is not at its usual paths.
func (h *Handler) moved(c *command) error {
	if c.lost {
		return notFound("port " + c.Name + " has no path: its own, " + h.ownPath(c) + ", is taken by another")
	}
	return notFound("port " + c.Name + " is at " + h.ownPath(c))
}

func (m *resource) noPort(name string) error {
	d := m.spec.Descriptor()
	names := callable(d)
	for _, r := range d.Relations {
		names = append(names, r.Name)
	}
	detail := m.name + " has no inbound port or relation " + clip(name)
	if len(names) > 0 {
		detail += ": there are " + strings.Join(names, ", ")
	}
	return notFound(detail)
}

func notFound(detail string) error {
	return fail(http.StatusNotFound, modelspec.ErrNotFound, detail)
}
