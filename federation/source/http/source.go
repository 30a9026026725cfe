package httpsource

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// maxRedirects is how many redirects one fetch follows.
const maxRedirects = 5

// Config says how to fetch. The zero Config fetches modules of up to 64 MiB
// within two minutes.
type Config struct {
	MaxBytes int64         // of one module; zero: 64 MiB
	Timeout  time.Duration // of one fetch, from its start to the last byte; zero: 2 minutes
	// Client fetches. Its CheckRedirect is asked after this package's own
	// rules. Nil: one that keeps no connections.
	Client *http.Client
	// AllowPlain permits http, whose bytes anybody on the way can change, to
	// hosts other than the loopback address. Set Digest on such modules.
	AllowPlain bool
}

// Source is a federation.Source of http and https URLs. It keeps modules in
// memory, at most 64 and at most twice MaxBytes together. Safe for concurrent
// use.
type Source struct {
	cfg    Config
	client *http.Client

	mu      sync.Mutex
	flights map[string]*flight
	memory  memory
}

// New returns a Source. It connects to nothing.
func New(cfg Config) *Source {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Minute
	}
	s := &Source{cfg: cfg, flights: map[string]*flight{}, memory: memory{most: 2 * cfg.MaxBytes}}
	s.client = s.clientOf(cfg.Client)
	return s
}

// Schemes returns "https" and "http".
func (s *Source) Schemes() []string { return []string{"https", "http"} }

// flight is a fetch under way.
type flight struct {
	done chan struct{}
	a    federation.Artifact
	err  error
}

// Fetch fetches one module. The artifact's Digest is computed, and its Body is
// shared with other callers: nobody may change it.
func (s *Source) Fetch(ctx context.Context, ref string) (federation.Artifact, error) {
	u, err := s.parse(ref)
	if err != nil {
		return federation.Artifact{}, fmt.Errorf("httpsource: fetch %s: %w", shown(u), err)
	}
	for {
		s.mu.Lock()
		f := s.flights[ref]
		if f == nil {
			f = &flight{done: make(chan struct{})}
			s.flights[ref] = f
			s.mu.Unlock()
			return s.fly(ctx, u, ref, f)
		}
		s.mu.Unlock()
		select {
		case <-f.done:
			if !ended(f.err) {
				return f.a, f.err
			}
			// It was given up because of its own caller: ask again.
		case <-ctx.Done():
			return federation.Artifact{}, fmt.Errorf("httpsource: fetch %s: %w", shown(u), ctx.Err())
		}
	}
}

// abandoned marks a fetch that ended because its caller's context did.
type abandoned struct{ error }

func (a abandoned) Unwrap() error { return a.error }

func ended(err error) bool {
	_, ok := errors.AsType[abandoned](err)
	return ok
}

func (s *Source) fly(ctx context.Context, u *url.URL, ref string, f *flight) (federation.Artifact, error) {
	defer func() {
		s.mu.Lock()
		delete(s.flights, ref)
		s.mu.Unlock()
		close(f.done)
	}()
	f.err = abandoned{errors.New("the fetch did not return")} // if the client panics
	timed, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	a, err := s.get(timed, u, ref)
	if err != nil {
		err = fmt.Errorf("httpsource: fetch %s: %w", shown(u), err)
		if ctx.Err() != nil {
			err = abandoned{err}
		}
	}
	f.a, f.err = a, err
	return f.a, f.err
}

// parse reads a reference. Its error does not repeat it.
func (s *Source) parse(ref string) (*url.URL, error) {
	u, err := url.Parse(ref)
	if err != nil {
		return nil, invalid("not a URL")
	}
	return u, s.permit(u)
}

// permit says whether u may be asked.
func (s *Source) permit(u *url.URL) error {
	switch {
	case u.Host == "" || u.Opaque != "":
		return invalid("the URL names no host")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return invalid("scheme %q: only https and http are fetched", u.Scheme)
	case s.cfg.AllowPlain || loopback(u.Hostname()):
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: "plain http to another host: use https, or set Config.AllowPlain"}
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// clientOf makes a client that obeys this package's rules.
func (s *Source) clientOf(given *http.Client) *http.Client {
	c := &http.Client{}
	if given != nil {
		*c = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.DisableKeepAlives = true // fetches are rare, and nobody closes a Source
		c.Transport = t
	}
	theirs := c.CheckRedirect
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: fmt.Sprintf("more than %d redirects", maxRedirects)}
		}
		if req.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https" {
			return &modelspec.Error{Code: modelspec.ErrDenied, Message: "redirected from https to " + req.URL.Scheme}
		}
		if err := s.permit(req.URL); err != nil {
			return fmt.Errorf("redirected to %s: %w", shown(req.URL), err)
		}
		if theirs != nil {
			return theirs(req, via)
		}
		return nil
	}
	return c
}

// shown is u without what may be secret.
func shown(u *url.URL) string {
	if u == nil {
		return "(not a URL)"
	}
	v := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return v.String()
}

func invalid(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func isWasm(path string, body []byte) bool {
	return strings.HasSuffix(strings.ToLower(path), ".wasm") || strings.HasPrefix(string(body[:min(4, len(body))]), "\x00asm")
}
