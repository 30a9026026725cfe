package federation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// outbound is a port of Thing that runs on an event and produces another.
func outbound(name, produces string, on ...string) port.Outbound[Thing, port.None, int] {
	p := port.Outbound[Thing, port.None, int]{Name: name, Request: func(*Thing) port.None { return port.None{} }}
	if produces != "" {
		p.Produces = modelspec.EventName(produces)
	}
	for _, e := range on {
		p.On = append(p.On, modelspec.EventName(e))
	}
	return p
}

func inbound(name, produces string) port.Inbound[Thing, port.None, int] {
	p := port.Inbound[Thing, port.None, int]{Name: name, Handle: func(*Thing, context.Context, port.None) (int, error) { return 0, nil }}
	if produces != "" {
		p.Produces = modelspec.EventName(produces)
	}
	return p
}

func model(name string, ports ...modelspec.Port[Thing]) federation.Component {
	return federation.Component{Models: []modelspec.Interface{modelspec.Model[Thing]{Name: name, Ports: ports}}}
}

func answer(model, port string, n int) adapter.Adapter {
	return adapter.Adapter{Model: model, Port: port, Call: func(context.Context, *modelspec.Value) (*modelspec.Value, error) { return modelspec.Of(n), nil }}
}

func undoable(a adapter.Adapter) adapter.Adapter {
	a.Undo = func(context.Context, *modelspec.Value, *modelspec.Value) error { return nil }
	return a
}

func adapters(as ...adapter.Adapter) federation.Component {
	return federation.Component{Adapters: as}
}

func route(model, port string, in port.Inbound[Thing, port.None, int], to string) adapter.Adapter {
	in.Model = to
	out := outbound(port, "")
	out.Model = model
	return adapter.Route(out, in, routeTo)
}

func routeTo(port.None) (string, port.None) { return "x", port.None{} }

func related(name, to string) federation.Component {
	type T struct {
		ID    string `json:"id"`
		Other string `json:"other"`
	}
	rel := modelspec.BelongsTo[T, Thing]{Name: "otherOf", Model: to, Key: "other"}
	return federation.Component{Models: []modelspec.Interface{modelspec.Model[T]{Name: name, Relations: []modelspec.Relation[T]{rel}}}}
}

func withUndo(p port.Outbound[Thing, port.None, int]) port.Outbound[Thing, port.None, int] {
	p.Undo = true
	return p
}

func repeating(p port.Outbound[Thing, port.None, int]) port.Outbound[Thing, port.None, int] {
	p.Repeats = 3
	return p
}

// What a table must not show. An empty want means that it may.
func TestSwapRefuses(t *testing.T) {
	type set = map[string]federation.Component
	for name, c := range map[string]struct {
		set  set
		want string
	}{
		"one model":               {set{"a": model("m")}, ""},
		"a model with two owners": {set{"a": model("m"), "b": model("m")}, "component b: model m belongs to component a"},
		"a port with two owners":  {set{"a": adapters(answer("m", "p", 1)), "b": adapters(answer("m", "p", 1))}, "component b: port m.p is answered by component a"},
		"one port name, two models": {set{"a": model("m", outbound("p", "")), "b": model("n", outbound("p", "")),
			"c": adapters(answer("m", "p", 1)), "d": adapters(answer("n", "p", 2))}, ""},
		"an adapter of no port":         {set{"a": model("m"), "b": adapters(answer("m", "p", 1))}, "model m has no such port"},
		"an adapter of a model to come": {set{"b": adapters(answer("m", "p", 1))}, ""},
		"an adapter of an inbound port": {set{"a": model("m", inbound("p", "")), "b": adapters(answer("m", "p", 1))}, "the port is inbound"},
		"undo missing":                  {set{"a": model("m", withUndo(outbound("p", ""))), "b": adapters(answer("m", "p", 1))}, "component b (version \"\") and component a (version \"\"): the adapter of m.p cannot undo"},
		"undo too many":                 {set{"a": model("m", outbound("p", "")), "b": adapters(undoable(answer("m", "p", 1)))}, "declares the port without Undo"},
		"undo fits":                     {set{"a": model("m", withUndo(outbound("p", ""))), "b": adapters(undoable(answer("m", "p", 1)))}, ""},
		"a relation to nobody":          {set{"a": related("m", "other")}, "relation otherOf of model m leads to model other"},
		"a relation":                    {set{"a": related("m", "other"), "b": model("other")}, ""},
		"a route to nobody":             {set{"a": model("m", outbound("p", "")), "b": adapters(route("m", "p", inbound("q", ""), "n"))}, "leads to model n, which no component has"},
		"a route to no port":            {set{"a": model("m", outbound("p", "")), "b": adapters(route("m", "p", inbound("q", ""), "n")), "c": model("n")}, "has no such inbound port"},
		"a route":                       {set{"a": model("m", outbound("p", "")), "b": adapters(route("m", "p", inbound("q", ""), "n")), "c": model("n", inbound("q", ""))}, ""},
		"a chain":                       {set{"a": model("m", inbound("start", "m.a"), outbound("p", "m.b", "m.a"), outbound("q", "m.c", "m.b"), outbound("r", "m.c2", "m.b"))}, ""},
	} {
		t.Run(name, func(t *testing.T) { wantSwap(t, c.set, c.want) })
	}
}

