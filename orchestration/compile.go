package orchestration

import (
	"slices"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Plan is what a document comes to, for a host: what its table shows of the
// models, and which service answers which port.
type Plan struct {
	Overlay  federation.Overlay
	Bindings map[string]string // services by "model.port"
}

// Compile checks the document against models as their code declares them
// (federation.Snapshot.Declared) and the names of the services that a host has,
// and makes a plan of it. Nothing is changed. The error joins all that is
// wrong, at most 50 *[Error], by line; it is modelspec.ErrInvalid.
//
// Of what the models have of themselves only that is checked which the document
// touches. The overlay says by its errors which line a later version of a model
// does not fit.
func (d *Document) Compile(specs []*modelspec.Spec, services []string) (*Plan, error) {
	c := &compiler{collector: collector{file: d.file}, d: d, specs: map[string]*modelspec.Spec{}, drafts: map[string]*modelspec.Descriptor{}, failed: map[string]bool{}, spoilt: map[string]bool{}}
	for _, s := range specs {
		c.specs[s.Descriptor().Name] = s
	}
	p := &Plan{Overlay: federation.Overlay{}, Bindings: map[string]string{}}
	for _, name := range d.touched() {
		p.Overlay[name] = func(m *modelspec.Descriptor) error {
			own := &collector{file: d.file}
			d.apply(m, own)
			return own.err()
		}
		c.draft(name)
	}
	c.bind(p, services)
	c.events()
	c.fit()
	if err := c.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Arrange is [Document.Compile] for a host, which knows neither this package
// nor YAML: see aegis.Arrangement.
func (d *Document) Arrange(specs []*modelspec.Spec, services []string) (federation.Overlay, map[string]string, error) {
	p, err := d.Compile(specs, services)
	if err != nil {
		return nil, nil, err
	}
	return p.Overlay, p.Bindings, nil
}

// touched are the names of the models that the document changes.
func (d *Document) touched() (out []string) {
	for _, m := range d.models {
		out = append(out, m.name)
	}
	for _, f := range d.flows {
		out = append(out, f.model)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// apply changes one model's descriptor, as far as that has the ports.
func (d *Document) apply(m *modelspec.Descriptor, c *collector) {
	for _, own := range d.models {
		if own.name != m.Name {
			continue
		}
		for _, p := range own.ports {
			if desc := find(m, p.name); desc != nil {
				p.apply(desc)
				continue
			}
			value{p.key, p.path, c}.wrong(nearest(p.name, portsOf(m)), "model %s has no such port", m.Name)
		}
	}
	for _, f := range d.flows {
		if f.model == m.Name {
			f.apply(m, c, func(name string) *port { return d.port(m.Name, name) })
		}
	}
}

// port is what the document says of a port, or nil.
func (d *Document) port(model, name string) *port {
	for _, m := range d.models {
		for _, p := range m.ports {
			if m.name == model && p.name == name {
				return p
			}
		}
	}
	return nil
}

// step is the place of a port in the flows, or nil.
func (d *Document) step(model, port string) (*flow, *step) {
	for _, f := range d.flows {
		for _, s := range f.steps() {
			if f.model == model && s.port == port {
				return f, s
			}
		}
	}
	return nil, nil
}

// compiler checks a document against a host.
type compiler struct {
	collector
	d      *Document
	specs  map[string]*modelspec.Spec
	drafts map[string]*modelspec.Descriptor // of what the document changes
	failed map[string]bool                  // models that cannot be made as the document wants them
	spoilt map[string]bool                  // ports, as model.port, that are left as they were
}

// draft changes a copy of a model, and checks the names in it.
func (c *compiler) draft(name string) {
	s := c.specs[name]
	if s == nil {
		c.failed[name] = true
		c.noModel(name)
		return
	}
	m := *s.Descriptor()
	m.Ports = slices.Clone(m.Ports)
	c.d.apply(&m, &c.collector)
	c.drafts[name] = &m
	for _, own := range c.d.models {
		for _, p := range own.ports {
			if desc := find(&m, p.name); own.name == name && desc != nil {
				c.names(s, p, desc)
			}
		}
	}
	for _, f := range c.d.flows {
		if f.model == name {
			c.relation(s, &f.start)
		}
		for _, st := range f.steps() {
			if p := c.d.port(name, st.port); f.model == name && p != nil && p.rewired {
				at, which := p.value, "on"
				if p.get(which) == nil {
					which = "all"
				}
				value{p.get(which), under(at.path, which), &c.collector}.wrong("", "port %s is a step of flow %s, which says when it runs: take it out here or there", st.port, f.name)
			}
		}
	}
}

func (c *compiler) noModel(name string) {
	near := nearest(name, c.models())
	for _, m := range c.d.models {
		if m.name == name {
			value{m.key, m.path, &c.collector}.wrong(near, "no such model is loaded")
		}
	}
	for _, f := range c.d.flows {
		if f.model == name {
			f.on.in(&c.collector).wrong(near, "no such model is loaded")
		}
	}
}

func (c *compiler) models() (out []string) {
	for n := range c.specs {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// names checks what a port's changes refer to within its model.
func (c *compiler) names(s *modelspec.Spec, p *port, d *modelspec.PortDescriptor) {
	for i := range p.triggers {
		c.relation(s, &p.triggers[i])
	}
	if n := p.get("fallback"); n != nil && s.Port(n.text) == nil {
		value{n, under(p.path, "fallback"), &c.collector}.wrong(nearest(n.text, portsOf(s.Descriptor())), "model %s has no such port", s.Descriptor().Name)
	}
	if n := p.get("default"); n != nil && d.Default != nil && d.Response != nil {
		raw, err := d.Default.JSON()
		if err == nil {
			err = d.Response.CheckBody(raw, modelspec.ModeArgument)
		}
		if err != nil {
			value{n, under(p.path, "default"), &c.collector}.wrong("", "it cannot be the port's answer: %s", modelspec.AsError(err).Error())
		}
	}
}

// relation checks the names by which a trigger finds documents.
func (c *compiler) relation(s *modelspec.Spec, t *trigger) {
	if t.Via == "" || s.Relation(t.Via) != nil {
		return
	}
	var have []string
	for _, r := range s.Descriptor().Relations {
		have = append(have, r.Name)
	}
	t.at("via").in(&c.collector).wrong(nearest(t.Via, have), "model %s has no such relation", s.Descriptor().Name)
}

// bind checks which service answers which port.
func (c *compiler) bind(p *Plan, services []string) {
	for i := range c.d.bindings {
		b := &c.d.bindings[i]
		at, s := value{b.key, b.path, &c.collector}, c.specs[b.model]
		switch {
		case s == nil:
			at.wrong(suffixed(nearest(b.model, c.models()), b.port), "no such model is loaded")
			continue
		case s.Port(b.port) == nil:
			near := nearest(b.port, portsOf(s.Descriptor()))
			if near != "" {
				near = b.model + "." + near
			}
			at.wrong(near, "model %s has no such port", b.model)
			continue
		case s.Port(b.port).Direction != modelspec.Out:
			at.wrong("", "the port is inbound: services answer outbound ports")
			continue
		case !slices.Contains(services, b.name):
			b.service.in(&c.collector).wrong(nearest(b.name, services), "the host has no service %s", b.name)
			continue
		}
		p.Bindings[b.key.text] = b.name
	}
}

func suffixed(model, port string) string {
	if model == "" {
		return ""
	}
	return model + "." + port
}
