package wasm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// BenchmarkEcho passes 1 KiB through a guest and back: bare is the engine
// alone, with the same settings (write to memory, call, read memory, of a frame
// made before); conn is the boundary; seam is an adapter of a loaded module,
// from modelspec.Call to modelspec.Reply: encoding the frame, and strictly
// reading the reply. Of Go values to JSON it says nothing.
func BenchmarkEcho(b *testing.B) {
	payload := strings.Repeat("x", 1022)
	bin := wasmtest.Echo(manifest)
	for _, mode := range []struct {
		name    string
		trusted bool
	}{{"", false}, {"-trusted", true}} {
		b.Run("bare"+mode.name, func(b *testing.B) { bare(b, bin, payload, mode.trusted) })
		b.Run("conn"+mode.name, func(b *testing.B) {
			c := connect(b, wasm.Config{Trusted: mode.trusted}, bin)
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			frame := []byte(frameOf(payload))
			b.ReportAllocs()
			for b.Loop() {
				if out, err := c.Exchange(ctx, frame, nil); err != nil || len(out) < len(payload) {
					b.Fatal(len(out), err)
				}
			}
		})
		for _, deadline := range []bool{true, false} {
			name := "seam" + mode.name
			if !deadline {
				name += "-without-deadline"
			}
			b.Run(name, func(b *testing.B) {
				r := newRuntime(b, wasm.Config{Trusted: mode.trusted})
				m, err := r.Load(b.Context(), federation.Artifact{Body: bin})
				if err != nil {
					b.Fatal(err)
				}
				ctx := b.Context()
				if deadline {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Hour)
					defer cancel()
				}
				call, arg := m.Adapters()[0].Call, []byte(`"`+payload+`"`)
				b.ReportAllocs()
				for b.Loop() {
					out, err := call(ctx, modelspec.FromJSON(arg))
					if err != nil {
						b.Fatal(err)
					}
					if raw, err := out.JSON(); err != nil || len(raw) != len(arg) {
						b.Fatal(len(raw), err)
					}
				}
			})
		}
	}
}

func frameOf(payload string) string {
	return `{"op":"adapter.call","model":"echo","port":"echo","deadline":"2026-03-01T12:00:30.123456789Z","arg":"` + payload + `"}`
}

func bare(b *testing.B, bin []byte, payload string, trusted bool) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(1024).WithCloseOnContextDone(!trusted))
	defer rt.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		b.Fatal(err)
	}
	if err := wasm.Offer(ctx, rt); err != nil {
		b.Fatal(err)
	}
	m, err := rt.Instantiate(ctx, bin)
	if err != nil {
		b.Fatal(err)
	}
	find, mem, frame := m.ExportedFunction("find"), m.Memory(), []byte(frameOf(payload))
	var stack [1]uint64
	b.ReportAllocs()
	for b.Loop() {
		if !mem.Write(wasmtest.FrameAt, frame) {
			b.Fatal("write")
		}
		stack[0] = uint64(len(frame))
		if err := find.CallWithStack(ctx, stack[:]); err != nil {
			b.Fatal(err)
		}
		at := uint32(stack[0])
		if out, ok := mem.Read(at, uint32(len(frame))-at); !ok || len(out) < len(payload) {
			b.Fatal(at, ok)
		}
	}
}

// BenchmarkParallel is the seam under as many callers as there are processors.
func BenchmarkParallel(b *testing.B) {
	r := newRuntime(b, wasm.Config{})
	m, err := r.Load(b.Context(), federation.Artifact{Body: wasmtest.Echo(manifest)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	call := m.Adapters()[0].Call
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if _, err := call(ctx, modelspec.Of("hello")); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
