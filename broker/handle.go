package broker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/modelspec"
)

// Handle is a subscription that [Broker.Subscribe] made. It is safe for
// concurrent use.
type Handle struct {
	broker  *Broker
	sub     Subscription
	pattern pattern
	plain   bool          // neither a Filter nor Once, nor Required with a Delay
	number  uint64        // in the order of Subscribe
	done    chan struct{} // closed when no call is under way or can begin

	ignore []pattern
	sieve  *sieve // nil without a Filter
	group  *group // nil without one

	delivered, failed, dropped, filtered, unfit atomic.Uint64

	spent bool // with Once, that it took its event; guarded by turn, or the goroutine's own

	gate gate          // of a Required subscription
	turn chan struct{} // likewise, with Once: held by the call under way

	claimed atomic.Bool // with Once, that its event is in the queue; as all that follows, of the others

	queue  queue
	full   error           // of each dropped event
	ctx    context.Context // of the handler: the subscription's lifetime
	cancel context.CancelFunc
	runner atomic.Uint64 // the goroutine that runs it
	shut   atomic.Bool   // ended with the broker
	next   int           // the goroutine's own: in the batch taken from the queue
}

func newHandle(b *Broker, s Subscription, p *plan) *Handle {
	h := &Handle{broker: b, sub: s, pattern: p.pattern, ignore: p.ignore, sieve: p.sieve, done: make(chan struct{})}
	h.sub.Filter, h.sub.Ignore = Filter{}, slices.Clone(s.Ignore) // compiled: see sieve
	h.plain = h.sieve == nil && !s.Once && (s.Delay == 0 || !s.Required)
	if s.Required {
		if s.Once {
			h.turn = make(chan struct{}, 1)
		}
		return h
	}
	h.full = fmt.Errorf("broker: deliver to %s: %w", s.Name, &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf(
		"the queue of %d is full: make the handler faster, Queue larger, or let publishers wait with Overflow: Block", s.Queue)})
	h.ctx, h.cancel = context.WithCancel(context.Background())
	batch := 1 // what can be displaced, or is not due yet, must stay in the queue
	if s.Overflow == Block && s.Delay == 0 {
		batch = min(maxBatch, max(1, s.Queue/4))
	}
	h.queue.init(s.Queue, batch, s.Delay)
	return h
}

// Close ends the subscription: no call of its handler begins after Close
// returned. It ends the context of a call under way and waits for it, unless
// it is called from inside that very handler (of a Required subscription: from
// inside any Required handler). Events that wait in the queue are dropped and
// counted. Closing again waits just so.
//
// To replace a subscription without a gap, subscribe the successor under the
// same name first: what the old one was about to take when it closed goes to
// the successor.
func (h *Handle) Close() {
	h.broker.remove(h)
	inside := h.inside()
	h.stop(inside)
	if !inside {
		<-h.done
	}
}

// inside reports whether waiting for h's calls would be waiting for oneself.
func (h *Handle) inside() bool {
	if h.sub.Required {
		return insideRequired()
	}
	return h.runner.Load() == goroutine()
}

// stop lets no further call begin. From inside, the handler keeps its context
// to the end of the call.
func (h *Handle) stop(inside bool) {
	if h.sub.Required {
		if h.gate.close() {
			h.finish()
		}
		return
	}
	h.queue.close()
	if !inside {
		h.cancel()
	}
}

// finish says that no call is under way and none can begin.
func (h *Handle) finish() {
	h.broker.forget(h)
	close(h.done)
}

// gate counts the calls of a Required handler under way.
type gate struct {
	mu     sync.Mutex
	calls  int
	closed bool
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.calls++
	return true
}

// leave reports whether this was the last call that a closed gate had let in.
func (g *gate) leave() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	return g.closed && g.calls == 0
}

// close reports whether it closed the gate with nobody inside.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	was := g.closed
	g.closed = true
	return !was && g.calls == 0
}
