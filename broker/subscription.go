package broker

import (
	"context"
	"fmt"

	"github.com/org/aegis/modelspec"
)

// defaultQueue and maxQueue bound Subscription.Queue.
const (
	defaultQueue = 256
	maxQueue     = 1 << 20
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
	// Source is the only model whose events are wanted. Empty: all models.
	Source string
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
	// Handler takes the events, one at a time unless Required.
	Handler Handler
}

// check completes s, or says what is wrong with it.
func (s *Subscription) check() (pattern, error) {
	p, err := parsePattern(s.Pattern)
	if err != nil {
		return pattern{}, err
	}
	if s.Name == "" {
		s.Name = s.Pattern
	}
	switch {
	case s.Handler == nil:
		return pattern{}, s.invalid("/Handler", "it is nil: set the function that takes the events")
	case s.Required && (s.Queue != 0 || s.Overflow != DropOldest):
		return pattern{}, s.invalid("/Queue", "a Required subscription is called by the publisher: leave Queue and Overflow zero, or Required false")
	case s.Queue < 0 || s.Queue > maxQueue:
		return pattern{}, s.invalid("/Queue", fmt.Sprintf("%d: use 1 to %d, or zero for %d", s.Queue, maxQueue, defaultQueue))
	case s.Overflow != DropOldest && s.Overflow != Block:
		return pattern{}, s.invalid("/Overflow", fmt.Sprintf("%d: use DropOldest or Block", int(s.Overflow)))
	}
	if s.Queue == 0 {
		s.Queue = defaultQueue
	}
	return p, nil
}

func (s *Subscription) invalid(field, why string) error {
	return fmt.Errorf("broker: subscribe %s to %q: %w", s.Name, s.Pattern, modelspec.Invalid(field, why))
}
