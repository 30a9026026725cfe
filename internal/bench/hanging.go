package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

const (
	providers   = 10
	tripsOfEach = 500                  // in turns
	answerTime  = 5 * time.Millisecond // of a provider that is well
	between     = time.Millisecond     // two flows that begin
)

// hangingLine is flows over ten providers, from the command that begins them to
// their end, while one of the providers does not answer at all. The baseline is
// the same load while all answer. Both are the p99 of the flows of the nine
// others, and alternate. A provider that is well takes five milliseconds, as one
// in the same city does; a thousand flows a second begin, whatever becomes of
// those before them.
func hangingLine(ctx context.Context, p plan) (_ []row, err error) {
	f := &fleetOf10{begun: map[string]time.Time{}}
	if err := f.open(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.host.Close()) }()
	flows := max(20, int(p.load/between))
	if _, err := f.phase(ctx, flows, false); err != nil { // warms up
		return nil, err
	}
	var all [2][]float64
	var ratios []float64
	for round := range p.phases {
		var ns [2]float64
		for turn := range 2 {
			i := (round + turn) % 2
			if ns[i], err = f.phase(ctx, flows, i == 0); err != nil {
				return nil, err
			}
			all[i] = append(all[i], ns[i])
		}
		ratios = append(ratios, ns[0]/ns[1])
	}
	r := result{ours: median(all[0]), baseline: median(all[1]), ratio: median(ratios)}
	x := atMost("1 of 10 providers hangs: p99 of the nine's flows", r, 1.1)
	x.goal = "less than 10 % more"
	return []row{x, {name: "  flows of the provider that hung, all ended later", ours: strconv.FormatInt(f.late, 10), baseline: unlisted, ratio: unlisted}}, nil
}

// fleetOf10 is a host with ten providers behind ten ports.
type fleetOf10 struct {
	host  *road
	sends []command
	hang  atomic.Pointer[chan struct{}] // until when the first provider hangs
	next  int
	late  int64

	mu    sync.Mutex
	begun map[string]time.Time // flows under way, by document
	took  []float64            // ns of flows of the nine that have ended
}

func (f *fleetOf10) open(ctx context.Context) (err error) {
	var ports []modelspec.Port[trip]
	var adapters []adapter.Adapter
	for i := range providers {
		on := modelspec.EventName("trip.sent" + strconv.Itoa(i))
		c := command{Name: "send" + strconv.Itoa(i), Produces: on, Handle: func(t *trip, _ context.Context, _ port.None) (port.None, error) {
			t.At = t.From
			return port.None{}, nil
		}}
		l := legOf(i, on)
		f.sends, ports, adapters = append(f.sends, c), append(ports, c, l), append(adapters, adapter.Bind(l, f.carry))
	}
	f.host, err = travel(ctx, aegis.Config{Observer: f.observe}, trips(ports...), adapters...)
	if err != nil {
		return err
	}
	for i := range providers * tripsOfEach {
		if err := f.host.book(ctx, "t"+strconv.Itoa(i)); err != nil {
			return errors.Join(err, f.host.Close())
		}
	}
	return nil
}

// carry is all providers. The first may hang.
func (f *fleetOf10) carry(ctx context.Context, h hop) (stop, error) {
	if hang := f.hang.Load(); hang != nil && h.Leg == 0 {
		select {
		case <-*hang:
		case <-ctx.Done():
			return stop{}, ctx.Err()
		}
	}
	time.Sleep(answerTime)
	return stop{At: "Oslo"}, nil
}

func (f *fleetOf10) observe(o aegis.Observation) {
	if o.Kind != "flow.ended" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.Port = o.ID[len(o.ID)-1:]; o.Port != "0" { // the id's last digit is its provider's
		f.took = append(f.took, float64(time.Since(f.begun[o.ID]).Nanoseconds()))
	}
	delete(f.begun, o.ID)
}

// phase begins n flows, and returns the p99 of those of the nine.
func (f *fleetOf10) phase(ctx context.Context, n int, hangs bool) (float64, error) {
	if hangs {
		c := make(chan struct{})
		f.hang.Store(&c)
	}
	var wg sync.WaitGroup
	var bad atomic.Pointer[error]
	tick := time.NewTicker(between)
	for range n {
		i := f.next % (providers * tripsOfEach)
		f.next++
		id := "t" + strconv.Itoa(i)
		f.mu.Lock()
		f.begun[id] = time.Now()
		f.mu.Unlock()
		wg.Go(func() {
			if _, err := f.sends[i%providers].Invoke(ctx, f.host, id, port.None{}); err != nil {
				bad.Store(&err)
			}
		})
		<-tick.C
	}
	tick.Stop()
	wg.Wait()
	if err := bad.Load(); err != nil {
		return 0, *err
	}
	well := n - (n+providers-1)/providers
	if err := f.wait(ctx, func() bool { return len(f.took) >= well }); err != nil {
		return 0, err
	}
	if hang := f.hang.Swap(nil); hang != nil {
		f.mu.Lock()
		f.late += int64(len(f.begun))
		f.mu.Unlock()
		close(*hang)
	}
	err := f.wait(ctx, func() bool { return len(f.begun) == 0 })
	f.mu.Lock()
	defer f.mu.Unlock()
	p99 := quantile(f.took, 0.99)
	f.took = f.took[:0]
	return p99, err
}

func (f *fleetOf10) wait(ctx context.Context, enough func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("flows did not end within a minute"))
	defer cancel()
	for {
		f.mu.Lock()
		ok, left := enough(), len(f.begun)
		f.mu.Unlock()
		if ok {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %d are left", context.Cause(ctx), left)
		}
		time.Sleep(time.Millisecond)
	}
}

// quantile sorts what it gets.
func quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	slices.Sort(xs)
	return xs[min(int(q*float64(len(xs))), len(xs)-1)]
}
