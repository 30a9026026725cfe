package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Needs reports whether somebody must have the events of the type from the
// source: whether a Required or Block subscription matches. Its publisher then
// keeps such an event until Publish returned nil; for any other, Tell is
// enough. It costs about ten nanoseconds and does not allocate.
func (b *Broker) Needs(source, typ string) bool {
	t := b.table.Load()
	return t != nil && t.lookup(source, typ).needs
}

// Tell hands e to the DropOldest subscriptions that match, and never blocks:
// it is Publish for an event that nobody needs. After Close it does nothing.
func (b *Broker) Tell(e Event) {
	t := b.table.Load()
	if t == nil {
		return
	}
	for _, h := range t.lookup(e.Source, e.Type).tell {
		h.tell(&e)
	}
}

// Publish delivers e to all subscriptions that match: it fills the queues of
// DropOldest ones, calls Required ones one after the other, and fills the
// queues of Block ones, waiting for room until ctx is done. Each is served
// whatever becomes of the others.
//
// It returns nil when every Required handler returned nil and every Block queue
// has e, else the joined errors: those of the handlers, of code internal for a
// panic; the error of ctx for what had no turn before its end; and
// modelspec.ErrUnavailable after Close. Publish e again, then.
func (b *Broker) Publish(ctx context.Context, e Event) error {
	_, err := b.Deliver(ctx, e, nil)
	return err
}

// Deliver is Publish for one who tries again. It passes over the Required and
// Block subscriptions whose names are in taken, and, unless taken is nil, the
// DropOldest ones, which have been told. When it fails, it returns who has
// taken e so far, for the next attempt:
//
//	var taken []string
//	for {
//		taken, err = b.Deliver(ctx, e, taken)
//		...
//	}
//
// Subscriptions that share a name count as having taken e when all of them
// have. When it succeeds, it returns nil.
func (b *Broker) Deliver(ctx context.Context, e Event, taken []string) ([]string, error) {
	t := b.table.Load()
	if t == nil {
		return nil, nil
	}
	if t.closed {
		return taken, fmt.Errorf("broker: publish %s: %w", e.Type, errShut)
	}
	r := t.lookup(e.Source, e.Type)
	if taken == nil {
		for _, h := range r.tell {
			h.tell(&e)
		}
	}
	if !r.needs {
		return nil, nil
	}
	var a account
	for _, h := range r.required {
		a.serve(ctx, b, h, &e, taken)
	}
	for _, h := range r.block {
		a.serve(ctx, b, h, &e, taken)
	}
	if len(a.errs) == 0 {
		return nil, nil
	}
	return a.taken(r, taken), errors.Join(a.errs...)
}

// account is who failed in one delivery.
type account struct {
	failed []string
	errs   []error
}

// serve delivers e to h, or to its successor if h was closed in the meantime.
func (a *account) serve(ctx context.Context, b *Broker, h *Handle, e *Event, taken []string) {
	if len(taken) > 0 && slices.Contains(taken, h.sub.Name) {
		return
	}
	for next := h; next != nil; next = b.successor(next, e) {
		in, err := next.serve(ctx, e)
		if err != nil {
			a.failed, a.errs = append(a.failed, h.sub.Name), append(a.errs, err)
		}
		if in != gone {
			return
		}
	}
	if b.table.Load().closed {
		a.failed = append(a.failed, h.sub.Name)
		a.errs = append(a.errs, h.wrap(e, errShut))
	}
}

// successor is the subscription that follows h, which was closed, under the
// same name: nil if there is none. Where a component is replaced, the
// publisher may hold a table of before while h closes. A subscription without
// a name of its own has none.
func (b *Broker) successor(h *Handle, e *Event) *Handle {
	if h.sub.Name == h.sub.Pattern {
		return nil
	}
	r := b.table.Load().lookup(e.Source, e.Type)
	for _, hs := range [...][]*Handle{r.required, r.block} {
		for _, next := range hs {
			if next.sub.Name == h.sub.Name && next.number > h.number {
				return next
			}
		}
	}
	return nil
}

// taken lists who has taken the event: those before, and all of r that did
// not fail.
func (a *account) taken(r *route, before []string) []string {
	out := append(make([]string, 0, len(before)+len(r.required)+len(r.block)), before...)
	for _, hs := range [...][]*Handle{r.required, r.block} {
		for _, h := range hs {
			out = append(out, h.sub.Name)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool { return slices.Contains(a.failed, name) })
}

// serve delivers e to a Required or Block subscription.
func (h *Handle) serve(ctx context.Context, e *Event) (entry, error) {
	if h.sub.Required {
		return h.require(ctx, e)
	}
	in := h.queue.offer(e)
	if in != full {
		return in, nil
	}
	in, err := h.queue.await(ctx, e)
	if err != nil {
		err = fmt.Errorf("broker: deliver %s to %s: wait for room in a queue of %d: %w", e.Type, h.sub.Name, h.sub.Queue, err)
	}
	return in, err
}

// tell delivers e to a DropOldest subscription.
func (h *Handle) tell(e *Event) {
	if h.queue.offer(e) != full {
		return
	}
	if old, dropped, _ := h.queue.displace(e); dropped {
		h.broker.report(h, &old, h.full, true, h.dropped.Add(1))
	}
}
