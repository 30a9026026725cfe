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
			h.settle(e, h.wrap(e, bug("handler ended its goroutine with runtime.Goexit: return an error instead")))
			return
		}
		err = h.wrap(e, bug(fmt.Sprintf("handler panicked: %v\n%s", p, debug.Stack())))
	}()
	err = h.sub.Handler(ctx, *e)
	returned = true
	if err != nil {
		err = h.wrap(e, err)
	}
	return err
}

// settle counts and reports the end of a call.
func (h *Handle) settle(e *Event, err error) {
	if err == nil {
		h.delivered.Add(1)
		return
	}
	h.broker.report(h, e, err, false, h.failed.Add(1))
}

func (h *Handle) wrap(e *Event, err error) error {
	return fmt.Errorf("broker: deliver %s to %s: %w", e.Type, h.sub.Name, err)
}

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
	if h.next == h.size {
		clear(h.batch[:h.size]) // for the garbage collector
		h.next, h.size = 0, 0
		if h.size = h.queue.take(h.batch); h.size == 0 {
			return false
		}
	} else {
		h.queue.begun.Add(1)
	}
	if h.queue.closed.Load() {
		return false
	}
	h.queue.announce()
	e := &h.batch[h.next]
	h.next++
	h.settle(e, h.call(h.ctx, e))
	return true
}

// abandon drops what still waits after the end.
func (h *Handle) abandon() {
	for ; h.next < h.size; h.next++ {
		h.leaveBehind(&h.batch[h.next])
	}
	h.batch = nil
	h.queue.drain(h.leaveBehind)
}

// leaveBehind counts an event that waited when the subscription ended. Whoever
// closed a subscription did not want it any more; whoever closed the broker
// may.
func (h *Handle) leaveBehind(e *Event) {
	nth := h.dropped.Add(1)
	if h.shut.Load() {
		h.broker.report(h, e, h.wrap(e, errShut), true, nth)
	}
}
