package federation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// What a model says of flows crosses the boundary whole, and so does that an
// adapter only asks.
func TestFlowsAcrossTheBoundary(t *testing.T) {
	answer := "none"
	ask := port.Outbound[Box, port.None, string]{Name: "ask", Request: func(*Box) (n port.None) { return n }, On: []modelspec.EventRef{
		modelspec.EventName("box.created"), modelspec.From{Event: modelspec.EventName("order.paid"), Key: "/box"}},
		Await: &port.Await{On: []port.From{{Event: modelspec.EventName("bank.paid"), Source: "/bank", Key: "/ref"}}}}
	guess := port.Outbound[Box, port.None, string]{Name: "guess", Request: func(*Box) (n port.None) { return n }, Default: &answer}
	c := federation.Component{Name: "boxes", Models: []modelspec.Interface{modelspec.Model[Box]{Name: "box", Ports: []modelspec.Port[Box]{ask, guess}}},
		Adapters: []adapter.Adapter{adapter.Ask(ask, func(context.Context, port.None) error { return nil }),
			adapter.Bind(guess, func(context.Context, port.None) (string, error) { return "", nil })}}
	near := native(t, c)
	far, _ := load(t, c)
	want, err := json.Marshal(near.Specs()[0].Descriptor())
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(far.Specs()[0].Descriptor())
	if err != nil || string(got) != string(want) || !strings.Contains(string(got), `"default":"none"`) {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
	if as := far.Adapters(); !as[0].Asks || as[1].Asks {
		t.Errorf("asks: %v, %v", as[0].Asks, as[1].Asks)
	}
	if v, err := far.Adapters()[0].Call(t.Context(), modelspec.Of(port.None{})); v != nil || err != nil {
		t.Errorf("asked: %v, %v", v, err)
	}
}

// A manifest is limited in what it listens to.
func TestManifestListensToSoMuch(t *testing.T) {
	var models []string
	for m := range 17 {
		var events []string
		for e := range 250 {
			events = append(events, fmt.Sprintf(`{"event":"x.e%d","do":"create"}`, e))
		}
		models = append(models, fmt.Sprintf(`{"name":"m%d","intake":[%s]}`, m, strings.Join(events, ",")))
	}
	tab := newTable(t)
	c := described(t, models...)
	c.Name = "c"
	if _, err := federation.Native(c); err == nil || !strings.Contains(err.Error(), "4250 events of others: a component has at most 4096") {
		t.Errorf("native: %v", err)
	}
	g, err := tab.Prepare(t.Context(), "c", native(t, described(t, models[:16]...)), federation.Preparation{Grant: &federation.Grant{Models: []string{"*"}, Listens: []string{"x.*"}}})
	if err != nil {
		t.Fatal(err)
	}
	g.Discard()
}
