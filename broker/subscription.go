package broker

import (
	"context"
	"fmt"
	"time"
)

// Handler takes one event. It must not change what the event holds: others
// share it. An error says that the event was not taken; the event comes again
// if the subscription is Required, and only then.
//
// The context of a Required handler is the publisher's. That of any other is
// done when its subscription or the broker is closed.
type Handler func(context.Context, Event) error

// Overflow is what happens to an event when the queue is full.
type Overflow int

const (
	// DropOldest makes room by dropping the event that waits longest, counted
	// and reported. The publisher never waits.
	DropOldest Overflow = iota
	// Block makes the publisher wait for room, or for the end of its context.
	Block
)

// String is drop-oldest or block.
func (o Overflow) String() string {
	switch o {
	case DropOldest:
		return "drop-oldest"
	case Block:
		return "block"
	}
	return fmt.Sprintf("Overflow(%d)", int(o))
}

// Subscription says who wants which events, and how much they matter. Pattern
// and Handler must be set.
type Subscription struct {
	// Name is the consumer, in failures, in listings and in Deliver's account of
	// who took an event: give a Required subscription a name of its own, and the
	// one that replaces it the same. Empty: the pattern, and no successor.
	Name string
	// Pattern matches event types: tokens between dots, with * for one token
	// and a final > for one or more. ">" is everything. At most 256 bytes.
	Pattern string
	// Ignore are patterns of types that are left out of Pattern, at most 64.
	// Empty: none.
	Ignore []string
	// Source is the only model whose events are wanted. Empty: all models.
	Source string
	// Filter is what must be in an event. Zero: anything.
	Filter Filter
	// Required says that Handler must return nil before an event leaves the
	// outbox of the document that published it: at least once, also after a
	// crash. There is no queue: publishers call Handler, those of different
	// subjects at the same time.
	Required bool
	// Queue is how many events may wait beside the one that is being handled, up
	// to 1,048,576; memory is taken as they come. Zero: 256. Must be zero if
	// Required.
	Queue int
	// Overflow is what happens when the queue is full. Zero: DropOldest. Must
	// be zero if Required.
	Overflow Overflow
	// Group is the group of which this subscription is a member, of at most 256
	// bytes: of the members that match an event, their filters included, exactly
	// one takes it. Events of one (Source, Subject) go to the same member as long
	// as the members stay the same, so they stay in order; subjects are spread
	// over the members by a hash, and events without a subject by turns. Where a
	// Required member fails, the next attempt goes to another. What waits for a
	// member that is closed goes to the others, as far as they have room. All
	// members must have the same Required, Overflow and Delay. Empty: it takes all
	// its events.
	Group string
	// Once says that Handler takes exactly one event, the first that gets here,
	// and that the subscription is closed then, by itself. A Required one must
	// have taken it, so an error keeps it for the next event or attempt, and
	// publishers that come at the same time wait for each other. Of any other the
	// one call is all there is, whatever it returns. False: all events.
	Once bool
	// Delay is how long Handler waits after the event's Time, up to 366 days.
	//
	// If Required, the publisher keeps the event as long: its attempts fail with a
	// Later that says when to try again. The event must have a Time.
	//
	// If not, the event waits in the queue, so it is lost with the process, and
	// counts for Queue. Events keep the order in which they were published; Handler
	// runs no earlier than Delay after the event's Time and is free to run no later
	// than Delay after it was published, which is also what counts where Time is
	// zero or in the future. Close drops what waits.
	Delay time.Duration
	// Handler takes the events, one at a time unless Required.
	Handler Handler
}
