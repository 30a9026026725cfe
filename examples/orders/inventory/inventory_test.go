package inventory_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/examples/orders/order"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// invoke asks a port of one of the component's models.
func invoke(t *testing.T, c federation.Component, e modelspec.Effects, model, port string, doc, arg any) (modelspec.Reply, error) {
	t.Helper()
	for _, m := range c.Models {
		s, err := m.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if s.Descriptor().Name == model {
			return s.Handle(modelspec.WithEffects(t.Context(), e), modelspec.Call{Op: modelspec.OpInvoke, Port: port, Doc: modelspec.Of(doc), Arg: modelspec.Of(arg)})
		}
	}
	t.Fatalf("no model %s", model)
	return modelspec.Reply{}, nil
}

func TestMoves(t *testing.T) {
	tea := inventory.Stock{Name: "Tea", Warehouse: "north", InStock: 3}
	for _, c := range []struct {
		component federation.Component
		port      string
		qty       int64
		want      inventory.Level
		refused   bool
	}{
		{inventory.V100(), "reserve", 3, inventory.Level{InStock: 0}, false},
		{inventory.V110(), "reserve", 3, inventory.Level{InStock: 0, Warehouse: "north"}, false},
		{inventory.V100(), "return", 2, inventory.Level{InStock: 5}, false},
		{inventory.V110(), "return", 2, inventory.Level{InStock: 5, Warehouse: "north"}, false},
		{inventory.V100(), "reserve", 4, inventory.Level{}, true},
		{inventory.V110(), "reserve", 4, inventory.Level{}, true},
	} {
		r, err := invoke(t, c.component, nil, "inventory", c.port, tea, inventory.Move{OrderID: "o", Qty: c.qty})
		if c.refused {
			if !errors.Is(err, modelspec.ErrRefused) {
				t.Errorf("%s %s %d: %v", c.component.Version, c.port, c.qty, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, err := modelspec.As[inventory.Level](r.Result); err != nil || *got != c.want {
			t.Errorf("%s %s %d: %+v %v, want %+v", c.component.Version, c.port, c.qty, got, err, c.want)
		}
		if s, err := modelspec.As[inventory.Stock](r.Doc); err != nil || s.InStock != c.want.InStock || s.Reserved+s.Returned != 1 {
			t.Errorf("%s %s %d: %+v %v", c.component.Version, c.port, c.qty, s, err)
		}
	}
}

func TestPick(t *testing.T) {
	var asked []inventory.Part
	short := ""
	host := modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		p, err := modelspec.As[inventory.Part](e.Arg)
		if err != nil || e.Verb != modelspec.VerbCall || e.Target != "take" && e.Target != "giveBack" {
			t.Fatalf("%+v %v", e, err)
		}
		if p.ItemID == short {
			return nil, modelspec.Refuse("none left")
		}
		asked = append(asked, *p)
		return modelspec.Of(inventory.Level{}), nil
	})
	parcel := order.Parcel{OrderID: "o", Lines: []order.Line{{ItemID: "tea", Qty: 2}, {ItemID: "cup", Qty: 1}}}
	want := []inventory.Part{{OrderID: "o", ItemID: "tea", Qty: 2}, {OrderID: "o", ItemID: "cup", Qty: 1}}
	for version, c := range map[string]federation.Component{"": inventory.V100(), "north": inventory.V110()} {
		asked = nil
		r, err := invoke(t, c, host, "warehouse", "pick", inventory.Warehouse{ID: "north"}, parcel)
		if err != nil || !reflect.DeepEqual(asked, want) {
			t.Fatalf("%v %v", asked, err)
		}
		if p, err := modelspec.As[order.Picked](r.Result); err != nil || p.Warehouse != version {
			t.Errorf("%s: %+v %v", c.Version, p, err)
		}
		asked = nil
		if _, err := invoke(t, c, host, "warehouse", "unpack", inventory.Warehouse{ID: "north"}, parcel); err != nil || !reflect.DeepEqual(asked, want) {
			t.Errorf("unpack: %v %v", asked, err)
		}
	}
	short = "cup"
	if _, err := invoke(t, inventory.V100(), host, "warehouse", "pick", inventory.Warehouse{}, parcel); !errors.Is(err, modelspec.ErrRefused) {
		t.Errorf("out of stock: %v", err)
	}
	asked, parcel.Canceled = nil, true
	if _, err := invoke(t, inventory.V100(), host, "warehouse", "pick", inventory.Warehouse{}, parcel); !errors.Is(err, modelspec.ErrRefused) || len(asked) > 0 {
		t.Errorf("canceled: %v %v", asked, err)
	}
}
