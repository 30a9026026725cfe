package federation

import (
	"errors"
	"strings"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// ABI is the version of the frames that this package speaks.
const ABI = 1

// What a manifest may hold at most.
const (
	maxManifest  = 1 << 20 // bytes of JSON
	maxModels    = 256
	maxPorts     = 1024 // of all models together; so are the next two
	maxRelations = 1024
	maxEvents    = 1024
	maxAdapters  = 1024
	maxListens   = 4096 // events of others, of all models together
)

// manifestOf describes specs and adapters.
func manifestOf(name, version string, specs []*modelspec.Spec, adapters []adapter.Adapter) *Manifest {
	m := &Manifest{ABI: ABI, Name: name, Version: version}
	for _, s := range specs {
		m.Models = append(m.Models, *s.Descriptor())
	}
	for _, a := range adapters {
		m.Adapters = append(m.Adapters, AdapterDescriptor{Model: a.Model, Port: a.Port, Asks: a.Asks,
			Undo: a.Undo != nil || a.Route != nil && a.Route.Back.Port != ""})
	}
	return m
}

// check checks what a manifest says about the component as a whole. What it
// says about one model is modelspec.New's to check.
func (m *Manifest) check() error {
	bad := []error{checkName(m.Name), checkVersion(m.Version)}
	if m.ABI != ABI {
		bad = append(bad, invalid("the module speaks ABI %d, this host %d", m.ABI, ABI))
	}
	ports, relations, events, listens := 0, 0, 0, 0
	models := map[string]bool{}
	for i := range m.Models {
		d := &m.Models[i]
		if models[d.Name] {
			bad = append(bad, invalid("model %s stands twice", clip(d.Name, 64)))
		}
		models[d.Name] = true
		ports, relations, events = ports+len(d.Ports), relations+len(d.Relations), events+len(d.Publishes)
		listens += listensOf(d)
	}
	for _, n := range []struct {
		have, most int
		what       string
	}{
		{len(m.Models), maxModels, "models"}, {ports, maxPorts, "ports"}, {relations, maxRelations, "relations"},
		{events, maxEvents, "events"}, {len(m.Adapters), maxAdapters, "adapters"}, {listens, maxListens, "events of others"},
	} {
		if n.have > n.most {
			return errors.Join(append(bad, invalid("%d %s: a component has at most %d: split it", n.have, n.what, n.most))...)
		}
	}
	bindings := map[binding]bool{}
	for _, a := range m.Adapters {
		b := binding{a.Model, a.Port}
		switch {
		case !isName(a.Model) || !isName(a.Port):
			bad = append(bad, invalid("an adapter of %q: an adapter names a model and a port", clip(b.String(), 128)))
		case bindings[b]:
			bad = append(bad, invalid("two adapters of port %s", b))
		}
		bindings[b] = true
	}
	return errors.Join(bad...)
}

func listensOf(d *modelspec.Descriptor) int {
	n := len(d.Intake)
	for i := range d.Ports {
		n += len(d.Ports[i].From)
		if w := d.Ports[i].Await; w != nil {
			n += len(w.On) + len(w.Fail)
		}
	}
	return n
}

func checkName(name string) error {
	if name == "" {
		return invalid("the component has no name")
	}
	if len(name) > 128 || !only(name, "._-/") || !letter(name[0]) {
		return invalid("component name %q: up to 128 of A-Z a-z 0-9 . _ - /, beginning with a letter", clip(name, 128))
	}
	return nil
}

func checkVersion(v string) error {
	switch {
	case v == "":
		return nil
	case len(v) > 128 || !only(v, ".+-"):
		return invalid("version %q: up to 128 of A-Z a-z 0-9 . + -, such as 1.4.0", clip(v, 128))
	case len(v) > 1 && v[0] == 'v' && v[1] >= '0' && v[1] <= '9':
		return invalid("version %q: write it without v: %s", v, v[1:])
	}
	return nil
}

// isName is a loose check, so that a name can be shown and split at its dots.
func isName(s string) bool { return s != "" && len(s) <= 64 && only(s, "_-") }

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// only reports whether s has only ASCII letters, digits and bytes of more.
func only(s, more string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && (c < '0' || c > '9') && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}
