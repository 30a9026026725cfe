package flow_test

import (
	"context"
	"fmt"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type (
	graphAsk struct {
		ID  string `json:"id"`
		Key string `json:"key"`
	}
	graphTold struct {
		Key string `json:"key,omitempty"`
		Did string `json:"did"`
	}
	graphOut = port.Outbound[graphDoc, graphAsk, graphTold]
)

// graphSource is where answers that are events come from.
const graphSource = "https://answers"

// build makes the models of the graph, and the adapters that lead to s.
func (g graph) build(s *graphService) (ms aegis.Models, as aegis.Adapters) {
	for m := range g.Models {
		model, bound := g.model(m, s)
		ms, as = append(ms, model), append(as, bound...)
	}
	return ms, as
}

func (g graph) model(m int, s *graphService) (modelspec.Model[graphDoc], aegis.Adapters) {
	x := modelspec.Model[graphDoc]{Name: fmt.Sprint("m", m), OnUndone: func(d *graphDoc) error { d.Back++; return nil }}
	if m > 0 {
		before := fmt.Sprint("m", m-1)
		x.Relations = []modelspec.Relation[graphDoc]{
			modelspec.BelongsTo[graphDoc, graphDoc]{Name: "up", Model: before, Key: "up"},
			modelspec.HasOne[graphDoc, graphDoc]{Name: "down", Model: before, Key: "down"},
		}
	}
	var as aegis.Adapters
	for i := range g.Models[m].Ports {
		p := &g.Models[m].Ports[i]
		var more []graphOut
		if p.In {
			in, calls := p.inbound(m, s)
			x.Ports, more = append(x.Ports, in), calls
		} else {
			out, others := p.outbound(m)
			x.Ports, more = append(x.Ports, out), append(others, out)
		}
		for _, o := range more {
			if o.Name != p.Name {
				x.Ports = append(x.Ports, o)
			}
			as = append(as, p.bind(m, s, o))
		}
	}
	return x, as
}

func (p *graphPort) on(m int) (on []modelspec.EventRef) {
	for _, e := range p.On {
		on = append(on, modelspec.EventName(graphEvent(m, e)))
	}
	for _, f := range p.From {
		t := port.From{Event: modelspec.EventName(graphEvent(f.Model, f.Port))}
		switch f.By {
		case "up", "down":
			t.Via = f.By
		case "subject":
			t.Key = modelspec.Subject
		case "ref":
			t.Key = "/ref"
		case "tag":
			t.Key, t.Field = "/tag", "tag"
		}
		on = append(on, t)
	}
	return on
}

func (p *graphPort) produces(m int) modelspec.EventRef {
	if p.Quiet {
		return nil
	}
	return modelspec.EventName(graphEvent(m, p.Name))
}

func graphCall(m int, name string, undo bool) graphOut {
	return graphOut{Name: name, Model: fmt.Sprint("m", m), Undo: undo,
		Request: func(d *graphDoc) graphAsk { return graphAsk{d.ID, d.ID + "/" + name} }}
}

func (p *graphPort) outbound(m int) (graphOut, []graphOut) {
	o := graphCall(m, p.Name, p.Undo)
	o.On, o.All, o.Repeats, o.Delay, o.Produces, o.Optional = p.on(m), p.All, p.Repeats, time.Duration(p.Delay)*graphSlot, p.produces(m), p.Optional
	o.Reply = func(d *graphDoc, r graphTold) error { d.Marks = append(d.Marks, r.Did); return nil }
	o.Policy.Retries = p.Retries
	if p.Breaker {
		o.Policy.Breaker = modelspec.Breaker{Failures: 2, Open: time.Minute}
	}
	if p.Default {
		o.Default = &graphTold{Did: p.Name + "d"}
	}
	if p.Await != nil {
		o.Await = &port.Await{For: time.Duration(p.Await.For) * graphSlot}
		if p.Await.ByID {
			o.Await.Key = "/key"
		}
		if p.Await.Event {
			o.Await.On = []port.From{{Event: modelspec.EventName("yes." + p.Name), Source: graphSource, Key: "/key"}}
			o.Await.Fail = []port.From{{Event: modelspec.EventName("no." + p.Name), Source: graphSource, Key: "/key"}}
		}
	}
	if p.Else == nil {
		return o, nil
	}
	other := graphCall(m, p.Name+"f", p.Undo)
	o.Fallback = &other
	return o, []graphOut{other}
}

// inbound is a handler: it makes its call, does what it does and leaves a mark.
func (p *graphPort) inbound(m int, s *graphService) (modelspec.Port[graphDoc], []graphOut) {
	var calls []graphOut
	if p.Calls != nil {
		calls = []graphOut{graphCall(m, p.Name+"c", true)}
	}
	mark := p.Name + "h"
	if p.Name == "begin" {
		mark = p.Name
	}
	return port.Command[graphDoc, graphDoc]{Name: p.Name, Model: fmt.Sprint("m", m), On: p.on(m), All: p.All, Repeats: p.Repeats, Delay: time.Duration(p.Delay) * graphSlot,
		Produces: p.produces(m), Optional: p.Optional, Handle: func(d *graphDoc, ctx context.Context, _ graphDoc) error {
			for _, c := range calls {
				if _, err := c.Call(ctx, d); err != nil {
					return err
				}
			}
			d.Marks = append(d.Marks, mark)
			err := s.ready(p.Does)
			if err != nil && !modelspec.HasCode(err) { // of a handler that is a refusal
				err = modelspec.ErrUnavailable
			}
			return err
		}}, calls
}

// act is what the service behind one of the port's adapters does.
func (p *graphPort) act(name string) graphAct {
	switch name {
	case p.Name + "c":
		return *p.Calls
	case p.Name + "f":
		return *p.Else
	}
	return p.Does
}

func (p *graphPort) bind(m int, s *graphService, o graphOut) adapter.Adapter {
	a, doc := p.act(o.Name), func(r graphAsk) string { return fmt.Sprint("m", m, " ", r.ID) }
	do := func(ctx context.Context, r graphAsk) (graphTold, error) {
		_, err := s.do(ctx, doc(r), o.Name, a)
		return graphTold{Did: o.Name}, err
	}
	undo := func(ctx context.Context, t adapter.Taken[graphAsk, graphTold]) error {
		return s.undo(ctx, doc(t.Request), o.Name, p.Back)
	}
	ask := func(ctx context.Context, r graphAsk) error {
		fresh, err := s.do(ctx, doc(r), o.Name, a)
		if key := adapter.Key(ctx); fresh && p.Await.After >= 0 {
			id := key
			if p.Await.ByID {
				id = r.Key
			}
			answer := func() {
				if p.Await.Refuse {
					s.withdraw(o.Name, key)
				}
				s.reply(p, m, id)
			}
			if p.Await.After == 0 {
				answer()
			} else {
				time.AfterFunc(time.Duration(p.Await.After)*graphSlot, answer)
			}
		}
		return err
	}
	switch {
	case p.Await != nil && p.Undo:
		return adapter.AskUndo(o, ask, undo)
	case p.Await != nil:
		return adapter.Ask(o, ask)
	case o.Undo:
		return adapter.BindUndo(o, do, undo)
	}
	return adapter.Bind(o, do)
}
