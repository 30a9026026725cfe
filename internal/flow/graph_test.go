package flow_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A graph is a small program for the engine: some models, whose ports are piped
// by their events, what each service does when it is asked, and when the flows
// begin. Times are whole slots since the beginning; a slot is longer than the
// longest pause between two attempts, so that what happens in different slots
// happens in their order.
type graph struct {
	Models   []graphModel `json:"models"`
	Starts   []graphStart `json:"starts"`
	Restarts []int        `json:"restarts,omitempty"` // slots in whose middle the host is replaced
	Watched  bool         `json:"watched,omitempty"`  // somebody requires all events
}

const (
	graphSlot    = 6 * time.Minute
	graphForever = 1_000_000
)

type graphModel struct {
	Ports []graphPort `json:"ports"`
	Docs  []graphDoc  `json:"docs"`
}

// graphDoc is the document of every model. Its first members say how it is
// related, and never change; the others say what was done to it.
type graphDoc struct {
	ID    string   `json:"id"`
	Up    string   `json:"up,omitempty"`                 // belongs to this document of the model before
	Down  string   `json:"down,omitempty" aegis:"index"` // has this document of the model after it
	Tag   string   `json:"tag,omitempty" aegis:"index"`  // concerns what has the same one
	Ref   string   `json:"ref,omitempty"`                // concerns the document with this id
	Marks []string `json:"marks,omitempty"`              // answers folded in, and handlers run
	Back  int      `json:"back,omitempty"`               // flows taken back
}

type graphStart struct {
	Model int    `json:"model"`
	Doc   string `json:"doc"`
	At    int    `json:"at"`
}

// graphPort is a port. Its own event is named as it is. The command that begins
// a model's flows is the port "begin".
type graphPort struct {
	Name     string      `json:"name"`
	In       bool        `json:"in,omitempty"`
	On       []string    `json:"on,omitempty"` // ports of the model, or "undone"
	From     []graphFrom `json:"from,omitempty"`
	All      bool        `json:"all,omitempty"`
	Repeats  int         `json:"repeats,omitempty"`
	Delay    int         `json:"delay,omitempty"`
	Quiet    bool        `json:"quiet,omitempty"` // produces no event
	Undo     bool        `json:"undo,omitempty"`
	Optional bool        `json:"optional,omitempty"`
	Retries  int         `json:"retries,omitempty"`
	Breaker  bool        `json:"breaker,omitempty"`
	Does     graphAct    `json:"does"`
	Back     graphAct    `json:"back"`           // its undo, and that of its fallback
	Else     *graphAct   `json:"else,omitempty"` // its fallback
	Default  bool        `json:"default,omitempty"`
	Calls    *graphAct   `json:"calls,omitempty"` // the handler calls a port of its own, which can be undone as Back says
	Await    *graphAwait `json:"await,omitempty"`
}

type graphFrom struct {
	Model int    `json:"model"`
	Port  string `json:"port"` // or "undone"
	By    string `json:"by"`   // up, down, subject, ref, tag
}

// graphAct is what a service does: at once, or from the slot Until on.
type graphAct struct {
	Kind  string `json:"kind,omitempty"`
	Until int    `json:"until,omitempty"`
}

// The kinds of a graphAct.
const (
	actOK     = ""       // answers
	actAway   = "away"   // is asked nothing until then
	actLost   = "lost"   // says nothing until then, and does nothing
	actMute   = "mute"   // acts, and says nothing until then
	actRefuse = "refuse" // refuses
)

type graphAwait struct {
	ByID   bool `json:"byID,omitempty"`   // the correlation key is the model's own
	For    int  `json:"for,omitempty"`    // slots
	After  int  `json:"after"`            // slots from the effect to the answer; 0: before the asking ends; -1: never
	Refuse bool `json:"refuse,omitempty"` // the answer is a refusal
	Event  bool `json:"event,omitempty"`  // the answer is an event
	Twice  bool `json:"twice,omitempty"`
}

func (a graphAct) String() string {
	switch {
	case a.Kind == actOK:
		return "ok"
	case a.Kind == actRefuse:
		return a.Kind
	case a.Until == graphForever:
		return a.Kind + "∞"
	}
	return fmt.Sprint(a.Kind, a.Until)
}

func graphEvent(model int, port string) string { return fmt.Sprintf("m%d.%s", model, port) }

// String shows the graph, a line for each port.
func (g graph) String() string {
	var b strings.Builder
	for m, x := range g.Models {
		for _, d := range x.Docs {
			j, _ := json.Marshal(d)
			fmt.Fprintf(&b, "m%d %s\n", m, j)
		}
		for _, p := range x.Ports {
			j, _ := json.Marshal(p)
			fmt.Fprintf(&b, "m%d %s\n", m, j)
		}
	}
	fmt.Fprintf(&b, "starts %v restarts %v watched %v", g.Starts, g.Restarts, g.Watched)
	return b.String()
}

// graphMaker makes random graphs.
type graphMaker struct{ *rand.Rand }

func (r graphMaker) one(percent int) bool     { return r.IntN(100) < percent }
func (r graphMaker) pick(of ...string) string { return of[r.IntN(len(of))] }
func (r graphMaker) id() string               { return r.pick("a", "b", "c") }
func (r graphMaker) upto(n int) int           { return 1 + r.IntN(n) }
func (r graphMaker) maybe(p int, s string) string {
	if r.one(p) {
		return s
	}
	return ""
}

// makeGraph makes the graph of a seed: the first of its tries whose outcome the
// reference can foretell.
func makeGraph(seed uint64) graph {
	r := graphMaker{rand.New(rand.NewPCG(seed, 7))}
	for try := 0; ; try++ {
		g := r.graph(try > 400)
		if _, _, err := foretell(g); err == nil {
			return g
		}
	}
}

