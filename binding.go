package aegis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// Binding says what answers an outbound port.
type Binding struct {
	Port      string `json:"port"`                // "model.port"
	Component string `json:"component,omitempty"` // whose adapter answers; empty: none does
	Service   string `json:"service,omitempty"`   // behind the adapter; empty: it was not made with adapter.Via, or names none
	Missing   bool   `json:"missing,omitempty"`   // there is no such service: the port is unavailable
}

// Bindings lists the outbound ports of the models of the moment and what
// answers them, by port. Where a component has several versions at once it is
// the component all the same.
func (h *Host) Bindings() []Binding {
	all := map[string]Binding{}
	for _, b := range *h.bound.Load() {
		all[b.Port] = b
	}
	for _, s := range h.Specs() {
		d := s.Descriptor()
		for _, p := range d.Ports {
			name := d.Name + "." + p.Name
			if b, ok := all[name]; p.Direction != modelspec.Out || ok && !b.Missing {
				continue
			}
			if _, g, err := h.table.PortRef(d.Name, p.Name).Pin(""); err == nil {
				all[name] = Binding{Port: name, Component: g.Name}
				g.Unpin()
			} else if _, ok := all[name]; !ok {
				all[name] = Binding{Port: name}
			}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b Binding) int { return strings.Compare(a.Port, b.Port) })
}

// explain says of unbound ports which service they lack.
func (h *Host) explain(ports []string) []string {
	out := slices.Clone(ports)
	for _, b := range h.Bindings() {
		if i := slices.Index(ports, b.Port); i >= 0 && b.Missing {
			out[i] = fmt.Sprintf("%s (there is no service %q)", b.Port, b.Service)
		}
	}
	return out
}

// answeredBy says which component answers a port, for an error.
func (h *Host) answeredBy(port string) string {
	for _, b := range h.Bindings() {
		if b.Port == port && b.Component != "" {
			return ": component " + b.Component + " answers it: remove or replace that"
		}
	}
	return ""
}