// Ports that run one another for ever are refused unless one says how often.
func TestRT22Circles(t *testing.T) {
	type set = map[string]federation.Component
	byRoute := func(back port.Outbound[Thing, port.None, int]) set {
		return set{
			"a": model("m", inbound("again", "m.again"), outbound("p", "", "m.again")),
			"b": model("n", inbound("reserve", "n.reserved"), back),
			"c": adapters(route("m", "p", inbound("reserve", ""), "n"), route("n", "tell", inbound("again", ""), "m")),
		}
	}
	for name, c := range map[string]struct {
		set  set
		want string
	}{
		"two ports":          {set{"a": model("m", outbound("a", "m.pong", "m.ping"), outbound("b", "m.ping", "m.pong"))}, "m.a -[m.pong]-> m.b -[m.ping]-> m.a"},
		"itself":             {set{"a": model("m", outbound("a", "m.ping", "m.ping"))}, "m.a -[m.ping]-> m.a"},
		"not from the start": {set{"a": model("m", inbound("s", "m.x"), outbound("a", "m.pong", "m.ping", "m.x"), outbound("b", "m.ping", "m.pong"))}, "m.a -[m.pong]-> m.b -[m.ping]-> m.a"},
		"with Repeats":       {set{"a": model("m", outbound("a", "m.pong", "m.ping"), repeating(outbound("b", "m.ping", "m.pong")))}, ""},
		"two circles, one open": {set{"a": model("m", outbound("a", "m.pong", "m.ping"), repeating(outbound("b", "m.ping", "m.pong")),
			outbound("c", "m.ping", "m.pong"))}, "m.a -[m.pong]-> m.c -[m.ping]-> m.a"},
		"other model's event of that name": {set{"a": model("m", outbound("a", "x.pong", "x.ping")), "b": model("n", outbound("b", "x.ping", "x.pong"))}, ""},
		"by routes":                        {byRoute(outbound("tell", "", "n.reserved")), "-(route)-> "},
		"by routes with Repeats":           {byRoute(repeating(outbound("tell", "", "n.reserved"))), ""},
	} {
		t.Run(name, func(t *testing.T) { wantSwap(t, c.set, c.want) })
	}
}

func wantSwap(t *testing.T, set map[string]federation.Component, want string) {
	t.Helper()
	tab := newTable(t)
	err := show(t, tab, set)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), want)):
		t.Errorf("%v\nwant %s", err, want)
	case want != "" && tab.Snapshot().Seq != 0:
		t.Error("refused, and shown")
	}
}

func TestSwapRefusesArms(t *testing.T) {
	tab, other := newTable(t), newTable(t)
	one := prepare(t, tab, "c", model("m"))
	two := prepare(t, tab, "c", federation.Component{Models: append(model("m").Models, model("n").Models...), Adapters: adapters(answer("x", "y", 1)).Adapters})
	same := prepare(t, tab, "c", model("m"))
	for want, arms := range map[string][]federation.Arm{
		"without a generation":          {{}},
		"is of component c":             {},
		"prepared for another table":    {{Gen: prepare(t, other, "c", model("m"))}},
		"has model n and":               {{Gen: one, Share: 1}, {Gen: two}},
		"answers port x.y and":          {{Gen: two, Share: 1}, {Gen: one}},
		"stands in two arms":            {{Gen: one, Share: 1}, {Gen: one}},
		"its arms are 1001 thousandths": {{Gen: one, Share: 1001}, {Gen: same}},
	} {
		change := federation.Change{"c": arms}
		if want == "is of component c" {
			change = federation.Change{"d": {{Gen: one}}}
		}
		if err := tab.Swap(change); !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if err := tab.Swap(federation.Change{"c": {{Gen: one, Share: 400}, {Gen: same}}}); err != nil {
		t.Errorf("what was refused before may be shown rightly: %v", err)
	}
	if got := len(tab.Snapshot().Arms("c")); got != 2 {
		t.Errorf("%d arms", got)
	}
}

func TestPending(t *testing.T) {
	tab := newTable(t)
	g, err := tab.Prepare(t.Context(), "a", native(t, related("m", "other")), federation.Preparation{Pending: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Swap(federation.Change{"a": {{Gen: g}}}); err != nil {
		t.Errorf("pending: %v", err)
	}
}

// Taking a component out is checked as putting one in is.
func TestSwapChecksWhatIsLeft(t *testing.T) {
	tab := newTable(t)
	if err := show(t, tab, map[string]federation.Component{"a": related("m", "other"), "b": model("other")}); err != nil {
		t.Fatal(err)
	}
	if err := tab.Swap(federation.Change{"b": nil}); err == nil {
		t.Error("took out a model that another reads")
	}
	if _, g, err := tab.Model("other", "x"); err != nil {
		t.Error(err)
	} else {
		g.Unpin()
	}
	if got := tab.Snapshot().Models(); len(got) != 2 || got[0].Descriptor().Name != "m" {
		t.Errorf("models: %v", got)
	}
}
