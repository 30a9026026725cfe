package aegis

import (
	"context"
	"net/http"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// backend is what the API is served from.
type backend struct {
	*flow.Engine
	table *federation.Table
}

// Snapshot is what the host can do at this moment.
func (b backend) Snapshot() *federation.Snapshot { return b.table.Snapshot() }

// introspection shows the host itself, to whom Config.Authorize lets see it.
func (h *Host) introspection() map[string]func(context.Context, *http.Request) (any, error) {
	return map[string]func(context.Context, *http.Request) (any, error){
		"components": func(context.Context, *http.Request) (any, error) { return h.Loaded(), nil },
		"incidents":  func(ctx context.Context, _ *http.Request) (any, error) { return h.Incidents(ctx) },
		"unbound":    func(context.Context, *http.Request) (any, error) { return h.Unbound(), nil },
		"config": func(context.Context, *http.Request) (any, error) {
			var ds []*modelspec.Descriptor
			for _, s := range h.Specs() {
				ds = append(ds, s.Descriptor())
			}
			return ds, nil
		},
		"subscriptions": func(context.Context, *http.Request) (any, error) { return h.broker.Subscriptions(), nil },
		"flows/{model}/{id}": func(ctx context.Context, r *http.Request) (any, error) {
			return h.Flows(ctx, r.PathValue("model"), r.PathValue("id"))
		},
	}
}
