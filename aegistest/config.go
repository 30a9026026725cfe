package aegistest

import (
	"errors"
	"slices"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
)

// Placement is where a component's code runs.
type Placement string

// The placements.
const (
	// Direct links the component in: no bytes between it and the host.
	Direct Placement = "direct"
	// Codec puts the frames of the boundary between them, in memory. Each pure
	// question is asked twice, and both answers must be the same.
	Codec Placement = "codec"
	// Wasm builds Config.Guest and loads it.
	Wasm Placement = "wasm"
)

// Config says what is under test. The zero Config is a host without models.
type Config struct {
	// Host is the host around the component: its other models, adapters,
	// policies. What it holds is closed with the host, so [Each] refuses a
	// Datasource and Runtimes here: see Store. A nil Logger writes to the test's
	// own log.
	Host aegis.Config
	// Component makes what is under test. Nil: nothing but what Host has, or
	// what Guest is.
	Component func() federation.Component
	// Guest is the package of the component's WebAssembly guest, as the go
	// command names it from the folder of the test: ./guest. Empty: none.
	Guest string
	// Grant is what the component may declare where it is not linked in. Nil:
	// everything.
	Grant *federation.Grant
	// Placements are where the body runs. None: all that apply, in the order of
	// the constants: Direct, and Codec if there is a Component, and Wasm if
	// there is a Guest. [New] takes the first.
	Placements []Placement
	// Store makes the store of each host. Nil: Host.Datasource, or memory.
	Store func(t testing.TB) datasource.Store
}

// placements lists where the body runs.
func (c *Config) placements() []Placement {
	if len(c.Placements) > 0 {
		return c.Placements
	}
	var ps []Placement
	if c.Component != nil || c.Guest == "" {
		ps = append(ps, Direct)
	}
	if c.Component != nil {
		ps = append(ps, Codec)
	}
	if c.Guest != "" {
		ps = append(ps, Wasm)
	}
	return ps
}

// check says what is missing for a placement.
func (c *Config) check(p Placement) error {
	switch {
	case !slices.Contains([]Placement{Direct, Codec, Wasm}, p):
		return errors.New("no such placement: use Direct, Codec or Wasm")
	case p == Codec && c.Component == nil:
		return errors.New("set Config.Component")
	case p == Wasm && c.Guest == "":
		return errors.New("set Config.Guest to the package of the component's guest, such as ./guest")
	case c.Store != nil && c.Host.Datasource != nil:
		return errors.New("set Config.Store or Config.Host.Datasource, not both")
	}
	return nil
}

// checkEach says why several hosts cannot be made of c.
func (c *Config) checkEach() error {
	h := &c.Host
	if len(c.placements()) < 2 {
		return nil
	}
	if h.Datasource != nil || len(h.Datasources) > 0 || len(h.Runtimes) > 0 {
		return errors.New("Config.Host has a Datasource, Datasources or Runtimes, which the first host would close: set Config.Store, or make each host with New")
	}
	return nil
}
