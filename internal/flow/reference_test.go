package flow_test

import (
	"errors"
	"fmt"
	"slices"
	"sort"
)

// The reference says what should come of a graph. It knows nothing of
// documents, writes, attempts and restarts: a flow is a list of steps, each of
// which has its time and its end, and things happen slot by slot.

// foretold is what should have come of one document. It is compared as text.
type foretold struct {
	Marks     map[string]int // answers folded in, and handlers run
	Back      int            // flows taken back that the model has seen
	Standing  map[string]int // effects that stand, by service
	Reversed  map[string]int // effects that were taken back
	Completed int
	Undone    int
	Attention int
	Told      map[string]int // events, by type
}

var errVague = errors.New("the order of what happens is not said")

// foretell runs the graph. It fails where the outcome is left open: by two
// things in one slot whose order matters. last is the slot of the last thing.
func foretell(g graph) (out map[string]*foretold, last int, err error) {
	r := &reference{g: g, docs: map[string]*foretold{}, flows: map[string]int{}, calls: map[string]bool{}, queues: map[string][]*refFlow{}}
	defer func() {
		if p := recover(); p != nil {
			if p != any(errVague) {
				panic(p)
			}
			err = errVague
		}
	}()
	for m := range g.Models {
		for _, d := range g.Models[m].Docs {
			r.docs[fmt.Sprint("m", m, " ", d.ID)] = &foretold{map[string]int{}, 0, map[string]int{}, map[string]int{}, 0, 0, 0, map[string]int{"created": 1}}
		}
	}
	r.vague(g.deaf())
	for _, s := range g.Starts {
		r.at(s.At, func() { r.begin(s) })
	}
	for len(r.agenda) > 0 {
		sort.SliceStable(r.agenda, func(i, j int) bool { return r.agenda[i].at < r.agenda[j].at })
		next := r.agenda[0]
		r.agenda, r.now = r.agenda[1:], next.at
		r.vague(r.now > 55 && r.now < refDeadline || r.now > refDeadline+55) // of the day, or of the next one
		next.do()
	}
	return r.docs, r.now, nil
}

// refDeadline stands for the slot at which flows are given up: after all else.
const refDeadline = 1000

type reference struct {
	g      graph
	docs   map[string]*foretold
	flows  map[string]int        // by document
	calls  map[string]bool       // by document and port, of those whose key is the model's
	queues map[string][]*refFlow // that events of one document began in another
	agenda []refItem
	now    int
}

type refItem struct {
	at int
	do func()
}

type refFlow struct {
	m     int
	doc   graphDoc
	steps []*refStep
	have  map[string][]string // of joins
	over  bool
	given bool // somebody waits for the deadline
}

type refStep struct {
	port   *graphPort
	parent *refStep
	listed int // the slot in which it, or its call, found its place in the flow
	asked  int
	acts   []*refEffect
	fate   int
	open   bool
}

// refEffect is what a service did, or was asked to do.
type refEffect struct {
	what string
	at   int // when it happens; later than the flow ends: it does not
	undo bool
	away bool // before that it is not said whether it was asked
	gone bool // the service itself withdraws it, then or later
	shut bool // taken back, or refused
}

func (r *reference) vague(if_ bool) {
	if if_ {
		panic(errVague)
	}
}

func (r *reference) at(slot int, do func()) { r.agenda = append(r.agenda, refItem{slot, do}) }

func (r *reference) of(f *refFlow) *foretold { return r.docs[fmt.Sprint("m", f.m, " ", f.doc.ID)] }

// begin is the command.
func (r *reference) begin(s graphStart) {
	i := slices.IndexFunc(r.g.Models[s.Model].Docs, func(d graphDoc) bool { return d.ID == s.Doc })
	f := &refFlow{m: s.Model, doc: r.g.Models[s.Model].Docs[i]}
	p := &r.g.Models[s.Model].Ports[0]
	var root *refStep
	if p.Calls != nil {
		root = &refStep{port: p, listed: r.now, asked: r.now, fate: r.now, acts: []*refEffect{{what: "beginc", at: r.now, undo: true}}}
		f.steps = append(f.steps, root)
	}
	r.of(f).Marks["begin"]++
	if !p.Quiet {
		r.tell(f, "begin", root)
	}
	r.opened(f, f, len(f.steps) > 0 || !p.Quiet && len(r.consumers(f.m, "begin")) > 0)
}

