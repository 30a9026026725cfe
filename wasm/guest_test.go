package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
)

// goGuest builds internal/testguest, once.
var goGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "testguest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./internal/testguest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(err.Error() + "\n" + string(text))
	}
	return os.ReadFile(out)
})

// load loads the Go guest, and gives its adapters by port.
func load(t *testing.T, cfg wasm.Config) (federation.Module, map[string]adapter.Func) {
	t.Helper()
	bin, err := goGuest()
	if err != nil {
		t.Fatal(err)
	}
	m, err := newRuntime(t, cfg).Load(t.Context(), federation.Artifact{Name: "testguest", Version: "1.2.3", Digest: digest(bin), Body: bin})
	if err != nil {
		t.Fatal(err)
	}
	adapters := map[string]adapter.Func{}
	for _, a := range m.Adapters() {
		adapters[a.Port] = a.Call
	}
	return m, adapters
}

func TestGoGuest(t *testing.T) {
	var log bytes.Buffer
	m, adapters := load(t, wasm.Config{Instances: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := m.Probe(ctx); err != nil {
		t.Error(err)
	}
	call := func(port string, arg *modelspec.Value) (string, error) {
		v, err := adapters[port](ctx, arg)
		if err != nil {
			return "", err
		}
		raw, err := v.JSON()
		return string(raw), err
	}
	if got, err := call("echo", modelspec.Of(map[string]int{"a": 1})); err != nil || got != `{"a":1}` {
		t.Errorf("echo: %s, %v", got, err)
	}
	ctx = context.WithValue(ctx, adapter.KeyKey, "k-1")
	if got, err := call("key", nil); err != nil || got != `"k-1"` {
		t.Errorf("key: %s, %v", got, err)
	}
	if _, err := call("refuse", nil); !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("refuse: %v", err)
	}
	if _, err := call("panic", nil); !errors.Is(err, modelspec.ErrInternal) {
		t.Errorf("panic: %v", err)
	}
	if _, err := call("print", nil); err != nil || !strings.Contains(log.String(), `line="hello from Go"`) {
		t.Errorf("print: %v, %s", err, log.String())
	}
	// A component that makes garbage all day stays below its memory.
	for range 200 {
		if got, err := call("churn", nil); err != nil || got != "1048576" {
			t.Fatalf("churn: %s, %v", got, err)
		}
	}
}

// What a Go guest cannot survive costs its instance only.
func TestGoGuestDies(t *testing.T) {
	_, adapters := load(t, wasm.Config{Instances: 1})
	if _, err := adapters["hog"](t.Context(), nil); !errors.Is(err, modelspec.ErrUnavailable) || modelspec.NotSent(err) {
		t.Errorf("hog: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := adapters["sleep"](ctx, nil); !errors.Is(err, modelspec.ErrDeadline) {
		t.Errorf("sleep: %v", err)
	}
	if v, err := adapters["echo"](t.Context(), modelspec.Of(1)); err != nil {
		t.Errorf("echo: %v, %v", v, err)
	}
}

// A handler acts through the host; an adapter, and a hook, cannot.
func TestGoGuestEffects(t *testing.T) {
	m, adapters := load(t, wasm.Config{})
	var asked []modelspec.Effect
	ctx := modelspec.WithEffects(t.Context(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		asked = append(asked, e)
		if e.Key == "nobody" {
			return nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "person nobody"}
		}
		return modelspec.FromJSON([]byte(`{"name":"Bob"}`)), nil
	}))
	spec := m.Specs()[0]
	read := func(doc, arg string) (modelspec.Reply, error) {
		return spec.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, Model: "note", Port: "read", ID: "n1", Key: "k", Doc: raw(doc), Arg: raw(arg)})
	}
	rep, err := read(`{"text":"hi","owner":"p1","read":1}`, `"Ann"`)
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := rep.Doc.JSON()
	result, _ := rep.Result.JSON()
	if string(result) != `"Ann reads what Bob wrote"` || !strings.Contains(string(doc), `"read":2`) {
		t.Errorf("%s %s", doc, result)
	}
	if len(asked) != 1 || asked[0].Verb != modelspec.VerbGet || asked[0].Target != "owner" {
		t.Errorf("asked %+v", asked)
	}
	if _, err := read(`{"text":"hi","owner":"p1"}`, `""`); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("refusal of a rule: %v", err)
	}
	asked = nil
	if _, err := adapters["act"](ctx, nil); !errors.Is(err, modelspec.ErrDenied) || len(asked) > 0 {
		t.Errorf("an adapter acts: %v, asked %+v", err, asked)
	}
}
