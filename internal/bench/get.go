package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"

	"github.com/org/aegis"
)

// getLine reads documents by id from a host in memory, over loopback. The
// baseline is a handler that writes one such answer, with the same headers.
func getLine(ctx context.Context, p plan) (_ []row, err error) {
	m, err := open(ctx, aegis.Config{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	header, body, err := answer(m, m.ids[0])
	if err != nil {
		return nil, err
	}
	requests := make([][]byte, len(m.ids))
	for i, id := range m.ids {
		requests[i] = []byte("GET " + orderPath(id) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
	}
	r, err := duel(ctx, p, m, canned(header, body), "200", func(i int) []byte { return requests[i%len(requests)] })
	return []row{throughput("GET by id over http, from memory", r, 0.7)}, err
}

func orderPath(id string) string { return "/aegis/api/models/orders/" + id }

// answer is what h says to GET of the order.
func answer(h http.Handler, id string) (http.Header, []byte, error) {
	r := httptest.NewRequest(http.MethodGet, orderPath(id), nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return nil, nil, fmt.Errorf("GET %s: %d %s", id, w.Code, w.Body)
	}
	return w.Header(), w.Body.Bytes(), nil
}

// canned answers with what it has, whatever is asked.
func canned(header http.Header, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		_, _ = w.Write(body)
	})
}
