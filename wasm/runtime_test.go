package wasm_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// The digest is computed, and bytes that do not have it are refused: nobody
// can leave other code under the digest of a good module.
func TestRT11DigestPoisoning(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	good := wasmtest.Answer(manifest, `{"result":"good"}`)
	evil := wasmtest.Answer(manifest, `{"result":"evil"}`)
	_, err := r.Load(t.Context(), federation.Artifact{Name: "echo", Digest: digest(good), Body: evil})
	if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), "digest of module echo is "+digest(evil)) {
		t.Errorf("evil bytes under a good digest: %v", err)
	}
	if _, err := r.Load(t.Context(), federation.Artifact{Digest: "sha256:good", Body: good}); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("no digest at all: %v", err)
	}
	for _, d := range []string{digest(good), strings.ToUpper(digest(good)), ""} {
		c, err := r.Connect(t.Context(), federation.Artifact{Digest: d, Body: good})
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, c, ask, `{"result":"good"}`)
	}
}

// The same bytes under two names are compiled once, and closing one leaves the
// other working; so do bytes that differ in what is dropped only.
func TestSharedCode(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	g := func(custom bool) []byte {
		g := wasmtest.NewGuest()
		if custom {
			g.Custom("build", []byte("another day"))
		}
		return g.Handle("", g.Receive(), g.Reply(0, 0)).Bytes()
	}
	var conns []federation.Conn
	for i, b := range [][]byte{g(false), g(false), g(true)} {
		c, err := r.Connect(t.Context(), federation.Artifact{Name: string(rune('a' + i)), Body: b})
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	if compiled, pools := r.Held(); compiled != 1 || pools != 3 {
		t.Errorf("%d compiled, %d pools", compiled, pools)
	}
	for len(conns) > 0 {
		for _, c := range conns {
			exchange(t, c, ask, "")
		}
		if err := conns[0].Close(); err != nil {
			t.Error(err)
		}
		conns = conns[1:]
	}
	if compiled, pools := r.Held(); compiled != 0 || pools != 0 {
		t.Errorf("%d compiled, %d pools left", compiled, pools)
	}
}

// Many loads of the same bytes at once: one compilation.
func TestConcurrentLoads(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	bin := wasmtest.Echo(manifest)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c, err := r.Connect(t.Context(), federation.Artifact{Body: bin})
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := c.Exchange(t.Context(), []byte(ask), nil); err != nil || string(got) != `{"result":"hello"}` {
				t.Errorf("%s, %v", got, err)
			}
			_ = c.Close()
		})
	}
	wg.Wait()
	if compiled, pools := r.Held(); compiled != 0 || pools != 0 {
		t.Errorf("%d compiled, %d pools left", compiled, pools)
	}
}

// A failed compilation is not kept, and what it took is given back.
func TestLoadFails(t *testing.T) {
	r := newRuntime(t, wasm.Config{MaxModuleBytes: 5000})
	badCode := func() []byte { // passes the scan; the body leaves a value
		g := wasmtest.NewGuest()
		return g.Handle("", wasmtest.I32Const(1)).Bytes()
	}()
	noStart := func() []byte {
		g := wasmtest.NewGuest()
		g.Export("_initialize", wasmtest.KindFunc, g.Func("", "", "", wasmtest.Unreachable))
		return g.Handle("").Bytes()
	}()
	wasi := func() []byte {
		m := wasmtest.New()
		m.Import("wasi_snapshot_preview1", "no_such_call", "", "")
		m.Memory(1, 0)
		m.Export("memory", wasmtest.KindMemory, 0)
		m.Export("aegis_handle", wasmtest.KindFunc, m.Func(wasmtest.I32, "", ""))
		return m.Bytes()
	}()
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"invalid code", badCode, "wasm: compile module: invalid function"},
		{"start traps", noStart, "wasm: start module: module[] function[_initialize] failed"},
		{"unknown call of wasi", wasi, "no_such_call"},
		{"too large", make([]byte, 5001), "module of 5001 bytes, at most 5000 are allowed: raise Config.MaxModuleBytes"},
		{"describes nothing", wasmtest.Answer(`null`, `{}`), "ABI 0"},
		{"describes itself wrongly", wasmtest.Answer(`7`, `{}`), "federation: open"},
		{"answers no JSON", func() []byte {
			g := wasmtest.NewGuest()
			g.Data(wasmtest.ScratchAt, []byte("{]"))
			return g.Handle("", g.Receive(), g.Reply(wasmtest.ScratchAt, 2)).Bytes()
		}(), "malformed reply"},
	} {
		for range 2 {
			_, err := r.Load(t.Context(), federation.Artifact{Body: c.body})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want %q", c.name, err, c.want)
			}
			if errors.Is(err, modelspec.ErrUnknown) || modelspec.CodeOf(err) == modelspec.ErrUnknown {
				t.Errorf("%s: no code: %v", c.name, err)
			}
		}
	}
	if compiled, pools := r.Held(); compiled != 0 || pools != 0 {
		t.Errorf("%d compiled, %d pools left", compiled, pools)
	}
	if _, err := wasm.New(wasm.Config{Instances: -1}).Load(t.Context(), federation.Artifact{}); !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), "Config.Instances is -1") {
		t.Errorf("bad config: %v", err)
	}
	if _, err := wasm.New(wasm.Config{MemoryPages: 65537}).Load(t.Context(), federation.Artifact{}); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("bad config: %v", err)
	}
}

