package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// Backend is what the API serves. All methods are called concurrently, with a
// context that ends at Config.Timeout.
type Backend interface {
	Snapshot() *federation.Snapshot
	Create(ctx context.Context, r flow.Request, input *modelspec.Value) (flow.Entry, error)
	Get(ctx context.Context, model, id string) (flow.Entry, error)
	List(ctx context.Context, r flow.ListRequest) (flow.Page, error)
	// Update hands mutate the stored document and stores what it returns.
	// mutate is pure and may run more than once.
	Update(ctx context.Context, r flow.Request, mutate func(was *modelspec.Value) (*modelspec.Value, error)) (flow.Entry, error)
	Delete(ctx context.Context, r flow.Request) (flow.Entry, error)
	Invoke(ctx context.Context, r flow.Request, arg *modelspec.Value) (flow.Result, error)
	// Relate returns the related documents: at most one where the relation
	// leads to one.
	Relate(ctx context.Context, model, id, relation string) ([]flow.Entry, error)
}

// The actions of an [Access].
const (
	ActionCreate    = "create"
	ActionFind      = "find"
	ActionList      = "list"
	ActionUpdate    = "update" // PATCH and PUT
	ActionDelete    = "delete"
	ActionInvoke    = "invoke" // a port
	ActionReply     = "reply"  // the answer that a port waits for
	ActionRelate    = "relate" // shows documents of Access.Related
	ActionHostRead  = "host.read"
	ActionHostWrite = "host.write"
)

// Access is what a request wants to do. Config.Authorize is asked about it
// once, before the body or any document is read.
type Access struct {
	Caller  modelspec.Caller // zero where Config.Caller is nil
	Action  string           // one of the actions above
	Model   string           // empty for host.read and host.write
	ID      string           // of the document; empty for create, list and ports that need none
	Port    string           // invoke: the port; relate: the relation; host: the name in Config.Host, or events
	Reply   string           // reply: the correlation key of the call that the request answers
	Related string           // relate: the model whose documents are shown
	Request *http.Request    // its body must be left alone
}

// Rate bounds the requests of one caller: Caller.Tenant and Subject where
// Config.Caller names somebody, else the address of the connection (IPv6: its
// /64). Headers that proxies set are not believed.
//
// Callers are counted in a fixed table of 128 KiB, so two of them may share a
// budget, with a probability of (b/8192)² where b callers are over theirs.
type Rate struct {
	// PerSecond is how many requests a second go on for ever. Zero: 1000, and
	// no limit for nameless callers on loopback addresses. Negative: no limit.
	PerSecond float64
	// Burst is how many may come at once. Zero: twice PerSecond, at least 1.
	Burst int
}

// Config configures a [Handler]. Only Backend is needed.
type Config struct {
	Backend Backend
	// Root is the path below which the API lives. Empty: /aegis/api. It is
	// made of [A-Za-z0-9._~/-]; other characters are dropped.
	Root string
	// Caller reads who asks, from what the embedder's middleware left in the
	// request. Its error's code decides the answer; without a code it is
	// unauthenticated (401), and its text stays in the log. Nil: nobody in
	// particular asks.
	Caller func(*http.Request) (modelspec.Caller, error)
	// Authorize decides. Its error's code decides the answer; without a code
	// it is permission_denied (403), and its text stays in the log. Nil: the
	// models are open, and the host is closed, and so are events and replies:
	// whoever may answer for a payment provider needs no money.
	Authorize func(context.Context, Access) error
	// MaxBody bounds a request's body in bytes. Zero: 1 MiB.
	MaxBody int64
	// Rate limits callers; see its fields for what zero means.
	Rate Rate
	// Logger gets what clients do not: the text of internal errors, under the
	// trace id that they see. Nil: slog.Default().
	Logger *slog.Logger
	// Timeout bounds a request, the reading of its body included. Zero: 30 s.
	// Negative: none.
	Timeout time.Duration
	// Host answers what concerns the host itself, as JSON; nil is 204. A key is
	// a path below Root, "config" or "flows/{model}", and is read with GET; one
	// with a method, "POST flows/{model}/{id}/retry", is a host.write. The
	// request has its path values, and a body that is empty or strict JSON of
	// at most MaxBody; CallerOf(ctx) says who asks.
	Host map[string]func(ctx context.Context, r *http.Request) (any, error)
	// Events takes an event from outside: when it returns nil the event is
	// kept. It is asked for each event of a batch, in order, and the same event
	// may come again. Nil: there is no {root}/events.
	Events func(ctx context.Context, e broker.Event) error
	// Complete brings the answer that the port's call of that correlation key
	// waits for, or, where refusal is not nil, a refusal (a *modelspec.Error).
	// Answer is never nil beside a nil refusal. Nil: there is no {root}/replies.
	Complete func(ctx context.Context, model, port, key string, answer *modelspec.Value, refusal error) error
}

// Limits that have no field.
const (
	defaultRoot    = "/aegis/api"
	defaultBody    = 1 << 20
	defaultTimeout = 30 * time.Second
	defaultRate    = 1000

	maxQuery  = 8 << 10 // bytes of a query string
	maxTerms  = 32      // terms of a query string
	maxText   = 1 << 10 // bytes of a query term's value
	maxCursor = 4 << 10 // bytes of a cursor
	maxPage   = 500     // documents of a page
	maxDetail = 4 << 10 // bytes of a problem's detail
	maxFields = 32      // fields of a problem
	maxTags   = 32      // entity tags of a header
	maxItems  = 256     // elements of an array in a query
	maxEvents = 100     // events of a batch
)

// cleanRoot returns root as /a/b, or "" for the top.
func cleanRoot(root string) string {
	if root == "" {
		return defaultRoot
	}
	out := make([]byte, 0, len(root)+1)
	segment := 0
	end := func() {
		if s := string(out[segment:]); s == "/" || s == "/." || s == "/.." {
			out = out[:segment]
		}
		segment = len(out)
	}
	out = append(out, '/')
	for i := range len(root) {
		switch c := root[i]; {
		case c == '/':
			end()
			out = append(out, '/')
		case isUnreserved(c):
			out = append(out, c)
		}
	}
	end()
	return string(out)
}

// isUnreserved reports RFC 3986's unreserved characters.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '~' || c == '-'
}
