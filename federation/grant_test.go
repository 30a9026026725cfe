package federation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// order declares one of each thing that a Grant is about.
func orderManifest() *federation.Manifest {
	return &federation.Manifest{ABI: 1, Name: "order", Models: []modelspec.Descriptor{
		{Name: "order",
			Relations: []modelspec.RelationDescriptor{{Name: "buyer", Model: "customer"}, {Name: "lines", Model: "line"}},
			Ports: []modelspec.PortDescriptor{
				{Name: "approve", Direction: modelspec.In, Produces: "order.approved"},
				{Name: "pay", Direction: modelspec.Out, Produces: "payment.authorized",
					From:  []modelspec.Trigger{{Event: "line.added"}, {Event: "customer.moved"}},
					Await: &modelspec.Await{On: []modelspec.Trigger{{Event: "bank.paid", Source: "/bank"}}, Fail: []modelspec.Trigger{{Event: "order.odd", Source: "/bank"}}}},
			},
			Intake:    []modelspec.Intake{{Trigger: modelspec.Trigger{Event: "web.ordered"}}, {Trigger: modelspec.Trigger{Event: "web.ordered", Source: "line"}}},
			Publishes: []modelspec.EventDescriptor{{Type: "line.added"}, {Type: "payment.authorized"}, {Type: "noted"}}},
		{Name: "line"},
	}, Adapters: []federation.AdapterDescriptor{{Model: "order", Port: "pay"}, {Model: "invoice", Port: "send"}}}
}

func TestGrant(t *testing.T) {
	full := federation.Grant{Models: []string{"order", "line"}, Ports: []string{"invoice.send"}, Reads: []string{"customer"}, Events: []string{"payment.authorized", "noted"},
		Listens: []string{"customer.moved", "bank.paid", "order.odd", "web.ordered"}}
	with := func(change func(*federation.Grant)) federation.Grant {
		g := full
		change(&g)
		return g
	}
	lacks := []string{
		"model order: not granted (add order to Grant.Models)",
		"model line: not granted (add line to Grant.Models)",
		"model order: relation buyer reads model customer: not granted (add customer to Grant.Reads)",
		"model order: event payment.authorized: not granted (add payment.authorized to Grant.Events)",
		"model order: event noted: not granted (add noted to Grant.Events)",
		"adapter of port invoice.send: not granted (add invoice.send to Grant.Ports)",
		"model order: listens to customer.moved: not granted (add customer.moved to Grant.Listens)",
		"model order: listens to bank.paid: not granted (add bank.paid to Grant.Listens)",
		"model order: listens to order.odd: not granted (add order.odd to Grant.Listens)",
		"model order: listens to web.ordered: not granted (add web.ordered to Grant.Listens)",
	}
	for name, c := range map[string]struct {
		grant federation.Grant
		want  []string // everything that is missing, and nothing else
	}{
		"just enough":   {full, nil},
		"full":          {federation.FullGrant(), nil},
		"nothing":       {federation.Grant{}, lacks},
		"beginnings":    {federation.Grant{Models: []string{"l*", "o*"}, Ports: []string{"invoice.*"}, Reads: []string{"cust*"}, Events: []string{"*"}, Listens: []string{"c*", "bank.*", "order.*", "web.*"}}, nil},
		"no listening":  {with(func(g *federation.Grant) { g.Listens = g.Listens[3:] }), lacks[6:9]},
		"one model":     {with(func(g *federation.Grant) { g.Models = []string{"order"} }), lacks[1:2]},
		"no reads":      {with(func(g *federation.Grant) { g.Reads = nil }), lacks[2:3]},
		"other port":    {with(func(g *federation.Grant) { g.Ports = []string{"invoice.sen"} }), lacks[5:6]},
		"other event":   {with(func(g *federation.Grant) { g.Events = []string{"payment.*", "note"} }), lacks[4:5]},
		"star is a end": {with(func(g *federation.Grant) { g.Reads = []string{"*er"} }), lacks[2:3]},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.grant.Check(orderManifest())
			if (err == nil) != (len(c.want) == 0) || err != nil && !errors.Is(err, modelspec.ErrDenied) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			for _, w := range c.want {
				if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+w+"\n") {
					t.Errorf("not said: %s", w)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("said: %q", got)
			}
		})
	}
}

// A star does not stand for the host's own words, nor does a model's name.
func TestGrantKeepsTheHostsWords(t *testing.T) {
	m := &federation.Manifest{Models: []modelspec.Descriptor{{Name: "aegis", Publishes: []modelspec.EventDescriptor{{Type: "aegis.attention"}}}}}
	for entry, ok := range map[string]bool{"*": false, "a*": false, "aegis*": false, "aegis.*": true, "aegis.attention": true} {
		g := federation.Grant{Models: []string{"*"}, Events: []string{entry}}
		if err := g.Check(m); (err == nil) != ok {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

// A component that declares nothing but an adapter of another's port gets
// nowhere near it: not by a bare name, not without a Grant, not beside the
// component that answers it.
func TestRT26AdapterCapture(t *testing.T) {
	if _, err := federation.Native(federation.Component{Name: "weather", Adapters: []adapter.Adapter{answer("", "pay", 666)}}); err == nil {
		t.Error("an adapter of no model was accepted")
	}
	tab := newTable(t)
	if err := show(t, tab, map[string]federation.Component{"shop": model("order", outbound("pay", "")), "bank": adapters(answer("order", "pay", 1))}); err != nil {
		t.Fatal(err)
	}
	evil := &gauge{}
	c := adapters(answer("order", "pay", 666))
	c.OnClose = component(evil, 0).OnClose
	if _, err := tab.Prepare(t.Context(), "weather", native(t, c), federation.Preparation{Grant: &federation.Grant{}}); !errors.Is(err, modelspec.ErrDenied) ||
		!strings.Contains(err.Error(), "order.pay") || evil.closed.Load() != 1 {
		t.Errorf("without a grant: %v, closed %d times", err, evil.closed.Load())
	}
	g := prepare(t, tab, "weather", adapters(answer("order", "pay", 666)))
	if err := tab.Swap(federation.Change{"weather": {{Gen: g}}}); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("beside the bank: %v", err)
	}
	a, gen, err := tab.PortRef("order", "pay").Pin("o1")
	if err != nil {
		t.Fatal(err)
	}
	defer gen.Unpin()
	v, err := a.Call(context.Background(), nil)
	if n, _ := modelspec.As[int](v); err != nil || *n != 1 {
		t.Errorf("answered by %d, %v", *n, err)
	}
}
