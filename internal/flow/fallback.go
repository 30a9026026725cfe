package flow

import (
	"context"
	"time"

	"github.com/org/aegis/modelspec"
)

// instead reports whether something else is to be done in place of asking the
// port: this attempt has failed, and neither it nor one before had an effect.
func (s *step) instead(p *modelspec.PortDescriptor, err error) bool {
	st := s.state()
	if p.Fallback == "" && p.Default == nil || st.Via != "" || st.State != Pending {
		return false
	}
	return modelspec.NotSent(err) || !modelspec.Transient(err)
}

// turnTo takes the default answer, or has the fallback asked, under a key of
// its own.
func (s *step) turnTo(ctx context.Context, p *modelspec.PortDescriptor) error {
	return s.write(ctx, func(d *draft, f *Flow, st *Step) error {
		if p.Default != nil {
			st.Via, st.Undo = byDefault, false // nobody did anything
			return s.answered(ctx, d, f, st, p.Default)
		}
		st.Via, st.Service, st.Started, st.Until = p.Fallback, "", time.Time{}, time.Time{}
		st.Key = d.e.stepKey(d.k.model, d.k.id, d.doc.Inc, f.ID, st.Port+" or "+st.Via, st.N)
		return nil
	})
}

// byDefault is the Step.Via of an answer that nobody gave. No port has such a
// name.
const byDefault = ":default"

// orElse does for a handler's call what turnTo does for a step.
func (f *frame) orElse(ctx context.Context, p *modelspec.PortDescriptor, e modelspec.Effect, err error) (*modelspec.Value, error) {
	if !modelspec.NotSent(err) && modelspec.Transient(err) || f.gone != nil || ctx.Err() != nil {
		return nil, err
	}
	if p.Default != nil {
		return p.Default, nil
	}
	e.Target = p.Fallback
	return f.callPort(ctx, e)
}
