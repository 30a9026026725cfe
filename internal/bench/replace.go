package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/org/aegis"
)

// replaceLine replaces a component again and again while it is at work. The
// baseline is the same load without.
func replaceLine(ctx context.Context, p plan) (_ []row, err error) {
	m, err := open(ctx, aegis.Config{}, ask())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	s, err := serve(m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	l, err := newLoad(ctx, m, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.close()) }()

	tr := trial{m: m, l: l, p: p}
	if err := tr.phase(ctx, true); err != nil { // what is remembered for ever is remembered now
		return nil, err
	}
	before := look()
	if err := tr.run(ctx); err != nil {
		return nil, err
	}
	return tr.rows(before, look()), nil
}

// trial alternates phases with and without replacements.
type trial struct {
	m *market
	l *load
	p plan

	version      int
	switches     []float64 // so far, at the end of each phase
	heap         []float64 // bytes, then
	ours, still  tally
	ratios       []float64
	longest, all time.Duration // of replacements
}

// tally is what a load has come to.
type tally struct {
	requests, failed int64
	took             time.Duration
	why              error
}

func (t *tally) add(u tally) {
	t.requests, t.failed, t.took = t.requests+u.requests, t.failed+u.failed, t.took+u.took
	if t.why == nil {
		t.why = u.why
	}
}

func (t *tally) nsPerRequest() float64 { return float64(t.took) / float64(max(t.requests, 1)) }

func (tr *trial) run(ctx context.Context) error {
	tr.version, tr.ours, tr.longest, tr.all = 0, tally{}, 0, 0
	tr.switches, tr.heap = nil, nil
	for range tr.p.phases {
		was := tr.ours
		if err := tr.phase(ctx, true); err != nil {
			return err
		}
		is, before := tr.ours, tr.still
		if err := tr.phase(ctx, false); err != nil {
			return err
		}
		mine := tally{requests: is.requests - was.requests, took: is.took - was.took}
		base := tally{requests: tr.still.requests - before.requests, took: tr.still.took - before.took}
		tr.ratios = append(tr.ratios, mine.nsPerRequest()/base.nsPerRequest())
		tr.switches, tr.heap = append(tr.switches, float64(tr.version)), append(tr.heap, heap())
	}
	return nil
}

// phase makes its share of requests, and of replacements spread over them.
func (tr *trial) phase(ctx context.Context, replacing bool) error {
	stop := tr.l.start()
	start := time.Now()
	each := int64(tr.p.requests / tr.p.phases / tr.p.switches)
	var err error
	for i := int64(1); i <= int64(tr.p.switches) && err == nil; i++ {
		if err = tr.l.await(ctx, i*each); err == nil && replacing {
			err = tr.replace(ctx)
		}
	}
	t := stop()
	t.took = time.Since(start)
	if replacing {
		tr.ours.add(t)
	} else {
		tr.still.add(t)
	}
	return err
}

func (tr *trial) replace(ctx context.Context) error {
	tr.version++
	start := time.Now()
	_, err := tr.m.Replace(ctx, component(strconv.Itoa(tr.version), ask()))
	took := time.Since(start)
	tr.longest, tr.all = max(tr.longest, took), tr.all+took
	return err
}

func (tr *trial) rows(before, after footprint) []row {
	ms := float64(tr.all.Nanoseconds()) / float64(max(tr.version, 1))
	rows := []row{
		{name: "hot replacement: a request under load", ours: duration(tr.ours.nsPerRequest()), baseline: duration(tr.still.nsPerRequest()), ratio: fmt.Sprintf("%.2fx", median(tr.ratios))},
		{name: "  a replacement, on average and at most", ours: duration(ms), baseline: duration(float64(tr.longest.Nanoseconds())), ratio: unlisted},
		{name: "  requests", ours: strconv.FormatInt(tr.ours.requests, 10), baseline: strconv.FormatInt(tr.still.requests, 10), ratio: unlisted, goal: "at least 100000", verdict: judge(tr.ours.requests >= 100_000)},
		{name: "  replacements", ours: strconv.Itoa(tr.version), baseline: "0", ratio: unlisted, goal: "at least 200", verdict: judge(tr.version >= 200)},
		{name: "  failed requests", ours: strconv.FormatInt(tr.ours.failed, 10), baseline: strconv.FormatInt(tr.still.failed, 10), ratio: unlisted, goal: "none", verdict: judge(tr.ours.failed == 0)},
		count("bytes of heap a replacement leaves behind", slope(tr.switches, tr.heap), 1024),
		same("goroutines, before and after", after.goroutines, before.goroutines),
	}
	if before.handles >= 0 {
		rows = append(rows, same("open files, before and after", after.handles, before.handles))
	}
	if tr.ours.why != nil {
		rows = append(rows, row{name: "  the first failure: " + tr.ours.why.Error()})
	}
	return rows
}

func same(name string, after, before int) row {
	return row{name: "  " + name, ours: strconv.Itoa(after), baseline: strconv.Itoa(before), ratio: unlisted, goal: "equal", verdict: judge(after == before)}
}
