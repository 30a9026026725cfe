package aegis

import (
	"maps"
	"slices"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Overview is what a host is made of at one moment. It marshals as JSON.
type Overview struct {
	Models        []*modelspec.Descriptor    `json:"models"` // by name
	Ports         []PortInfo                 `json:"ports"`  // by name
	Adapters      []Binding                  `json:"adapters"`
	Services      []string                   `json:"services"`
	Relations     []RelationInfo             `json:"relations"`
	Subscriptions []broker.Stats             `json:"subscriptions"`
	Breakers      []Breaker                  `json:"breakers"`
	Components    []federation.ComponentInfo `json:"components"`
}

// Breaker is a circuit breaker before an outbound port, or before its undo.
type Breaker = flow.BreakerInfo

// PortInfo is a port of a model, and how it is called.
type PortInfo struct {
	Port      string              `json:"port"` // "model.port"
	Direction modelspec.Direction `json:"direction"`
	Component string              `json:"component,omitempty"` // outbound: whose adapter answers it; empty: none does
	Service   string              `json:"service,omitempty"`   // outbound: behind the adapter
	Disabled  bool                `json:"disabled,omitempty"`
	Policy    port.Policy         `json:"policy,omitzero"` // Config.Policies counted in
}

// RelationInfo is a relation and the model that has it.
type RelationInfo struct {
	From string `json:"from"`
	modelspec.RelationDescriptor
}

// Overview shows what the host is made of.
func (h *Host) Overview() Overview {
	o := Overview{Models: []*modelspec.Descriptor{}, Ports: []PortInfo{}, Adapters: h.Bindings(), Services: h.serviceNames(),
		Relations: []RelationInfo{}, Subscriptions: h.broker.Subscriptions(), Breakers: h.breakers(), Components: h.Loaded()}
	bound := map[string]Binding{}
	for _, b := range o.Adapters {
		bound[b.Port] = b
	}
	for _, s := range h.Specs() {
		d := s.Descriptor()
		o.Models = append(o.Models, d)
		for i := range d.Ports {
			o.Ports = append(o.Ports, h.portInfo(d.Name, &d.Ports[i], bound))
		}
		for _, r := range d.Relations {
			o.Relations = append(o.Relations, RelationInfo{d.Name, r})
		}
	}
	if o.Subscriptions == nil {
		o.Subscriptions = []broker.Stats{}
	}
	return o
}

func (h *Host) portInfo(model string, p *modelspec.PortDescriptor, bound map[string]Binding) PortInfo {
	name := model + "." + p.Name
	b := bound[name]
	info := PortInfo{Port: name, Direction: p.Direction, Component: b.Component, Service: b.Service, Disabled: p.Disabled, Policy: p.Policy}
	if o, ok := h.cfg.Policies[name]; ok {
		info.Policy = o
	}
	return info
}

func (h *Host) serviceNames() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, slices.Sorted(maps.Keys(h.wired.services))...)
}

// breakers lists the breakers of the outbound ports and how they stand.
func (h *Host) breakers() []Breaker {
	if out := h.engine.Breakers(); out != nil {
		return out
	}
	return []Breaker{}
}
