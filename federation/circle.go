package federation

import (
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// step is one port of one arm, as a node of the graph of causes: an outbound
// port runs when its own model publishes an event in On, a route runs another
// model's inbound port, and both publish what they produce.
type step struct {
	model, port string
	arm         int
}

// checkCircles refuses ports that would run one another for ever. A port with
// Repeats ends every circle that it is part of, so the graph without such
// ports must have none.
func checkCircles(s *Snapshot) error {
	w := &walk{s: s, state: map[step]walkState{}}
	for _, m := range s.list {
		for arm, a := range s.models[m.Descriptor().Name].arms {
			d := a.what.Descriptor()
			for _, p := range d.Ports {
				if c := w.visit(step{d.Name, p.Name, arm}, ""); c != nil {
					return refused("ports run one another for ever: %s: set Repeats on one of them", strings.Join(c, " "))
				}
			}
		}
	}
	return nil
}

type walkState uint8

const (
	unseen walkState = iota
	onPath
	finished
)

type walk struct {
	s     *Snapshot
	state map[step]walkState
	path  []visited
}

type visited struct {
	step
	by string // what led here, for the message
}

// visit returns a circle that is reached from st, in words, or nil.
func (w *walk) visit(st step, by string) []string {
	r := w.s.models[st.model]
	if r == nil || st.arm >= len(r.arms) {
		return nil
	}
	p := r.arms[st.arm].what.Port(st.port)
	if p == nil || p.Repeats > 0 || w.state[st] == finished {
		return nil
	}
	if w.state[st] == onPath {
		return w.words(st, by)
	}
	w.state[st] = onPath
	w.path = append(w.path, visited{st, by})
	defer func() {
		w.state[st] = finished
		w.path = w.path[:len(w.path)-1]
	}()
	if p.Produces != "" {
		for _, q := range r.arms[st.arm].what.Consumers(p.Produces) {
			if c := w.visit(step{st.model, q.Name, st.arm}, "-["+p.Produces+"]->"); c != nil {
				return c
			}
		}
	}
	if p.Direction == modelspec.Out {
		return w.along(st)
	}
	return nil
}

// along follows the routes of a port, from each arm to each arm.
func (w *walk) along(st step) []string {
	r := w.s.ports[binding{st.model, st.port}]
	if r == nil {
		return nil
	}
	for _, a := range r.arms {
		j := a.what.Route
		if j == nil || w.s.models[j.To.Model] == nil {
			continue
		}
		for arm := range w.s.models[j.To.Model].arms {
			if c := w.visit(step{j.To.Model, j.To.Port, arm}, "-(route)->"); c != nil {
				return c
			}
		}
	}
	return nil
}

// words writes the end of the path, from where st stands in it back to st.
func (w *walk) words(st step, by string) []string {
	from := slices.IndexFunc(w.path, func(v visited) bool { return v.step == st })
	var out []string
	for i, v := range w.path[from:] {
		if i > 0 {
			out = append(out, v.by)
		}
		out = append(out, v.model+"."+v.port)
	}
	return append(out, by, st.model+"."+st.port)
}
