package flow

import (
	"cmp"
	"context"
	"time"

	"github.com/org/aegis/modelspec"
)

// takeBack undoes the step. Whatever is not an answer is asked again until the
// deadline; a refusal needs a person, and what was done before it stays done.
func (s *step) takeBack(ctx context.Context) (again bool, err error) {
	st := s.state()
	if st.State == Tentative && (s.e.live.has(s.k.flow) || s.e.live.has(st.Of)) {
		s.e.tasks.at(s.k, s.now.Add(leaseMargin))
		return false, nil
	}
	asked := cmp.Or(st.Via, st.Port)
	p := s.spec.Port(asked)
	if p == nil {
		return false, s.undid(ctx, notSent("this version of the model has no outbound port "+asked))
	}
	o := s.e.out(s.k.model, p)
	if !o.enter(s.k) {
		return false, nil
	}
	defer s.leave(o)
	f := s.flow()
	c := s.e.undoCall(s.k.docKey, o, st.Key, st.Result, s.now)
	c.flow, c.at = f.ID, st.at()
	c.call.Caller, c.call.Trace, c.call.Cause = f.Cause.Caller, f.Cause.Trace, f.ID
	_, err = c.do(ctx, st.Arg)
	if ctx.Err() != nil {
		return false, nil // the host is closing: that is no answer
	}
	if err != nil {
		s.e.observe(Observation{Kind: UndoFailed, Model: s.k.model, ID: s.k.id, Flow: f.ID, Port: st.Port, Err: err})
	}
	return true, s.undid(ctx, err)
}

// undid writes down how the undo went.
func (s *step) undid(ctx context.Context, err error) error {
	return s.write(ctx, func(d *draft, f *Flow, st *Step) error {
		switch {
		case err == nil:
			st.State, st.Error, st.Until, st.Ended = Reversed, nil, time.Time{}, d.now
			return nil
		case modelspec.NotSent(err) || modelspec.Transient(err):
			st.Waits++
			st.Error, st.Until = modelspec.AsError(err), d.now.Add(wait(st.Waits))
			if d.now.Before(f.Deadline) {
				return nil
			}
		}
		st.State, st.Error, st.Until, st.Ended = Stuck, modelspec.AsError(err), time.Time{}, d.now
		f.stop(d.now, st.Error)
		return s.note(ctx, d, f)
	})
}
