package federation

import (
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// step is a node of the graph of causes, in one arm: a port that runs, a port
// that is answered later, or an intake, whose port is what it does.
type step struct {
	model, port string
	arm         int
	kind        stepKind
}

type stepKind uint8

const (
	runs stepKind = iota
	isAnswered
	takesIn
)

// told is an event with the model that publishes it.
type told struct{ model, event string }

// circle is a way that ports and intakes would run one another for ever.
type circle struct {
	text  string
	steps []step
}

// mend says what to do about the circle.
func (c *circle) mend() string {
	if slices.ContainsFunc(c.steps, func(st step) bool { return st.kind != takesIn }) {
		return "set Repeats on one of them"
	}
	return "take one of the intakes out"
}

// checkCircles refuses ports that would run one another for ever.
func checkCircles(s *Snapshot) error {
	if c := circleOf(s); c != nil {
		return refused("ports run one another for ever: %s: %s", c.text, c.mend())
	}
	return nil
}

// circleOf finds a circle that nothing ends. A port runs when its own document
// publishes an event in On, another one an event in From, or a route asks it;
// a port that awaits goes on when its answer comes; and all of them publish
// what they produce, as intakes publish what they did.
//
// A port with Repeats ends every circle that it is part of, so the graph
// without such ports must have none. In one flow the engine counts its runs;
// over several documents it is a declaration that the circle is wanted, and the
// limit of hops of an event ends it.
//
// Failures are no edges, nor is what a handler may publish beside Produces:
// such a circle needs a decision in each round, and the hops end it too.
func circleOf(s *Snapshot) *circle {
	w := &walk{s: s, state: map[step]walkState{}, listeners: map[told][]step{}}
	for _, m := range s.list {
		for arm, a := range s.models[m.Descriptor().Name].arms {
			w.listen(m.Descriptor().Name, arm, a.what)
		}
	}
	for _, m := range s.list {
		name := m.Descriptor().Name
		for arm, a := range s.models[name].arms {
			for _, st := range starts(name, arm, a.what) {
				if c := w.visit(st, ""); c != nil {
					return c
				}
			}
		}
	}
	return nil
}

// starts are the steps of one arm.
func starts(model string, arm int, s *modelspec.Spec) []step {
	d := s.Descriptor()
	var out []step
	for i := range d.Ports {
		out = append(out, step{model, d.Ports[i].Name, arm, runs})
		if d.Ports[i].Await != nil {
			out = append(out, step{model, d.Ports[i].Name, arm, isAnswered})
		}
	}
	for _, x := range d.Intake {
		out = append(out, step{model, string(x.Do), arm, takesIn})
	}
	return out
}

type walkState uint8

const (
	unseen walkState = iota
	onPath
	finished
)

type walk struct {
	s         *Snapshot
	state     map[step]walkState
	path      []visited
	listeners map[told][]step
}

type visited struct {
	step
	by string // what led here, for the message
}

// listen notes what of others concerns one arm of a model. A refusal that
// somebody waits for is a failure.
func (w *walk) listen(model string, arm int, s *modelspec.Spec) {
	for _, c := range s.Causes() {
		st := step{model: model, arm: arm}
		switch {
		case c.Fails:
			continue
		case c.Port == nil:
			st.port, st.kind = string(c.Intake), takesIn
		case c.Answers:
			st.port, st.kind = c.Port.Name, isAnswered
		default:
			st.port = c.Port.Name
		}
		at := told{c.Origin(), c.Event}
		w.listeners[at] = append(w.listeners[at], st)
	}
}

// visit returns a circle that is reached from st, or nil.
func (w *walk) visit(st step, by string) *circle {
	r := w.s.models[st.model]
	if r == nil || st.arm >= len(r.arms) || w.state[st] == finished {
		return nil
	}
	spec := r.arms[st.arm].what
	p := spec.Port(st.port)
	if st.kind != takesIn && (p == nil || p.Disabled || p.Repeats > 0) {
		return nil
	}
	if w.state[st] == onPath {
		return w.close(st, by)
	}
	w.state[st] = onPath
	w.path = append(w.path, visited{st, by})
	defer func() {
		w.state[st] = finished
		w.path = w.path[:len(w.path)-1]
	}()
	if st.kind == takesIn {
		return w.publish(st, spec, st.model+"."+st.port+"d")
	}
	if c := w.publish(st, spec, p.Produces); c != nil || p.Direction != modelspec.Out || st.kind != runs {
		return c
	}
	if c := w.along(binding{st.model, st.port}); c != nil || p.Fallback == "" {
		return c
	}
	return w.along(binding{st.model, p.Fallback})
}

// publish follows an event to whom it concerns.
func (w *walk) publish(st step, spec *modelspec.Spec, event string) *circle {
	if event == "" {
		return nil
	}
	by := "-[" + event + "]->"
	for _, q := range spec.Consumers(event) {
		if c := w.visit(step{model: st.model, port: q.Name, arm: st.arm}, by); c != nil {
			return c
		}
	}
	for _, next := range w.listeners[told{st.model, event}] {
		if c := w.visit(next, by); c != nil {
			return c
		}
	}
	return nil
}

// along follows the routes of a port, from each arm to each arm.
func (w *walk) along(b binding) *circle {
	r := w.s.ports[b]
	if r == nil {
		return nil
	}
	for _, a := range r.arms {
		j := a.what.Route
		if j == nil || w.s.models[j.To.Model] == nil {
			continue
		}
		for arm := range w.s.models[j.To.Model].arms {
			if c := w.visit(step{model: j.To.Model, port: j.To.Port, arm: arm}, "-(route)->"); c != nil {
				return c
			}
		}
	}
	return nil
}

// close makes a circle of the end of the path, from where st stands in it.
func (w *walk) close(st step, by string) *circle {
	from := slices.IndexFunc(w.path, func(v visited) bool { return v.step == st })
	c := &circle{}
	var words []string
	for i, v := range w.path[from:] {
		if i > 0 {
			words = append(words, v.by)
		}
		words = append(words, v.String())
		c.steps = append(c.steps, v.step)
	}
	c.text = strings.Join(append(words, by, st.String()), " ")
	return c
}

func (st step) String() string {
	switch st.kind {
	case isAnswered:
		return st.model + "." + st.port + " (answered)"
	case takesIn:
		return st.model + " (" + st.port + ")"
	}
	return st.model + "." + st.port
}
