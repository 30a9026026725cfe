package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/federationtest"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Parcel struct {
	To string `json:"to"`
}

// Box is a model with everything: a hook that tries to act, ports both ways.
type Box struct {
	ID   string `json:"id"`
	Note string `json:"note,omitempty"`
}

var pack = port.Outbound[Box, Parcel, string]{Name: "pack", Undo: true, Request: func(b *Box) Parcel { return Parcel{To: b.ID} },
	Reply: func(b *Box, s string) error { b.Note = s; return nil }}

// boxes is a component whose inbound ports are the given ones.
func boxes(ports ...modelspec.Port[Box]) federation.Component {
	return federation.Component{Name: "boxes", Version: "1.0.0",
		Models: []modelspec.Interface{modelspec.Model[Box]{Name: "box", Ports: append(ports, pack)}}}
}

func handler[Res any](name string, fn func(*Box, context.Context) (Res, error)) port.Inbound[Box, port.None, Res] {
	return port.Inbound[Box, port.None, Res]{Name: name, Handle: func(b *Box, ctx context.Context, _ port.None) (Res, error) { return fn(b, ctx) }}
}

func load(t testing.TB, c federation.Component) (federation.Module, *federationtest.Conn) {
	t.Helper()
	m, conn, err := federationtest.Load(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, conn
}

func invoke(ctx context.Context, m federation.Module, port string) (modelspec.Reply, error) {
	return m.Specs()[0].Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, Port: port, ID: "b1", Doc: modelspec.FromJSON([]byte(`{"id":"b1"}`))})
}

// The same component answers alike, with frames and without.
func TestPlacements(t *testing.T) {
	set := handler("set", func(b *Box, ctx context.Context) (string, error) {
		b.Note = modelspec.CallerOf(ctx).Subject + " " + modelspec.Trace(ctx) + " " + modelspec.Now(ctx).Format(time.DateOnly)
		return "was " + b.ID, nil
	})
	c := boxes(set)
	remote, _ := load(t, c)
	host := &modelspec.Call{Now: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC), Caller: &modelspec.Caller{Subject: "ann"}, Trace: "00-t"}
	ctx := context.WithValue(t.Context(), modelspec.CallKey, host)
	for name, m := range map[string]federation.Module{"native": native(t, c), "remote": remote} {
		same(t, name+" manifest", native(t, c).Manifest(), m.Manifest())
		if err := m.Probe(ctx); err != nil {
			t.Errorf("%s: probe: %v", name, err)
		}
		r, err := invoke(ctx, m, "set")
		if err != nil {
			t.Fatal(name, err)
		}
		same(t, name, modelspec.Reply{Doc: modelspec.Of(Box{"b1", "ann 00-t 2026-11-23"}), Result: modelspec.Of("was b1")}, r)
		r, err = m.Specs()[0].Handle(ctx, modelspec.Call{Op: modelspec.OpRequest, Port: "pack", ID: "b1", Doc: r.Doc})
		if err != nil {
			t.Fatal(name, err)
		}
		same(t, name+" request", Parcel{"b1"}, r.Result)
	}
}

func TestAdaptersAcross(t *testing.T) {
	var seen modelspec.Call
	var undone string
	c := federation.Component{Name: "packer", Adapters: []adapter.Adapter{adapter.BindUndo(pack,
		func(ctx context.Context, p Parcel) (string, error) {
			seen = *ctx.Value(modelspec.CallKey).(*modelspec.Call)
			if d, ok := ctx.Deadline(); !ok || d.IsZero() {
				t.Error("no deadline")
			}
			return p.To + "/" + adapter.Key(ctx), nil
		},
		func(ctx context.Context, p adapter.Taken[Parcel, string]) error {
			undone = p.Key + " " + p.Request.To
			if p.Answer != nil {
				undone += " " + *p.Answer
			}
			return nil
		})}}
	m, _ := load(t, c)
	a := m.Adapters()[0]
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx = context.WithValue(ctx, adapter.KeyKey, "k1")
	ctx = context.WithValue(ctx, modelspec.CallKey, &modelspec.Call{ID: "b1", Cause: "cmd", Caller: &modelspec.Caller{Tenant: "t"}})
	v, err := a.Call(ctx, modelspec.Of(Parcel{"x"}))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "answer", "x/k1", v)
	if seen.ID != "b1" || seen.Cause != "cmd" || seen.Caller.Tenant != "t" || seen.Model != "box" || seen.Port != "pack" {
		t.Errorf("the adapter saw %+v", seen)
	}
	ctx = context.WithValue(ctx, adapter.UndoesKey, "k1")
	if err := a.Undo(ctx, modelspec.Of(Parcel{"x"}), v); err != nil || undone != "k1 x x/k1" {
		t.Errorf("undone %q, %v", undone, err)
	}
	if err := a.Undo(ctx, modelspec.Of(Parcel{"x"}), nil); err != nil || undone != "k1 x" {
		t.Errorf("undone without an answer: %q, %v", undone, err)
	}
}

