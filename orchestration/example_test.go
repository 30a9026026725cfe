package orchestration_test

import (
	"fmt"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/orchestration"
	"github.com/org/aegis/port"
)

type Parcel struct {
	ID      string `json:"id"`
	Carrier string `json:"carrier"`
}

func Example() {
	out := func(name string) port.Outbound[Parcel, port.None, port.None] {
		return port.Outbound[Parcel, port.None, port.None]{Name: name, Request: func(*Parcel) (n port.None) { return n }}
	}
	spec, err := modelspec.Model[Parcel]{Name: "parcel", Ports: []modelspec.Port[Parcel]{out("label"), out("ship")}}.Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	specs, services := []*modelspec.Spec{spec}, []string{"post"}

	good, err := orchestration.Parse([]byte(`
version: 1
bindings:
  parcel.ship: {service: post}
flows:
  send: {model: parcel, start: parcel.created, steps: [label, {port: ship, delay: 5m}]}
`), "flows.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := good.Compile(specs, services)
	if err != nil {
		fmt.Println(err)
		return
	}
	shown, err := spec.With(plan.Overlay["parcel"]) // as a host's table does
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"label", "ship"} {
		p := shown.Port(name)
		fmt.Println(name, p.On, p.Delay)
	}
	fmt.Println(plan.Bindings)

	bad, err := orchestration.Parse([]byte("version: 1\nmodels:\n  parcel:\n    ports:\n      shipp: {delay: 5m}\n"), "flows.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = bad.Compile(specs, services)
	fmt.Println(err)
	// Output:
	// label [parcel.created] 0s
	// ship [parcel.send.label] 5m0s
	// map[parcel.ship:post]
	// flows.yaml:5:7: models.parcel.ports.shipp: model parcel has no such port: did you mean ship?
}