func (r graphMaker) graph(calm bool) graph {
	g := graph{Watched: r.one(60)}
	for m := range r.upto(3) {
		g.Models = append(g.Models, r.model(m, g.Models, calm))
	}
	for range r.upto(2) {
		m := r.IntN(len(g.Models))
		if r.one(70) {
			m = 0
		}
		ds := g.Models[m].Docs
		g.Starts = append(g.Starts, graphStart{m, ds[r.IntN(len(ds))].ID, r.IntN(8)})
	}
	for range r.IntN(4) * r.IntN(2) {
		g.Restarts = append(g.Restarts, r.IntN(30))
	}
	return g
}

func (r graphMaker) model(m int, before []graphModel, calm bool) graphModel {
	x := graphModel{Ports: []graphPort{{Name: "begin", In: true}}}
	if r.one(25) {
		x.Ports[0].Calls = &graphAct{}
	}
	for _, id := range []string{"a", "b", "c"}[:r.upto(3)] {
		x.Docs = append(x.Docs, graphDoc{ID: id, Up: r.maybe(80, r.id()), Down: r.maybe(80, r.id()), Tag: r.maybe(80, r.pick("s", "t")), Ref: r.maybe(80, r.id())})
	}
	for i := range r.upto(6) {
		p := r.port(fmt.Sprint("p", i), calm)
		if r.wire(&p, x.Ports, before); len(p.On)+len(p.From) == 0 {
			p.On = []string{"begin"}
		}
		if p.Await != nil && p.Repeats != 1 {
			p.Await.ByID = false
		}
		x.Ports = append(x.Ports, p)
	}
	return x
}

// wire chooses the events that run the port.
func (r graphMaker) wire(p *graphPort, own []graphPort, before []graphModel) {
	for range r.upto(3) {
		on := own[r.IntN(len(own))]
		if !on.Quiet && !strings.Contains(fmt.Sprint(p.On), on.Name) {
			p.On = append(p.On, on.Name)
		}
	}
	if r.one(8) {
		p.On = append(p.On, "undone")
	}
	if p.All = len(p.On) > 1 && r.one(40); p.All {
		return
	}
	if len(before) == 0 || r.one(30) {
		return
	}
	if r.one(60) {
		p.On = nil
	}
	for range r.upto(2) {
		m := r.IntN(len(before))
		ports := before[m].Ports
		f := graphFrom{m, ports[r.IntN(len(ports))].Name, r.pick("subject", "ref", "tag", "up", "down")}
		if f.Model != len(before)-1 && (f.By == "up" || f.By == "down") {
			f.By = "tag"
		}
		if r.one(15) {
			f.Port = "undone"
		}
		if f.Port != "undone" && ports[slices.IndexFunc(ports, func(o graphPort) bool { return o.Name == f.Port })].Quiet {
			f.Port = "begin"
		}
		twice := false
		for _, o := range p.From {
			twice = twice || o.Model == f.Model && o.Port == f.Port
		}
		if !twice {
			p.From = append(p.From, f)
		}
	}
}

func (r graphMaker) port(name string, calm bool) graphPort {
	p := graphPort{Name: name, In: r.one(25), Quiet: r.one(10), Optional: r.one(20), Does: r.act(calm)}
	if r.one(50) {
		p.Delay = r.upto(12)
	}
	if r.one(35) {
		p.Repeats = r.upto(2)
	}
	if p.In {
		if r.one(50) {
			a := r.act(calm)
			p.Calls, p.Back = &a, r.undo(calm)
		}
		return p
	}
	if p.Undo = r.one(60); p.Undo {
		p.Back = r.undo(calm)
	}
	p.Retries = r.IntN(3) * r.IntN(2)
	switch r.IntN(8) {
	case 0, 1:
		a := r.act(calm)
		p.Else = &a
	case 2:
		p.Default = true
	case 3, 4, 5:
		p.Await = &graphAwait{ByID: r.one(40), For: r.IntN(2) * r.upto(10), After: r.IntN(12), Refuse: r.one(15), Event: r.one(40), Twice: r.one(30)}
		if p.Await.After == 11 {
			p.Await.After = -1
		}
	default:
		p.Breaker = p.Does.Kind != actMute && p.Does.Until < graphForever && r.one(30)
	}
	return p
}

func (r graphMaker) act(calm bool) graphAct {
	n := r.IntN(100)
	until := r.upto(30)
	if r.one(5) && !calm {
		until = graphForever
	}
	switch {
	case calm || n < 60:
		return graphAct{}
	case n < 70:
		return graphAct{actAway, until}
	case n < 78:
		return graphAct{actLost, until}
	case n < 86:
		return graphAct{actMute, until}
	}
	return graphAct{Kind: actRefuse}
}

func (r graphMaker) undo(calm bool) graphAct {
	a := r.act(calm)
	switch {
	case a.Kind == actRefuse && r.one(50):
		a.Kind = actOK
	case a.Kind == actMute && a.Until == graphForever: // taken back, and nobody knows
		a.Kind = actLost
	}
	return a
}

// deaf reports whether something is run by events that nobody publishes, which
// a host refuses.
func (g graph) deaf() bool {
	for _, m := range g.Models {
		for _, p := range m.Ports {
			for _, f := range p.From {
				ports := g.Models[f.Model].Ports
				i := slices.IndexFunc(ports, func(o graphPort) bool { return o.Name == f.Port })
				if f.Port != "undone" && (i < 0 || ports[i].Quiet) {
					return true
				}
			}
		}
	}
	return false
}
