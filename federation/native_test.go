package federation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// lost is a model that cannot be described.
type lost struct{ err error }

func (l lost) Spec() (*modelspec.Spec, error) {
	if l.err == nil {
		panic("no spec")
	}
	return nil, l.err
}

type Order struct {
	ID string `json:"id"`
}

func TestNativeListsAllMistakes(t *testing.T) {
	c := model("m", outbound("p", ""), withUndo(outbound("u", "")), inbound("i", ""))
	c.Name, c.Version = "shop", "v1.2.0"
	c.Models = append(c.Models, nil, lost{errors.New("bad tag")}, lost{}, c.Models[0])
	c.Adapters = []adapter.Adapter{
		answer("m", "p", 1), answer("m", "p", 2), answer("m", "nope", 1), answer("m", "u", 1), answer("m", "i", 1),
		{Model: "m", Port: "p"}, answer("", "bare", 1), answer("m", "", 1), undoable(route("x", "y", inbound("q", ""), "n")),
	}
	_, err := federation.Native(c)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"federation: component shop:", "write it without v: 1.2.0", "model 1 is nil", "bad tag", "panic in Spec: no spec", "model m stands twice",
		"two adapters of port m.p", "model m has no such port", "the adapter of m.u cannot undo", "the adapter of m.i: the port is inbound",
		"the adapter of m.p needs either Call or Route", `an adapter of ".bare"`, `an adapter of "m."`, "use adapter.RouteUndo",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
}

// An adapter belongs to the model whose Go type its port has.
func TestNativeResolves(t *testing.T) {
	pay := port.Outbound[Order, port.None, int]{Name: "pay", Request: func(*Order) port.None { return port.None{} }}
	take := port.Inbound[Order, port.None, int]{Name: "take", Handle: func(*Order, context.Context, port.None) (int, error) { return 0, nil }}
	bound := adapter.Bind(pay, func(context.Context, port.None) (int, error) { return 1, nil })
	tell := outbound("tell", "")
	tell.Model = "thing"
	own := modelspec.Model[Order]{Name: "purchase", Ports: []modelspec.Port[Order]{pay, take}}
	for name, c := range map[string]struct {
		c    federation.Component
		want string
	}{
		"own model":  {federation.Component{Models: []modelspec.Interface{own}, Adapters: []adapter.Adapter{bound}}, "purchase"},
		"not loaded": {federation.Component{Adapters: []adapter.Adapter{bound}}, "order"},
	} {
		if a := native(t, c.c).Adapters(); a[0].Model != c.want {
			t.Errorf("%s: %q, want %q", name, a[0].Model, c.want)
		}
	}
	m := native(t, federation.Component{Models: []modelspec.Interface{own}, Adapters: []adapter.Adapter{adapter.Route(tell, take, routeTo)}})
	if to := m.Adapters()[0].Route.To.Model; to != "purchase" {
		t.Errorf("the route leads to %q", to)
	}
	two := federation.Component{Models: []modelspec.Interface{own, modelspec.Model[Order]{Name: "sale"}}, Adapters: []adapter.Adapter{bound}}
	if _, err := federation.Native(two); err == nil || !strings.Contains(err.Error(), "write the Model field") {
		t.Errorf("two models of one Go type: %v", err)
	}
}

// fake is a module that says what it likes.
type fake struct {
	federation.Module
	man    *federation.Manifest
	specs  []*modelspec.Spec
	probe  func(context.Context) error
	panics string
	closed int
}

func (f *fake) Manifest() *federation.Manifest {
	f.boom("manifest")
	return f.man
}
func (f *fake) Specs() []*modelspec.Spec    { return f.specs }
func (f *fake) Adapters() []adapter.Adapter { return nil }
func (f *fake) Probe(ctx context.Context) error {
	f.boom("probe")
	if f.probe != nil {
		return f.probe(ctx)
	}
	return nil
}
func (f *fake) Close() error {
	f.closed++
	f.boom("close")
	return nil
}
func (f *fake) boom(at string) {
	if f.panics == at {
		panic("bang")
	}
}

// Whatever fails in Prepare, the module is closed, once, and nothing panics.
func TestPrepareFails(t *testing.T) {
	tab := newTable(t)
	spec := func(name string) *modelspec.Spec {
		s, err := model(name).Models[0].Spec()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ok := &federation.Manifest{ABI: 1, Name: "c"}
	many := make([]*modelspec.Spec, 257)
	for i := range many {
		many[i] = spec(fmt.Sprint("m", i))
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		m    *fake
		name string
		ctx  context.Context
		want string
		code modelspec.Code
	}{
		"no manifest":     {m: &fake{}, want: "no manifest", code: modelspec.ErrInvalid},
		"no name":         {m: &fake{man: &federation.Manifest{ABI: 1}}, want: "no name", code: modelspec.ErrInvalid},
		"another name":    {m: &fake{man: ok}, name: "d", want: "says that it is component c", code: modelspec.ErrInvalid},
		"bad name":        {m: &fake{man: ok}, name: "-", want: "says that", code: modelspec.ErrInvalid},
		"nil spec":        {m: &fake{man: ok, specs: []*modelspec.Spec{nil}}, want: "without a spec", code: modelspec.ErrInvalid},
		"a model twice":   {m: &fake{man: ok, specs: []*modelspec.Spec{spec("m"), spec("m")}}, want: "model m stands twice", code: modelspec.ErrInvalid},
		"too many models": {m: &fake{man: ok, specs: many}, want: "257 models: a component has at most 256", code: modelspec.ErrInvalid},
		"sick":            {m: &fake{man: ok, probe: func(context.Context) error { return errSick }}, want: "sick", code: modelspec.ErrUnknown},
		"no time":         {m: &fake{man: ok}, ctx: gone, want: "canceled", code: modelspec.ErrCanceled},
		"hidden model":    {m: &fake{man: ok, specs: []*modelspec.Spec{spec("m")}}, want: "model m: not granted", code: modelspec.ErrDenied},
		"bad manifest":    {m: &fake{panics: "manifest"}, want: "panic in describe: bang", code: modelspec.ErrInternal},
		"bad probe":       {m: &fake{man: ok, panics: "probe"}, want: "panic in probe: bang", code: modelspec.ErrInternal},
		"bad close":       {m: &fake{panics: "close"}, want: "panic in close: bang", code: modelspec.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if c.ctx != nil {
				ctx = c.ctx
			}
			_, err := tab.Prepare(ctx, c.name, c.m, federation.Preparation{Grant: &federation.Grant{}})
			if err == nil || !strings.Contains(err.Error(), c.want) || modelspec.CodeOf(err) != c.code {
				t.Errorf("%v (%s), want %s (%s)", err, modelspec.CodeOf(err), c.want, c.code)
			}
			if c.m.closed != 1 {
				t.Errorf("closed %d times", c.m.closed)
			}
		})
	}
	if _, err := tab.Prepare(t.Context(), "c", nil, federation.Preparation{}); !errors.Is(err, modelspec.ErrInvalid) {
		t.Errorf("no module: %v", err)
	}
}

func TestNativeClosesOnceAndProbes(t *testing.T) {
	n := 0
	m := native(t, federation.Component{Probe: func(context.Context) error { return errSick }, OnClose: func() error { n++; return errSick }})
	if err := m.Probe(t.Context()); !errors.Is(err, errSick) {
		t.Error("probe:", err)
	}
	for range 2 {
		if err := m.Close(); !errors.Is(err, errSick) {
			t.Error("close:", err)
		}
	}
	if n != 1 {
		t.Errorf("OnClose was called %d times", n)
	}
}
