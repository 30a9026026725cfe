package flow

import (
	"time"

	"github.com/org/aegis/modelspec"
)

// What a person may do to a flow. None of it asks anybody anything: it changes
// what the flow does next.

// retry makes the flow try again what failed.
func (d *draft) retry(f *Flow, h hand) (bool, error) {
	switch {
	case f.State.over():
		return false, refusedHand(h, f, "it is "+string(f.State)+": there is nothing to try again")
	case f.State == Attention:
		f.resume(d.now)
		return true, nil
	}
	return f.hasten(d.now), nil
}

// hasten makes what failed be tried now, and reports whether there is
// something. What waits for its time, or for an answer, waits on.
func (f *Flow) hasten(now time.Time) (did bool) {
	for i := range f.Steps {
		s := &f.Steps[i]
		if s.Until.IsZero() || !f.inTurn(s) || f.State == Running && !s.failing() {
			continue
		}
		s.Until, s.Waits, did = time.Time{}, 0, true
	}
	return did
}

// inTurn reports whether the flow wants something of the step.
func (f *Flow) inTurn(s *Step) bool {
	if f.State == Undoing {
		return s.toUndo() && s.State != Tentative
	}
	switch s.State {
	case Pending, Unknown, Answered:
		return true
	}
	return false
}

// failing reports whether the step was tried, and has not got anywhere.
func (s *Step) failing() bool { return s.Error != nil || s.Waits > 0 }

// resume makes a flow go on that needed a person.
func (f *Flow) resume(now time.Time) {
	f.State, f.Was = f.before(), ""
	f.Deadline, f.Ended = now.Add(flowDeadline), time.Time{}
	if f.State == Running {
		f.Error = nil
	}
	f.loosen()
	f.hasten(now)
	for i := range f.Steps { // an answer that was late has a day again
		if s := &f.Steps[i]; f.State == Running && s.State == Awaiting && !s.Until.After(now) {
			s.Until = f.Deadline
		}
	}
}

// before is what the flow was doing when it came to need a person.
func (f *Flow) before() State {
	switch f.Was {
	case Running, Undoing:
		return f.Was
	case Undone: // and the model could not take it
		return Undoing
	}
	open := false
	for i := range f.Steps {
		switch s := &f.Steps[i]; {
		case s.State == Stuck, s.State == Reversed, s.State == Skipped:
			return Undoing
		case s.State.unsettled():
			open = true
		}
	}
	if open {
		return Running
	}
	return Undoing
}

// loosen makes steps whose undo was refused what they were: their undo will be
// asked again.
func (f *Flow) loosen() {
	for i := range f.Steps {
		s := &f.Steps[i]
		if s.State != Stuck {
			continue
		}
		s.State, s.Error, s.Until, s.Waits, s.Ended = Unknown, nil, time.Time{}, 0, time.Time{}
		if s.Result != nil {
			s.State = Done
		}
	}
}

// goBack makes the flow go back from where it is.
func (d *draft) goBack(f *Flow, h hand) (bool, error) {
	if f.State.over() && d.now.Sub(f.Ended) > retention {
		return false, &modelspec.Error{Code: modelspec.ErrRefused, Message: "flow " + f.ID + " ended more than a day ago: services and receipts need not know its keys any more"}
	}
	switch {
	case f.State == Undoing:
		return false, nil
	case f.State == Undone:
		return false, refusedHand(h, f, "it was taken back already")
	case f.State == Attention && f.before() == Undoing:
		f.resume(d.now)
		return true, nil
	case f.Started.Before(d.doc.Created):
		return false, refusedHand(h, f, "its document was deleted, and made again since")
	}
	f.loosen()
	if f.State == Running {
		d.maybeAsked(f, d.e.tasks.has(taskKey{d.k, f.ID}))
	}
	if !f.canGoBack() {
		why := "nothing of it can be taken back: abandon it, if it stands still"
		if done := f.portsOf(func(s *Step) bool { return s.State == Done || s.State == Unknown || s.State == Answered }); done != "" {
			why = "nothing of it can be taken back: " + done + " was asked, and has no undo"
		}
		return false, refusedHand(h, f, why)
	}
	f.Error, f.Ended, f.Was = nil, time.Time{}, ""
	f.turn(d.now, &Fault{Code: modelspec.ErrCanceled, Message: "taken back by " + h.by.String()})
	return true, nil
}

// canGoBack reports whether something was done that can be undone, or something
// is still to be done that can be left.
func (f *Flow) canGoBack() bool {
	for i := range f.Steps {
		s := &f.Steps[i]
		if s.toUndo() || !f.State.over() && s.State == Pending {
			return true
		}
	}
	return false
}

// maybeAsked writes down which steps may be asked at this very moment, or
// before the change is stored. An undo takes back what has not happened, too:
// it comes to nothing, and the service refuses the key from then on.
func (d *draft) maybeAsked(f *Flow, working bool) {
	first, _, _ := f.next(d.now)
	for i := range f.Steps {
		s := &f.Steps[i]
		if s.State != Pending || s.Until.After(d.now.Add(time.Minute)) {
			continue
		}
		if s.Undo {
			if s.Started.IsZero() {
				s.Started = d.now
			}
			continue
		}
		p := d.spec.Port(s.Port)
		if working && i == first && !s.Until.After(d.now) && (p == nil || p.Direction == modelspec.Out) {
			s.State = Unknown
		}
	}
}

// abandon leaves the flow as it is.
func (d *draft) abandon(f *Flow, h hand) (bool, error) {
	switch {
	case f.State == Abandoned:
		return false, nil
	case f.State.over():
		return false, refusedHand(h, f, "it is "+string(f.State)+": there is nothing to abandon")
	case f.portsOf(func(s *Step) bool { return s.State == Tentative }) != "":
		return false, refusedHand(h, f, "a command is at work in it: ask again when it has ended")
	case f.State.open():
		if well := f.well(); well != "" {
			return false, refusedHand(h, f, "it is under way, and "+well+" has not failed: undo it, or wait")
		}
	}
	f.State, f.Ended, f.Was = Abandoned, d.now, ""
	if f.Error == nil {
		f.Error = &Fault{Code: modelspec.ErrCanceled, Message: "abandoned by " + h.by.String()}
	}
	return true, nil
}

// well names a step of an open flow that is in turn and has not failed yet.
// Steps are undone one after the other: the last is in turn.
func (f *Flow) well() string {
	for i := len(f.Steps) - 1; i >= 0; i-- {
		s := &f.Steps[i]
		if f.State == Undoing {
			if !s.toUndo() {
				continue
			}
			if s.Waits > 0 {
				return ""
			}
			return s.Port
		}
		if s.State == Awaiting || f.inTurn(s) && !s.failing() {
			return s.Port
		}
	}
	return ""
}

// has reports whether a piece of work is under way, or about to be.
func (s *schedule) has(k taskKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.state[k]
	return ok
}
