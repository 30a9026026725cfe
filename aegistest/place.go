package aegistest

import (
	"context"

	"github.com/org/aegis"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/source/file"
	httpsource "github.com/org/aegis/federation/source/http"
	"github.com/org/aegis/wasm"
)

// add puts the component under test into the host's configuration.
func (p Placement) add(own *aegis.Config, cfg Config, h *Host) error {
	switch {
	case p == Wasm:
		body, err := build(cfg.Guest)
		if err != nil {
			return err
		}
		away(own, cfg, federation.Artifact{MediaType: wasm.MediaType, Body: body})
		own.Runtimes = append(own.Runtimes[:len(own.Runtimes):len(own.Runtimes)], wasm.New(wasm.Config{CacheDir: codeDir(), Logger: own.Logger}))
	case p == Codec:
		away(own, cfg, federation.Artifact{MediaType: mediaType, Body: []byte("in memory")})
		own.Runtimes = append(own.Runtimes[:len(own.Runtimes):len(own.Runtimes)], codecRuntime{cfg.Component, h})
	case cfg.Component != nil:
		c := cfg.Component()
		c.Adapters = h.watched(c.Adapters)
		own.Components = append(own.Components[:len(own.Components):len(own.Components)], c)
	}
	return nil
}

// away makes the component one that is fetched and loaded.
func away(own *aegis.Config, cfg Config, a federation.Artifact) {
	r := federation.Remote{Ref: scheme + "://component", Grant: federation.FullGrant()}
	if cfg.Grant != nil {
		r.Grant = *cfg.Grant
	}
	if cfg.Component != nil {
		r.Name = cfg.Component().Name
	}
	sources := own.Sources
	if sources == nil {
		sources = aegis.Sources{httpsource.New(httpsource.Config{}), file.New(file.Config{})}
	}
	own.Sources = append(sources[:len(sources):len(sources)], source{a})
	own.Remotes = append(own.Remotes[:len(own.Remotes):len(own.Remotes)], r)
}

// scheme is that of the component under test.
const scheme = "aegistest"

// source has the component under test.
type source struct{ a federation.Artifact }

func (source) Schemes() []string { return []string{scheme} }

func (s source) Fetch(context.Context, string) (federation.Artifact, error) { return s.a, nil }

const mediaType = "application/vnd.aegis.aegistest"

// codecRuntime loads the component behind frames.
type codecRuntime struct {
	component func() federation.Component
	host      *Host
}

func (codecRuntime) MediaTypes() []string { return []string{mediaType} }

func (r codecRuntime) Load(ctx context.Context, a federation.Artifact) (federation.Module, error) {
	s, err := federation.NewServer(r.component())
	if err != nil {
		return nil, err
	}
	return federation.Open(ctx, &conn{server: s, fault: r.host.fault}, federation.Artifact{Name: a.Name, Version: a.Version})
}

func (codecRuntime) Close() error { return nil }
