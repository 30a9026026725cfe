package httpsource_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/federation"
	httpsource "github.com/org/aegis/federation/source/http"
	"github.com/org/aegis/modelspec"
)

var _ federation.Source = (*httpsource.Source)(nil)

const module = "\x00asm\x01\x00\x00\x00"

func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func answers(status int, header, value, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestFetch(t *testing.T) {
	for name, c := range map[string]struct {
		h     http.HandlerFunc
		want  modelspec.Code // "": fetched
		media string
	}{
		"typed":          {answers(200, "Content-Type", "application/x-plugin; v=1", "x"), "", "application/x-plugin"},
		"by magic":       {answers(200, "Content-Type", "application/octet-stream", module), "", "application/wasm"},
		"no type":        {answers(200, "Content-Type", "", module), "", "application/wasm"},
		"exactly full":   {answers(200, "Content-Type", "a/b", strings.Repeat("x", 1000)), "", "a/b"},
		"empty":          {answers(200, "", "", ""), modelspec.ErrInvalid, ""},
		"not found":      {answers(404, "", "", "no"), modelspec.ErrNotFound, ""},
		"gone":           {answers(410, "", "", "no"), modelspec.ErrNotFound, ""},
		"unauthorized":   {answers(401, "", "", "no"), modelspec.ErrDenied, ""},
		"forbidden":      {answers(403, "", "", "no"), modelspec.ErrDenied, ""},
		"broken":         {answers(500, "", "", "no"), modelspec.ErrUnavailable, ""},
		"busy":           {answers(503, "", "", "no"), modelspec.ErrUnavailable, ""},
		"too many":       {answers(429, "", "", "no"), modelspec.ErrUnavailable, ""},
		"teapot":         {answers(418, "", "", "no"), modelspec.ErrInvalid, ""},
		"uncalled 304":   {answers(304, "", "", ""), modelspec.ErrInvalid, ""},
		"partial":        {answers(206, "", "", "x"), modelspec.ErrInvalid, ""},
		"encoded":        {answers(200, "Content-Encoding", "br", "x"), modelspec.ErrInvalid, ""},
		"announced size": {answers(200, "", "", strings.Repeat("x", 1001)), modelspec.ErrExhausted, ""},
		"announced more": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1099511627776") }, modelspec.ErrExhausted, ""},
		"streamed size": {func(w http.ResponseWriter, _ *http.Request) {
			for range 64 << 10 { // chunked: no Content-Length
				if _, err := w.Write(make([]byte, 1024)); err != nil {
					return
				}
			}
			t.Error("64 MiB were read of a module that may have 1000 bytes")
		}, modelspec.ErrExhausted, ""},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "short")
		}, modelspec.ErrUnavailable, ""},
		"hung up": {func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, modelspec.ErrUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, c.h)
			a, err := httpsource.New(httpsource.Config{MaxBytes: 1000}).Fetch(t.Context(), s.URL+"/m?token=hush")
			switch {
			case err == nil && c.want == "":
				if a.MediaType != c.media || len(a.Digest) != 71 || len(a.Body) == 0 {
					t.Errorf("%s, %s, %d bytes", a.MediaType, a.Digest, len(a.Body))
				}
			case err == nil || modelspec.CodeOf(err) != c.want:
				t.Errorf("%v (%s), want code %q", err, modelspec.CodeOf(err), c.want)
			case strings.Contains(err.Error(), "hush") || !strings.Contains(err.Error(), s.URL+"/m"):
				t.Errorf("the message: %v", err)
			}
		})
	}
}

func TestRefs(t *testing.T) {
	src := httpsource.New(httpsource.Config{Client: &http.Client{Transport: refuser{}}})
	plain := httpsource.New(httpsource.Config{AllowPlain: true, Client: &http.Client{Transport: refuser{}}})
	for ref, want := range map[string]modelspec.Code{
		"http://modules.example.com/m":            modelspec.ErrDenied,
		"http://127.0.0.1.example.com/m":          modelspec.ErrDenied,
		"http://[::1]:1/m":                        modelspec.ErrUnavailable, // it was tried
		"http://127.9.9.9/m":                      modelspec.ErrUnavailable,
		"http://localhost/m":                      modelspec.ErrUnavailable,
		"https://user:hush@example.com/m?t=hush#": modelspec.ErrUnavailable,
		"ftp://example.com/m":                     modelspec.ErrInvalid,
		"https:///m":                              modelspec.ErrInvalid,
		"https:m":                                 modelspec.ErrInvalid,
		"https://exa mple/hush":                   modelspec.ErrInvalid,
		"":                                        modelspec.ErrInvalid,
	} {
		_, err := src.Fetch(t.Context(), ref)
		if modelspec.CodeOf(err) != want || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v (%s), want %s", ref, err, modelspec.CodeOf(err), want)
		}
	}
	if _, err := plain.Fetch(t.Context(), "http://modules.example.com/m"); modelspec.CodeOf(err) != modelspec.ErrUnavailable {
		t.Errorf("plain http where it is allowed: %v", err)
	}
}

