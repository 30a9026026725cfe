package flow

import (
	"slices"
	"time"
)

// action is what a flow wants done.
type action int

const (
	nothing  action = iota
	ask             // call the step's port
	fold            // give the step's answer to the model
	takeBack        // undo the step
	abandon         // the step's handler is dead: turn round
	giveUp          // the answer did not come in time
)

// next says what to do now, or when there will be something.
func (f *Flow) next(now time.Time) (i int, act action, at time.Time) {
	if f.State == Undoing {
		return f.nextUndo(now)
	}
	soonest := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		var act action
		switch s.State {
		case Pending, Unknown:
			act = ask
		case Answered:
			act = fold
		case Awaiting:
			act = giveUp
		case Tentative:
			if s.Of != "" { // its handler is a step, which is asked again
				continue
			}
			act = abandon
		default:
			continue
		}
		if !s.Until.After(now) {
			return i, act, now
		}
		soonest(s.Until)
	}
	return 0, nothing, at
}

func (f *Flow) nextUndo(now time.Time) (int, action, time.Time) {
	for i := range slices.Backward(f.Steps) {
		if s := &f.Steps[i]; s.toUndo() {
			if s.Until.After(now) {
				return 0, nothing, s.Until
			}
			return i, takeBack, now
		}
	}
	return 0, nothing, time.Time{}
}

// toUndo reports whether the step had an effect, or may have had one, that can
// be taken back.
func (s *Step) toUndo() bool {
	if !s.Undo {
		return false
	}
	switch s.State {
	case Done, Answered, Unknown, Awaiting, Tentative:
		return true
	case Pending:
		return !s.Started.IsZero() || s.Attempt > 0
	}
	return false
}

// over reports whether nothing is left to do, now or later.
func (f *Flow) over() bool {
	return !slices.ContainsFunc(f.Steps, func(s Step) bool {
		if f.State == Undoing {
			return s.toUndo()
		}
		return s.State.unsettled()
	})
}

// due is when the flow wants to be looked at.
func (f *Flow) due(now time.Time) time.Time {
	_, act, at := f.next(now)
	if act != nothing || at.IsZero() {
		return now
	}
	return at
}

// turn makes the flow go back from where it is.
func (f *Flow) turn(now time.Time, why *Fault) {
	f.State, f.Deadline = Undoing, now.Add(flowDeadline)
	if f.Error == nil {
		f.Error = why
	}
	for i := range f.Steps {
		s := &f.Steps[i]
		if s.toUndo() {
			s.Until, s.Waits = time.Time{}, 0
		} else if s.State == Pending {
			s.State, s.Ended = Skipped, now
		} else if s.State == Awaiting { // whatever comes of it is not waited for
			s.State, s.Ended = Unknown, now
		}
	}
}

// unsettled reports whether a step beside i is neither done nor given up.
func (f *Flow) unsettled(i int) bool {
	for j := range f.Steps {
		if j != i && f.Steps[j].State.unsettled() {
			return true
		}
	}
	return false
}