// A module whose caller has gone is compiled by the next who waits for it.
func TestLoadCanceled(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Connect(ctx, federation.Artifact{Body: wasmtest.Echo(manifest)}); modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("got %v, want canceled", err)
	}
	c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)})
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, c, ask, `{"result":"hello"}`)
}

// Loading and closing for ever costs nothing in the end.
func TestReloadIsFlat(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	round := func(n int) {
		for range n {
			c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)})
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, c, ask, `{"result":"hello"}`)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	measure := func() (heap uint64, goroutines int) {
		var m runtime.MemStats
		for range 3 { // finalizers of the engine's code need more than one
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	round(20)
	heap, goroutines := measure()
	round(200)
	after, now := measure()
	// One instance has 1 MiB of memory: a leak of any of the 200 shows.
	if after > heap+1<<20 {
		t.Errorf("heap %d before, %d after 200 loads", heap, after)
	}
	if now > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, now)
	}
	if compiled, pools := r.Held(); compiled != 0 || pools != 0 {
		t.Errorf("%d compiled, %d pools left", compiled, pools)
	}
}

// New starts nothing; Close ends all, waits for calls, and can be repeated.
func TestRuntimeClose(t *testing.T) {
	before := runtime.NumGoroutine()
	if err := wasm.New(wasm.Config{CacheDir: "/nonexistent/never/made"}).Close(); err != nil {
		t.Error(err)
	}
	r := wasm.New(wasm.Config{})
	c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Effect(manifest, `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	inside, gate, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := c.Exchange(context.Background(), []byte(`{"op":"x"}`), func(context.Context, []byte) []byte { close(inside); <-gate; return []byte(`{}`) })
		done <- err
	}()
	<-inside
	closed := make(chan error)
	go func() { closed <- r.Close() }()
	for { // until Close has begun
		if _, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)}); err != nil {
			if !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) {
				t.Errorf("load into a closed runtime: %v", err)
			}
			break
		}
	}
	select {
	case <-closed:
		t.Error("Close has not waited for the call")
	default:
	}
	close(gate)
	if err := <-done; err != nil {
		t.Errorf("a call during Close: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Exchange(t.Context(), []byte(ask), nil); !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) {
		t.Errorf("call after Close: %v", err)
	}
	for n := 0; runtime.NumGoroutine() > before; n++ {
		if n > 100_000 {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		runtime.Gosched()
	}
}

func TestCacheDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "cache")
	files := func() (names []string) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 && d.IsDir() {
				t.Errorf("%s has mode %s", path, info.Mode())
			}
			if !d.IsDir() {
				names = append(names, path+info.ModTime().String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	load := func() {
		r := wasm.New(wasm.Config{CacheDir: dir})
		c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)})
		if err != nil {
			t.Fatal(err)
		}
		exchange(t, c, ask, `{"result":"hello"}`)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	load()
	first := files()
	if len(first) == 0 {
		t.Fatal("nothing is kept")
	}
	load()
	if second := files(); strings.Join(first, "\n") != strings.Join(second, "\n") {
		t.Errorf("the second runtime wrote again:\n%q\n%q", first, second)
	}

	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	r := newRuntime(t, wasm.Config{CacheDir: open})
	if _, err := r.Load(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)}); !errors.Is(err, modelspec.ErrDenied) || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("a directory that others can write: %v", err)
	}
	// The mistake is not for ever.
	if err := os.Chmod(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)}); err != nil {
		t.Error(err)
	}
}
