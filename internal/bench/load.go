package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/port"
)

// load is callers that never stop: some over HTTP, some in Go, each with
// documents of its own.
type load struct {
	m       *market
	clients []*client
	done    atomic.Int64
	failed  atomic.Int64
	why     atomic.Pointer[error]
	wg      sync.WaitGroup
}

func newLoad(ctx context.Context, m *market, s *server) (*load, error) {
	l := &load{m: m}
	for range 2 {
		c, err := dial(ctx, s.addr)
		if err != nil {
			return nil, errors.Join(err, l.close())
		}
		l.clients = append(l.clients, c)
	}
	return l, nil
}

func (l *load) close() error {
	var bad []error
	for _, c := range l.clients {
		bad = append(bad, c.conn.Close())
	}
	return errors.Join(bad...)
}

// start lets the callers begin; what it returns ends them.
func (l *load) start() (stop func() tally) {
	ctx, cancel := context.WithCancel(context.Background())
	l.done.Store(0)
	l.failed.Store(0)
	callers := []func(id string) error{l.touch, l.ask}
	for _, c := range l.clients {
		callers = append(callers, func(id string) error {
			return c.do([]byte("GET "+orderPath(id)+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"), "200")
		})
	}
	for i, call := range callers {
		l.wg.Go(func() {
			for n := i; ctx.Err() == nil; n += len(callers) {
				if err := call(l.m.ids[n%len(l.m.ids)]); err != nil {
					l.failed.Add(1)
					l.why.CompareAndSwap(nil, &err)
				}
				l.done.Add(1)
			}
		})
	}
	return func() tally {
		cancel()
		l.wg.Wait()
		t := tally{requests: l.done.Load(), failed: l.failed.Load()}
		if why := l.why.Load(); why != nil {
			t.why = *why
		}
		return t
	}
}

func (l *load) touch(id string) error {
	_, err := shop.Touch().Invoke(context.Background(), l.m, id, port.None{})
	return err
}

func (l *load) ask(id string) error {
	_, err := ask().Invoke(context.Background(), l.m, id, port.None{})
	return err
}

// await returns when n requests are done.
func (l *load) await(ctx context.Context, n int64) error {
	for l.done.Load() < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
	return nil
}
