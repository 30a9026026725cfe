package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
)

// server is an http.Server on loopback.
type server struct {
	http.Server
	addr string
	done chan error
}

func serve(h http.Handler) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{Server: http.Server{Handler: h}, addr: l.Addr().String(), done: make(chan error, 1)}
	go func() { s.done <- s.Serve(l) }()
	return s, nil
}

func (s *server) close() error {
	err := s.Close()
	if end := <-s.done; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// client is one connection that is kept alive. It reads no more of an answer
// than it must, so that what is measured is the server.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(ctx context.Context, addr string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReader(conn)}, nil
}

var (
	lengthHeader = []byte("Content-Length: ")
	lineEnd      = []byte("\r\n")
)

// do sends a request and reads the answer away. It fails where the status is
// not the expected one.
func (c *client) do(request []byte, status string) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	first, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(first) < 12 || string(first[9:12]) != status {
		return fmt.Errorf("the answer was %q, not %s", first, status)
	}
	length := -1
	for {
		h, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(h) <= 2 {
			break
		}
		if n, ok := bytes.CutPrefix(h, lengthHeader); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSuffix(n, lineEnd))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no Content-Length")
	}
	_, err = c.in.Discard(length)
	return err
}

// fleet is some clients of one server, at work at the same time.
type fleet struct {
	clients []*client
	status  string
}

// dialFleet connects four clients for each processor.
func dialFleet(ctx context.Context, s *server, status string) (*fleet, error) {
	f := &fleet{status: status}
	for range 4 * runtime.GOMAXPROCS(0) {
		c, err := dial(ctx, s.addr)
		if err != nil {
			return nil, errors.Join(err, f.close())
		}
		f.clients = append(f.clients, c)
	}
	return f, nil
}

func (f *fleet) close() error {
	var bad []error
	for _, c := range f.clients {
		bad = append(bad, c.conn.Close())
	}
	return errors.Join(bad...)
}

// send makes n requests, shared among the clients.
func (f *fleet) send(n int, request func(i int) []byte) error {
	var wg sync.WaitGroup
	bad := make([]error, len(f.clients))
	for i, c := range f.clients {
		wg.Go(func() {
			for j := i; j < n && bad[i] == nil; j += len(f.clients) {
				bad[i] = c.do(request(j), f.status)
			}
		})
	}
	wg.Wait()
	return errors.Join(bad...)
}

// duel compares two handlers by the throughput of equal fleets.
func duel(ctx context.Context, p plan, ours, baseline http.Handler, status string, request func(i int) []byte) (r result, err error) {
	var sides [2]side
	for i, h := range []http.Handler{ours, baseline} {
		s, err := serve(h)
		if err != nil {
			return result{}, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		f, err := dialFleet(ctx, s, status)
		if err != nil {
			return result{}, err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		sides[i] = measured(func(n int) error { return f.send(n, request) })
	}
	return compare(ctx, p, sides[0], sides[1])
}
