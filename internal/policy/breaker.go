package policy

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/modelspec"
)

// defaultOpen is how long a breaker is open whose Policy does not say.
const defaultOpen = 10 * time.Second

var (
	errOpen = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the circuit breaker is open", NotSent: true}
	// errUnwound stands for a call that neither returned nor was recovered from.
	errUnwound = &modelspec.Error{Code: modelspec.ErrInternal, Message: "policy: call: panicked, or ended its goroutine"}
)

// Breaker stands before the adapter of one arm. It is safe for concurrent use.
type Breaker struct {
	guard *Guard
	arm   atomic.Uint64 // the last that used it

	// epoch is even while the breaker is closed, odd while it is not, and one
	// more each time that changes. A result counts in the epoch of its call only.
	epoch atomic.Uint64
	// failed: rows are not all zero. An answer in a closed breaker that finds it
	// false has nothing to do: at that moment there was no row to end.
	failed atomic.Bool

	mu     sync.Mutex
	rows   []uint32  // failures since the last answer: of others, and of each listed code
	window *window   // nil: no Rate; the pointer itself never changes
	since  time.Time // since when it is closed, or not
	next   time.Time // when it lets a probe through, while it is not closed
	probe  *probe    // under way, or nil
}

// probe is the one call that a breaker that is not closed lets through.
type probe struct {
	ctx  context.Context // held until the call returns or is given up
	ends time.Time       // when it is given up though ctx has not ended
}

func (g *Guard) newBreaker() *Breaker {
	p := &g.policy.Breaker
	b := &Breaker{guard: g, since: time.Now(), rows: make([]uint32, 1+len(p.Codes))}
	if p.Rate > 0 {
		b.window = newWindow(p.Window, p.Rate, p.Volume)
	}
	return b
}

// Through is Breaker.Do for a call without a context: b may be nil.
func Through(b *Breaker, f func() (*modelspec.Value, error)) (*modelspec.Value, error) {
	return b.Do(context.Background(), f)
}

// Do makes one attempt behind b, or just makes it if b is nil. ctx is that of
// the attempt: its end frees the place of a probe that does not return.
func (b *Breaker) Do(ctx context.Context, f func() (*modelspec.Value, error)) (v *modelspec.Value, err error) {
	if b == nil {
		return f()
	}
	epoch := b.epoch.Load()
	if epoch%2 != 0 {
		return b.shut(ctx, f)
	}
	err = errUnwound
	defer func() {
		if err != nil || b.window != nil || b.failed.Load() {
			b.count(ctx, epoch, err)
		}
	}()
	return f()
}

// count takes in the end of a call that began in a closed breaker.
func (b *Breaker) count(ctx context.Context, epoch uint64, err error) {
	o := b.outcome(ctx, err)
	if o == nothing {
		return
	}
	var at time.Duration
	if b.window != nil {
		at = time.Since(b.guard.born)
	}
	b.mu.Lock()
	opened := b.epoch.Load() == epoch && b.counted(o, at)
	b.mu.Unlock()
	if opened {
		b.guard.tell(ctx, Event{Kind: BreakerOpened, Arm: b.arm.Load(), Err: err})
	}
}

// counted is count under the lock. It reports whether it opened the breaker.
func (b *Breaker) counted(o outcome, at time.Duration) (opened bool) {
	if b.window != nil {
		b.window.add(at, o >= others)
	}
	if o == answered {
		b.endRows()
		return false
	}
	b.fail(o)
	limit := b.limit(o)
	if (limit == 0 || b.rows[o] < limit) && (b.window == nil || !b.window.over(at)) {
		return false
	}
	b.since = time.Now()
	b.next = b.since.Add(b.open())
	b.epoch.Add(1)
	return true
}

// shut is Do while the breaker is not closed.
func (b *Breaker) shut(ctx context.Context, f func() (*modelspec.Value, error)) (v *modelspec.Value, err error) {
	p, closed := b.admit(ctx)
	switch {
	case closed: // just now
		return b.Do(ctx, f)
	case p == nil:
		return nil, errOpen
	}
	err = errUnwound
	defer func() { b.probed(ctx, p, err) }()
	return f()
}

// admit makes the call with ctx the probe, if it is time for one.
func (b *Breaker) admit(ctx context.Context) (p *probe, closed bool) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.epoch.Load()%2 == 0 {
		return nil, true
	}
	if now.Before(b.next) {
		return nil, false
	}
	if p := b.probe; p != nil && now.Before(p.ends) && p.ctx.Err() == nil {
		return nil, false
	}
	b.probe = &probe{ctx: ctx, ends: now.Add(b.guard.Timeout())}
	return b.probe, false
}

// probed takes in the end of a probe.
func (b *Breaker) probed(ctx context.Context, p *probe, err error) {
	o := b.outcome(ctx, err)
	b.mu.Lock()
	closed := b.probe == p && b.settle(o)
	b.mu.Unlock()
	if closed {
		b.guard.tell(ctx, Event{Kind: BreakerClosed, Arm: b.arm.Load()})
	}
}

// settle is probed under the lock. It reports whether it closed the breaker.
func (b *Breaker) settle(o outcome) (closed bool) {
	b.probe = nil
	switch o {
	case nothing:
		return false
	case answered:
		b.since, b.next = time.Now(), time.Time{}
		b.endRows()
		if b.window != nil {
			b.window.clear()
		}
		b.epoch.Add(1)
		return true
	}
	b.fail(o)
	b.next = time.Now().Add(b.open())
	return false
}

func (b *Breaker) fail(o outcome) {
	if b.rows[o] < math.MaxUint32 {
		b.rows[o]++
	}
	b.failed.Store(true)
}

func (b *Breaker) endRows() {
	if b.failed.Load() {
		clear(b.rows)
		b.failed.Store(false)
	}
}

func (b *Breaker) limit(o outcome) uint32 {
	p := &b.guard.policy.Breaker
	if o == others {
		return p.Failures
	}
	return p.Codes[o-others-1].Failures
}

func (b *Breaker) open() time.Duration {
	if d := b.guard.policy.Breaker.Open; d > 0 {
		return d
	}
	return defaultOpen
}
