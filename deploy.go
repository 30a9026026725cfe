package aegis

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/source/file"
	httpsource "github.com/org/aegis/federation/source/http"
	"github.com/org/aegis/modelspec"
)

// release is a version of a component that can be shown again.
type release struct {
	remote   federation.Remote
	artifact federation.Artifact
	native   *federation.Component
}

// keptReleases is how many versions of a component Rollback can go back.
const keptReleases = 4

// Deploy fetches, verifies, compiles, warms and probes the components and then
// shows them in one switch: all of them, or none. It returns after the switch;
// calls of what they replace go on for at most Config.DrainAfter. On any
// failure what served before serves on, and the error says why:
// modelspec.ErrInvalid (not what was asked for), ErrDenied (asks for more than
// its grant), ErrRefused (does not fit what is there), or what its source or
// its probe answered.
func (h *Host) Deploy(ctx context.Context, remotes ...federation.Remote) ([]federation.ComponentInfo, error) {
	var rs []release
	for _, r := range remotes {
		a, err := h.fetch(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("aegis: deploy %s: %w", cmpName(r), err)
		}
		rs = append(rs, release{remote: r, artifact: a})
	}
	return h.show(ctx, rs)
}

// Replace shows components that are linked into the program, in one switch, in
// place of those of the same names.
func (h *Host) Replace(ctx context.Context, cs ...federation.Component) ([]federation.ComponentInfo, error) {
	var rs []release
	for _, c := range cs {
		if c.Name == hostComponent {
			return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "aegis: replace host: this is the component of Config.Models: give yours another name"}
		}
		rs = append(rs, release{native: &c})
	}
	return h.show(ctx, rs)
}

// Rollback shows the version before the present one again. It prepares and
// probes it like a new one.
func (h *Host) Rollback(ctx context.Context, component string) (federation.ComponentInfo, error) {
	h.mu.Lock()
	kept := h.kept[component]
	h.mu.Unlock()
	if len(kept) < 2 {
		return federation.ComponentInfo{}, &modelspec.Error{Code: modelspec.ErrRefused, Message: "aegis: rollback " + component + ": there is no version before the present one"}
	}
	infos, err := h.show(ctx, []release{kept[len(kept)-2]})
	if err != nil {
		return federation.ComponentInfo{}, err
	}
	h.mu.Lock()
	if now := h.kept[component]; len(now) >= 3 { // the version gone back from, and the copy just added
		h.kept[component] = slices.Clone(now[:len(now)-2])
	}
	h.mu.Unlock()
	return infos[0], nil
}

// Remove takes components out, in one switch. What they answered is not found,
// or unavailable, from then on; their documents stay.
func (h *Host) Remove(ctx context.Context, components ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	change := federation.Change{}
	have := h.Loaded()
	for _, n := range components {
		if n == hostComponent || !slices.ContainsFunc(have, func(c federation.ComponentInfo) bool { return c.Name == n }) {
			return &modelspec.Error{Code: modelspec.ErrNotFound, Message: "aegis: remove " + n + ": no such component"}
		}
		change[n] = nil
	}
	if err := h.table.Swap(change); err != nil {
		return fmt.Errorf("aegis: %w", err)
	}
	h.forget(components...)
	h.drain()
	return nil
}

// Bind binds ports anew, in one switch: each adapter takes the place of the
// host's own that answers the same port, if there is one. Calls under way end
// with the adapter they began with.
func (h *Host) Bind(ctx context.Context, as ...adapter.Adapter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.linked[hostComponent]
	next.Adapters = slices.DeleteFunc(slices.Clone(next.Adapters), func(old adapter.Adapter) bool {
		return slices.ContainsFunc(as, func(a adapter.Adapter) bool { return a.Port == old.Port && a.Model == old.Model && a.Type == old.Type })
	})
	next.Adapters = append(next.Adapters, as...)
	if err := h.rewire(ctx, h.wired, nil, next); err != nil {
		return fmt.Errorf("aegis: bind: %w", err)
	}
	return nil
}

// Unbind takes the host's own adapters of ports, "model.port", out, in one
// switch: the ports are unavailable from then on. Calls under way end. It fails
// with ErrNotFound where the host's own adapters do not answer a port: what a
// component answers goes with the component.
func (h *Host) Unbind(ctx context.Context, ports ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.linked[hostComponent]
	all := next.Adapters
	next.Adapters = nil
	for i, u := range next.uses { // in the order of the adapters
		if !slices.Contains(ports, u.Port) {
			next.Adapters = append(next.Adapters, all[i])
		}
	}
	for _, p := range ports {
		if !slices.ContainsFunc(next.uses, func(u use) bool { return u.Port == p }) {
			return &modelspec.Error{Code: modelspec.ErrNotFound, Message: "aegis: unbind " + p + ": the host has no adapter of its own for it" + h.answeredBy(p)}
		}
	}
	if err := h.rewire(ctx, h.wired, nil, next); err != nil {
		return fmt.Errorf("aegis: unbind: %w", err)
	}
	return nil
}

