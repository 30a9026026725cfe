package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/org/aegis/examples/orders/order"
)

// streamed is an order, and the edit that held when it was made.
type streamed struct {
	id    string
	after edit
}

// stream makes orders over HTTP, one after the other in each of four clients.
type stream struct {
	d     *demo
	end   context.CancelFunc
	wg    sync.WaitGroup
	count chan struct{}

	mu     sync.Mutex
	now    edit
	orders []streamed
	failed error // the first request that failed
}

func startStream(ctx context.Context, d *demo) *stream {
	s := &stream{d: d, count: make(chan struct{}, 1<<12)}
	asking, end := context.WithCancel(ctx)
	s.end = end
	for range 4 {
		s.wg.Go(func() {
			for asking.Err() == nil && s.one(ctx) {
			}
		})
	}
	return s
}

// one orders once.
func (s *stream) one(ctx context.Context) bool {
	s.mu.Lock()
	now := s.now
	s.mu.Unlock()
	var o order.Order
	err := s.d.site.do(ctx, "POST", "/orders", "", newOrder(""), &o)
	if err == nil {
		err = s.d.site.do(ctx, "POST", "/orders/"+o.ID+"/approve", "approve", order.Approval{}, nil)
	}
	if err == nil {
		err = s.d.show.await(ctx, o.ID, "order.completed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed = errors.Join(s.failed, err)
		return false
	}
	s.orders = append(s.orders, streamed{o.ID, now})
	select {
	case s.count <- struct{}{}:
	default:
	}
	return true
}

// more waits until n more orders have completed.
func (s *stream) more(ctx context.Context, n int) error {
	for range n {
		select {
		case <-s.count:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Second):
			s.mu.Lock()
			defer s.mu.Unlock()
			return errors.Join(errors.New("no order completes any more"), s.failed)
		}
	}
	return nil
}

// changed notes that an edit holds from now on.
func (s *stream) changed(e edit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = e
}

// stop ends the clients, when what they do is done.
func (s *stream) stop() error {
	s.end()
	s.wg.Wait()
	return s.failed
}
