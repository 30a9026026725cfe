package aegis

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Arrangement is an operator's document that wires ports, events, policies,
// bindings and flows of loaded components: an *orchestration.Document. It works
// out what the document changes of the models, as their code declares them, and
// which service it puts behind which port, or says what is wrong with it.
type Arrangement interface {
	Arrange(models []*modelspec.Spec, services []string) (federation.Overlay, map[string]string, error)
}

// Apply shows the components as a document arranges them, in one switch, in
// place of the document before; nil takes that away. After an error, which says
// line by line what is wrong, the document before stays. Calls under way end as
// they began; a flow goes on with what is shown at its next step.
//
// What is deployed later is arranged by the same document, and refused where it
// does not fit it.
func (h *Host) Apply(ctx context.Context, a Arrangement) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.arrange(ctx, a); err != nil {
		return fmt.Errorf("aegis: apply: %w", err)
	}
	return nil
}

// arrange is Apply. The caller holds h.mu, but in New.
func (h *Host) arrange(ctx context.Context, a Arrangement) error {
	overlay, names := federation.Overlay{}, map[string]string{}
	if a != nil {
		var err error
		if overlay, names, err = a.Arrange(h.table.Snapshot().Declared(), slices.Sorted(maps.Keys(h.wired.services))); err != nil {
			return err
		}
	}
	next := wiring{services: h.wired.services, chosen: maps.Clone(h.wired.chosen)}
	if next.chosen == nil {
		next.chosen = map[string]string{}
	}
	for port := range h.arranged { // what the document before had chosen
		next.chosen[port] = h.cfg.Bindings[port]
	}
	maps.Copy(next.chosen, names)
	next.chosen = chosenOf(next.chosen)
	if err := next.check(slices.Collect(maps.Values(h.linked)), slices.Sorted(maps.Keys(names))); err != nil {
		return err
	}
	affected := h.users(func(u use) bool { return next.named(u) != u.Service })
	if err := h.rewire(ctx, next, &overlay, affected...); err != nil {
		return err
	}
	h.arranged = names
	return nil
}
