package modules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/org/aegis/federation"
)

// Server serves modules on a loopback port.
type Server struct {
	list []Module
	http http.Server
	url  string
	done chan error
}

// Serve begins to serve ms on addr, such as 127.0.0.1:0.
func Serve(addr string, ms []Module) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("modules: serve: %w", err)
	}
	s := &Server{list: ms, url: "http://" + l.Addr().String(), done: make(chan error, 1)}
	mux := http.NewServeMux()
	for _, m := range ms {
		mux.HandleFunc("GET /"+m.File(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/wasm")
			w.Header().Set("ETag", `"`+m.Digest+`"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.Body))
		})
	}
	s.http = http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// Remote says where a host finds a version of a component: its name, its
// version and the digest that its bytes must have. What it may do is for the
// host's owner to add.
func (s *Server) Remote(name, version string, g federation.Grant) (federation.Remote, error) {
	for _, m := range s.list {
		if m.Name == name && m.Version == version {
			return federation.Remote{Name: name, Version: version, Ref: s.url + "/" + m.File(), Digest: m.Digest, Grant: g}, nil
		}
	}
	return federation.Remote{}, fmt.Errorf("modules: there is no %s %s", name, version)
}

// Close ends the server, and waits for it.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if e := <-s.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
