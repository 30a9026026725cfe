package aegis

import (
	"context"
	"strings"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Publish brings an event from outside to whoever consumes it here. It returns
// nil when all who must have it have taken it: acknowledge it only then, and
// bring it again otherwise, under the same ID and Source, which make it known.
// Events from outside have no order among each other.
//
// Source must be a name of the outside, such as a URI, and no model's. ID,
// Source and Type are needed; the error is modelspec.ErrInvalid else.
func (h *Host) Publish(ctx context.Context, e broker.Event) error {
	if err := h.checkForeign(e); err != nil {
		return err
	}
	return h.broker.Publish(ctx, e)
}

func (h *Host) checkForeign(e broker.Event) error {
	bad := func(field, why string) error { return modelspec.Invalid("/"+field, why) }
	switch {
	case e.ID == "" || len(e.ID) > 255:
		return bad("id", "write 1 to 255 bytes, the same whenever the event is brought")
	case e.Source == "" || len(e.Source) > 256:
		return bad("source", "write 1 to 256 bytes, such as https://warehouse.example/events")
	case h.table.Snapshot().Has(e.Source):
		return bad("source", e.Source+" is a model of this host: only its own documents speak for it")
	case e.Type == "" || len(e.Type) > 128:
		return bad("type", "write 1 to 128 bytes, such as parcel.delivered")
	case strings.HasPrefix(e.Type, flow.HostEvents):
		return bad("type", "types that begin with "+flow.HostEvents+" are the host's own")
	case len(e.Subject) > datasource.MaxName:
		return bad("subject", "write 128 bytes at most")
	}
	if e.Data == nil {
		return nil
	}
	raw, err := e.Data.JSON()
	if err != nil {
		return err
	}
	return modelspec.CheckJSON(raw)
}

// CompletePort answers a call of a port that is answered later: see
// port.Outbound.Complete and Refuse.
func (h *Host) CompletePort(ctx context.Context, p port.Ref, key string, answer *modelspec.Value, refusal error) error {
	model := p.Model
	if model == "" {
		var err error
		if model, err = h.table.Snapshot().Resolve(p); err != nil {
			return err
		}
	}
	return h.engine.Complete(ctx, model, p.Port, key, answer, refusal)
}
