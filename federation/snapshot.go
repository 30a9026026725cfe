package federation

import (
	"maps"
	"slices"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Snapshot is what a [Table] shows at one moment. It never changes.
type Snapshot struct {
	Seq uint64 // one more for each change

	models  map[string]*route[modelspec.Spec]
	ports   map[binding]*route[adapter.Adapter]
	live    map[string][]Arm // by component
	list    []*modelspec.Spec
	unbound []string
}

// ComponentInfo is one generation that is shown.
type ComponentInfo struct {
	Name     string `json:"name"`
	Version  string `json:"version,omitempty"`
	Digest   string `json:"digest,omitempty"`
	ID       uint64 `json:"id"`
	Share    uint32 `json:"share"`    // of the documents, in thousandths
	Inflight int    `json:"inflight"` // calls under way, as of now
}

// Models returns the models, sorted by name. Of a component with several arms
// it is the first one's.
func (s *Snapshot) Models() []*modelspec.Spec { return slices.Clone(s.list) }

// Declared returns the models as their code declares them, without an
// [Overlay], sorted by name; else it is Models.
func (s *Snapshot) Declared() []*modelspec.Spec {
	out := make([]*modelspec.Spec, len(s.list))
	for i, m := range s.list {
		name := m.Descriptor().Name
		out[i] = s.models[name].arms[0].gen.models[name]
	}
	return out
}

// Has reports whether some component has the model.
func (s *Snapshot) Has(model string) bool { return s.models[model] != nil }

// Resolve returns the name of the model that a port belongs to: see
// [adapter.Resolve].
func (s *Snapshot) Resolve(ref port.Ref) (string, error) { return adapter.Resolve(ref, s.list) }

// Components returns the generations, sorted by component and then in the
// order of their arms.
func (s *Snapshot) Components() []ComponentInfo {
	var out []ComponentInfo
	for _, name := range slices.Sorted(maps.Keys(s.live)) {
		rest := wholeShare
		for i, a := range s.live[name] {
			share := a.Share
			if i == len(s.live[name])-1 {
				share = uint32(rest)
			}
			rest -= int(share)
			g := a.Gen
			out = append(out, ComponentInfo{Name: name, Version: g.Version, Digest: g.Digest, ID: g.ID, Share: share, Inflight: g.Inflight()})
		}
	}
	return out
}

// Arms returns the arms of a component, none if it is not shown.
func (s *Snapshot) Arms(component string) []Arm { return slices.Clone(s.live[component]) }

// Unbound returns the outbound ports that no adapter answers, as
// "model.port", sorted.
func (s *Snapshot) Unbound() []string { return slices.Clone(s.unbound) }

// knows reports whether the port is bound, or declared by a model.
func (s *Snapshot) knows(b binding) bool {
	if s.ports[b] != nil {
		return true
	}
	if r := s.models[b.model]; r != nil {
		for _, a := range r.arms {
			if a.what.Port(b.port) != nil {
				return true
			}
		}
	}
	return false
}

// index fills what is derived from models and ports.
func (s *Snapshot) index() {
	missing := map[string]bool{}
	for _, r := range s.models {
		s.list = append(s.list, r.arms[0].what)
		for _, a := range r.arms {
			d := a.what.Descriptor()
			for _, p := range d.Ports {
				if b := (binding{d.Name, p.Name}); p.Direction == modelspec.Out && s.ports[b] == nil {
					missing[b.String()] = true
				}
			}
		}
	}
	slices.SortFunc(s.list, func(a, b *modelspec.Spec) int { return strings.Compare(a.Descriptor().Name, b.Descriptor().Name) })
	s.unbound = slices.Sorted(maps.Keys(missing))
}