func cmpName(r federation.Remote) string {
	if r.Name != "" {
		return r.Name
	}
	return r.Ref
}

func (h *Host) fetch(ctx context.Context, r federation.Remote) (federation.Artifact, error) {
	scheme, _, ok := strings.Cut(r.Ref, "://")
	if !ok {
		scheme = "file"
	}
	sources := h.cfg.Sources
	if sources == nil {
		sources = Sources{httpsource.New(httpsource.Config{}), file.New(file.Config{})}
	}
	for _, s := range sources {
		if slices.Contains(s.Schemes(), scheme) {
			a, err := s.Fetch(ctx, r.Ref)
			a.Name, a.Version, a.Digest = r.Name, r.Version, r.Digest
			return a, err
		}
	}
	return federation.Artifact{}, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "no source fetches " + scheme + " references: add one to Config.Sources"}
}

// load makes a generation that nobody sees yet, of a remote component.
func (h *Host) load(ctx context.Context, r release) (*federation.Generation, error) {
	media, _, err := mime.ParseMediaType(r.artifact.MediaType)
	if err != nil {
		media = r.artifact.MediaType
	}
	for _, rt := range h.cfg.Runtimes {
		if !slices.Contains(rt.MediaTypes(), media) {
			continue
		}
		m, err := rt.Load(ctx, r.artifact)
		if err != nil {
			return nil, err
		}
		return h.table.Prepare(ctx, r.remote.Name, m, federation.Preparation{Grant: &r.remote.Grant, Digest: digest(r.artifact.Body), Pending: true})
	}
	return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "no runtime loads " + media + ": add one to Config.Runtimes, such as wasm.New(wasm.Config{})"}
}

// show prepares the releases and switches to them.
func (h *Host) show(ctx context.Context, rs []release) ([]federation.ComponentInfo, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Load() {
		return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "aegis: the host is closed", NotSent: true}
	}
	change := federation.Change{}
	var gens []*federation.Generation
	var native []linked
	var remote []string
	discard := func(err error) ([]federation.ComponentInfo, error) {
		for _, g := range gens {
			g.Discard()
		}
		return nil, fmt.Errorf("aegis: deploy: %w", err)
	}
	for _, r := range rs {
		var g *federation.Generation
		var l linked
		var err error
		if r.native == nil {
			g, err = h.load(ctx, r)
		} else {
			g, l, err = h.prepareLinked(ctx, h.wired, linked{Component: *r.native})
		}
		if err != nil {
			return discard(err)
		}
		gens = append(gens, g)
		if r.native == nil {
			remote = append(remote, g.Name)
		} else {
			native = append(native, l)
		}
		if g.Name == hostComponent || change[g.Name] != nil {
			return discard(&modelspec.Error{Code: modelspec.ErrInvalid, Message: "component " + g.Name + ": the name is taken"})
		}
		change[g.Name] = []federation.Arm{{Gen: g}}
	}
	if err := h.table.Swap(change); err != nil {
		return discard(err)
	}
	h.forget(remote...)
	h.note(native...)
	var infos []federation.ComponentInfo
	for i, g := range gens {
		kept := append(h.kept[g.Name], rs[i])
		h.kept[g.Name] = slices.Clone(kept[max(0, len(kept)-keptReleases):])
		infos = append(infos, federation.ComponentInfo{Name: g.Name, Version: g.Version, Digest: g.Digest, ID: g.ID, Share: 1000})
	}
	h.drain()
	return infos, nil
}

var errDrained = errors.New("the component was replaced, and the call took longer than Config.DrainAfter")

// drain sees to it that what was replaced ends in time, and that what is there
// now hears what it consumes.
func (h *Host) drain() {
	if err := h.engine.Listen(); err != nil {
		h.cfg.Logger.Error("aegis: events of other models are not heard", "err", err)
	}
	if h.run != nil && !h.closed.Load() { // flows that reached nobody may now
		h.work.Go(func() { h.engine.Rewake(h.run) })
	}
	for _, g := range h.table.Draining() {
		h.wg.Go(func() {
			t := time.NewTimer(h.cfg.DrainAfter)
			defer t.Stop()
			select {
			case <-g.Drained():
			case <-t.C:
				g.Kill(errDrained)
			}
		})
	}
}
