package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/port"
)

const (
	askers     = 4                    // who ask for something new, each with documents of its own
	askerPause = 2 * time.Millisecond // between two requests
	window     = 250                  // requests of which a p99 is taken
)

// resumeLine is a host that begins where another one was killed, with kill -9,
// which left very many documents due: of a hundred, 99 have events in their
// envelopes that were told, and one has a flow to go on with. The subscriber of
// the events keeps ids, and the service behind the flows keeps keys, in this
// process. The p99 of new commands is that of windows of 250, while the host
// works off what is due; the baseline is the same host when it has.
func resumeLine(ctx context.Context, p plan) (_ []row, err error) {
	dir, err := os.MkdirTemp("", "aegis-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	had, err := killed(ctx, dir, p.due)
	if err != nil {
		return nil, err
	}
	s := &successor{n: p.due, book: had, came: map[string]int{}, asked: map[string]int{}}
	return s.run(ctx, p, dir)
}

// successor is the next life.
type successor struct {
	*road
	n int

	done  atomic.Int64 // documents that were worked off, as far as anybody outside sees
	ended atomic.Int64 // flows

	mu    sync.Mutex
	book  map[string]bool // the ids that the subscriber of the life before kept
	asked map[string]int  // what the service did, by trip
	came  map[string]int  // events by id, how often in this life
	twice int             // events acted on although their subjects were before
}

func (s *successor) run(ctx context.Context, p plan, dir string) (_ []row, err error) {
	l := legOf(0, departed)
	start := time.Now()
	s.road, err = travel(ctx, aegis.Config{Datasource: badger.New(badger.Config{Dir: dir, NoSync: true}),
		Subscriptions: aegis.Subscriptions{{Name: "book", Pattern: "trip.created", Required: true, Handler: s.take}}, Observer: s.observe},
		trips(l), adapter.Bind(l, s.carry))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, err := weigh().Invoke(ctx, s, "t"+strconv.Itoa(s.n-1), port.None{}); err != nil {
		return nil, err
	}
	first, before := time.Since(start), s.done.Load()
	for i := range askers * window {
		if err := s.road.book(ctx, fresh(i)); err != nil {
			return nil, err
		}
	}
	busy, err := s.ask(ctx, p, func() bool { return s.done.Load() < int64(s.n) })
	if err != nil {
		return nil, err
	}
	if err := s.finish(ctx); err != nil {
		return nil, err
	}
	took := time.Since(start)
	quiet, err := s.ask(ctx, p, nil)
	if err != nil {
		return nil, err
	}
	return s.rows(p, first, took, before, busy, quiet), nil
}

// fresh are documents for new commands.
func fresh(i int) string { return "new" + strconv.Itoa(i) }

func (s *successor) take(_ context.Context, e broker.Event) error {
	if strings.HasPrefix(e.Subject, "new") {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.book[e.ID] {
		s.twice++ // the life before has acted on every subject
	}
	if s.came[e.ID]++; s.came[e.ID] == 1 {
		s.done.Add(1)
	}
	return nil
}

func (s *successor) carry(_ context.Context, h hop) (stop, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[h.Trip]++
	return stop{At: "Oslo"}, nil
}

func (s *successor) observe(o aegis.Observation) {
	if o.Kind == "flow.ended" {
		s.ended.Add(1)
	}
}

// ask makes commands for as long as is said, at most so many, and returns the
// p99 of each window.
func (s *successor) ask(ctx context.Context, p plan, on func() bool) ([]float64, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var took, p99s []float64
	var bad error
	ends := time.Now().Add(6 * p.load)
	for w := range askers {
		wg.Go(func() {
			for i := w; time.Now().Before(ends) && (on == nil || on()); i += askers {
				start := time.Now()
				_, err := weigh().Invoke(ctx, s, fresh(i%(askers*window)), port.None{})
				ns := float64(time.Since(start).Nanoseconds())
				mu.Lock()
				bad, took = errors.Join(bad, err), append(took, ns)
				if len(took) == window {
					p99s, took = append(p99s, quantile(took, 0.99)), nil
				}
				mu.Unlock()
				if err != nil {
					return
				}
				time.Sleep(askerPause)
			}
		})
	}
	wg.Wait()
	if len(p99s) == 0 {
		p99s = append(p99s, quantile(took, 0.99))
	}
	return p99s, bad
}

// finish waits until all is done that was left.
func (s *successor) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := errors.Join(reach(ctx, &s.done, int64(s.n)), reach(ctx, &s.ended, int64(flowsOf(s.n)))); err != nil {
		return fmt.Errorf("%d of %d events and %d of %d flows: %w", s.done.Load(), s.n, s.ended.Load(), flowsOf(s.n), err)
	}
	time.Sleep(2 * time.Second) // the last envelopes are tidied a second later
	return nil
}

func (s *successor) rows(p plan, first, took time.Duration, before int64, busy, quiet []float64) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := result{ours: median(busy), baseline: median(quiet)}
	r.ratio = r.ours / r.baseline
	more := 0
	for _, n := range s.asked {
		more += n - 1
	}
	again := 0
	for _, n := range s.came {
		again += n - 1
	}
	missing := s.n - len(s.came) + flowsOf(s.n) - len(s.asked)
	return []row{
		atMost(fmt.Sprintf("kill -9 with %d documents due: p99 of new commands", p.due), r, 2),
		{name: "  the first one, from before the store is opened", ours: duration(float64(first.Nanoseconds())), baseline: unlisted, ratio: unlisted},
		count("documents worked off before it was answered", float64(before), float64(p.due)/100),
		count("events acted on twice, and flows carried twice", float64(s.twice+more), 0),
		count("events and flows that never came", float64(missing), 0),
		{name: "  events that came twice in this life", ours: strconv.Itoa(again), baseline: unlisted, ratio: unlisted},
		{name: "  documents worked off a second", ours: fmt.Sprintf("%.0f/s", float64(s.n)/took.Seconds()), baseline: unlisted, ratio: unlisted},
	}
}
