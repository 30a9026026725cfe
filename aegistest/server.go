package aegistest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/org/aegis/wasm"
)

// Server serves modules over HTTP from loopback, as a registry would, and as a
// bad one. Safe for concurrent use. Make one with [ModuleServer].
type Server struct {
	http *httptest.Server
	stop chan struct{}

	mu      sync.Mutex
	modules map[string]*module // by path
}

// module is what is served under one path.
type module struct {
	body    []byte
	fault   Fault
	fetches int
	full    int // of those, answered with the whole body
}

// Fault is how a [Server] fails.
type Fault int

// The faults.
const (
	// None: the module is served whole.
	None Fault = iota
	// Truncated ends the connection in the middle of the body.
	Truncated
	// Stalled sends half of the body, and no more until the client gives up.
	Stalled
	// Wrong serves other bytes of the same length.
	Wrong
	// Missing answers 404.
	Missing
	// Down answers 503.
	Down
)

// ModuleServer starts a server that stops when the test ends.
func ModuleServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{modules: map[string]*module{}, stop: make(chan struct{})}
	s.http = httptest.NewServer(s)
	t.Cleanup(func() {
		close(s.stop)
		s.http.Close()
	})
	return s
}

// Put serves body, which must not change again, as that version of the module,
// in place of what was there, and returns its URL. Names and versions are path
// segments: they are escaped.
func (s *Server) Put(name, version string, body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := "/" + url.PathEscape(name) + "/" + url.PathEscape(version)
	s.modules[path] = &module{body: body}
	return s.http.URL + path
}

// Break makes fetches of a module fail from now on; None mends it. What Put
// returned says which one; of anything else it panics.
func (s *Server) Break(module string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(module).fault = f
}

// Fetches is how often a module was asked for, also with no change since the
// last time, or with a fault.
func (s *Server) Fetches(module string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(module).fetches
}

// Downloads is how often a module was sent whole.
func (s *Server) Downloads(module string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at(module).full
}

func (s *Server) at(module string) *module {
	u, err := url.Parse(module)
	if err == nil {
		if m := s.modules[u.EscapedPath()]; m != nil {
			return m
		}
	}
	panic("aegistest: module server: " + module + " was not put here")
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	m := s.modules[r.URL.EscapedPath()]
	if m == nil {
		s.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	m.fetches++
	body, fault := m.body, m.fault
	s.mu.Unlock()
	sum := sha256.Sum256(body)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	switch {
	case fault == Missing:
		http.NotFound(w, r)
		return
	case fault == Down:
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	case fault == None && r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", typeOf(body))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if fault == Wrong {
		body = spoilt(body)
	} else {
		w.Header().Set("ETag", etag)
	}
	if fault == Truncated || fault == Stalled {
		s.half(w, r, body, fault)
		return
	}
	if _, err := w.Write(body); err == nil {
		s.mu.Lock()
		m.full++
		s.mu.Unlock()
	}
}

// half sends half of the body, and then nothing or the end.
func (s *Server) half(w http.ResponseWriter, r *http.Request, body []byte, f Fault) {
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	if f == Stalled {
		select {
		case <-r.Context().Done():
		case <-s.stop:
		}
	}
	panic(http.ErrAbortHandler)
}

// spoilt is body with one byte changed in each kilobyte.
func spoilt(body []byte) []byte {
	out := slices.Clone(body)
	for i := len(out) - 1; i >= 0; i -= 1024 {
		out[i] ^= 0x55
	}
	return out
}

func typeOf(body []byte) string {
	if bytes.HasPrefix(body, []byte("\x00asm")) {
		return wasm.MediaType
	}
	return "application/octet-stream"
}
