package wasm

import (
	"context"
	"time"

	"github.com/org/aegis/federation"
)

// Connect is Load without the questions: the boundary alone.
func (r *Runtime) Connect(ctx context.Context, a federation.Artifact) (federation.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	p, err := r.connect(ctx, a)
	if err != nil {
		return nil, err // a nil *pool is no nil Conn
	}
	return p, nil
}

// Scan is scan with the default memory limit.
func Scan(module []byte) ([]byte, error) { return scan(module, 1024) }

// Live is how many instances a Conn has, and how many of them are idle.
func Live(c federation.Conn) (live, idle int) {
	p := c.(*pool)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.live, len(p.idle)
}

// Waiting is how many calls wait for an instance.
func Waiting(c federation.Conn) int {
	p := c.(*pool)
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// Admitted is how many outermost calls have a place.
func Admitted(c federation.Conn) int {
	p := c.(*pool)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outer
}

// Held is how many modules are compiled and how many pools are open.
func (r *Runtime) Held() (compiled, pools int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.compiled), len(r.pools)
}

// MaxDepth and MaxEffects are limits.
const (
	MaxDepth   = maxDepth
	MaxEffects = maxEffects
)

// Compile compiles what Scan returned, and frees it.
func (r *Runtime) Compile(ctx context.Context, scanned []byte) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	defer r.leave()
	c, err := r.compile(ctx, scanned)
	if err == nil {
		r.release(c)
	}
	return err
}

// Offer gives the ABI's functions to a bare engine.
var Offer = offer
