package wasm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/org/aegis/modelspec"
)

const (
	// maxDepth is how deep calls may go through guests that wait for them.
	maxDepth = 8
	// maxWaiting is how many calls may wait for an instance of one module.
	maxWaiting = 10_000
	// idleFor is how long an instance beside the last one is kept unused.
	idleFor = time.Minute
)

// pool is a federation.Conn over the instances of one module.
//
// Outermost calls are admitted up to Config.Instances and wait for each other.
// A call made while a guest of this runtime waits for it, of whichever module,
// holds what others wait for, so it never waits itself: it takes an idle
// instance or starts one beyond the limit, to a depth of maxDepth.
type pool struct {
	r    *Runtime
	name string
	c    *compiled

	mu      sync.Mutex
	idle    []*instance // last used last
	live    int         // instances, idle, busy and starting
	outer   int         // admitted outermost calls
	waiting []chan struct{}
	closed  bool
}

// open makes a pool, which owns c from then on.
func (r *Runtime) open(ctx context.Context, name string, c *compiled) (*pool, error) {
	p := &pool{r: r, name: name, c: c}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		r.release(c)
		return nil, errClosed()
	}
	r.pools[p] = struct{}{}
	r.users++ // until the last instance is gone
	r.mu.Unlock()
	// What is wrong with starting is wrong with the module, and said as such.
	p.live++
	i, err := p.start(ctx)
	if err != nil {
		p.gone()
		_ = p.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wasm: start module: %w", err)
		}
		return nil, invalid("start module: %s", clip(err.Error()))
	}
	p.put(i, true)
	return p, nil
}

// Exchange passes one frame to an instance and returns its reply.
func (p *pool) Exchange(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error) {
	if len(frame) > p.r.cfg.FrameBytes {
		return nil, &modelspec.Error{Code: modelspec.ErrExhausted, NotSent: true,
			Message: fmt.Sprintf("wasm: frame of %d bytes, at most %d are allowed: raise Config.FrameBytes", len(frame), p.r.cfg.FrameBytes)}
	}
	depth := depthOf(ctx)
	if depth >= maxDepth {
		return nil, exhausted("calls through guests are %d deep, which is the most", depth)
	}
	run := ctx
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		run, cancel = context.WithTimeout(ctx, p.r.cfg.CallTimeout)
		defer cancel()
	}
	if err := run.Err(); err != nil {
		return nil, &modelspec.Error{Code: modelspec.CodeOf(err), Message: "wasm: call guest: " + err.Error(), NotSent: true}
	}
	if depth == 0 {
		if err := p.enter(run); err != nil {
			return nil, err
		}
		defer p.leave()
	}
	for {
		i, err := p.take(run)
		if err != nil {
			return nil, err
		}
		x := exchange{run: run, do: do, in: frame, depth: depth, most: p.r.cfg.FrameBytes}
		out, err := i.call(&x)
		p.put(i, err == nil)
		if err == errStale && i.used > 1 {
			continue // it was closed behind our back before it saw the frame
		}
		return out, err
	}
}

// enter admits an outermost call, or waits until ctx is done.
func (p *pool) enter(ctx context.Context) error {
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return errClosed()
	case p.outer < p.r.cfg.Instances:
		p.outer++
		p.mu.Unlock()
		return nil
	case len(p.waiting) >= maxWaiting:
		p.mu.Unlock()
		return exhausted("%d calls wait for module %s already", maxWaiting, p.name)
	}
	turn := make(chan struct{})
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.closed {
			p.outer--
			return errClosed()
		}
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	if at := slices.Index(p.waiting, turn); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		p.mu.Unlock()
	} else { // it is our turn, but too late: pass it on
		p.mu.Unlock()
		p.leave()
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return &modelspec.Error{Code: modelspec.ErrCanceled, Message: "wasm: wait for an instance: canceled", NotSent: true}
	}
	return exhausted("all %d instances of module %s are busy: raise Config.Instances", p.r.cfg.Instances, p.name)
}

// leave ends an outermost call, and lets the next in.
func (p *pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.outer--
		return
	}
	close(p.waiting[0]) // outer stays: the place is handed over
	p.waiting = slices.Delete(p.waiting, 0, 1)
}

// take returns the instance used last, or a new one.
func (p *pool) take(ctx context.Context) (*instance, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed()
		}
		n := len(p.idle)
		if n == 0 {
			break
		}
		i := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if !i.mod.IsClosed() {
			return i, nil
		}
		p.put(i, false)
	}
	if p.live >= p.r.cfg.Instances*maxDepth {
		p.mu.Unlock()
		return nil, exhausted("module %s has %d instances, all in calls through each other", p.name, p.r.cfg.Instances*maxDepth)
	}
	p.live++
	p.mu.Unlock()
	i, err := p.start(ctx)
	if err == nil {
		return i, nil
	}
	p.gone()
	code := modelspec.ErrUnavailable
	if ctx.Err() != nil {
		code = modelspec.CodeOf(ctx.Err())
	}
	return nil, &modelspec.Error{Code: code, Message: "wasm: start instance: " + clip(err.Error()), NotSent: true}
}

// put takes an instance back: for the next call, or to be closed.
func (p *pool) put(i *instance, healthy bool) {
	var old []*instance
	p.mu.Lock()
	if healthy && !p.closed {
		i.last = time.Now()
		p.idle = append(p.idle, i)
		n := 0
		for n < len(p.idle)-1 && i.last.Sub(p.idle[n].last) > idleFor {
			n++
		}
		if n > 0 {
			old = slices.Clone(p.idle[:n])
			p.idle = slices.Delete(p.idle, 0, n)
		}
		p.mu.Unlock()
	} else {
		p.mu.Unlock()
		old = []*instance{i}
	}
	for _, i := range old {
		i.close()
		p.gone()
	}
}

// gone counts an instance out. With the last one of a closed pool its code goes.
func (p *pool) gone() {
	p.mu.Lock()
	p.live--
	p.finish()
}

// finish unlocks p.mu, and frees what a closed pool holds once nothing runs.
func (p *pool) finish() {
	last := p.closed && p.live == 0 && p.c != nil
	c := p.c
	if last {
		p.c = nil
	}
	p.mu.Unlock()
	if !last {
		return
	}
	p.r.release(c)
	p.r.mu.Lock()
	delete(p.r.pools, p)
	p.r.mu.Unlock()
	p.r.leave()
}

// Close closes the idle instances; those in calls are closed when these end,
// and the code is freed with the last one.
func (p *pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	idle := p.idle
	p.idle = nil
	for _, turn := range p.waiting {
		p.outer++ // each takes its turn to learn that the pool is closed
		close(turn)
	}
	p.waiting = nil
	p.live -= len(idle)
	// The code must outlive the instances.
	p.live++
	p.mu.Unlock()
	for _, i := range idle {
		i.close()
	}
	p.gone()
	return nil
}

func exhausted(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "wasm: " + fmt.Sprintf(format, args...), NotSent: true}
}
