package wasm_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

var manifest = wasmtest.Manifest("echo", "1.0.0")

func newRuntime(t testing.TB, cfg wasm.Config) *wasm.Runtime {
	t.Helper()
	r := wasm.New(cfg)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func connect(t testing.TB, cfg wasm.Config, module []byte) federation.Conn {
	t.Helper()
	c, err := newRuntime(t, cfg).Connect(t.Context(), federation.Artifact{Name: "test", Body: module})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// do is a guest that runs body, with local 1 to use, and answers {}.
func do(body func(g *wasmtest.Guest) []byte) []byte { return wasmtest.Do(manifest, wasmtest.I32, body) }

const (
	describe = `{"op":"describe"}`
	ask      = `{"op":"adapter.call","model":"echo","port":"echo","arg":"hello"}`
)

func exchange(t testing.TB, c federation.Conn, frame, want string) {
	t.Helper()
	got, err := c.Exchange(t.Context(), []byte(frame), nil)
	if err != nil || string(got) != want {
		t.Fatalf("%s: got %s, %v; want %s", frame, got, err, want)
	}
}

func TestExchange(t *testing.T) {
	c := connect(t, wasm.Config{}, wasmtest.Echo(manifest))
	exchange(t, c, describe, `{"result":`+manifest+`}`)
	exchange(t, c, ask, `{"result":"hello"}`)
	big := strings.Repeat("x", 60_000)
	exchange(t, c, `{"op":"adapter.call","arg":"`+big+`"}`, `{"result":"`+big+`"}`)
	if live, idle := wasm.Live(c); live != 1 || idle != 1 {
		t.Errorf("%d live, %d idle: sequential calls need one instance", live, idle)
	}
}

// A guest that fails costs its own call and instance, nothing else.
func TestHostile(t *testing.T) {
	send := func(kind, ptr, n int32) func(*wasmtest.Guest) []byte {
		return func(g *wasmtest.Guest) []byte {
			return cat(wasmtest.I32Const(kind), wasmtest.I32Const(ptr), wasmtest.I32Const(n), wasmtest.Call(g.Send), wasmtest.Drop)
		}
	}
	instr := func(parts ...[]byte) func(*wasmtest.Guest) []byte {
		return func(*wasmtest.Guest) []byte { return cat(parts...) }
	}
	recv := func(at int32) func(*wasmtest.Guest) []byte {
		return func(g *wasmtest.Guest) []byte { return cat(wasmtest.I32Const(at), wasmtest.Call(g.Recv)) }
	}
	cases := []struct {
		name   string
		module []byte
		want   string
	}{
		{"trap", do(instr(wasmtest.Unreachable)), "wasm: guest failed: wasm error: unreachable"},
		{"recursion", do(func(g *wasmtest.Guest) []byte {
			f := g.Func("", "", "", wasmtest.Call(2), wasmtest.Call(2))
			return wasmtest.Call(f)
		}), "wasm: guest failed: stack overflow"},
		{"memory out of bounds", do(instr(wasmtest.I32Const(-4), wasmtest.Load32(0), wasmtest.Drop)), "out of bounds memory access"},
		{"no reply", do(instr(wasmtest.Return)), "it returned without a reply"},
		{"two replies", do(send(0, 0, 2)), "send: the reply has been sent"},
		{"unknown kind", do(send(2, 0, 2)), "send: kind 2 is not known"},
		{"reply outside memory", do(send(0, 16<<16-1, 2)), "send: 2 bytes at 1048575 are outside memory"},
		{"reply at the end of addresses", do(send(0, -1, 2)), "send: 2 bytes at 4294967295 are outside memory"},
		{"reply too large", do(send(0, 0, 16<<20+1)), "send: frame of 16777217 bytes, at most 16777216"},
		{"reply of 4 GiB", do(send(0, 0, -1)), "send: frame of 4294967295 bytes"},
		{"recv twice", do(recv(0)), "recv: nothing is waiting"},
		{"answer not received", do(func(g *wasmtest.Guest) []byte { return cat(send(1, 0, 2)(g), send(1, 0, 2)(g)) }), "send: an answer is waiting"},
		{"answer outside memory", do(func(g *wasmtest.Guest) []byte { return cat(send(1, 0, 2)(g), recv(-1)(g)) }), "bytes at 4294967295 are outside memory"},
		{"effect flood", do(func(g *wasmtest.Guest) []byte {
			return cat(wasmtest.Loop, send(1, 0, 2)(g), recv(0)(g), wasmtest.Br(0), wasmtest.End)
		}), "send: more than 10000 effects in one call"},
		{"long trap text", func() []byte {
			g := wasmtest.NewGuest()
			g.Handle("", g.Receive(), wasmtest.Unreachable)
			long := strings.Repeat("A", 5000)
			g.Custom("name", cat([]byte{1}, uleb(uint32(len(long)+4)), []byte{1, 2}, uleb(uint32(len(long))), []byte(long)))
			return g.Bytes()
		}(), "AAAA..."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conn := connect(t, wasm.Config{}, c.module)
			for range 2 {
				_, err := conn.Exchange(t.Context(), []byte(ask), nil)
				if !errors.Is(err, modelspec.ErrUnavailable) || modelspec.NotSent(err) || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("got %v (not sent: %t), want unavailable with %q", err, modelspec.NotSent(err), c.want)
				}
				if len(err.Error()) > 300 {
					t.Errorf("error of %d bytes", len(err.Error()))
				}
			}
			if live, _ := wasm.Live(conn); live != 0 {
				t.Errorf("%d instances left of a guest that failed", live)
			}
			if !strings.HasPrefix(c.name, "long") {
				exchange(t, conn, describe, `{"result":`+manifest+`}`)
			}
		})
	}
}

// Before it has received the frame a guest can do nothing, so nothing was sent.
func TestNotReceived(t *testing.T) {
	early := func(body func(g *wasmtest.Guest) []byte) []byte {
		g := wasmtest.NewGuest()
		return g.Handle("", body(g)).Bytes()
	}
	for name, module := range map[string][]byte{
		"trap": early(func(*wasmtest.Guest) []byte { return wasmtest.Unreachable }),
		"effect first": early(func(g *wasmtest.Guest) []byte {
			return cat(wasmtest.I32Const(1), wasmtest.I32Const(0), wasmtest.I32Const(2), wasmtest.Call(g.Send), wasmtest.Drop)
		}),
		"reply first":   early(func(g *wasmtest.Guest) []byte { return g.Reply(0, 2) }),
		"frame outside": early(func(g *wasmtest.Guest) []byte { return cat(wasmtest.I32Const(-1), wasmtest.Call(g.Recv)) }),
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, wasm.Config{}, module)
			asked := false
			_, err := c.Exchange(t.Context(), []byte(ask), func(context.Context, []byte) []byte { asked = true; return []byte("{}") })
			if !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) || asked {
				t.Errorf("got %v (not sent: %t), effect performed: %t", err, modelspec.NotSent(err), asked)
			}
		})
	}
}

// A guest cannot use the exchange of the guest that waits for it.
func TestStartHasNoCall(t *testing.T) {
	g := wasmtest.NewGuest()
	g.Export("_initialize", wasmtest.KindFunc, g.Func("", "", "", g.Reply(0, 2)))
	evil := g.Handle("", g.Receive(), g.Reply(0, 2)).Bytes()
	_, err := newRuntime(t, wasm.Config{}).Connect(t.Context(), federation.Artifact{Body: evil})
	if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), "the frame has not been received") {
		t.Fatal(err)
	}
}

// A guest that never returns is stopped at the deadline, and the other module
// of the runtime answers all the while.
func TestLoop(t *testing.T) {
	r := newRuntime(t, wasm.Config{})
	load := func(name string, module []byte) federation.Conn {
		c, err := r.Connect(t.Context(), federation.Artifact{Name: name, Body: module})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	bad := load("bad", do(func(*wasmtest.Guest) []byte { return wasmtest.Spin() }))
	good := load("good", wasmtest.Echo(manifest))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	errs := make(chan error, 1)
	began := time.Now()
	go func() {
		_, err := bad.Exchange(ctx, []byte(ask), nil)
		errs <- err
	}()
	n := 0
	for ctx.Err() == nil {
		exchange(t, good, ask, `{"result":"hello"}`)
		n++
	}
	if err := <-errs; !errors.Is(err, modelspec.ErrDeadline) || modelspec.NotSent(err) {
		t.Errorf("got %v, want deadline_exceeded", err)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("returned after %s", d)
	}
	if n < 10 {
		t.Errorf("%d calls of the other module", n)
	}
	exchange(t, bad, describe, `{"result":`+manifest+`}`)

	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := bad.Exchange(ctx, []byte(ask), nil); !errors.Is(err, modelspec.ErrCanceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

// A call without a deadline gets one, and so does a start.
func TestCallTimeout(t *testing.T) {
	cfg := wasm.Config{CallTimeout: 50 * time.Millisecond}
	c := connect(t, cfg, do(func(*wasmtest.Guest) []byte { return wasmtest.Spin() }))
	began := time.Now()
	if _, err := c.Exchange(context.Background(), []byte(ask), nil); !errors.Is(err, modelspec.ErrDeadline) {
		t.Errorf("got %v, want deadline_exceeded", err)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("returned after %s", d)
	}
	g := wasmtest.NewGuest()
	g.Export("_initialize", wasmtest.KindFunc, g.Func("", "", "", wasmtest.Spin()))
	_, err := newRuntime(t, cfg).Load(context.Background(), federation.Artifact{Body: g.Handle("").Bytes()})
	if modelspec.CodeOf(err) != modelspec.ErrDeadline {
		t.Errorf("got %v, want deadline_exceeded", err)
	}
}

// A guest that eats memory meets its limit and nobody else's.
func TestMemory(t *testing.T) {
	// Grow by 16 pages until it fails; answer with the pages there are, as a digit in {}.
	eater := do(func(g *wasmtest.Guest) []byte {
		return cat(wasmtest.Loop, wasmtest.I32Const(16), wasmtest.MemoryGrow, wasmtest.I32Const(-1), wasmtest.Ne, wasmtest.BrIf(0), wasmtest.End,
			wasmtest.MemorySize, wasmtest.I32Const(48), wasmtest.Ne, wasmtest.If, wasmtest.Unreachable, wasmtest.End)
	})
	exchange(t, connect(t, wasm.Config{MemoryPages: 48}, eater), ask, "{}")
}

// A table grows no further than it may, whatever the module says.
func TestTable(t *testing.T) {
	grow := func(n int32) []byte {
		return do(func(g *wasmtest.Guest) []byte {
			g.Table(1, 0)
			// ref.null func; i32.const n; table.grow 0
			return cat([]byte{0xd0, 0x70}, wasmtest.I32Const(n), []byte{0xfc, 0x0f, 0}, wasmtest.I32Const(-1), wasmtest.Eq, wasmtest.If, wasmtest.Unreachable, wasmtest.End)
		})
	}
	exchange(t, connect(t, wasm.Config{}, grow(1000)), ask, "{}")
	_, err := connect(t, wasm.Config{}, grow(1<<24)).Exchange(t.Context(), []byte(ask), nil)
	if err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("table of 16 M entries: %v", err)
	}
}

func TestFrameLimits(t *testing.T) {
	c := connect(t, wasm.Config{FrameBytes: 200}, wasmtest.Effect(manifest, `{"verb":"get"}`))
	_, err := c.Exchange(t.Context(), make([]byte, 201), nil)
	if !errors.Is(err, modelspec.ErrExhausted) || !modelspec.NotSent(err) {
		t.Errorf("got %v, want resource_exhausted, not sent", err)
	}
	got, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), func(context.Context, []byte) []byte { return make([]byte, 201) })
	if want := `{"error":{"code":"resource_exhausted","message":"wasm: answer of 201 bytes, at most 200 are allowed"}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestEffects(t *testing.T) {
	c := connect(t, wasm.Config{}, wasmtest.Effect(manifest, `{"verb":"get","target":"customer"}`))
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "host's")
	answer := func(ctx context.Context, b []byte) []byte {
		if string(b) != `{"verb":"get","target":"customer"}` || ctx.Value(key{}) != "host's" {
			t.Errorf("effect %s, context value %v", b, ctx.Value(key{}))
		}
		if _, ok := ctx.Deadline(); !ok {
			t.Error("an effect has no deadline")
		}
		return []byte(`{"result":1}`)
	}
	cases := []struct {
		name string
		do   func(context.Context, []byte) []byte
		want string
	}{
		{"answer", answer, `{"result":1}`},
		{"none allowed", nil, `{"error":{"code":"permission_denied","message":"wasm: no effects are allowed here"}}`},
		{"host panics", func(context.Context, []byte) []byte { panic("secret") }, `{"error":{"code":"internal","message":"wasm: the host failed"}}`},
		{"host is silent", func(context.Context, []byte) []byte { return nil }, `{"error":{"code":"internal","message":"wasm: the host has no answer"}}`},
	}
	for _, cc := range cases {
		got, err := c.Exchange(ctx, []byte(`{"op":"port.invoke"}`), cc.do)
		if err != nil || string(got) != cc.want {
			t.Errorf("%s: got %s, %v; want %s", cc.name, got, err, cc.want)
		}
	}
	if live, idle := wasm.Live(c); live != 1 || idle != 1 {
		t.Errorf("%d live, %d idle: none of this is the guest's fault", live, idle)
	}
}
