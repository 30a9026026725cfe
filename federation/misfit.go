package federation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Misfit is one mistake in how the ports and events of models go together: one
// that a [Table] would refuse to show.
type Misfit struct {
	Model  string
	Port   string // empty: an intake
	Event  string // that is consumed; empty: a circle
	Source string // where Event comes from
	// Member is the part of the [modelspec.Trigger] that is wrong: "event",
	// "source", "via", "key" or "field". Empty: all of it, or what runs the
	// port.
	Member     string
	Message    string
	Suggestion string   // a word that is near the wrong one, or empty
	Circle     []string // of a circle: its ports, as "model.port"
}

// Error says where the mistake is, what it is, and what may have been meant.
func (m *Misfit) Error() string {
	where := "model " + m.Model
	switch {
	case m.Circle != nil:
		return m.Message
	case m.Port == "":
		where += ": intake of " + m.Event
	default:
		where += ": port " + m.Port + ": event " + m.Event
	}
	out := where + ": " + m.Message
	if m.Suggestion != "" {
		out += ": did you mean " + m.Suggestion + "?"
	}
	return out
}

// Misfits finds what is wrong with models that are shown together and alone,
// without adapters: events of others that nobody has, ways to documents that
// lead nowhere, requests that an event's data cannot be, and circles. Specs
// must have different names. What both sides leave open fits.
func Misfits(specs []*modelspec.Spec) []Misfit {
	s := &Snapshot{models: map[string]*route[modelspec.Spec]{}, ports: map[binding]*route[adapter.Adapter]{}}
	for _, sp := range specs {
		s.models[sp.Descriptor().Name] = &route[modelspec.Spec]{arms: []armOf[modelspec.Spec]{{nil, sp}}}
	}
	s.index()
	var out []Misfit
	for _, sp := range s.list {
		out = append(out, misfitsOf(s, sp, false)...)
	}
	if c := circleOf(s); c != nil {
		m := Misfit{Model: c.steps[0].model, Message: "ports run one another for ever: " + c.text + ": " + c.mend()}
		for _, st := range c.steps {
			m.Circle = append(m.Circle, binding{st.model, st.port}.String())
		}
		out = append(out, m)
	}
	return out
}

// checkConsumers checks what each arm of each model consumes.
func checkConsumers(s *Snapshot) error {
	var bad []error
	for _, m := range s.list {
		for _, a := range s.models[m.Descriptor().Name].arms {
			for _, mis := range misfitsOf(s, a.what, a.gen.pending) {
				bad = append(bad, refused("component %s: %s", a.gen.Name, mis.Error()))
			}
		}
	}
	return errors.Join(bad...)
}

// misfitsOf finds the mistakes of one arm, apart from circles. pending: models
// that are not there may come.
func misfitsOf(s *Snapshot, sp *modelspec.Spec, pending bool) []Misfit {
	c := consumer{s: s, spec: sp, d: sp.Descriptor(), pending: pending}
	for _, cause := range sp.Causes() {
		c.cause(&cause)
	}
	for i := range c.d.Ports {
		if p := &c.d.Ports[i]; p.Direction == modelspec.In && !p.Disabled {
			for _, e := range p.On {
				c.own(p, e)
			}
		}
	}
	return c.out
}

// consumer collects the mistakes of one arm of a model.
type consumer struct {
	s       *Snapshot
	spec    *modelspec.Spec
	d       *modelspec.Descriptor
	pending bool
	at      Misfit // where we are
	out     []Misfit
}

func (c *consumer) wrong(member, suggestion, format string, args ...any) {
	m := c.at
	m.Member, m.Suggestion, m.Message = member, suggestion, fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(c.out, func(o Misfit) bool { return o.Error() == m.Error() }) { // said of another arm
		c.out = append(c.out, m)
	}
}
