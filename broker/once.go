package broker

import (
	"context"

	"github.com/org/aegis/modelspec"
)

// claim reports whether an event may enter the queue of h: if h takes one only,
// the first that asks.
func (h *Handle) claim() bool { return !h.sub.Once || h.claimed.CompareAndSwap(false, true) }

// inTurn marks the context of a call under way of a subscription that takes one
// event at a time.
type inTurn struct{ h *Handle }

var errTurn error = &modelspec.Error{Code: modelspec.ErrUnavailable,
	Message: "its handler publishes what it is about to take: let it end first"}

// requireOnce calls the handler for one publisher after the other, until it
// has taken one event.
func (h *Handle) requireOnce(ctx context.Context, e *Event) (entry, error) {
	if ctx.Value(inTurn{h}) != nil {
		return entered, h.wrap(e, errTurn)
	}
	select {
	case h.turn <- struct{}{}:
	default:
		select {
		case h.turn <- struct{}{}:
		case <-ctx.Done():
			return entered, h.wrap(e, ctx.Err())
		}
	}
	defer func() { <-h.turn }()
	if h.spent {
		return passed, nil
	}
	return h.require(context.WithValue(ctx, inTurn{h}, true), e)
}

// retire ends h from within the call in which it took its event.
func (h *Handle) retire() {
	h.spent = true
	h.broker.remove(h)
	h.stop(true)
}
