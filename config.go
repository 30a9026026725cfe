package aegis

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// The lists of a Config.
type (
	Models        []modelspec.Interface
	Adapters      []adapter.Adapter
	Components    []federation.Component
	Runtimes      []federation.Runtime
	Sources       []federation.Source
	Remotes       []federation.Remote
	Subscriptions []broker.Subscription
)

// Caller is who asks.
type Caller = modelspec.Caller

// Access is what Config.Authorize decides about.
type Access = httpapi.Access

// The actions of an Access.
const (
	Create    = httpapi.ActionCreate
	Find      = httpapi.ActionFind
	List      = httpapi.ActionList
	Update    = httpapi.ActionUpdate // PATCH and PUT
	Delete    = httpapi.ActionDelete
	Invoke    = httpapi.ActionInvoke    // a port
	Reply     = httpapi.ActionReply     // brings the answer that a port waits for
	Relate    = httpapi.ActionRelate    // shows documents of Access.Related
	HostRead  = httpapi.ActionHostRead  // shows the host itself
	HostWrite = httpapi.ActionHostWrite // changes the host itself
)

// Observation is something that happened in a host.
type Observation = flow.Observation

// Rate is how many requests one caller may make.
type Rate = httpapi.Rate

// Incident is a document that needs a person.
type Incident = flow.Incident

// Flow is what one command, or one event, set going in a document.
type Flow = flow.Flow

// Config says what a Host is made of. The zero Config is a Host in memory
// without models. What a Config holds belongs to the host from New on: Close
// closes its services, stores and runtimes.
type Config struct {
	// Models of the embedding program itself. Their generated API is open to
	// every caller unless Authorize is set.
	Models Models
	// Adapters bind outbound ports, of Models or of components, to Go code.
	Adapters Adapters
	// Services stand behind adapters made with adapter.Via, also those of
	// Components, by name. Those that are io.Closers are closed: see
	// Host.SetServices. An adapter whose service is not there is left out: see
	// Strict.
	Services Services
	// Bindings choose services by name for ports, "model.port", in place of the
	// adapters' own choice. Both must be there.
	Bindings map[string]string
	// Components are linked in, and replaced with Host.Replace.
	Components Components
	// Remotes are components loaded by Start: each needs a source for its Ref
	// and a runtime for what is found there.
	Remotes Remotes
	// Runtimes load components that are not Go: wasm.New(wasm.Config{}).
	Runtimes Runtimes
	// Sources fetch components. Nil: https (and http from loopback) and file.
	Sources Sources

	// Datasource keeps the documents. Nil: memory, gone when the host is.
	Datasource datasource.Store
	// Datasources are the stores of models that have one of their own, by
	// model name.
	Datasources map[string]datasource.Store
	// Namespace is part of every idempotency key. Change it when the store is
	// restored from a backup: what was done after the backup is then not
	// mistaken for what is done now. Empty is a name like any other.
	Namespace string

	// Subscriptions to events. One that is Required takes every event at least
	// once, also after a crash, so it belongs here and not into code that runs
	// after Start.
	Subscriptions Subscriptions

	// Root is where the API begins. Empty: /aegis/api.
	Root string
	// Caller reads who asks, usually from what the embedding service's
	// authentication left in the request's context. Nil: nobody.
	Caller func(*http.Request) (Caller, error)
	// Authorize decides each request. Nil: the models' API is open, and
	// whatever shows or changes the host itself is refused.
	Authorize func(context.Context, Access) error
	// Open lets Run listen on other addresses than loopback although Authorize
	// is nil: everybody who can connect may read and write every model.
	Open bool
	// Timeout bounds one request of the API. Zero: 30 seconds.
	Timeout time.Duration
	// MaxBody is the most bytes of a request's body. Zero: 1 MiB.
	MaxBody int64
	// Rate bounds the requests of one caller. Zero: 1,000 a second, and any
	// number from loopback while nobody says who asks.
	Rate Rate

	// Arrangement is an operator's document that wires ports, events, policies,
	// bindings and flows: orchestration.Parse makes one. Nil: as the code says.
	// Host.Apply changes it later.
	Arrangement Arrangement
	// Policies stand in place of a port's own, by "model.port".
	Policies map[string]port.Policy
	// Strict makes Start fail where an outbound port has no adapter, or one
	// whose service is not there. Otherwise such a port is unavailable when
	// called, and listed by Host.Unbound.
	Strict bool
	// History is how long flows that have ended are kept, for whoever looks.
	// Zero: a week.
	History time.Duration
	// DrainAfter is how long calls of a replaced component may go on, and how
	// long Close waits. Zero: 30 seconds.
	DrainAfter time.Duration

	// Logger takes what the host has to say. Nil: slog.Default().
	Logger *slog.Logger
	// Observer is told what happens, for tests and metrics. It must be quick
	// and is called from many goroutines. Nil: nobody.
	Observer func(Observation)
}
