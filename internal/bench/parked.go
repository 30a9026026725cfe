package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
)

// parkedBytes is what a flow that waits for an answer may take of the heap.
const parkedBytes = 6 << 10

// parkedLine is flows that wait for answers, all at once: what each takes of
// the heap, its document included, in a host on the memory store. They are
// answered afterwards, and all of them end. The baseline is a goroutine each
// that waits for its answer with the same document in its hands, and would not
// survive the process.
func parkedLine(ctx context.Context, p plan) ([]row, error) {
	name := fmt.Sprintf("%d flows parked on replies: heap of each", p.parked)
	ours, err := park(ctx, p.parked, nil)
	if err != nil {
		return nil, err
	}
	base := goroutinesEach(p.parked)
	rows := []row{
		{name, kibi(ours.bytes), kibi(base), fmt.Sprintf("%.2fx", ours.bytes/base), "under " + kibi(parkedBytes), judge(ours.bytes < parkedBytes)},
		same("goroutines, with them and without", ours.after, ours.before),
	}
	dir, err := os.MkdirTemp("", "aegis-bench-")
	if err != nil {
		return nil, err
	}
	disk, err := park(ctx, p.parked, badger.New(badger.Config{Dir: dir, NoSync: true}))
	rows = append(rows, row{name: "  the same on Badger, with its cache and tables", ours: kibi(disk.bytes), baseline: unlisted, ratio: unlisted})
	return rows, errors.Join(err, os.RemoveAll(dir))
}

// parked is what n waiting flows take.
type parked struct {
	bytes         float64 // of heap and stacks, each
	before, after int     // goroutines
}

func park(ctx context.Context, n int, store datasource.Store) (_ parked, err error) {
	var asked, ended atomic.Int64
	a := arrival(departed)
	r, err := travel(ctx, aegis.Config{Datasource: store, Subscriptions: aegis.Subscriptions{{Pattern: "trip.arrived", Queue: n,
		Handler: func(context.Context, broker.Event) error { ended.Add(1); return nil }}}},
		trips(a), adapter.Ask(a, func(context.Context, hop) error { asked.Add(1); return nil }))
	if err != nil {
		return parked{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.send(ctx, "first"); err != nil { // what is made once is made now
		return parked{}, err
	}
	if err := reach(ctx, &asked, 1); err != nil {
		return parked{}, err
	}
	before, was := look(), footing()
	for i := range n {
		if err := r.send(ctx, "t"+strconv.Itoa(i)); err != nil {
			return parked{}, err
		}
	}
	if err := reach(ctx, &asked, int64(n)+1); err != nil {
		return parked{}, err
	}
	after := look()
	got := parked{bytes: (footing() - was) / float64(n), before: before.goroutines, after: after.goroutines}
	for i := range n { // they are alive
		if err := a.Complete(ctx, r, "t"+strconv.Itoa(i), stop{At: "Tromsø"}); err != nil {
			return parked{}, err
		}
	}
	return got, reach(ctx, &ended, int64(n))
}

// goroutinesEach is the heap and stack of each of n goroutines that wait.
func goroutinesEach(n int) float64 {
	was := footing()
	answers := make([]chan stop, n)
	for i := range answers {
		answers[i] = make(chan stop)
		t := &trip{ID: "t" + strconv.Itoa(i), From: "Bergen", To: "Tromsø", Weight: 1200, At: "Bergen"}
		go func() {
			s := <-answers[i]
			t.At = s.At
			answers[i] <- stop{At: t.At}
		}()
	}
	look()
	bytes := (footing() - was) / float64(n)
	for _, c := range answers {
		c <- stop{}
		<-c
	}
	return bytes
}

// footing is the heap and the stacks in use.
func footing() float64 {
	h := heap()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return h + float64(m.StackInuse)
}

func kibi(n float64) string { return fmt.Sprintf("%.3g KiB", n/1024) }

// reach returns when the counter has come to n.
func reach(ctx context.Context, c *atomic.Int64, n int64) error {
	for c.Load() < n {
		if err := ctx.Err(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
