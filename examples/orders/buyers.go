package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/examples/orders/order"
)

// bought is what one buyer knows of an order.
type bought struct {
	n        int
	id       string // empty: its creation was never acknowledged
	approved bool   // acknowledged
	refused  string // the approval was, with these words
}

// pace is how long a buyer rests after an order, so that hosts die in the middle
// of all that there is.
const pace = 150 * time.Millisecond

// buyers order over HTTP, several at once, whatever becomes of the hosts.
type buyers struct {
	plan *plan
	site atomic.Pointer[site] // the host of the moment; nil: there is none

	approved atomic.Int64  // orders
	progress chan struct{} // has one when approved has grown
}

// all makes orders 1 to n, and returns what came of each.
func (b *buyers) all(ctx context.Context, n, atOnce int) ([]bought, error) {
	out := make([]bought, n)
	errs := make([]error, atOnce)
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range atOnce {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n && errs[w] == nil; i = int(next.Add(1)) {
				out[i-1], errs[w] = b.one(ctx, i)
				pause(ctx, pace)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return out, err
		}
	}
	return out, ctx.Err()
}

// one orders, and approves. Some buyers walk away when an answer does not come
// at once; any other asks again, under the same key, until it does.
func (b *buyers) one(ctx context.Context, n int) (bought, error) {
	o := bought{n: n}
	r, ok := b.ask(ctx, b.plan.patience(n, "create"), "/orders", "create-"+strconv.Itoa(n), b.plan.basket(n))
	if !ok {
		return o, ctx.Err()
	}
	var doc order.Order
	if err := r.into(&doc); err != nil {
		return o, fmt.Errorf("order %d: create: %w", n, err)
	}
	o.id = doc.ID
	b.plan.know(o.id, n)
	if r, ok = b.ask(ctx, b.plan.patience(n, "approve"), "/orders/"+o.id+"/approve", "approve", order.Approval{By: "chaos"}); !ok {
		return o, ctx.Err()
	}
	switch {
	case r.status == http.StatusConflict:
		o.refused = string(r.body)
	case r.status/100 != 2:
		return o, fmt.Errorf("order %d: approve: answered %d: %s", n, r.status, r.body)
	default:
		o.approved = true
		b.approved.Add(1)
		select {
		case b.progress <- struct{}{}:
		default:
		}
	}
	return o, nil
}

// ask asks until there is an answer. With some patience only, it asks once, and
// reports false where that is over before the answer comes.
func (b *buyers) ask(ctx context.Context, patience time.Duration, path, key string, body any) (reply, bool) {
	for ctx.Err() == nil {
		s := b.site.Load()
		if s == nil { // nothing was sent
			pause(ctx, 20*time.Millisecond)
			continue
		}
		asking, stop := ctx, context.CancelFunc(func() {})
		if patience > 0 {
			asking, stop = context.WithTimeout(ctx, patience)
		}
		r, err := s.ask(asking, "POST", path, key, body)
		stop()
		if err == nil && r.status < 500 {
			return r, true
		}
		if patience > 0 {
			return reply{}, false
		}
		pause(ctx, 20*time.Millisecond)
	}
	return reply{}, false
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
