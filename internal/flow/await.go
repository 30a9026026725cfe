package flow

import (
	"context"
	"slices"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Answers that come later. The step of a port with Await is written down with
// its correlation key before anybody is asked, so that an answer finds it
// however soon it comes. Then it waits in its document, and nowhere else.

// awaitIndex finds the steps of a port by their correlation keys.
func awaitIndex(port string) string { return "_await." + port }

// correlation is the key under which the answer to the request comes.
func correlation(w *modelspec.Await, key string, req *modelspec.Value) (string, error) {
	if w.Key == "" {
		return key, nil
	}
	at, err := modelspec.TextAt(req, w.Key)
	if err == nil && at == "" {
		err = &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the request has no correlation key at " + w.Key}
	}
	return at, err
}

// awaits reports whether the step may still be answered.
func (s *Step) awaits() bool {
	if s.Await == "" {
		return false
	}
	switch s.State {
	case Pending, Unknown, Awaiting:
		return true
	}
	return false
}

// awaited reports whether a call of the document waits under the key already.
func (d *draft) awaited(port, key string) bool {
	for i := range d.meta.Flows {
		for j := range d.meta.Flows[i].Steps {
			if st := &d.meta.Flows[i].Steps[j]; st.Port == port && st.Await == key && st.awaits() && d.meta.Flows[i].State == Running {
				return true
			}
		}
	}
	return false
}

// patient takes back that steps may be answered before they are asked.
func (d *draft) patient() {
	d.eager = false
	for i := range d.flows() {
		for j := range d.meta.Flows[i].Steps {
			if st := &d.meta.Flows[i].Steps[j]; st.State == Pending && st.Started.IsZero() {
				st.Await = ""
			}
		}
	}
}

// awaitEntries are the index entries by which answers find their steps.
func (d *draft) awaitEntries(es []datasource.Entry) []datasource.Entry {
	for i := range d.meta.Flows {
		f := &d.meta.Flows[i]
		if f.State != Running {
			continue
		}
		for j := range f.Steps {
			if st := &f.Steps[j]; st.awaits() {
				if key, ok := modelspec.IndexKey(st.Await); ok {
					es = append(slices.Clip(es), datasource.Entry{Name: awaitIndex(st.Port), Key: key, Unique: true})
				}
			}
		}
	}
	return es
}

// parks leaves the step until its answer comes, or its time is over.
func (s *step) parks(d *draft, f *Flow, st *Step) {
	st.Attempt++
	st.State, st.Error, st.Waits, st.Asked, st.Until = Awaiting, nil, 0, d.now, f.Deadline
	if p := s.spec.Port(st.Port); p != nil && p.Await != nil && p.Await.For > 0 {
		st.Until = d.now.Add(p.Await.For)
		f.mayTake(st.Until)
	}
}

// late turns the flow of a step whose answer did not come in time.
func (s *step) late(ctx context.Context) error {
	return s.write(ctx, func(d *draft, f *Flow, st *Step) error {
		st.State, st.Until = Unknown, time.Time{}
		st.Error = &Fault{Code: modelspec.ErrDeadline, Message: "port " + st.Port + ": the answer did not come in time"}
		f.turn(d.now, st.Error)
		return nil
	})
}

// Complete brings the answer, or the refusal, of a call that waits for it under
// the correlation key. A second answer, and one that comes too late, is
// ErrNotFound; one that does not fit the port is ErrInvalid, and the call waits
// on.
func (e *Engine) Complete(ctx context.Context, model, port, key string, answer *modelspec.Value, refusal error) error {
	spec, g, err := e.pin(model, "")
	if err != nil {
		return err
	}
	defer g.Unpin()
	p := spec.Port(port)
	if p == nil || p.Await == nil {
		return &modelspec.Error{Code: modelspec.ErrNotFound, Message: "model " + model + " has no port " + port + " that is answered later"}
	}
	if refusal == nil {
		if err := fitsAnswer(p, answer); err != nil {
			return err
		}
	} else {
		refusal = refusing(refusal)
	}
	c, err := e.coll(model)
	if err != nil {
		return err
	}
	ids, err := waiting(ctx, c, port, key)
	if err != nil {
		return err
	}
	for _, id := range ids {
		done, err := e.complete(ctx, c, docKey{model, id}, port, key, answer, refusal)
		if done || err != nil {
			return err
		}
	}
	return &modelspec.Error{Code: modelspec.ErrNotFound, Message: "no call of " + model + "." + port + " waits for an answer under this key: it was answered, taken back, or never asked"}
}

// refusing makes sure that a refusal is final.
func refusing(err error) error {
	f := *modelspec.AsError(err)
	if modelspec.Transient(&f) || f.NotSent {
		f.Code, f.NotSent = modelspec.ErrRefused, false
	}
	return &f
}

// fitsAnswer checks an answer from outside against the port.
func fitsAnswer(p *modelspec.PortDescriptor, answer *modelspec.Value) error {
	if answer == nil {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + p.Name + ": there is no answer"}
	}
	return p.Response.Accepts(answer)
}

// waiting lists the documents in which a call waits under the key.
func waiting(ctx context.Context, c datasource.Collection, port, key string) ([]string, error) {
	k, ok := modelspec.IndexKey(key)
	if !ok {
		return nil, nil
	}
	var ids []string
	for d, err := range c.List(ctx, datasource.Query{Index: awaitIndex(port), Key: &k}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, d.ID)
	}
	return ids, nil
}

// complete gives the answer to the document's step that waits for it.
func (e *Engine) complete(ctx context.Context, c datasource.Collection, k docKey, port, key string, answer *modelspec.Value, refusal error) (bool, error) {
	spec, g, err := e.pin(k.model, k.id)
	if err != nil {
		return false, err
	}
	defer g.Unpin()
	for range maxReruns {
		s, err := e.waitingStep(ctx, c, k, port, key)
		if err != nil || s == nil {
			return false, err
		}
		s.spec = spec
		if err := s.settled(ctx, answer, refusal, nil); err != nil || s.wrote {
			return s.wrote, err
		}
		// The step has moved: it was answered, or its asking has ended just now.
	}
	return false, modelspec.ErrConflict
}

// waitingStep is the document's step that waits for an answer under the key, or
// nil.
func (e *Engine) waitingStep(ctx context.Context, c datasource.Collection, k docKey, port, key string) (*step, error) {
	doc, meta, err := e.readFlow(ctx, c, taskKey{k, ""})
	if err != nil || doc == nil {
		return nil, err
	}
	for i := range meta.Flows {
		f := &meta.Flows[i]
		for j := range f.Steps {
			if st := &f.Steps[j]; st.Port == port && st.Await == key && st.awaits() && f.State == Running {
				return &step{e: e, c: c, k: taskKey{k, f.ID}, doc: doc, meta: meta, now: time.Now(), i: j}, nil
			}
		}
	}
	return nil, nil
}
