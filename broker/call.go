package broker

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/org/aegis/modelspec"
)

// call runs the handler once and turns whatever goes wrong into an error.
func (h *Handle) call(ctx context.Context, e *Event) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p == nil {
			// runtime.Goexit: nothing can stop it, so account for it here.
			h.settle(e, h.refused(e, bug("handler ended its goroutine with runtime.Goexit: return an error instead")))
			return
		}
		err = h.refused(e, bug(fmt.Sprintf("handler panicked: %v\n%s", p, debug.Stack())))
	}()
	err = h.sub.Handler(ctx, *e)
	returned = true
	if err != nil {
		err = h.refused(e, err)
	}
	return err
}

// settle counts and reports the end of a call.
func (h *Handle) settle(e *Event, err error) {
	if err == nil {
		h.delivered.Add(1)
		return
	}
	h.broker.report(h, e, Failure{Err: err}, h.failed.Add(1))
}

func (h *Handle) wrap(e *Event, err error) error {
	return fmt.Errorf("broker: deliver %s to %s: %w", e.Type, h.sub.Name, err)
}

// refused wraps what the handler itself returned.
func (h *Handle) refused(e *Event, err error) error { return &handlerError{e.Type, h.sub.Name, err} }

func bug(text string) error { return &modelspec.Error{Code: modelspec.ErrInternal, Message: text} }

// require calls a Required handler for a publisher. Close finds this frame on
// the stack by its name: see insideRequired.
//
//go:noinline
func (h *Handle) require(ctx context.Context, e *Event) (entry, error) {
	if !h.gate.enter() {
		return gone, nil
	}
	defer func() {
		if h.gate.leave() {
			h.finish()
		}
	}()
	if err := ctx.Err(); err != nil {
		return entered, h.wrap(e, err)
	}
	err := h.call(ctx, e)
	h.settle(e, err)
	if h.sub.Once && err == nil {
		h.retire()
	}
	return entered, err
}

// run is the goroutine of a subscription with a queue.
func (h *Handle) run() {
	h.runner.Store(goroutine())
	ended := false
	defer func() {
		if !ended { // a handler called runtime.Goexit: go on where it left off
			go h.run()
			return
		}
		h.cancel()
		h.abandon()
		h.finish()
	}()
	for h.step() {
	}
	ended = true
}

// step handles one event, and reports whether there may be more.
func (h *Handle) step() bool {
	if h.spent { // by a call that ended with runtime.Goexit
		h.retire()
		return false
	}
	q := &h.queue
	if h.next == q.size {
		h.next = 0
		if !q.take() {
			return false
		}
	} else {
		q.begun.Add(1)
	}
	if q.closed.Load() {
		return false
	}
	q.announce()
	e := &q.batch[h.next]
	h.next++
	h.spent = h.sub.Once
	h.settle(e, h.call(h.ctx, e))
	if h.spent {
		h.retire()
	}
	return !h.spent
}

// abandon drops what still waits after the end.
func (h *Handle) abandon() {
	for ; h.next < h.queue.size; h.next++ {
		h.leaveBehind(&h.queue.batch[h.next])
	}
	h.queue.drain(h.leaveBehind)
}

// leaveBehind hands an event that waited when the subscription ended to the
// others of its group, or counts it. Whoever closed a subscription did not want
// it any more; whoever closed the broker, or the member of a group, may.
func (h *Handle) leaveBehind(e *Event) {
	grouped := h.group != nil && !h.shut.Load()
	if grouped && h.handOver(e) {
		return
	}
	nth := h.dropped.Add(1)
	switch {
	case h.shut.Load():
		h.broker.report(h, e, Failure{Err: h.wrap(e, errShut), Dropped: true}, nth)
	case grouped:
		h.broker.report(h, e, Failure{Err: h.wrap(e, errAlone), Dropped: true}, nth)
	}
}

var errAlone error = &modelspec.Error{Code: modelspec.ErrExhausted,
	Message: "the member of the group was closed, and no other has room: close fewer at a time, or make Queue larger"}
