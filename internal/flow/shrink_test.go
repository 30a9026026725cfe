package flow_test

import (
	"encoding/json"
	"slices"
	"testing"
)

// smaller takes away from a graph that fails whatever it fails without.
func (g graph) smaller(t *testing.T) graph {
	left := 300
	for again := true; again && left > 0; {
		again = false
		for _, less := range g.less() {
			if left--; left < 0 {
				break
			}
			if _, _, err := foretell(less); err != nil {
				continue
			}
			if less.differs(t) != "" {
				g, again = less, true
				break
			}
		}
	}
	return g
}

func (g graph) clone() (c graph) {
	b, _ := json.Marshal(g)
	if err := json.Unmarshal(b, &c); err != nil {
		panic(err)
	}
	return c
}

// less lists graphs with something less.
func (g graph) less() (out []graph) {
	with := func(change func(*graph)) {
		c := g.clone()
		change(&c)
		out = append(out, c)
	}
	if len(g.Models) > 1 {
		with(func(c *graph) {
			last := len(c.Models) - 1
			c.Models = c.Models[:last]
			c.Starts = slices.DeleteFunc(c.Starts, func(s graphStart) bool { return s.Model == last })
		})
	}
	for i := range g.Starts {
		with(func(c *graph) { c.Starts = slices.Delete(c.Starts, i, i+1) })
	}
	for i := range g.Restarts {
		with(func(c *graph) { c.Restarts = slices.Delete(c.Restarts, i, i+1) })
	}
	if g.Watched {
		with(func(c *graph) { c.Watched = false })
	}
	for m := range g.Models {
		for i := range g.Models[m].Ports[1:] {
			with(func(c *graph) { c.without(m, c.Models[m].Ports[i+1].Name) })
		}
		for i, d := range g.Models[m].Docs {
			if !slices.ContainsFunc(g.Starts, func(s graphStart) bool { return s.Model == m && s.Doc == d.ID }) {
				with(func(c *graph) { c.Models[m].Docs = slices.Delete(c.Models[m].Docs, i, i+1) })
			}
		}
	}
	for m := range g.Models {
		for i := range g.Models[m].Ports {
			for _, f := range plainer {
				with(func(c *graph) { f(&c.Models[m].Ports[i]) })
				if out[len(out)-1].String() == g.String() {
					out = out[:len(out)-1]
				}
			}
		}
	}
	return out
}

// without takes a port out, with what it runs.
func (g *graph) without(m int, name string) {
	g.Models[m].Ports = slices.DeleteFunc(g.Models[m].Ports, func(p graphPort) bool { return p.Name == name })
	for n := range g.Models {
		for i := range g.Models[n].Ports {
			p := &g.Models[n].Ports[i]
			if n == m {
				p.On = slices.DeleteFunc(p.On, func(e string) bool { return e == name })
				p.All = p.All && len(p.On) > 1
			}
			p.From = slices.DeleteFunc(p.From, func(f graphFrom) bool { return f.Model == m && f.Port == name })
			if len(p.On)+len(p.From) == 0 {
				p.Delay = 0
			}
		}
	}
}

// plainer are ways to make a port simpler.
var plainer = []func(*graphPort){
	func(p *graphPort) { p.Calls = nil },
	func(p *graphPort) { p.Else = nil },
	func(p *graphPort) { p.Default = false },
	func(p *graphPort) { p.Await = nil },
	func(p *graphPort) { p.Does = graphAct{} },
	func(p *graphPort) { p.Back = graphAct{} },
	func(p *graphPort) { p.Delay = 0 },
	func(p *graphPort) { p.Repeats = 0 },
	func(p *graphPort) { p.Optional = false },
	func(p *graphPort) { p.Undo = false },
	func(p *graphPort) { p.Quiet = true },
	func(p *graphPort) { p.Retries = 0 },
	func(p *graphPort) { p.Breaker = false },
	func(p *graphPort) {
		if !p.All && len(p.On) > 1 {
			p.On = p.On[:1]
		}
	},
	func(p *graphPort) {
		if len(p.From) > 1 || len(p.From) == 1 && len(p.On) > 0 {
			p.From = p.From[1:]
		}
	},
	func(p *graphPort) {
		if p.Await != nil {
			p.Await.Twice, p.Await.Event = false, false
		}
	},
}
