package aegistest_test

import (
	"context"
	"testing"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

const longer = 10 * time.Minute

// Whoever changes what is shared is found out, and named.
func TestSharedValues(t *testing.T) {
	nothing := func(*note, context.Context, send) error { return nil }
	for _, c := range []struct {
		name   string
		handle func(*note, context.Context, send) error
		body   func(t *fake, h *aegistest.Host)
		want   []string
	}{
		{"nobody", nothing, func(*fake, *aegistest.Host) {}, nil},
		{"a stub its request", nothing, func(t *fake, h *aegistest.Host) {
			aegistest.StubFunc(h, mail, func(_ context.Context, s send) (sent, error) { s.Tags[0] = "x"; return sent{}, nil })
		}, []string{"the adapter of port note.mail changed its request"}},
		{"an adapter its answer, afterwards", nothing, func(t *fake, h *aegistest.Host) {
			aegistest.Stub(h, bell, port.None{})
			kept := &sent{}
			h.Use(adapter.Adapter{Model: "note", Port: "mail", Call: func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				return modelspec.Of(kept), nil
			}, Undo: func(context.Context, *modelspec.Value, *modelspec.Value) error { return nil }})
			if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
				t.Errorf("%v", err)
			}
			h.Settle()
			kept.ID = "later"
		}, []string{"the answer of the adapter of port note.mail was changed"}},
		{"a handler its request", func(_ *note, _ context.Context, s send) error { s.Tags[0] = "x"; return nil },
			func(*fake, *aegistest.Host) {}, []string{"the handler of port note.do changed its request"}},
		{"a handler what it was lent", func(n *note, ctx context.Context, _ send) error {
			p, err := parentOf.Get(ctx, n)
			if err == nil {
				p.Tags[0] = "x"
			}
			return err
		}, func(*fake, *aegistest.Host) {}, []string{"the stored document note n0 was changed"}},
		{"a subscriber the data", func(_ *note, ctx context.Context, s send) error {
			return told.Publish(ctx, send{Tags: []string{"mine"}})
		},
			func(t *fake, h *aegistest.Host) {
				_, err := h.Subscribe(broker.Subscription{Pattern: told.Type, Required: true, Handler: func(_ context.Context, e broker.Event) error {
					s, err := modelspec.As[send](e.Data)
					s.Tags[0] = "x"
					return err
				}})
				if err != nil {
					t.Errorf("%v", err)
				}
			}, []string{"the data of event note.told of note n1 was changed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := failing(t, func(t *fake) {
				h := aegistest.New(t, aegistest.Config{Component: notes(c.handle)})
				written(t, h)
				c.body(t, h)
				if err := do(c.handle).Invoke(t.Context(), h, "n1", send{Tags: []string{"t"}}); err != nil {
					t.Errorf("%v", err)
				}
				if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
					t.Errorf("%v", err)
				}
				h.Settle()
			})
			wants(t, text, c.want...)
		})
	}
}

// A hook with a memory is found out where it is asked twice.
func TestImpureHook(t *testing.T) {
	counted := func() federation.Component {
		n := 0
		return federation.Component{Name: "notes", Models: []modelspec.Interface{modelspec.Model[note]{Name: "note", OnCreate: func(x *note) error {
			n++
			x.Tags = make([]string, n)
			return nil
		}}}}
	}
	run := func(p aegistest.Placement) string {
		return failing(t, func(t *fake) {
			written(t, aegistest.New(t, aegistest.Config{Component: counted, Placements: []aegistest.Placement{p}}))
		})
	}
	wants(t, run(aegistest.Direct))
	wants(t, run(aegistest.Codec), "op new of model note: asked twice, it was answered in two ways", `first:  {"doc":`, `second: {"doc":`)
}

// A handler acts, so it is asked once.
func TestHandlerAskedOnce(t *testing.T) {
	n := 0
	handle := func(*note, context.Context, send) error { n++; return nil }
	wants(t, failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(handle), Placements: []aegistest.Placement{aegistest.Codec}})
		written(t, h)
		if err := do(handle).Invoke(t.Context(), h, "n1", send{}); err != nil {
			t.Errorf("%v", err)
		}
	}))
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// What outlives the host is shown with its stack.
func TestLeftBehind(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	entered := make(chan struct{})
	handle := func(*note, context.Context, send) error {
		close(entered)
		<-release
		return nil
	}
	text := failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(handle), Placements: []aegistest.Placement{aegistest.Codec}})
		written(t, h)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-entered; cancel() }()
		if err := do(handle).Invoke(ctx, h, "n1", send{}); err == nil {
			t.Errorf("a handler that hangs answered")
		}
	})
	wants(t, text, "goroutines of the host are left after Close", "TestLeftBehind", "federation.(*Server).Serve")
}