// refuser is a network without anybody in it.
type refuser struct{}

func (refuser) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody there")
}

func TestRedirects(t *testing.T) {
	var hops atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		hops.Add(1)
		n, err := strconv.Atoi(r.URL.Query().Get("n"))
		switch {
		case err != nil:
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
		case n == 0:
			_, _ = io.WriteString(w, module)
		default:
			http.Redirect(w, r, "/?n="+strconv.Itoa(n-1), http.StatusFound)
		}
	})
	src := httpsource.New(httpsource.Config{})
	for ref, want := range map[string]modelspec.Code{
		"/?n=5":                           "",
		"/?n=6":                           modelspec.ErrUnavailable,
		"/?n=1000000":                     modelspec.ErrUnavailable,
		"/?to=http://modules.example.com": modelspec.ErrDenied,
		"/?to=file:///etc/hostname":       modelspec.ErrInvalid,
	} {
		hops.Store(0)
		if _, err := src.Fetch(t.Context(), s.URL+ref); err == nil && want != "" || err != nil && modelspec.CodeOf(err) != want {
			t.Errorf("%s: %v", ref, err)
		}
		if hops.Load() > 6 {
			t.Errorf("%s: %d requests", ref, hops.Load())
		}
	}
}

func TestNeverFromHTTPSToHTTP(t *testing.T) {
	var asked atomic.Int64
	plain := serve(t, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); _, _ = io.WriteString(w, module) })
	safe := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	defer safe.Close()
	src := httpsource.New(httpsource.Config{Client: safe.Client(), AllowPlain: true})
	if _, err := src.Fetch(t.Context(), safe.URL); !errors.Is(err, modelspec.ErrDenied) || asked.Load() != 0 {
		t.Errorf("%v, %d requests", err, asked.Load())
	}
}

func TestSlow(t *testing.T) {
	begun := make(chan struct{}, 2)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		w.(http.Flusher).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
	})
	if _, err := httpsource.New(httpsource.Config{Timeout: 50 * time.Millisecond}).Fetch(t.Context(), s.URL); modelspec.CodeOf(err) != modelspec.ErrDeadline {
		t.Errorf("timeout: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	<-begun // the one that timed out
	go func() { <-begun; cancel() }()
	if _, err := httpsource.New(httpsource.Config{}).Fetch(ctx, s.URL); modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("cancel: %v", err)
	}
}

func TestUnchangedIsNotSentTwice(t *testing.T) {
	tag, sent, asked := `"1"`, 0, 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		_, _ = io.WriteString(w, module+tag)
	})
	src := httpsource.New(httpsource.Config{})
	fetch := func(wantSent int) {
		t.Helper()
		a, err := src.Fetch(t.Context(), s.URL)
		if err != nil || string(a.Body) != module+tag || a.Digest == "" {
			t.Fatalf("%q, %v", a.Body, err)
		}
		if sent != wantSent {
			t.Errorf("sent %d times, want %d", sent, wantSent)
		}
	}
	fetch(1)
	fetch(1)
	tag = `"2"`
	fetch(2)
	fetch(2)
	tag = `W/"3"` // does not promise the same bytes
	fetch(3)
	fetch(4)
	if asked != 6 {
		t.Errorf("asked %d times", asked)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	sent := map[string]int{}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent[r.URL.Path]++
		_, _ = io.WriteString(w, strings.Repeat("x", 80))
	})
	src := httpsource.New(httpsource.Config{MaxBytes: 100}) // room for two
	for _, path := range []string{"/a", "/b", "/a", "/c", "/a", "/b"} {
		if _, err := src.Fetch(t.Context(), s.URL+path); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(sent) != "map[/a:1 /b:2 /c:1]" {
		t.Errorf("sent: %v", sent)
	}
}

// network is one server that answers when it is told to, without sockets.
type network struct {
	asked   atomic.Int64
	release chan struct{}
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.asked.Add(1)
	select {
	case <-n.release:
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader(module))}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestOneFetchForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &network{release: make(chan struct{})}
		src := httpsource.New(httpsource.Config{Client: &http.Client{Transport: net}})
		impatient, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := src.Fetch(impatient, "https://example.com/m"); modelspec.CodeOf(err) != modelspec.ErrCanceled {
				t.Errorf("the impatient: %v", err)
			}
		})
		synctest.Wait()
		for range 20 {
			wg.Go(func() {
				if a, err := src.Fetch(t.Context(), "https://example.com/m"); err != nil || string(a.Body) != module {
					t.Errorf("%q, %v", a.Body, err)
				}
			})
		}
		synctest.Wait()
		cancel() // one of those that wait takes over
		synctest.Wait()
		close(net.release)
		wg.Wait()
		if n := net.asked.Load(); n != 2 {
			t.Errorf("asked %d times for 21 callers", n)
		}
	})
}
