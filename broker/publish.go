package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/org/aegis/modelspec"
)

// Needs reports whether somebody must have the events of the type from the
// source: whether a Required or Block subscription matches, its Filter aside.
// Its publisher then keeps such an event until Publish returned nil; for any
// other, Tell is enough. It costs about ten nanoseconds and does not allocate.
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
	if r := t.lookup(e.Source, e.Type); r.tells {
		d := delivery{broker: b}
		d.tell(&e, r)
	}
}

// Publish delivers e to all subscriptions that match: it fills the queues of
// DropOldest ones, calls Required ones one after the other, and fills the
// queues of Block ones, waiting for room until ctx is done; then it does the
// same for one member of each group. Each is served whatever becomes of the
// others.
//
// It returns nil when every Required handler returned nil and every Block queue
// has e, else the joined errors: those of the handlers, of code internal for a
// panic; the error of ctx for what had no turn before its end; a [Later] for
// each Required subscription whose Delay is not over; and
// modelspec.ErrUnavailable after Close. Publish e again, then; [LaterOf] says
// when, if nothing failed.
func (b *Broker) Publish(ctx context.Context, e Event) error {
	_, err := b.Deliver(ctx, e, nil)
	return err
}

// Deliver is Publish for one who tries again. It passes over the Required and
// Block subscriptions and groups whose names are in taken, and, unless taken is
// nil, the DropOldest ones, which have been told. When it fails, it returns who
// has taken e so far, for the next attempt:
//
//	var taken []string
//	for {
//		taken, err = b.Deliver(ctx, e, taken)
//		...
//	}
//
// Of a group the account has the group's name. Subscriptions that share a name
// count as having taken e when all of them have. When it succeeds, it returns
// nil.
func (b *Broker) Deliver(ctx context.Context, e Event, taken []string) ([]string, error) {
	t := b.table.Load()
	if t == nil {
		return nil, nil
	}
	if t.closed {
		return taken, fmt.Errorf("broker: publish %s: %w", e.Type, errShut)
	}
	r := t.lookup(e.Source, e.Type)
	d := delivery{broker: b, names: taken}
	if taken == nil && r.tells {
		d.tell(&e, r)
	}
	if !r.needs {
		return nil, nil
	}
	d.serve(ctx, &e, r)
	if d.trouble == nil || len(d.trouble.failed) == 0 {
		return nil, nil
	}
	return d.taken(r), d.error()
}

// DeliverTo delivers e to the Required and Block subscriptions and the groups
// of these names only, and to all of them: for an operator who tries again what
// nobody could do, after the cause was mended. The events that they take with
// that may come out of order. It fails as Publish does, with
// modelspec.ErrInvalid if names is empty, and with modelspec.ErrNotFound, and
// nothing delivered, if one of them is not there or does not match.
func (b *Broker) DeliverTo(ctx context.Context, e Event, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("broker: deliver %s: %w", e.Type, modelspec.Invalid("/names", "it is empty: name the subscriptions, or use Publish"))
	}
	t := b.table.Load()
	if t == nil {
		return fmt.Errorf("broker: deliver %s to %q: %w", e.Type, names[0], errNobody)
	}
	if t.closed {
		return fmt.Errorf("broker: deliver %s to %q: %w", e.Type, names[0], errShut)
	}
	r := t.lookup(e.Source, e.Type)
	have := (&delivery{}).taken(r) // who would take it
	var missing []error
	for _, name := range names {
		if !slices.Contains(have, name) {
			missing = append(missing, fmt.Errorf("broker: deliver %s to %q: %w", e.Type, name, errNobody))
		}
	}
	if len(missing) > 0 {
		return errors.Join(missing...)
	}
	d := delivery{broker: b, names: names, only: true}
	d.serve(ctx, &e, r)
	return d.error()
}

var errNobody error = &modelspec.Error{Code: modelspec.ErrNotFound, NotSent: true,
	Message: "no Required or Block subscription or group of the name takes such events: see Subscriptions"}
