package federationtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/federationtest"
	"github.com/org/aegis/modelspec"
)

func TestMistakesOfTheComponent(t *testing.T) {
	if _, _, err := federationtest.Load(t.Context(), federation.Component{}); err == nil {
		t.Error("a component without a name")
	}
}

// A component that hangs does not hang its caller, and is counted until it
// returns.
func TestHang(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	c := federation.Component{Name: "c", Adapters: []adapter.Adapter{adapter.Bind(price, func(context.Context, string) (int, error) {
		close(entered)
		<-release
		return 0, nil
	})}}
	m, conn, err := federationtest.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := m.Adapters()[0].Call(ctx, modelspec.Of("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if conn.InUse() != 1 || conn.Calls() != 3 {
		t.Errorf("%d in use, %d calls", conn.InUse(), conn.Calls())
	}
	close(release)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Adapters()[0].Call(t.Context(), modelspec.Of("x")); !modelspec.NotSent(err) || !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

func TestWatchCountsUse(t *testing.T) {
	inside := 0
	var w *federationtest.Module
	c := federation.Component{Name: "c", Adapters: []adapter.Adapter{adapter.Bind(price, func(context.Context, string) (int, error) {
		inside = w.InUse()
		return 0, w.Close()
	})}}
	m, err := federation.Native(c)
	if err != nil {
		t.Fatal(err)
	}
	if w, err = federationtest.Watch(m); err != nil {
		t.Fatal(err)
	}
	sick := errors.New("sick")
	w.OnProbe = func(context.Context) error { return sick }
	if err := w.Probe(t.Context()); !errors.Is(err, sick) {
		t.Errorf("probe: %v", err)
	}
	if _, err := w.Adapters()[0].Call(t.Context(), modelspec.Of("x")); err != nil {
		t.Error(err)
	}
	if inside != 1 || w.InUse() != 0 || w.Closed() != 1 || w.Abused() != 1 {
		t.Errorf("inside %d, in use %d, closed %d, abused %d", inside, w.InUse(), w.Closed(), w.Abused())
	}
}
