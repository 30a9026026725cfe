package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

// allocated is what fn allocates, live or not.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Whatever the bytes, scanning costs memory in proportion to them, and what
// passes is compiled, or refused, in bounded memory and time.
func FuzzScan(f *testing.F) {
	sec := wasmtest.Section
	for id := range byte(14) {
		f.Add(module(sec(id, uleb(1<<24)))) // 14 bytes that ask for gigabytes
		f.Add(module(sec(id, uleb(1<<32-1))))
	}
	f.Add(wasmtest.Echo(manifest))
	f.Add(wasmtest.Effect(manifest, `{}`))
	f.Add(do(func(g *wasmtest.Guest) []byte { g.Table(1, 0); g.Global(1); return wasmtest.Unreachable }))
	f.Add(shaped(func(m *wasmtest.Module) { m.Custom("name", []byte{1, 7, 1, 0, 4, 'm', 'a', 'i', 'n'}) }))
	// One function with as many locals as there may be, used across blocks.
	body := cat([]byte{1}, uleb(50000), []byte{0x7b}, bytes.Repeat([]byte{0x03, 0x40}, 50), bytes.Repeat([]byte{0x0b}, 51))
	f.Add(module(sec(1, []byte{1, 0x60, 1, 0x7f, 0}), sec(3, []byte{1, 0}), sec(5, []byte{1, 0, 1}),
		sec(7, cat([]byte{2, 6}, []byte("memory"), []byte{2, 0, 12}, []byte("aegis_handle"), []byte{0, 0})),
		sec(10, cat([]byte{1}, uleb(uint32(len(body))), body))))
	r := wasm.New(wasm.Config{})
	f.Cleanup(func() { _ = r.Close() })
	if err := r.Compile(context.Background(), wasmtest.Echo(manifest)); err != nil { // the engine's start is not measured
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		var out []byte
		var err error
		if n, most := allocated(func() { out, err = wasm.Scan(b) }), uint64(64<<10+64*len(b)); n > most {
			t.Errorf("scanning %d bytes allocates %d, more than %d", len(b), n, most)
		}
		if err != nil {
			if !errors.Is(err, modelspec.ErrInvalid) {
				t.Errorf("error without code: %v", err)
			}
			return
		}
		again, err := wasm.Scan(out)
		if err != nil || string(again) != string(out) {
			t.Errorf("what scan returns is not what it would return of it: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if n, most := allocated(func() { _ = r.Compile(ctx, out) }), uint64(64<<20+4096*len(b)); n > most {
			t.Errorf("compiling %d bytes allocates %d, more than %d", len(b), n, most)
		}
		if ctx.Err() != nil {
			t.Errorf("compiling %d bytes takes more than 10 s", len(b))
		}
	})
}
