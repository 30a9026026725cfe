package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/examples/orders/inventory"
)

// The phases of the load. In the even ones nothing is being changed.
const (
	before = iota
	deploying
	deployed
	rollingBack
	rolledBack
	phases
)

var phaseNames = [phases]string{"before", "during the deployment", "after it", "during the rollback", "after that"}

// load is what several clients ask of the inventory over HTTP, and what came
// of it.
type load struct {
	site    *site
	workers int
	each    int // requests in each even phase
	phase   atomic.Int32
	results chan result

	// By the goroutine of run only.
	rows  [phases]row
	moved int64
	first error // that a request came to
}

type row struct{ count, v100, v110, failed int64 }

// result is what one request came to.
type result struct {
	from, to int32 // the phases in which it began and ended
	version  string
	taken    int64
	err      error
}

func newLoad(s *site, workers, each int) *load {
	return &load{site: s, workers: workers, each: each, results: make(chan result, workers)}
}

// run makes the load, and changes the inventory when enough was asked before.
func (l *load) run(ctx context.Context, upgrade, downgrade func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	asking, enough := context.WithCancel(ctx)
	for w := range l.workers {
		wg.Go(func() { l.work(ctx, asking, w) })
	}
	defer func() {
		enough()
		go func() { wg.Wait(); close(l.results) }()
		for r := range l.results { // those under way
			l.note(r)
		}
		stop()
	}()
	for _, change := range []func(context.Context) error{upgrade, downgrade} {
		if err := l.steady(ctx); err != nil {
			return err
		}
		if err := l.during(ctx, change); err != nil {
			return err
		}
	}
	return l.steady(ctx)
}

// steady waits until enough was asked in a phase without a change.
func (l *load) steady(ctx context.Context) error {
	for l.rows[l.phase.Load()].count < int64(l.each) {
		select {
		case r := <-l.results:
			l.note(r)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// during makes a change while the clients go on.
func (l *load) during(ctx context.Context, change func(context.Context) error) error {
	l.phase.Add(1)
	done := make(chan error, 1)
	go func() { done <- change(ctx) }()
	for {
		select {
		case r := <-l.results:
			l.note(r)
		case err := <-done:
			l.phase.Add(1)
			return err
		}
	}
}

// work is one client: it takes one of its item, and puts it back.
func (l *load) work(ctx, asking context.Context, w int) {
	port := "reserve"
	for n := 0; asking.Err() == nil; n++ {
		r := result{from: l.phase.Load()}
		var level inventory.Level
		var rep reply
		rep, r.err = l.site.ask(ctx, "POST", "/inventory/"+loadItem(w)+"/"+port, "", inventory.Move{OrderID: "load", Qty: 1})
		if r.err == nil {
			r.err = rep.into(&level)
		}
		r.to, r.version = l.phase.Load(), "1.0.0"
		if level.Warehouse != "" {
			r.version = "1.1.0"
		}
		switch {
		case r.err != nil:
		case port == "reserve":
			r.taken, port = 1, "return"
		default:
			r.taken, port = -1, "reserve"
		}
		l.results <- r
	}
}

// note counts a request where it belongs: one that began before a change and
// ended after it ran during it.
func (l *load) note(r result) {
	p := r.from
	if r.from != r.to {
		p = r.from | 1
	}
	x := &l.rows[p]
	x.count++
	switch {
	case r.err != nil:
		x.failed++
		l.first = cmp.Or(l.first, r.err)
	case r.version == "1.1.0":
		x.v110++
	default:
		x.v100++
	}
	l.moved += r.taken
}

// check compares what came of it with what is promised.
func (l *load) check() error {
	for p, x := range l.rows {
		if x.failed > 0 {
			return fmt.Errorf("%s: %d of %d requests failed, such as: %w", phaseNames[p], x.failed, x.count, l.first)
		}
	}
	old := l.rows[before].v110 + l.rows[rolledBack].v110
	if n := l.rows[deployed].v100; n > 0 || old > 0 {
		return fmt.Errorf("%d requests after the deployment were answered by 1.0.0, and %d outside it by 1.1.0", n, old)
	}
	return nil
}

func (l *load) total() (n int64) {
	for _, x := range l.rows {
		n += x.count
	}
	return n
}

// taken is how much less there must be now.
func (l *load) taken() int64 { return l.moved }

func (l *load) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "           %-22s %8s %9s %9s %9s", "requests that ran", "count", "by 1.0.0", "by 1.1.0", "failed")
	for p, x := range l.rows {
		fmt.Fprintf(&b, "\n           %-22s %8d %9d %9d %9d", phaseNames[p], x.count, x.v100, x.v110, x.failed)
	}
	return b.String()
}
