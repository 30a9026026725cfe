package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/org/aegis/modelspec"
	"github.com/tetratelabs/wazero"
)

// compiled is a module's machine code, shared by all pools of the same bytes.
type compiled struct {
	sum  [sha256.Size]byte
	refs int           // under Runtime.mu
	done chan struct{} // closed when mod or err is set
	mod  wazero.CompiledModule
	err  error
}

// compile returns the code of module, compiled once however many ask at once.
// The key is the digest of the very bytes that the engine gets. The caller
// releases it. Failures are not kept: the next Load tries again.
func (r *Runtime) compile(ctx context.Context, module []byte) (*compiled, error) {
	sum := sha256.Sum256(module)
	for {
		c, mine := r.claim(sum)
		if mine {
			c.mod, c.err = r.build(ctx, module)
			if c.err != nil {
				r.forget(c)
			}
			close(c.done)
			return c, c.err
		}
		select {
		case <-c.done:
		case <-ctx.Done():
			r.release(c)
			return nil, fmt.Errorf("wasm: wait for compiler: %w", ctx.Err())
		}
		if c.err == nil {
			return c, nil
		}
		// The one who compiled may have given up: then it is our turn.
		if ctx.Err() != nil || !errors.Is(c.err, context.Canceled) && !errors.Is(c.err, context.DeadlineExceeded) {
			return nil, c.err
		}
	}
}

func (r *Runtime) claim(sum [sha256.Size]byte) (c *compiled, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c = r.compiled[sum]; c != nil {
		c.refs++
		return c, false
	}
	c = &compiled{sum: sum, refs: 1, done: make(chan struct{})}
	r.compiled[sum] = c
	return c, true
}

// forget takes a failed compilation out, for everyone who has claimed it.
func (r *Runtime) forget(c *compiled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.compiled, c.sum)
}

// release gives up one claim; with the last one the code is freed.
func (r *Runtime) release(c *compiled) {
	r.mu.Lock()
	c.refs--
	last := c.refs == 0 && r.compiled[c.sum] == c
	if last {
		delete(r.compiled, c.sum)
	}
	r.mu.Unlock()
	if last && c.mod != nil {
		_ = c.mod.Close(context.Background())
	}
}

// build compiles. A panic of the compiler is the module's fault, not the host's end.
func (r *Runtime) build(ctx context.Context, module []byte) (mod wazero.CompiledModule, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Logger.ErrorContext(ctx, "wasm: compiler panicked", "panic", p, "stack", string(debug.Stack()))
			mod, err = nil, invalid("compile module: the compiler failed on it")
		}
	}()
	mod, err = r.engine.CompileModule(ctx, module)
	switch {
	case err == nil:
		return mod, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("wasm: compile module: %w", ctx.Err())
	}
	return nil, &modelspec.Error{Code: modelspec.ErrInvalid, Message: "wasm: compile module: " + clip(err.Error())}
}
