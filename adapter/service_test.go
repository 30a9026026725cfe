package adapter_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Carrier is what may stand behind Ship.
type Carrier interface {
	Ship(context.Context, Parcel) (Shipment, error)
	Send(context.Context, Parcel) error
	Recall(context.Context, adapter.Taken[Parcel, Shipment]) error
}

type post struct{ name string }

func (p post) Ship(_ context.Context, in Parcel) (Shipment, error) {
	return Shipment{p.name + " " + in.OrderID}, nil
}
func (p post) Send(context.Context, Parcel) error { return fmt.Errorf("%s: %w", p.name, errDown) }
func (p post) Recall(_ context.Context, t adapter.Taken[Parcel, Shipment]) error {
	return fmt.Errorf("%s: %s: %w", p.name, t.Request.OrderID, errDown)
}

type clerk struct{ post }

func (*clerk) Ship(context.Context, Parcel) (Shipment, error) { return Shipment{}, nil }

type mute struct{}

func (mute) Send(context.Context, Parcel) error                            { return nil }
func (mute) Recall(context.Context, adapter.Taken[Parcel, Shipment]) error { return nil }

type odder struct{ mute }

func (odder) Ship(context.Context, string) (Shipment, error) { return Shipment{}, nil }

// stamp has Ship and a pointer's Recall.
type stamp struct{ mute }

func (*stamp) Ship(context.Context, Parcel) (Shipment, error) { return Shipment{}, nil }

var plain = port.Outbound[Order, Parcel, Shipment]{Name: "plain", Request: func(*Order) (p Parcel) { return }}

// Each of the four is the data of its kin, unavailable until it is bound, and
// then calls the service it was bound to.
func TestVia(t *testing.T) {
	for name, c := range map[string]struct {
		a          adapter.Adapter
		asks, undo bool
	}{
		"Via":        {adapter.Via(plain, "post", Carrier.Ship), false, false},
		"ViaUndo":    {adapter.ViaUndo(Ship, "post", Carrier.Ship, Carrier.Recall), false, true},
		"AskVia":     {adapter.AskVia(plain, "post", Carrier.Send), true, false},
		"AskViaUndo": {adapter.AskViaUndo(Ship, "post", Carrier.Send, Carrier.Recall), true, true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.a.Service != "post" || c.a.ServiceType != reflect.TypeFor[Carrier]() || c.a.Type != reflect.TypeFor[Order]() || c.a.Asks != c.asks || (c.a.Undo != nil) != c.undo {
				t.Errorf("%+v", c.a)
			}
			_, err := c.a.Call(t.Context(), parcel)
			if modelspec.CodeOf(err) != modelspec.ErrUnavailable || !modelspec.NotSent(err) || !strings.Contains(err.Error(), `"post"`) {
				t.Errorf("unbound: %v", err)
			}
			if c.undo {
				if err := c.a.Undo(t.Context(), parcel, nil); !modelspec.NotSent(err) {
					t.Errorf("unbound undo: %v", err)
				}
			}
			for _, s := range []string{"dhl", "ups"} { // twice: an adapter is data
				b, err := c.a.With(post{s})
				if err != nil || b.With != nil || b.Service != "post" || b.ServiceType != c.a.ServiceType || b.Ref() != c.a.Ref() || b.Asks != c.asks {
					t.Fatalf("%+v %v", b, err)
				}
				v, err := b.Call(t.Context(), parcel)
				if c.asks {
					if err == nil || err.Error() != s+": down" {
						t.Error(err)
					}
				} else if sh, _ := modelspec.As[Shipment](v); err != nil || sh.Tracking != s+" o1" {
					t.Error(sh, err)
				}
				if c.undo {
					if err := b.Undo(t.Context(), parcel, nil); err == nil || err.Error() != s+": o1: down" {
						t.Error(err)
					}
				}
			}
		})
	}
}

func TestFits(t *testing.T) {
	open, exact := adapter.Via(plain, "post", Carrier.Ship), adapter.Via(plain, "post", (*clerk).Ship)
	for _, c := range []struct {
		a       adapter.Adapter
		service any
		says    []string // nil: it fits
	}{
		{open, post{}, nil},
		{open, &post{}, nil},
		{open, &stamp{}, nil},
		{exact, &clerk{}, nil},
		{open, nil, []string{"port plain", "adapter_test.Carrier", "nil"}},
		{open, (*post)(nil), []string{"nil"}},
		{open, mute{}, []string{"adapter_test.Carrier", "adapter_test.mute", "no method Ship"}},
		{open, odder{}, []string{"method Ship has another signature", "adapter_test.Parcel"}},
		{open, stamp{}, []string{"adapter_test.stamp", "give its pointer"}},
		{exact, clerk{}, []string{"*adapter_test.clerk", "a adapter_test.clerk"}},
		{adapter.Bind(plain, post{}.Ship), post{}, []string{"needs no service", "adapter.Via"}},
	} {
		err := c.a.Fits(c.service)
		if (err == nil) != (c.says == nil) || err != nil && modelspec.CodeOf(err) != modelspec.ErrInvalid {
			t.Errorf("%T: %v", c.service, err)
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%T: %v, want %q", c.service, err, s)
			}
		}
		if c.a.With != nil {
			if _, got := c.a.With(c.service); fmt.Sprint(got) != fmt.Sprint(err) {
				t.Errorf("%T: With says %v, Fits %v", c.service, got, err)
			}
		}
	}
}

func ExampleVia() {
	a := adapter.Via(plain, "post", Carrier.Ship) // a method expression
	_, err := a.Call(context.Background(), parcel)
	fmt.Println(modelspec.CodeOf(err), modelspec.NotSent(err))

	// What a host does with it, again whenever the service is another one.
	for _, service := range []any{post{"dhl"}, post{"ups"}, "a string"} {
		b, err := a.With(service)
		if err != nil {
			fmt.Println(err)
			continue
		}
		v, _ := b.Call(context.Background(), parcel)
		s, _ := modelspec.As[Shipment](v)
		fmt.Println(s.Tracking)
	}
	// Output:
	// unavailable true
	// dhl o1
	// ups o1
	// the adapter of port plain needs a adapter_test.Carrier, and the service is a string, which has no method Recall
}
