package federation_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Thing struct {
	ID string `json:"id"`
}

type gauge struct {
	closed atomic.Int64
	inUse  atomic.Int64
	abused atomic.Int64
}

// component has a model thing whose port say answers a number.
func component(g *gauge, answer int) federation.Component {
	say := port.Inbound[Thing, port.None, int]{Name: "say", Handle: func(*Thing, context.Context, port.None) (int, error) {
		g.inUse.Add(1)
		defer g.inUse.Add(-1)
		if g.closed.Load() != 0 {
			return 0, errors.New("used after close")
		}
		return answer, nil
	}}
	return federation.Component{
		Models: []modelspec.Interface{modelspec.Model[Thing]{Name: "thing", Ports: []modelspec.Port[Thing]{say}}},
		OnClose: func() error {
			g.abused.Add(g.inUse.Load())
			g.closed.Add(1)
			return nil
		},
	}
}

func native(t testing.TB, c federation.Component) federation.Module {
	t.Helper()
	m, err := federation.Native(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func prepare(t testing.TB, tab *federation.Table, name string, c federation.Component) *federation.Generation {
	t.Helper()
	g, err := tab.Prepare(context.Background(), name, native(t, c), federation.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// show prepares components and shows them together.
func show(t testing.TB, tab *federation.Table, cs map[string]federation.Component) error {
	t.Helper()
	change := federation.Change{}
	for name, c := range cs {
		change[name] = []federation.Arm{{Gen: prepare(t, tab, name, c)}}
	}
	return tab.Swap(change)
}

func say(tab *federation.Table, key string) (int, error) {
	s, g, err := tab.Model("thing", key)
	if err != nil {
		return 0, err
	}
	defer g.Unpin()
	r, err := s.Handle(context.Background(), modelspec.Call{Op: modelspec.OpInvoke, Port: "say", ID: key, Doc: modelspec.Of(Thing{ID: key})})
	if err != nil {
		return 0, err
	}
	n, err := modelspec.As[int](r.Result)
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// closeTable closes tab at the end of the test, and fails if something hangs.
func newTable(t testing.TB) *federation.Table {
	tab := federation.NewTable()
	t.Cleanup(func() {
		if err := tab.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tab
}
