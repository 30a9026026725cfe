package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/badger"
)

// The program is also the process that gets killed: where the first of these
// is set, it fills that directory.
const (
	childDir = "AEGIS_BENCH_CHILD_DIR"
	childDue = "AEGIS_BENCH_CHILD_DUE"
)

// flowsOf is how many of n documents are left with a flow that has something to
// do. The others have told their events, and have not written that down.
func flowsOf(n int) int { return max(1, n/100) }

// What the child says: that its subscriber has had an event, and that it may
// be killed.
const (
	saidTaken = "taken "
	saidReady = "ready"
)

// childMain leaves documents behind, and waits for its end.
func childMain(out, errs io.Writer) int {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 5*time.Minute, errors.New("nobody killed it"))
	defer cancel()
	n, err := strconv.Atoi(os.Getenv(childDue))
	if err == nil {
		err = leave(ctx, os.Getenv(childDir), n, out)
	}
	if err == nil {
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	_, _ = fmt.Fprintln(errs, "bench: child:", err)
	return 2
}

// leave makes n documents, all due. A subscriber keeps the ids of their events;
// another one, which the next life does not have, wants them much later, so that
// they stay in the envelopes as if they had just been told. The flows of some
// hang at their provider, or behind those that do.
func leave(ctx context.Context, dir string, n int, out io.Writer) error {
	var mu sync.Mutex
	var taken, hung atomic.Int64
	l := legOf(0, departed)
	later := errors.New("later")
	r, err := travel(ctx, aegis.Config{Datasource: badger.New(badger.Config{Dir: dir, NoSync: true}), Subscriptions: aegis.Subscriptions{
		{Name: "book", Pattern: "trip.created", Required: true, Handler: func(_ context.Context, e broker.Event) error {
			mu.Lock()
			defer mu.Unlock()
			_, err := fmt.Fprintln(out, saidTaken+e.ID)
			taken.Add(1)
			return err
		}},
		{Name: "later", Pattern: "trip.created", Required: true, Delay: 50 * time.Second, Handler: func(context.Context, broker.Event) error { return later }},
	}}, trips(l), adapter.Bind(l, func(ctx context.Context, _ hop) (stop, error) {
		hung.Add(1)
		<-ctx.Done()
		return stop{}, ctx.Err()
	}))
	if err != nil {
		return err
	}
	const atOnce = 8
	bad := make([]error, atOnce)
	var wg sync.WaitGroup
	for w := range atOnce {
		wg.Go(func() {
			for i := w; i < n && bad[w] == nil; i += atOnce {
				if i < flowsOf(n) {
					bad[w] = r.send(ctx, "t"+strconv.Itoa(i))
				} else {
					bad[w] = r.book(ctx, "t"+strconv.Itoa(i))
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(bad...); err != nil {
		return err
	}
	if err := errors.Join(reach(ctx, &taken, int64(n)), reach(ctx, &hung, 1)); err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	_, err = fmt.Fprintln(out, saidReady)
	return err
}

// killed lets a child leave n due documents in dir, and kills it. It returns the
// ids of the events that its subscriber has had.
func killed(ctx context.Context, dir string, n int) (map[string]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childDue+"="+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	had, ready := map[string]bool{}, false
	for lines := bufio.NewScanner(out); !ready && lines.Scan(); {
		id, ok := strings.CutPrefix(lines.Text(), saidTaken)
		if ok {
			had[id] = true
		}
		ready = lines.Text() == saidReady
	}
	err = cmd.Process.Kill() // kill -9
	_ = cmd.Wait()
	if !ready {
		return nil, errors.Join(err, errors.New("the child ended before it was killed"))
	}
	return had, err
}
