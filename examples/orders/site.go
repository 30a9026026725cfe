package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/org/aegis"
)

// loadWithin is how long modules may take to load. They take a second or two
// each, unless the machine is very busy.
const loadWithin = 3 * time.Minute

// site is a host that serves its API over HTTP, and a client of it.
type site struct {
	host   *aegis.Host // nil: it is another process
	api    string      // its URL
	url    string      // of the models
	server http.Server
	client http.Client
	done   chan error
}

func openSite(ctx context.Context, cfg aegis.Config, addr string) (*site, error) {
	host, err := aegis.New(cfg)
	if err != nil {
		return nil, err
	}
	starting, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	if err := host.Start(starting); err != nil {
		return nil, errors.Join(err, host.Close())
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, errors.Join(err, host.Close())
	}
	s := siteAt("http://" + l.Addr().String() + "/aegis/api")
	s.host = host
	s.server = http.Server{Handler: host, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

// siteAt is a client of a host that serves its API at the URL.
func siteAt(api string) *site {
	return &site{api: api, url: api + "/models", done: make(chan error, 1),
		client: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// close ends the server and the host, and waits for both.
func (s *site) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s.client.CloseIdleConnections()
	err := s.server.Shutdown(ctx)
	if e := <-s.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, s.host.Close())
}

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// into decodes the answer, which must be a success.
func (r reply) into(v any) error {
	if r.status/100 != 2 {
		return fmt.Errorf("answered %d: %s", r.status, r.body)
	}
	if v == nil || len(r.body) == 0 {
		return nil
	}
	return json.Unmarshal(r.body, v)
}

// ask sends a request to the models, or, where path begins with the API's URL,
// to there. Under a key, asking again does nothing again.
func (s *site) ask(ctx context.Context, method, path, key string, body any) (reply, error) {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		in = bytes.NewReader(b)
	}
	if !strings.HasPrefix(path, s.api) {
		path = s.url + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, in)
	if err != nil {
		return reply{}, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	r := reply{status: res.StatusCode, header: res.Header}
	r.body, err = io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return r, err
}

// do is ask for who wants the answer or nothing.
func (s *site) do(ctx context.Context, method, path, key string, body, into any) error {
	r, err := s.ask(ctx, method, path, key, body)
	if err == nil {
		err = r.into(into)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}
