package federation

import (
	"context"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Component is what a module contains, written in Go: models and adapters that
// one team makes and deploys together. The same value is linked into a host,
// served by a WebAssembly guest, by a plugin process and by a mesh node.
type Component struct {
	Name    string
	Version string // semver, without v
	Models  []modelspec.Interface
	// Adapters may bind ports of the component's own models and, with a
	// Grant, those of others.
	Adapters []adapter.Adapter
	// Probe, if any, must succeed before the component is shown to callers.
	Probe func(context.Context) error
	// OnClose is called once, after the last call has returned.
	OnClose func() error
}

// Module is a loaded component.
type Module interface {
	Manifest() *Manifest
	Specs() []*modelspec.Spec
	Adapters() []adapter.Adapter
	// Probe asks whether the module can do what its manifest says.
	Probe(ctx context.Context) error
	Close() error
}

// Manifest is what a module says it contains: its answer to OpDescribe.
type Manifest struct {
	ABI      int                    `json:"abi"` // 1
	Name     string                 `json:"name"`
	Version  string                 `json:"version,omitempty"`
	Models   []modelspec.Descriptor `json:"models,omitempty"`
	Adapters []AdapterDescriptor    `json:"adapters,omitempty"`
}

// AdapterDescriptor is an adapter as data.
type AdapterDescriptor struct {
	Model string `json:"model"`
	Port  string `json:"port"`
	Undo  bool   `json:"undo,omitempty"`
	Asks  bool   `json:"asks,omitempty"` // the answer comes later
}

// Grant is what a module may declare beyond nothing. The zero Grant lets it
// define no model, answer no port of another component, read no model of
// another component, publish no event of another namespace and consume none of
// others. An entry that ends in * stands for every name with that beginning.
type Grant struct {
	Models  []string `json:"models,omitempty"`  // models it may define
	Ports   []string `json:"ports,omitempty"`   // "model.port" of other components that its adapters may answer
	Reads   []string `json:"reads,omitempty"`   // models of other components that its relations may name
	Events  []string `json:"events,omitempty"`  // event types it may publish beside "<own model>."
	Listens []string `json:"listens,omitempty"` // event types of others, and of outside, that its ports and intakes may consume
}

// Artifact is a module as it was fetched.
type Artifact struct {
	Name      string // of the component; empty: whatever the manifest says
	Version   string // that the manifest must say; empty: any
	Digest    string // "sha256:<hex>" that Body must have; empty: any
	MediaType string
	Body      []byte // the module itself, or what says how to reach it
}

// Runtime turns artifacts of its media types into modules. WebAssembly, plugin
// processes and mesh nodes are Runtimes; each makes a [Conn] and leaves the
// rest to [Open].
type Runtime interface {
	MediaTypes() []string
	Load(ctx context.Context, a Artifact) (Module, error)
	Close() error
}

// Conn is a module behind a boundary: bytes in, bytes out, and a way back for
// effects while a call is under way. It is all that an engine implements.
type Conn interface {
	// Exchange sends one frame and returns the answer, which is the caller's.
	// During the call the module may ask do for effects, one at a time, with
	// the same kind of bytes. Exchange is safe for concurrent use. It fails
	// with modelspec.ErrUnavailable when the module is gone, marked NotSent
	// where the frame cannot have reached it, and the next Exchange tries a
	// fresh one. It returns soon after ctx is done, also when the peer does not
	// answer.
	Exchange(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error)
	// Close releases the module. It never waits for the peer's goodbye.
	Close() error
}

// Borrower is a [Conn] that promises not to look at a frame again once Exchange
// has returned, whatever it returned. [Open] then uses the frame's memory for
// another call, which saves about a third of what frames cost.
type Borrower interface {
	Conn
	BorrowsFrames()
}

// Source fetches artifacts of the schemes of its references.
type Source interface {
	Schemes() []string // "https", "file", ...
	Fetch(ctx context.Context, ref string) (Artifact, error)
}

// Remote says where a component comes from and what it may do.
type Remote struct {
	Name   string // of the component; empty: whatever its manifest says
	Ref    string // URL of the module: https://..., file:///...
	Digest string // "sha256:<hex>" that its bytes must have; empty: any
	// Version that its manifest must say; empty: any.
	Version string
	Grant   Grant
}
