package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Runtime is a [federation.Runtime] for WebAssembly. It is safe for concurrent
// use. Make one with [New].
type Runtime struct {
	cfg Config
	bad error // what is wrong with cfg: Load says it

	mu       sync.Mutex
	closed   bool
	users    int // loads under way and open modules' instances: what Close waits for
	idle     chan struct{}
	pools    map[*pool]struct{}
	compiled map[[sha256.Size]byte]*compiled
	engine   wazero.Runtime // nil until the first Load
	cache    wazero.CompilationCache
}

// New returns a Runtime that has started nothing: the engine starts with the
// first Load, which also reports what is wrong with cfg.
func New(cfg Config) *Runtime {
	r := &Runtime{pools: map[*pool]struct{}{}, compiled: map[[sha256.Size]byte]*compiled{}}
	r.cfg, r.bad = cfg.filled()
	return r
}

// MediaTypes returns [MediaType].
func (r *Runtime) MediaTypes() []string { return []string{MediaType} }

// Load checks and compiles a module, or finds it compiled, starts one instance
// and asks it what it contains.
//
// The digest is computed of a.Body, never believed: where a.Digest differs the
// module is refused. A module that is malformed, over a limit, imports what the
// host does not offer or lacks an export is [modelspec.ErrInvalid]; one that
// does not start or describe itself in time is [modelspec.ErrDeadline].
func (r *Runtime) Load(ctx context.Context, a federation.Artifact) (federation.Module, error) {
	if _, ok := ctx.Deadline(); !ok && r.bad == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.cfg.LoadTimeout)
		defer cancel()
	}
	p, err := r.connect(ctx, a)
	if err != nil {
		return nil, err
	}
	return federation.Open(ctx, p, a) // which closes p if it fails
}

// connect makes the pool of an artifact, with one instance in it.
func (r *Runtime) connect(ctx context.Context, a federation.Artifact) (*pool, error) {
	if r.bad != nil {
		return nil, r.bad
	}
	module, err := r.admit(a)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wasm: load module: %w", err)
	}
	if err := r.enter(ctx); err != nil {
		return nil, err
	}
	defer r.leave()
	c, err := r.compile(ctx, module)
	if err != nil {
		return nil, err
	}
	return r.open(ctx, a.Name, c)
}

// admit checks the bytes, and returns those to compile.
func (r *Runtime) admit(a federation.Artifact) ([]byte, error) {
	if len(a.Body) > r.cfg.MaxModuleBytes {
		return nil, invalid("module of %d bytes, at most %d are allowed: raise Config.MaxModuleBytes", len(a.Body), r.cfg.MaxModuleBytes)
	}
	if a.Digest != "" {
		sum := sha256.Sum256(a.Body)
		if got := "sha256:" + hex.EncodeToString(sum[:]); !strings.EqualFold(got, a.Digest) {
			return nil, invalid("digest of module %s is %s, not %s", a.Name, got, clip(a.Digest))
		}
	}
	return scan(a.Body, r.cfg.MemoryPages)
}

// enter counts a load, and starts the engine with the first one.
func (r *Runtime) enter(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errClosed()
	}
	if r.engine == nil {
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	r.users++
	return nil
}

func (r *Runtime) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users--; r.users == 0 && r.idle != nil {
		close(r.idle)
		r.idle = nil
	}
}

// start starts the engine. r.mu is held.
func (r *Runtime) start(ctx context.Context) error {
	// Debug sections are dropped before the engine sees them.
	rc := wazero.NewRuntimeConfig().WithMemoryLimitPages(r.cfg.MemoryPages).
		WithCloseOnContextDone(!r.cfg.Trusted).WithDebugInfoEnabled(false)
	if r.cfg.CacheDir != "" {
		cache, err := openCache(r.cfg.CacheDir)
		if err != nil {
			return err
		}
		r.cache, rc = cache, rc.WithCompilationCache(cache)
	}
	ctx = context.WithoutCancel(ctx)
	engine := wazero.NewRuntimeWithConfig(ctx, rc)
	_, err := wasi_snapshot_preview1.Instantiate(ctx, engine)
	if err == nil {
		err = offer(ctx, engine)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("wasm: start engine: %w", err), engine.Close(ctx), r.closeCache())
	}
	r.engine = engine
	return nil
}

// Close closes every module that is still open, waits for their calls, each of
// which has a deadline, and stops the engine.
func (r *Runtime) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	open := make([]*pool, 0, len(r.pools))
	for p := range r.pools {
		open = append(open, p)
	}
	r.mu.Unlock()
	for _, p := range open {
		_ = p.Close()
	}
	r.mu.Lock()
	wait := r.idle
	if r.users > 0 && wait == nil {
		wait = make(chan struct{})
		r.idle = wait
	}
	r.mu.Unlock()
	if wait != nil {
		<-wait
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.engine == nil {
		return nil
	}
	err := r.engine.Close(context.Background())
	r.engine = nil
	return errors.Join(err, r.closeCache())
}

func (r *Runtime) closeCache() error {
	if r.cache == nil {
		return nil
	}
	c := r.cache
	r.cache = nil
	return c.Close(context.Background())
}

func errClosed() error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "wasm: runtime or module is closed", NotSent: true}
}
