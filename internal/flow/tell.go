package flow

import (
	"context"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// HostEvents is how the types of the host's own events begin.
const HostEvents = "aegis."

// HostEvent is the data of the host's own events, such as
// aegis.breaker.opened. They are told to whoever listens, and not kept.
type HostEvent struct {
	Port  string `json:"port,omitempty"`
	Flow  string `json:"flow,omitempty"`
	Error string `json:"error,omitempty"`
}

// observe says what happened: to Config.Observe, and as an event.
func (e *Engine) observe(o Observation) {
	e.Observe(o)
	h := HostEvent{Port: o.Port, Flow: o.Flow}
	if o.Err != nil {
		h.Error = cut(o.Err.Error(), 500)
	}
	e.Broker.Tell(broker.Event{ID: newKey(), Source: o.Model, Type: HostEvents + o.Kind, Subject: o.ID, Time: time.Now(), Data: modelspec.Of(h)})
}

// notify tells what a port's guard says: of which call, and so of which
// document.
func (e *Engine) notify(k portKey) func(context.Context, policy.Event) {
	return func(ctx context.Context, ev policy.Event) {
		o := Observation{Kind: ev.Kind, Model: k.model, Port: k.port, Err: ev.Err}
		if c, ok := ctx.Value(calledKey{}).(*callCtx); ok {
			o.ID, o.Flow = c.id, c.flow
		}
		e.observe(o)
	}
}

// tellFlows says what the write has made of the document's flows.
func (d *draft) tellFlows() {
	for i := range d.meta.Flows {
		f := &d.meta.Flows[i]
		was := State("")
		for j := range d.before {
			if d.before[j].ID == f.ID {
				was = d.before[j].State
			}
		}
		if f.State != was {
			d.tellFlow(f, was)
		}
	}
}

func (d *draft) tellFlow(f *Flow, was State) {
	say := func(kind string) {
		d.e.observe(Observation{Kind: kind, Model: d.k.model, ID: d.k.id, Flow: f.ID, Err: faultOf(f)})
	}
	if was != Undoing && (f.State == Undoing || f.State == Undone) {
		say(UndoStarted)
	}
	switch f.State {
	case Undone:
		say(UndoCompleted)
	case Attention:
		d.e.Log.Error("a flow needs attention", "model", d.k.model, "id", d.k.id, "flow", f.ID, "err", f.Error)
		say(FlowAttention)
	}
	if f.State.over() {
		say(FlowEnded)
	}
}

func faultOf(f *Flow) error {
	if f.Error == nil {
		return nil
	}
	return f.Error
}
