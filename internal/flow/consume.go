package flow

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// origin says of which flow the events to come are a part: what they set going
// extends it. Its zero value opens a flow of its own.
type origin struct {
	flow string
	f    *frame // the command that began it, or nil
}

// step adds a run of p, which the event causes, to the flow that from names.
func (d *draft) step(ctx context.Context, p *modelspec.PortDescriptor, ev *broker.Event, from *origin) error {
	f, err := d.causedFlow(ev, from)
	if err != nil {
		return err
	}
	if p.All && !f.joined(p, ev.Type) {
		return nil
	}
	n := 0
	for i := range f.Steps {
		if f.Steps[i].Port == p.Name && f.Steps[i].State != Tentative {
			n++
		}
	}
	if p.Repeats > 0 && n >= p.Repeats {
		return nil
	}
	if len(f.Steps) >= MaxSteps {
		return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "flow " + f.ID + " has " + strconv.Itoa(MaxSteps) + " steps: it may be going in a circle"}
	}
	if p.Exclusive && from.f != nil { // a step of a flow waits instead
		if err := d.exclusive(p, f.ID); err != nil {
			return err
		}
	}
	st := Step{N: n, Port: p.Name, Key: d.e.stepKey(d.k.model, d.k.id, d.doc.Inc, f.ID, p.Name, n), Event: ev.ID, Undo: p.Undo, State: Pending, Arg: ev.Data}
	if p.Direction == modelspec.Out {
		rep, err := d.spec.Handle(ctx, modelspec.Call{Op: modelspec.OpRequest, Port: p.Name, ID: d.k.id, Now: d.now, Caller: d.who, Trace: d.trace, Cause: ev.ID, Doc: d.doc.Data})
		if err != nil && from.f != nil {
			return err // a step without Arg makes its request when it is asked
		}
		st.Arg = rep.Result
	}
	if p.Await != nil && st.Arg != nil { // what answers may be faster than who asks
		if key, err := correlation(p.Await, st.Key, st.Arg); err == nil && !d.awaited(p.Name, key) {
			st.Await, d.eager = key, true
		}
	}
	if p.Delay > 0 {
		st.Until = d.now.Add(p.Delay)
		f.mayTake(st.Until)
	}
	f.Steps = append(f.Steps, st)
	return nil
}

// causedFlow is the flow that what the event causes belongs to.
func (d *draft) causedFlow(ev *broker.Event, from *origin) (*Flow, error) {
	c := Cause{Kind: "event", ID: ev.ID, Hop: ev.Hop, Trace: d.trace, Caller: d.who}
	switch {
	case from.f != nil:
		from.flow, c.Kind, c.Port = from.f.flowID(), "command", from.f.req.Port
		c.ID = from.flow
	case from.flow == "":
		from.flow = d.e.flowID(d.k.model, d.k.id, d.doc.Inc, ev.Source, ev.ID)
	}
	if ev.Source != d.k.model || ev.Subject != d.k.id {
		c.Source = ev.Source + "/" + ev.Subject
	}
	if f := d.flow(from.flow); f != nil {
		return f, nil
	}
	return d.open(Flow{ID: from.flow, Cause: c, State: Running, Committed: true, Started: d.now, Deadline: d.now.Add(flowDeadline)})
}

// joined notes the event for the port, and reports whether it was the last one
// missing. Then the port begins to wait anew.
func (f *Flow) joined(p *modelspec.PortDescriptor, typ string) bool {
	i := slices.IndexFunc(f.Joins, func(j Join) bool { return j.Port == p.Name })
	f.Joins = slices.Clone(f.Joins)
	if i < 0 {
		i = len(f.Joins)
		f.Joins = append(f.Joins, Join{Port: p.Name})
	}
	j := &f.Joins[i]
	if !slices.Contains(j.Have, typ) {
		j.Have = append(slices.Clip(j.Have), typ)
	}
	for _, e := range p.On {
		if !slices.Contains(j.Have, e) {
			return false
		}
	}
	f.Joins = slices.Delete(f.Joins, i, i+1)
	return true
}

// mayTake gives the flow its usual time after something that it waits for.
func (f *Flow) mayTake(until time.Time) {
	if at := until.Add(flowDeadline); at.After(f.Deadline) {
		f.Deadline = at
	}
}

// exclusive refuses a second open flow with the port p.
func (d *draft) exclusive(p *modelspec.PortDescriptor, mine string) error {
	for i := range d.meta.Flows {
		o := &d.meta.Flows[i]
		if o.ID != mine && o.State.open() && slices.ContainsFunc(o.Steps, func(s Step) bool { return s.Port == p.Name }) {
			return &modelspec.Error{Code: modelspec.ErrRefused, Message: "port " + p.Name + " is at work in another flow of this document: wait until it has ended", NotSent: true}
		}
	}
	return nil
}