// opened counts a new flow of f's document.
func (r *reference) opened(f, of *refFlow, did bool) {
	if !did {
		return
	}
	k := fmt.Sprint("m", of.m, " ", of.doc.ID)
	r.flows[k]++
	r.vague(r.flows[k] > 14) // of 16 that may be open
	if f != nil {
		r.ended(f)
	}
}

func (r *reference) consumers(m int, event string) (out []*graphPort) {
	for i := range r.g.Models[m].Ports {
		if p := &r.g.Models[m].Ports[i]; slices.Contains(p.On, event) {
			out = append(out, p)
		}
	}
	return out
}

// tell is an event of the flow's document: it extends the flow, and opens
// others in the documents of other models that it concerns.
func (r *reference) tell(f *refFlow, event string, by *refStep) {
	r.of(f).Told[event]++
	for _, p := range r.consumers(f.m, event) {
		if !p.All || r.joined(f, p, event) {
			r.step(f, p, by)
		}
	}
	for m := range r.g.Models {
		for _, d := range r.g.Models[m].Docs {
			n := &refFlow{m: m, doc: d}
			did := false
			for i := range r.g.Models[m].Ports {
				p := &r.g.Models[m].Ports[i]
				for _, from := range p.From {
					if from.Model == f.m && from.Port == event && refConcerns(from.By, &f.doc, &d) {
						r.step(n, p, nil)
						did = true
					}
				}
			}
			if did {
				r.queue(n, graphEvent(f.m, f.doc.ID))
			}
			r.opened(n, n, did)
		}
	}
}

// queue takes note of a flow that an event of another document began. Handlers
// run in the order of such events: what else that holds up is left open.
func (r *reference) queue(n *refFlow, source string) {
	source += " to " + graphEvent(n.m, n.doc.ID)
	for _, before := range r.queues[source] {
		for _, o := range before.steps {
			for _, s := range n.steps {
				r.vague(!before.over && o.open && o.parent == nil && o.port.In && s.port.In && o.port.Delay == s.port.Delay && o.fate > s.asked)
			}
		}
	}
	r.queues[source] = append(r.queues[source], n)
}

func refConcerns(by string, from, to *graphDoc) bool {
	switch by {
	case "subject":
		return to.ID == from.ID
	case "ref":
		return to.ID == from.Ref
	case "tag":
		return from.Tag != "" && to.Tag == from.Tag
	case "up":
		return to.Up == from.ID
	}
	return to.ID == from.Down
}

// joined reports whether the port has all of its events. Where one of them
// comes twice the order decides.
func (r *reference) joined(f *refFlow, p *graphPort, event string) bool {
	if f.have == nil {
		f.have = map[string][]string{}
	}
	r.vague(slices.Contains(f.have[p.Name], event))
	f.have[p.Name] = append(f.have[p.Name], event)
	return len(f.have[p.Name]) == len(p.On)
}

// step adds a run of the port to the flow.
func (r *reference) step(f *refFlow, p *graphPort, by *refStep) {
	n := 0
	for _, s := range f.steps {
		if s.port == p {
			n++
		}
	}
	if p.Repeats > 0 && n >= p.Repeats {
		return
	}
	r.vague(len(f.steps) > 24)
	s := &refStep{port: p, parent: by, listed: r.now, asked: r.now + p.Delay, open: true}
	if p.In { // it is its call that can be taken back, and that is listed when it is made
		s.listed = s.asked
	}
	if p.Await != nil && p.Await.ByID { // a second call waits for the first one's answer
		k := fmt.Sprint("m", f.m, " ", f.doc.ID, " ", p.Name)
		r.vague(r.calls[k])
		r.calls[k] = true
	}
	f.steps = append(f.steps, s)
	e := s.come()
	r.vague(e.vague)
	if e.at >= graphForever {
		r.vague(f.given || r.now >= refDeadline) // one such step a flow, and none after that
		e.at, f.given = refDeadline, true
	}
	s.fate = e.at
	r.at(e.at, func() {
		if !f.over {
			s.open = false
			r.settle(f, s, e)
		}
	})
}

