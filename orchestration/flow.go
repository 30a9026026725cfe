package orchestration

import (
	"regexp"
	"slices"
	"time"

	"github.com/org/aegis/modelspec"
)

// flow is a chain of ports of one model, each run by what the one before
// produces.
type flow struct {
	value
	name   string
	model  string
	on     value // model, as written
	start  trigger
	groups []group
}

// group is one place of the chain: a step, or several at once.
type group struct {
	steps []*step
	join  join
}

// join says when the step behind a group runs.
type join uint8

const (
	one   join = iota // of one step: when it is done
	every             // when all are
	first             // when the first is
)

// step is one port of a flow.
type step struct {
	value
	port     string
	delay    *time.Duration
	optional *bool
}

var flowName = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]{0,63}$`)

func (d *Document) readFlows(v value) {
	if !v.is(object, "a mapping of flows") {
		return
	}
	v.members(func(v value, key *node) {
		if !flowName.MatchString(key.text) {
			value{key, v.path, v.c}.wrong("", "a flow's name is a lower-case letter and then up to 63 letters, digits, _ or -")
		}
		f := &flow{value: v, name: key.text}
		f.read()
		d.flows = append(d.flows, f)
	})
	d.alone()
}

// alone refuses a port that has two places.
func (d *Document) alone() {
	type place struct{ model, port string }
	taken := map[place]*step{}
	for _, f := range d.flows {
		for _, s := range f.steps() {
			p := place{f.model, s.port}
			switch first := taken[p]; {
			case s.port == "":
			case first != nil:
				s.wrong("", "port %s stands in line %d too: a port has one place in the flows of a model", s.port, first.line)
			default:
				taken[p] = s
			}
		}
	}
}

func (f *flow) steps() (out []*step) {
	for i := range f.groups {
		out = append(out, f.groups[i].steps...)
	}
	return out
}

func (f *flow) read() {
	known := f.fields(map[string]func(value){
		"model": func(v value) { f.model, _ = v.word(); f.on = v },
		"start": func(v value) { f.start, _ = readTrigger(v, false) },
		"steps": func(v value) {
			v.each("a list of ports", func(e value) { f.groups = append(f.groups, readGroup(e)) })
			if v.kind == list && len(v.items) == 0 {
				v.wrong("", "a flow without steps: write ports of the model")
			}
		},
	})
	for _, need := range []string{"model", "start", "steps"} {
		if known && f.get(need) == nil {
			f.wrong("", "%s is missing", need)
		}
	}
}

// readGroup reads a step, or several of them under parallel or any.
func readGroup(v value) (g group) {
	several := func(how join) func(value) {
		return func(v value) {
			g.join = how
			v.each("a list of ports", func(e value) { g.steps = append(g.steps, readStep(e)) })
			if v.kind == list && len(v.items) < 2 {
				v.wrong("", "write two ports or more, or one without it")
			}
		}
	}
	if v.kind == object && v.get("parallel") == nil && v.get("any") == nil || v.kind != object {
		return group{steps: []*step{readStep(v)}}
	}
	v.fields(map[string]func(value){"parallel": several(every), "any": several(first)})
	if len(v.keys) > 1 {
		v.wrong("", "parallel and any stand alone: write one of them, and nothing beside it")
	}
	return g
}

func readStep(v value) *step {
	s := &step{value: v}
	switch v.kind {
	case text:
		s.port, _ = v.word()
	case object:
		v.fields(map[string]func(value){
			"port":  func(v value) { s.port, _ = v.word() },
			"delay": span(func(f func(*time.Duration)) { s.delay = new(time.Duration); f(s.delay) }),
			"optional": func(v value) {
				if on, ok := v.flag(); ok {
					s.optional = &on
				}
			},
		})
		if v.get("port") == nil {
			v.wrong("", "port is missing")
		}
	default:
		v.wrong("", "it is %s: write a port, or a mapping with port, delay and optional, parallel, or any", v.kind)
	}
	return s
}

// apply writes the flow into the ports of its model. own finds what the
// document says of a port beside.
func (f *flow) apply(d *modelspec.Descriptor, c *collector, own func(port string) *port) {
	on, from := split([]trigger{f.start})
	how := one
	for i, g := range f.groups {
		var out []string
		for _, s := range g.steps {
			p := find(d, s.port)
			if p == nil {
				s.in(c).wrong(nearest(s.port, portsOf(d)), "model %s has no such port", d.Name)
				out = append(out, f.event(d, s.port)) // so that the steps behind it make sense
				continue
			}
			if p.Disabled {
				s.in(c).wrong("", "port %s is disabled, so nothing behind it is reached: write disabled: false, or take it out", s.port)
			}
			p.On, p.From, p.All = slices.Clone(on), slices.Clone(from), how == every && len(on) > 1
			s.apply(p, how, own(s.port))
			if p.Produces == "" && i < len(f.groups)-1 {
				p.Produces = f.event(d, s.port)
			}
			if slices.Contains(out, p.Produces) {
				s.in(c).wrong("", "another step of this group produces %s too, so that they cannot be told apart: give the port another produces", p.Produces)
				continue
			}
			out = append(out, p.Produces)
		}
		on, from, how = out, nil, g.join
	}
}

// event is what a port of the flow produces that produces nothing by itself.
func (f *flow) event(d *modelspec.Descriptor, port string) string {
	return d.Name + "." + f.name + "." + port
}

// apply sets what a step says, where the document does not say it of its port.
func (s *step) apply(d *modelspec.PortDescriptor, after join, p *port) {
	if p == nil || p.get("delay") == nil {
		d.Delay = 0
	}
	if after == first && (p == nil || p.get("repeats") == nil) {
		d.Repeats = 1
	}
	if s.delay != nil {
		d.Delay = *s.delay
	}
	if s.optional != nil {
		d.Optional = *s.optional
	}
}

func find(d *modelspec.Descriptor, port string) *modelspec.PortDescriptor {
	for i := range d.Ports {
		if d.Ports[i].Name == port {
			return &d.Ports[i]
		}
	}
	return nil
}

func portsOf(d *modelspec.Descriptor) (out []string) {
	for i := range d.Ports {
		out = append(out, d.Ports[i].Name)
	}
	return out
}