// recorder is the host's side of effects.
type recorder struct {
	mu   sync.Mutex
	seen []modelspec.Effect
	ctx  context.Context
	err  error
}

func (r *recorder) Do(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen, r.ctx = append(r.seen, e), ctx
	return modelspec.Of("done"), r.err
}

type hostKey struct{}

func TestEffectsReachTheHost(t *testing.T) {
	act := handler("act", func(_ *Box, ctx context.Context) (string, error) {
		if v := ctx.Value(hostKey{}); v != nil {
			t.Errorf("a value of the host's context crossed: %v", v)
		}
		v, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbPublish, Target: "box.acted", Arg: modelspec.Of(Parcel{"y"})})
		if err != nil {
			return "", err
		}
		s, err := modelspec.As[string](v)
		return *s, err
	})
	m, conn := load(t, boxes(act))
	host := &recorder{}
	ctx := modelspec.WithEffects(context.WithValue(t.Context(), hostKey{}, 7), host)
	r, err := invoke(ctx, m, "act")
	if err != nil || len(host.seen) != 1 || conn.Effects() != 1 {
		t.Fatalf("%v, %d effects, %d frames", err, len(host.seen), conn.Effects())
	}
	same(t, "result", "done", r.Result)
	same(t, "effect", modelspec.Effect{Verb: modelspec.VerbPublish, Target: "box.acted", Arg: modelspec.Of(Parcel{"y"})}, host.seen[0])
	if host.ctx.Value(hostKey{}) != 7 {
		t.Error("the effect was performed without the host's context")
	}
}

// What a guest learns of the host's errors.
func TestEffectErrors(t *testing.T) {
	act := handler("act", func(_ *Box, ctx context.Context) (string, error) {
		_, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbCall, Target: "pack"})
		e := modelspec.AsError(err)
		b, _ := json.Marshal(e)
		return string(b), nil
	})
	m, _ := load(t, boxes(act))
	secret := "dial tcp 10.0.0.7"
	for name, c := range map[string]struct {
		err  error
		want modelspec.Error
	}{
		"coded":    {&modelspec.Error{Code: modelspec.ErrRefused, Message: "no stock", NotSent: true}, modelspec.Error{Code: modelspec.ErrRefused, Message: "no stock", NotSent: true}},
		"unknown":  {errors.New(secret), modelspec.Error{Code: modelspec.ErrUnknown, Message: "internal error (trace 00-t)"}},
		"internal": {&modelspec.Error{Code: modelspec.ErrInternal, Message: secret}, modelspec.Error{Code: modelspec.ErrInternal, Message: "internal error (trace 00-t)"}},
	} {
		ctx := context.WithValue(modelspec.WithEffects(t.Context(), &recorder{err: c.err}), modelspec.CallKey, &modelspec.Call{Trace: "00-t"})
		r, err := invoke(ctx, m, "act")
		if err != nil {
			t.Fatal(name, err)
		}
		s, _ := modelspec.As[string](r.Result)
		same(t, name, c.want, json.RawMessage(*s))
	}
	bang := modelspec.EffectsFunc(func(context.Context, modelspec.Effect) (*modelspec.Value, error) { panic(secret) })
	r, err := invoke(modelspec.WithEffects(t.Context(), bang), m, "act")
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := modelspec.As[string](r.Result); strings.Contains(*s, secret) || !strings.Contains(*s, "internal") {
		t.Errorf("a host that panics: %s", *s)
	}
}

// greedy asks for an effect on every call, whatever the op, as no Server would.
type greedy struct {
	t       *testing.T
	man     []byte
	answers []string
	escaped func(context.Context, []byte) []byte
}

func (g *greedy) Exchange(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error) {
	var c modelspec.Call
	if err := json.Unmarshal(frame, &c); err != nil {
		g.t.Error(err)
	}
	effect := []byte(`{"verb":"publish","target":"box.acted","arg":"kept"}`)
	g.answers = append(g.answers, string(do(ctx, effect)))
	clear(effect) // an engine uses its buffers again
	g.escaped = do
	if c.Op == modelspec.OpDescribe {
		return []byte(`{"result":` + string(g.man) + `}`), nil
	}
	return []byte(`{"result":"x"}`), nil
}

func (g *greedy) Close() error { return nil }

