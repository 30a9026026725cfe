package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// delivery is one event on its way to all who match. It is small, since most
// events go their way without anything to tell of.
type delivery struct {
	broker  *Broker
	view    *view    // what filters see: made for the first that looks
	names   []string // whom to pass over, or, of an operator's retry, whom not to
	only    bool     // the latter
	trouble *trouble // nil if there was none
}

// trouble is what became of an event that not all have taken.
type trouble struct {
	passed []*Handle // whom it was not for, after all; a group by its first member
	failed []string  // by their names
	errs   []error
	late   []error
}

// tell gives the event to DropOldest subscriptions.
func (d *delivery) tell(e *Event, r *route) {
	for _, h := range r.tell {
		if h.plain || d.admits(e, h) {
			h.tell(e)
		}
	}
	for _, p := range r.pools {
		if !p.group.needs() {
			d.tellOne(e, p)
		}
	}
}

// serve gives the event to Required subscriptions, then to Block ones, then to
// the groups of both.
func (d *delivery) serve(ctx context.Context, e *Event, r *route) {
	for _, h := range r.required {
		d.give(ctx, e, h)
	}
	for _, h := range r.block {
		d.give(ctx, e, h)
	}
	for _, p := range r.pools {
		if p.group.needs() {
			d.giveOne(ctx, e, p)
		}
	}
}

// concerns reports whether the one of the name is still to have the event.
func (d *delivery) concerns(name string) bool {
	return len(d.names) == 0 || slices.Contains(d.names, name) == d.only
}

// give gives the event to h, or to its successor if h was closed in the
// meantime.
func (d *delivery) give(ctx context.Context, e *Event, h *Handle) {
	if !d.concerns(h.sub.Name) {
		return
	}
	for next := h; next != nil; next = d.broker.successor(next, e) {
		var in entry
		var err error
		if next.plain {
			in, err = next.serve(ctx, e)
		} else {
			in, err = d.try(ctx, e, next)
		}
		if err != nil {
			d.fail(h.sub.Name, err)
			return
		}
		if in == passed {
			d.pass(h)
		}
		if in != gone {
			return
		}
	}
	d.shut(e, h.sub.Name, h)
}

// try gives the event to h, unless it is not for h.
func (d *delivery) try(ctx context.Context, e *Event, h *Handle) (entry, error) {
	if !d.admits(e, h) {
		return passed, nil
	}
	if h.sub.Delay > 0 && h.sub.Required {
		if err := h.early(e); err != nil {
			return entered, err
		}
	}
	if h.turn != nil {
		return h.requireOnce(ctx, e)
	}
	return h.serve(ctx, e)
}

// admits reports whether the event is for h, as far as its filter and its queue
// of one event say.
func (d *delivery) admits(e *Event, h *Handle) bool {
	if h.sieve != nil {
		if d.view == nil {
			d.view = &view{event: *e}
		}
		if !h.lets(d.view) {
			return false
		}
	}
	return h.sub.Required || h.claim()
}

// note returns the account of trouble, from now on.
func (d *delivery) note() *trouble {
	if d.trouble == nil {
		d.trouble = &trouble{}
	}
	return d.trouble
}

// pass accounts for one that the event is not for.
func (d *delivery) pass(h *Handle) { d.note().passed = append(d.note().passed, h) }

// fail accounts for an error of whoever has the name.
func (d *delivery) fail(name string, err error) {
	t := d.note()
	t.failed = append(t.failed, name)
	if _, late := LaterOf(err); late {
		t.late = append(t.late, err)
		return
	}
	t.errs = append(t.errs, err)
}

// shut accounts for one that is gone with the whole broker. If it is gone
// alone, nobody of the name wants the event any more.
func (d *delivery) shut(e *Event, name string, h *Handle) {
	if d.broker.table.Load().closed {
		d.fail(name, h.wrap(e, errShut))
	}
}

// error joins what went wrong. Lateness comes last, since the first error with
// a code says what can be expected of them all.
func (d *delivery) error() error {
	if d.trouble == nil {
		return nil
	}
	return errors.Join(append(d.trouble.errs, d.trouble.late...)...)
}

// taken lists who has taken the event: those before, and all of r that it was
// for and that did not fail.
func (d *delivery) taken(r *route) []string {
	t := d.note()
	out := append(make([]string, 0, len(d.names)+len(r.required)+len(r.block)+len(r.pools)), d.names...)
	for _, hs := range [...][]*Handle{r.required, r.block} {
		for _, h := range hs {
			if !slices.Contains(t.passed, h) {
				out = append(out, h.sub.Name)
			}
		}
	}
	for _, p := range r.pools {
		if p.group.needs() && !slices.Contains(t.passed, p.members[0]) {
			out = append(out, p.group.name)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool { return slices.Contains(t.failed, name) })
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

// tell delivers e to a DropOldest subscription, and reports whether that is
// open.
func (h *Handle) tell(e *Event) bool {
	in := h.queue.offer(e)
	if in != full {
		return in == entered
	}
	old, dropped, in := h.queue.displace(e)
	if dropped {
		h.broker.report(h, &old, Failure{Err: h.full, Dropped: true}, h.dropped.Add(1))
	}
	return in == entered
}
