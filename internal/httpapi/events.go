package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// takeEvents answers POST of events. All of a batch is checked before the first
// is taken. Where one is then not taken, those before it are: the batch is sent
// again, and the ids tell what is known.
func takeEvents(ctx context.Context, x *exchange) error {
	form, err := x.eventForm()
	if err != nil {
		return err
	}
	body, err := x.readBody()
	if err != nil {
		return err
	}
	events, err := decodeEvents(form, x.r.Header, body, x.t.isModel)
	if err != nil {
		return err
	}
	ctx = withAsker(ctx, x)
	now := time.Now().UTC()
	for _, e := range events {
		e.Caller = x.caller
		if e.Trace == "" {
			e.Trace = x.traceparent()
		}
		if e.Time.IsZero() {
			e.Time = now
		}
		if err := x.h.cfg.Events(ctx, e); err != nil {
			return err
		}
	}
	x.accepted(flow.Generation{})
	return nil
}

// isModel reports whether events of the source are the host's own to tell.
func (t *table) isModel(source string) bool { return t.models[source] != nil }

// eventForm is how the event is written: the three modes of the CloudEvents
// HTTP binding.
func (x *exchange) eventForm() (eventForm, error) {
	t, ok := x.mediaType()
	binary := x.r.Header["Ce-Specversion"] != nil
	switch {
	case ok && t == typeEvent:
		return structured, nil
	case ok && t == typeBatch:
		return batch, nil
	case binary && (ok && mediaJSON(t) || x.r.Header["Content-Type"] == nil && x.r.Header["Content-Encoding"] == nil):
		return binaryForm, nil
	}
	return 0, fail(http.StatusUnsupportedMediaType, modelspec.ErrInvalid,
		"Content-Type must be "+typeEvent+" or "+typeBatch+", or, with the event's attributes in ce- headers, "+typeJSON+"; in UTF-8 and not compressed")
}
