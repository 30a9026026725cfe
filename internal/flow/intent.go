package flow

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/org/aegis/modelspec"
)

// intend writes down that a call with an undo is about to be made, so that a
// crash cannot leave an effect that nobody knows of. The same command, asked
// again after a crash, adopts the step under the same key.
func (f *frame) intend(ctx context.Context, m *made) error {
	if err := f.hold(); err != nil {
		return err
	}
	first := len(f.made) == 0
	if first && f.req.Key != "" && f.of == "" && f.ended(ctx) {
		f.gone = takenBack()
		return f.gone
	}
	return f.write(ctx, func(d *draft) error {
		fl := d.flow(f.flow)
		if fl == nil && f.of == "" {
			var err error
			fl, err = d.open(Flow{ID: f.flow, Cause: Cause{Kind: "command", ID: f.flow, Port: f.port.Name, Trace: f.req.Trace, Caller: f.req.Caller},
				Version: f.gen.Version, State: Running, Started: f.now, Deadline: f.now.Add(flowDeadline)})
			if err != nil {
				return err
			}
		}
		if !f.mine(fl) {
			return takenBack()
		}
		if m.port.Exclusive {
			if err := d.exclusive(m.port, fl.ID); err != nil {
				return err
			}
		}
		return f.tentative(fl, m, first)
	})
}

// mine reports whether the command may still act as a part of its flow.
func (f *frame) mine(fl *Flow) bool {
	if fl == nil || fl.State != Running {
		return false
	}
	if f.of == "" {
		return !fl.Committed
	}
	for i := range fl.Steps {
		if s := &fl.Steps[i]; s.Key == f.of {
			return s.State == Pending || s.State == Unknown
		}
	}
	return false
}

// tentative adds the step of m to the flow, or adopts it.
func (f *frame) tentative(fl *Flow, m *made, first bool) error {
	others := false
	for i := range fl.Steps {
		s := &fl.Steps[i]
		if s.Key != m.key {
			others = others || s.State == Tentative && s.Of == f.of
			continue
		}
		if s.State != Skipped && digestOf(s.Arg) != digestOf(m.arg) {
			fl.turn(f.now, modelspec.AsError(takenBack()))
			return nil // written, and then refused: see write
		}
		m.adopt(s, f.unsent(m.key))
		s.State, s.Until = Tentative, f.lease()
		return nil
	}
	if first && others && len(f.again) == 0 { // asked again after a crash, and by other code
		fl.turn(f.now, modelspec.AsError(takenBack()))
		return nil
	}
	if len(fl.Steps) >= MaxSteps {
		return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "the command has made too many calls that can be undone", NotSent: true}
	}
	st := Step{N: m.n, Port: m.port.Name, Of: f.of, Key: m.key, Undo: true, State: Tentative, Until: f.lease()}
	m.adopt(&st, true)
	fl.Steps = append(fl.Steps, st)
	return nil
}

// adopt makes s the step of the call. Unless nobody was asked yet, the call is
// made at the service of s.
func (m *made) adopt(s *Step, unsent bool) {
	m.asked = !unsent && s.State != Skipped
	if m.asked && s.Service != "" {
		own := s.Service
		m.at = &own
	}
	s.Arg, s.Service = m.arg, ""
	if m.at != nil {
		s.Service = *m.at
	}
}

// unsent reports whether the run before this one made the call, and nobody was
// asked.
func (f *frame) unsent(key string) bool {
	return slices.ContainsFunc(f.again, func(m made) bool { return m.key == key && m.state() == Skipped })
}

// forgo says in the steps of a handler that will be run again which of its
// calls have certainly reached nobody: they are made anew, wherever that is by
// then.
func (f *frame) forgo(fl *Flow) {
	for i := range fl.Steps {
		s := &fl.Steps[i]
		if s.Of == f.of && s.State == Tentative && slices.ContainsFunc(f.made, func(m made) bool { return m.key == s.Key && m.state() == Skipped }) {
			s.State, s.Service, s.Until = Skipped, "", time.Time{}
		}
	}
}

// renew makes sure that the command has not been taken for dead.
func (f *frame) renew(ctx context.Context) error {
	return f.write(ctx, func(d *draft) error {
		fl := d.flow(f.flow)
		if !f.mine(fl) {
			return takenBack()
		}
		for i := range fl.Steps {
			if fl.Steps[i].State == Tentative && fl.Steps[i].Of == f.of {
				fl.Steps[i].Until = f.lease()
			}
		}
		return nil
	})
}

const tookBack = "the command was taken for dead, and what it had done was taken back: ask again under a new key"

func takenBack() error {
	return &modelspec.Error{Code: modelspec.ErrConflict, Message: tookBack, NotSent: true}
}

func isTakenBack(err error) bool {
	e, ok := errors.AsType[*modelspec.Error](err)
	return ok && e.Message == tookBack
}

// spentError says that nothing will ever come of the command's key, although
// nobody has refused anything.
type spentError struct{ error }

func (e spentError) Unwrap() error { return e.error }

func isSpent(err error) bool { _, ok := errors.AsType[spentError](err); return ok }

// spent reports whether the receipt is of a command that failed for a moment
// only, and was taken back.
func (r *Receipt) spent() bool {
	return r.Error != nil && r.Port != closedKey && (modelspec.Transient(r.Error) || modelspec.NotSent(r.Error))
}

// ended reports whether the command's flow has ended, and is history: what its
// calls did is taken back, under their keys.
func (f *frame) ended(ctx context.Context) bool {
	doc, err := f.coll.Get(ctx, f.k.id)
	if err != nil {
		return false
	}
	if m, err := metaOf(&doc); err != nil || find(m, f.flow) != nil {
		return false
	}
	_, err = f.e.pastFlow(ctx, f.k, f.flow)
	return err == nil
}

// write changes the host's part of the document while the handler runs. If
// somebody else writes meanwhile it goes on from there, and the handler will
// be run again.
func (f *frame) write(ctx context.Context, change func(*draft) error) error {
	if f.base == nil {
		if err := f.reload(ctx); err != nil {
			return err
		}
	}
	for range maxReruns {
		d := f.e.newDraft(f.k, f.spec, f.base, f.meta, time.Now())
		if err := change(&d); err != nil {
			f.gone = err
			return err
		}
		turned := false
		if fl := d.flow(f.flow); fl != nil {
			turned = fl.State == Undoing
		}
		err := d.save(ctx, f.coll)
		if err == nil {
			base, meta := d.doc, d.meta
			f.base, f.meta = &base, &meta
			f.rev = d.doc.Revision
			if turned {
				f.gone = takenBack()
				return f.gone
			}
			return nil
		}
		if !errors.Is(err, modelspec.ErrConflict) {
			return err
		}
		if err := f.reload(ctx); err != nil {
			return err
		}
	}
	return &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changes too often: ask again", NotSent: true}
}

// reload looks at what somebody else wrote.
func (f *frame) reload(ctx context.Context) error {
	doc, err := f.coll.Get(ctx, f.k.id)
	if err != nil {
		return err
	}
	if doc.Gone || doc.Inc != f.inc {
		f.gone = &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document was deleted meanwhile", NotSent: true}
		return f.gone
	}
	meta, err := metaOf(&doc)
	if err != nil {
		return err
	}
	f.stale = f.stale || doc.Revision != f.rev
	f.base, f.meta = &doc, meta
	return nil
}
