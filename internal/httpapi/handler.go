package httpapi

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/modelspec"
)

// Handler serves the API. It is safe for concurrent use and holds nothing that
// must be closed.
type Handler struct {
	cfg     Config
	root    string
	log     *slog.Logger
	origin  *http.CrossOriginProtection
	limiter *limiter // nil: no limit
	table   atomic.Pointer[table]
	build   sync.Mutex
}

// New makes a Handler. It touches nothing before the first request.
func New(cfg Config) *Handler {
	h := &Handler{cfg: cfg, root: cleanRoot(cfg.Root), log: cfg.Logger, origin: http.NewCrossOriginProtection(), limiter: newLimiter(cfg.Rate)}
	if h.log == nil {
		h.log = slog.Default()
	}
	if h.cfg.MaxBody <= 0 {
		h.cfg.MaxBody = defaultBody
	}
	if h.cfg.Timeout == 0 {
		h.cfg.Timeout = defaultTimeout
	}
	return h
}

// Root is the path below which h answers, without a slash at its end.
func (h *Handler) Root() string { return h.root }

// ServeHTTP answers a request by the routes of the table of this moment.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = []string{"nosniff"}
	if hasBody(r) {
		h.readDeadline(w, r)
	}
	if err := h.origin.Check(r); err != nil {
		h.refuse(w, r, fail(http.StatusForbidden, modelspec.ErrDenied, "a page of another origin sent this request"))
		return
	}
	if unclean(r.URL.Path) || r.Method == http.MethodConnect || r.RequestURI == "*" {
		h.refuse(w, r, noSuchPath(r, h.root))
		return
	}
	h.current().mux.ServeHTTP(w, r)
}

// current returns the table of this moment. A table that was built for an
// older snapshot goes on serving the requests that already have it.
func (h *Handler) current() *table {
	s := h.cfg.Backend.Snapshot()
	if t := h.table.Load(); t != nil && t.seq == s.Seq {
		return t
	}
	h.build.Lock()
	defer h.build.Unlock()
	t := h.table.Load()
	if t != nil && t.seq >= s.Seq {
		return t
	}
	t = newTable(h, s)
	h.table.Store(t)
	return t
}

// refuse answers a request that has no route.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	x := &exchange{h: h, w: w, r: r}
	x.fail(err)
}

func noSuchPath(r *http.Request, root string) error {
	return fail(http.StatusNotFound, modelspec.ErrNotFound, "no such path: models are at "+root+"/models/{endpoint}")
}

// readDeadline bounds how long a body may take, where the server has no bound
// of its own, also where nobody reads the body and net/http discards it. At the
// end of the body, net/http resets it.
func (h *Handler) readDeadline(w http.ResponseWriter, r *http.Request) {
	s, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if h.cfg.Timeout > 0 && ok && s.ReadTimeout <= 0 {
		// A writer that cannot do it is one of the embedder's middleware,
		// without Unwrap: the bound is his, then.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.Timeout))
	}
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }
