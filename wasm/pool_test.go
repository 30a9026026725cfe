package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

// At most Instances outermost calls run at once; the others wait, and those
// that wait too long have sent nothing.
func TestInstances(t *testing.T) {
	for limit := 1; limit <= 4; limit++ {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			c := connect(t, wasm.Config{Instances: limit}, wasmtest.Effect(manifest, `{}`))
			var now, most atomic.Int32
			inside := make(chan struct{}, 16)
			gate := make(chan struct{})
			hold := func(context.Context, []byte) []byte {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				inside <- struct{}{}
				<-gate
				return []byte(`{"result":1}`)
			}
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() {
					if got, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), hold); err != nil || string(got) != `{"result":1}` {
						t.Errorf("got %s, %v", got, err)
					}
				})
			}
			for range limit {
				<-inside
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := c.Exchange(ctx, []byte(`{"op":"x"}`), hold); !errors.Is(err, modelspec.ErrExhausted) || !modelspec.NotSent(err) {
				t.Errorf("waited in vain: %v (not sent: %t)", err, modelspec.NotSent(err))
			}
			ctx, cancel = context.WithCancel(t.Context())
			cancel()
			if _, err := c.Exchange(ctx, []byte(`{"op":"x"}`), hold); !errors.Is(err, modelspec.ErrCanceled) || !modelspec.NotSent(err) {
				t.Errorf("canceled while waiting: %v (not sent: %t)", err, modelspec.NotSent(err))
			}
			close(gate)
			wg.Wait()
			if int(most.Load()) != limit {
				t.Errorf("%d at once, want %d", most.Load(), limit)
			}
			if live, idle := wasm.Live(c); live != idle || live > limit || wasm.Waiting(c) != 0 || wasm.Admitted(c) != 0 {
				t.Errorf("%d live, %d idle, %d waiting, %d admitted", live, idle, wasm.Waiting(c), wasm.Admitted(c))
			}
		})
	}
}

// A place that is handed over to a call which gives up at that moment is not
// lost: it would be missing for ever.
func TestLateTurn(t *testing.T) {
	c := connect(t, wasm.Config{Instances: 1}, wasmtest.Effect(manifest, `{}`))
	for range 2000 {
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), func(context.Context, []byte) []byte {
				close(waiting)
				for wasm.Waiting(c) == 0 {
					runtime.Gosched()
				}
				cancel()
				return []byte(`{}`)
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-waiting
		_, _ = c.Exchange(ctx, []byte(`{"op":"x"}`), nil)
		wg.Wait()
		if n := wasm.Admitted(c); n != 0 {
			t.Fatalf("%d places taken by nobody", n)
		}
	}
}

// A call that a guest waits for never waits for an instance: not of its own
// module, nor of another that waits for this one.
func TestRT12Reentrancy(t *testing.T) {
	r := newRuntime(t, wasm.Config{Instances: 2})
	var conns [2]federation.Conn
	for i := range conns {
		c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Effect(wasmtest.Manifest(fmt.Sprint("m", i), "1.0.0"), `{}`)})
		if err != nil {
			t.Fatal(err)
		}
		conns[i] = c
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, other := range []int{0, 1} { // through itself; through each other
		t.Run(fmt.Sprint(other), func(t *testing.T) {
			var wg sync.WaitGroup
			for n := range 64 {
				wg.Go(func() {
					at := n % 2
					inner := func(ctx context.Context, _ []byte) []byte {
						b, err := conns[(at+other)%2].Exchange(ctx, []byte(`{"op":"x"}`), func(context.Context, []byte) []byte { return []byte(`{"result":2}`) })
						if err != nil {
							t.Error(err)
						}
						return b
					}
					if b, err := conns[at].Exchange(ctx, []byte(`{"op":"x"}`), inner); err != nil || string(b) != `{"result":2}` {
						t.Errorf("%s, %v", b, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// A guest that calls itself without end meets the depth, not the memory.
func TestDepth(t *testing.T) {
	c := connect(t, wasm.Config{Instances: 2}, wasmtest.Effect(manifest, `{}`))
	depth := 0
	var last error
	var again func(ctx context.Context, _ []byte) []byte
	again = func(ctx context.Context, _ []byte) []byte {
		depth++
		b, err := c.Exchange(ctx, []byte(`{"op":"x"}`), again)
		if err != nil {
			last = err
			return []byte(`{"result":"deep"}`)
		}
		return b
	}
	b, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), again)
	if err != nil || string(b) != `{"result":"deep"}` {
		t.Fatalf("%s, %v", b, err)
	}
	if depth != wasm.MaxDepth || !errors.Is(last, modelspec.ErrExhausted) || !modelspec.NotSent(last) {
		t.Errorf("depth %d, then %v", depth, last)
	}
}

// Instances that nobody has used for a minute go, but for one.
func TestShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := wasm.New(wasm.Config{Instances: 4})
		defer r.Close()
		c, err := r.Connect(context.Background(), federation.Artifact{Body: wasmtest.Effect(manifest, `{}`)})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		gate := make(chan struct{})
		hold := func(context.Context, []byte) []byte { <-gate; return []byte(`{}`) }
		for range 4 {
			wg.Go(func() {
				if _, err := c.Exchange(context.Background(), []byte(`{"op":"x"}`), hold); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if live, idle := wasm.Live(c); live != 4 || idle != 4 {
			t.Fatalf("%d live, %d idle, want 4", live, idle)
		}
		time.Sleep(59 * time.Second) // of the bubble
		exchange(t, c, describe, `{"result":`+manifest+`}`)
		if live, _ := wasm.Live(c); live != 4 {
			t.Errorf("%d live after 59 s, want 4", live)
		}
		time.Sleep(2 * time.Second)
		exchange(t, c, describe, `{"result":`+manifest+`}`)
		if live, idle := wasm.Live(c); live != 1 || idle != 1 {
			t.Errorf("%d live, %d idle after 61 s, want 1", live, idle)
		}
	})
}

// Close during calls: they end as if nothing was, later ones are not sent, and
// the code lives until the last has returned.
func TestCloseWhileCalling(t *testing.T) {
	r := newRuntime(t, wasm.Config{Instances: 1})
	c, err := r.Connect(t.Context(), federation.Artifact{Body: wasmtest.Effect(manifest, `{}`)})
	if err != nil {
		t.Fatal(err)
	}
	inside, gate := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		b, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), func(context.Context, []byte) []byte { close(inside); <-gate; return []byte(`{}`) })
		if err != nil || string(b) != "{}" {
			t.Errorf("%s, %v", b, err)
		}
	})
	<-inside
	waiter := make(chan error)
	go func() {
		_, err := c.Exchange(t.Context(), []byte(`{"op":"x"}`), nil)
		waiter <- err
	}()
	for wasm.Waiting(c) == 0 {
		select {
		case err := <-waiter:
			t.Fatal(err)
		default:
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range []error{<-waiter, func() error { _, err := c.Exchange(t.Context(), []byte(ask), nil); return err }()} {
		if !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) {
			t.Errorf("after Close: %v (not sent: %t)", err, modelspec.NotSent(err))
		}
	}
	if compiled, pools := r.Held(); compiled != 1 || pools != 1 {
		t.Errorf("%d compiled, %d pools while a call runs", compiled, pools)
	}
	close(gate)
	wg.Wait()
	if compiled, pools := r.Held(); compiled != 0 || pools != 0 {
		t.Errorf("%d compiled, %d pools left", compiled, pools)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// The frame and the reply belong to whoever made and asked for them.
func TestOwnership(t *testing.T) {
	c := connect(t, wasm.Config{}, wasmtest.Echo(manifest))
	frame := []byte(ask)
	a, _ := c.Exchange(t.Context(), frame, nil)
	b, _ := c.Exchange(t.Context(), []byte(strings.Replace(ask, "hello", "world", 1)), nil)
	if string(a) != `{"result":"hello"}` || string(b) != `{"result":"world"}` || !bytes.Equal(frame, []byte(ask)) {
		t.Errorf("%s %s %s", a, b, frame)
	}
}
