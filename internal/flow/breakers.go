package flow

import (
	"cmp"
	"slices"

	"github.com/org/aegis/internal/policy"
)

// BreakerInfo is a circuit breaker before a port, or before its undo.
type BreakerInfo struct {
	Port string `json:"port"` // model.port
	Undo bool   `json:"undo,omitempty"`
	policy.BreakerState
}

// Breakers lists the breakers that have been used.
func (e *Engine) Breakers() []BreakerInfo {
	var out []BreakerInfo
	if m := e.ports.Load(); m != nil {
		for k, o := range *m {
			for _, b := range o.guard.Breakers() {
				out = append(out, BreakerInfo{k.model + "." + k.port, false, b})
			}
			for _, b := range o.undo.Breakers() {
				out = append(out, BreakerInfo{k.model + "." + k.port, true, b})
			}
		}
	}
	slices.SortFunc(out, func(a, b BreakerInfo) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Arm, b.Arm))
	})
	return out
}
