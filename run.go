package aegis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/org/aegis/internal/httpapi"
	"github.com/org/aegis/modelspec"
)

// ServeHTTP serves the API: mount it at Config.Root. After Close it answers 503.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.closed.Load() {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"title":"Service Unavailable","status":503,"code":"unavailable","detail":"the host is closed"}`)
		return
	}
	h.api.ServeHTTP(w, r)
}

// Run starts the host, serves its API on addr until ctx is done, and closes
// it. It returns nil when ctx ended and everything was drained. Where
// Config.Authorize is nil it listens on loopback only, unless Config.Open says
// otherwise.
func (h *Host) Run(ctx context.Context, addr string) error {
	if err := h.mayListen(addr); err != nil {
		return errors.Join(err, h.Close())
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return errors.Join(fmt.Errorf("aegis: listen: %w", err), h.Close())
	}
	return h.Serve(ctx, l)
}

// Serve is Run on a listener that is there already, whatever its address.
func (h *Host) Serve(ctx context.Context, l net.Listener) error {
	if err := h.Start(ctx); err != nil {
		return errors.Join(err, l.Close(), h.Close())
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	h.wg.Go(func() { done <- srv.Serve(l) })
	h.cfg.Logger.Info("aegis: serving", "url", "http://"+l.Addr().String()+h.cfg.Root)
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.cfg.DrainAfter)
		defer cancel()
		if err = srv.Shutdown(end); err != nil {
			err = errors.Join(err, srv.Close())
		}
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, h.Close())
}

func (h *Host) mayListen(addr string) error {
	if h.cfg.Authorize != nil || h.cfg.Open {
		return nil
	}
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("aegis: listen: %w", err)
	}
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: "aegis: listen on " + addr + ": everybody could read and write every model: set Config.Authorize, or Config.Open if that is meant, or listen on 127.0.0.1"}
}

func (h *Host) newAPI() http.Handler {
	return httpapi.New(httpapi.Config{
		Backend: backend{h.engine, h.table}, Root: h.cfg.Root, Caller: h.cfg.Caller, Authorize: h.cfg.Authorize,
		Timeout: h.cfg.Timeout, MaxBody: h.cfg.MaxBody, Rate: h.cfg.Rate, Logger: h.cfg.Logger, Host: h.introspection(),
		Events: h.Publish, Complete: h.engine.Complete,
	})
}
