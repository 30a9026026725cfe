//go:build e2e

package e2e_test

import (
	"strings"
	"testing"
)

const (
	parcel = `package parcel

import (
	"context"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Parcel struct {
	ID       string ` + "`json:\"id\"`" + `
	To       string ` + "`json:\"to\" aegis:\"required\"`" + `
	Tracking string ` + "`json:\"tracking,omitempty\"`" + `
}

type Label struct{ To string }

type Ticket struct{ Number string }

var Sent = modelspec.Event[Parcel]{Type: "parcel.sent"}

var Carry = port.Outbound[Parcel, Label, Ticket]{Name: "carry", On: []modelspec.EventRef{Sent}, Produces: modelspec.EventName("parcel.carried"),
	Request: func(p *Parcel) Label { return Label{p.To} },
	Reply:   func(p *Parcel, t Ticket) error { p.Tracking = t.Number; return nil }}

func Send() port.Inbound[Parcel, port.None, port.None] {
	return port.Inbound[Parcel, port.None, port.None]{Name: "send", Produces: Sent, Handle: func(*Parcel, context.Context, port.None) (port.None, error) { return port.None{}, nil }}
}

func Model() modelspec.Model[Parcel] {
	return modelspec.Model[Parcel]{Name: "parcel", Ports: []modelspec.Port[Parcel]{Send(), Carry}}
}

func Component() federation.Component {
	return federation.Component{Name: "parcel", Version: "1.0.0", Models: []modelspec.Interface{Model()}}
}
`
	parcelGuest = `//go:build wasip1

package main

import (
	"example.com/todo"
	"github.com/org/aegis/wasm/guest"
)

func init() { guest.Serve(parcel.Component()) }

func main() {}
`
	parcelTest = `package parcel_test

import (
	"testing"

	"example.com/todo"
	"github.com/org/aegis"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/port"
)

func TestParcel(t *testing.T) {
	aegistest.Each(t, aegistest.Config{Component: parcel.Component, Guest: "./guest"}, func(t *testing.T, host *aegistest.Host) {
		aegistest.Stub(host, parcel.Carry, parcel.Ticket{Number: "t1"})
		parcels := aegis.NewRepository(host.Host, parcel.Model())
		if _, err := parcels.Create(t.Context(), "p1", parcel.Parcel{To: "ann"}); err != nil {
			t.Fatal(err)
		}
		if _, err := parcel.Send().Invoke(t.Context(), host, "p1", port.None{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectEvents("parcel.created", "parcel.sent", "parcel.carried")
		if p, err := parcels.Find(t.Context(), "p1"); err != nil || p.Tracking != "t1" {
			t.Errorf("%+v, %v", p, err)
		}
	})
}
`
)

// The kit for users' tests works where users are: in a module of their own,
// over every placement, with a guest of theirs.
func TestKitOutside(t *testing.T) {
	m := newModule(t)
	m.write("parcel.go", parcel)
	m.write("parcel_test.go", parcelTest)
	m.write("guest/main.go", parcelGuest)
	m.run("go", "mod", "tidy")
	out := m.run("go", "test", "-count=1", "-v", ".")
	for _, place := range []string{"direct", "codec", "wasm"} {
		if !strings.Contains(out, "--- PASS: TestParcel/"+place) {
			t.Errorf("%s did not pass:\n%s", place, out)
		}
	}
}