func TestEffectsAreDeniedPerOp(t *testing.T) {
	c := boxes(handler("act", func(*Box, context.Context) (string, error) { return "", nil }))
	c.Adapters = []adapter.Adapter{undoable(answer("box", "pack", 1))}
	man, _ := json.Marshal(native(t, c).Manifest())
	g := &greedy{t: t, man: man}
	host := &recorder{}
	ctx := modelspec.WithEffects(t.Context(), host)
	m, err := federation.Open(ctx, g, federation.Artifact{})
	if err != nil {
		t.Fatal(err)
	}
	doc := modelspec.FromJSON([]byte(`{"id":"b1"}`))
	for op, ask := range map[modelspec.Op]func(){
		modelspec.OpDescribe: func() { _, _ = federation.Open(ctx, g, federation.Artifact{}) },
		modelspec.OpProbe:    func() { _ = m.Probe(ctx) },
		modelspec.OpAdapt:    func() { _, _ = m.Adapters()[0].Call(ctx, nil) },
		modelspec.OpTakeBack: func() { _ = m.Adapters()[0].Undo(ctx, nil, nil) },
		modelspec.OpNew:      nil, modelspec.OpUpdate: nil, modelspec.OpDelete: nil, modelspec.OpUndone: nil, modelspec.OpRequest: nil, modelspec.OpReply: nil,
	} {
		g.answers = nil
		if ask == nil {
			_, _ = m.Specs()[0].Handle(ctx, modelspec.Call{Op: op, Port: "pack", ID: "b1", Doc: doc, Prev: doc})
		} else {
			ask()
		}
		if len(g.answers) == 0 {
			t.Errorf("%s: not asked", op)
		}
		for _, a := range g.answers {
			if !strings.Contains(a, `"permission_denied"`) {
				t.Errorf("%s: %s", op, a)
			}
		}
	}
	if len(host.seen) != 0 {
		t.Errorf("the host was asked %d times", len(host.seen))
	}
	g.answers = nil
	_, _ = invoke(ctx, m, "act")
	if len(host.seen) != 1 || !strings.Contains(g.answers[0], `"done"`) {
		t.Errorf("port.invoke: %d effects, %s", len(host.seen), g.answers)
	}
	same(t, "what was asked", "kept", host.seen[0].Arg)
	if late := g.escaped(ctx, []byte(`{"verb":"publish"}`)); !strings.Contains(string(late), "permission_denied") || len(host.seen) != 1 {
		t.Errorf("after the call: %s", late)
	}
}

// A native component behind a Server has no effects in hooks and adapters
// either, and none after its handler has returned.
func TestServerDeniesEffects(t *testing.T) {
	publish := func(ctx context.Context) error {
		_, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbPublish, Target: "box.acted"})
		return err
	}
	var kept context.Context
	c := boxes(handler("act", func(_ *Box, ctx context.Context) (string, error) { kept = ctx; return "", publish(ctx) }))
	c.Adapters = []adapter.Adapter{adapter.BindUndo(pack, func(ctx context.Context, _ Parcel) (string, error) { return "", publish(ctx) },
		func(ctx context.Context, _ adapter.Taken[Parcel, string]) error { return publish(ctx) })}
	m, conn := load(t, c)
	host := &recorder{}
	ctx := modelspec.WithEffects(t.Context(), host)
	if _, err := m.Adapters()[0].Call(ctx, modelspec.Of(Parcel{})); !errors.Is(err, modelspec.ErrDenied) {
		t.Error("adapter:", err)
	}
	if err := m.Adapters()[0].Undo(ctx, modelspec.Of(Parcel{}), nil); !errors.Is(err, modelspec.ErrDenied) {
		t.Error("undo:", err)
	}
	if _, err := invoke(ctx, m, "act"); err != nil {
		t.Error("port:", err)
	}
	if err := publish(kept); !errors.Is(err, modelspec.ErrDenied) || conn.Effects() != 1 || len(host.seen) != 1 {
		t.Errorf("after the handler: %v, %d effects crossed", err, conn.Effects())
	}
}

func TestOneEffectAtATime(t *testing.T) {
	inside, release := make(chan struct{}), make(chan struct{})
	act := handler("act", func(_ *Box, ctx context.Context) (string, error) {
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbCall}) })
		<-inside
		_, err := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbCall})
		close(release)
		wg.Wait()
		if _, again := modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbLog}); again != nil {
			return "", again
		}
		return string(modelspec.CodeOf(err)), nil
	})
	m, _ := load(t, boxes(act))
	host := modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		if e.Verb == modelspec.VerbCall {
			close(inside)
			<-release
		}
		return nil, nil
	})
	r, err := invoke(modelspec.WithEffects(t.Context(), host), m, "act")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "second effect", string(modelspec.ErrRefused), r.Result)
}

func TestDeadlineAndCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := handler("hang", func(_ *Box, ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		m, conn := load(t, boxes(hang))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := invoke(ctx, m, "hang"); !errors.Is(err, modelspec.ErrDeadline) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("deadline: %v", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		go cancel()
		if _, err := invoke(ctx, m, "hang"); modelspec.CodeOf(err) != modelspec.ErrCanceled {
			t.Errorf("cancel: %v", err)
		}
		before := conn.Calls()
		if _, err := invoke(ctx, m, "hang"); !modelspec.NotSent(err) || modelspec.CodeOf(err) != modelspec.ErrCanceled || conn.Calls() != before {
			t.Errorf("a dead context was sent: %v", err)
		}
		synctest.Wait()
		if conn.InUse() != 0 {
			t.Errorf("%d calls still run", conn.InUse())
		}
	})
}