// settle is the end of a step.
func (r *reference) settle(f *refFlow, s *refStep, e refEnd) {
	switch e.end {
	case refDone:
		r.of(f).Marks[e.mark]++
		if !s.port.Quiet {
			r.tell(f, s.port.Name, s)
		}
	case refRefused:
		if !s.port.In {
			for _, x := range s.acts {
				x.shut = true
			}
		}
		if !s.port.Optional {
			r.turn(f, s)
			return
		}
		if s.port.In && len(s.acts) > 0 { // its call is taken back by itself
			r.opened(nil, f, true)
			r.takeBack(&refFlow{m: f.m, doc: f.doc, steps: []*refStep{{port: s.port, listed: s.listed, asked: s.asked, acts: s.acts}}}, false)
			s.acts = nil
		}
	case refLate:
		r.turn(f, s)
		return
	case refStuck:
		r.attend(f)
		return
	}
	r.ended(f)
}

func (r *reference) attend(f *refFlow) {
	f.over = true
	r.of(f).Attention++
	r.of(f).Told["attention"]++
	r.count(f)
}

func (r *reference) ended(f *refFlow) {
	if !f.over && !slices.ContainsFunc(f.steps, func(s *refStep) bool { return s.open }) {
		f.over = true
		r.of(f).Completed++
		r.count(f)
	}
}

// turn takes the flow back. Whatever else happens in this slot, unless it led
// here, may have happened before or not.
func (r *reference) turn(f *refFlow, why *refStep) {
	f.over = true
	for _, s := range f.steps {
		if s == why || s.leadsTo(why) {
			continue
		}
		r.vague(s.asked == r.now || s.fate == r.now)
		for _, x := range s.acts {
			r.vague(x.at == r.now)
		}
	}
	r.takeBack(f, true)
}

func (s *refStep) leadsTo(o *refStep) bool {
	for ; o != nil; o = o.parent {
		if o == s {
			return true
		}
	}
	return false
}

// takeBack undoes what was asked, the last first, and says how it ended.
func (r *reference) takeBack(f *refFlow, seen bool) {
	end, stuck, withdrawn := r.now, (*refStep)(nil), false
	slices.SortStableFunc(f.steps, func(a, b *refStep) int { return a.listed - b.listed })
	for _, s := range slices.Backward(f.steps) {
		for _, x := range slices.Backward(s.acts) {
			if x.shut || !x.undo || s.asked > r.now {
				continue
			}
			back := s.port.Back
			r.vague(x.away && x.at > r.now && back.Kind != actOK)
			withdrawn = withdrawn || x.gone
			if stuck == nil && (back.Kind == actRefuse || back.Kind != actOK && back.Until == graphForever) {
				if stuck = s; back.Kind != actRefuse { // it is asked for a day
					r.vague(r.now >= refDeadline)
					r.at(refDeadline, func() {})
				}
			}
			if stuck != nil {
				continue
			}
			x.shut = true
			if x.at <= r.now {
				r.of(f).Reversed[x.what]++
			}
			if back.Kind != actOK {
				end = max(end, back.Until)
			}
		}
	}
	r.vague(withdrawn && (stuck != nil || end > r.now)) // before it is taken back, or after
	if stuck != nil {
		for _, s := range f.steps { // what was listed in its slot may come before it or after
			r.vague(s.listed == stuck.listed && !s.leadsTo(stuck) && !stuck.leadsTo(s) && len(s.acts) > 0)
		}
		r.attend(f)
		return
	}
	r.count(f)
	r.at(end, func() {
		r.of(f).Undone++
		if !seen {
			return
		}
		r.of(f).Back++
		n := &refFlow{m: f.m, doc: f.doc}
		r.tell(n, "undone", nil)
		r.opened(n, n, len(r.consumers(f.m, "undone")) > 0)
	})
}

// count adds up what stands when the flow is over.
func (r *reference) count(f *refFlow) {
	for _, s := range f.steps {
		for _, x := range s.acts {
			if !x.shut && x.at <= r.now && !x.gone {
				r.of(f).Standing[x.what]++
			}
		}
	}
}
