package adapter_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var (
	errDown = errors.New("down")
	parcel  = modelspec.FromJSON([]byte(`{"orderId":"o1"}`))
	odd     = modelspec.FromJSON([]byte(`[]`))
)

func TestBind(t *testing.T) {
	var fail error
	a := adapter.Bind(Ship, func(ctx context.Context, p Parcel) (Shipment, error) {
		return Shipment{p.OrderID + adapter.Key(ctx) + adapter.Undoes(ctx)}, fail
	})
	if a.Port != "ship" || a.Model != "" || a.Type != reflect.TypeFor[Order]() || a.Undo != nil || a.Route != nil || a.Ref() != Ship.Ref() {
		t.Errorf("%+v", a)
	}
	v, err := a.Call(context.WithValue(t.Context(), adapter.KeyKey, "-k"), parcel)
	if s, _ := modelspec.As[Shipment](v); err != nil || s.Tracking != "o1-k" {
		t.Error(s, err)
	}
	if _, err := a.Call(t.Context(), odd); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
	fail = errDown
	if v, err := a.Call(t.Context(), parcel); v != nil || err != errDown {
		t.Error(v, err)
	}
}

func TestBindUndo(t *testing.T) {
	var got adapter.Taken[Parcel, Shipment]
	a := adapter.BindUndo(Ship, func(context.Context, Parcel) (Shipment, error) { return Shipment{}, nil },
		func(_ context.Context, taken adapter.Taken[Parcel, Shipment]) error { got = taken; return errDown })
	ctx := context.WithValue(t.Context(), adapter.UndoesKey, "k1")
	if err := a.Undo(ctx, parcel, modelspec.Of(Shipment{"T"})); err != errDown || got.Key != "k1" || got.Request.OrderID != "o1" || got.Answer.Tracking != "T" {
		t.Errorf("%+v %v", got, err)
	}
	if err := a.Undo(ctx, parcel, nil); err != errDown || got.Answer != nil {
		t.Errorf("%+v %v", got, err)
	}
	if err := a.Undo(ctx, odd, nil); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
	if err := a.Undo(ctx, parcel, odd); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
}

func TestRouteUndo(t *testing.T) {
	back := port.Inbound[Stock, string, port.None]{Name: "giveBack"}
	a := adapter.RouteUndo(Ship, Reserve, func(p Parcel) (string, int) { return p.OrderID, 2 },
		back, func(taken adapter.Taken[Parcel, Shipment]) (string, string) {
			if taken.Answer == nil {
				return taken.Request.OrderID, "unknown"
			}
			return taken.Request.OrderID, taken.Answer.Tracking
		})
	if a.Call != nil || a.Undo != nil || a.Route.To != Reserve.Ref() || a.Route.Back != back.Ref() {
		t.Errorf("%+v", a)
	}
	id, arg, err := a.Route.Map(parcel)
	if n, _ := modelspec.As[int](arg); err != nil || id != "o1" || *n != 2 {
		t.Error(id, n, err)
	}
	for answer, want := range map[*modelspec.Value]string{nil: "unknown", modelspec.Of(Shipment{"T"}): "T"} {
		id, arg, err := a.Route.BackMap(parcel, answer)
		if s, _ := modelspec.As[string](arg); err != nil || id != "o1" || *s != want {
			t.Error(id, *s, err)
		}
	}
	if _, _, err := a.Route.Map(odd); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
	for _, c := range [][2]*modelspec.Value{{odd, nil}, {parcel, odd}} {
		if _, _, err := a.Route.BackMap(c[0], c[1]); modelspec.CodeOf(err) != modelspec.ErrInvalid {
			t.Error(err)
		}
	}
}

func TestNotSent(t *testing.T) {
	if adapter.NotSent(nil) != nil {
		t.Error("an error of nothing")
	}
	for _, c := range []struct {
		err  error
		want modelspec.Code
	}{{errDown, modelspec.ErrUnavailable}, {modelspec.ErrDenied, modelspec.ErrDenied}, {&modelspec.Error{Code: modelspec.ErrExhausted}, modelspec.ErrExhausted}} {
		err := adapter.NotSent(c.err)
		if !modelspec.NotSent(err) || modelspec.CodeOf(err) != c.want || modelspec.NotSent(c.err) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}

func TestResolve(t *testing.T) {
	spec := func(m modelspec.Interface) *modelspec.Spec {
		s, err := m.Spec()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	orders, stock := spec(modelspec.Model[Order]{Name: "purchase"}), spec(modelspec.Model[Stock]{Name: "stock"})
	twin := spec(modelspec.Model[Order]{Name: "offer"})
	type Page[T any] struct{ Items []T }
	for _, c := range []struct {
		ref   port.Ref
		known []*modelspec.Spec
		want  string
		fails bool
	}{
		{Ship.Ref(), []*modelspec.Spec{stock, orders}, "purchase", false},
		{Ship.Ref(), nil, "order", false},
		{Ship.Ref(), []*modelspec.Spec{orders, twin}, "", true},
		{port.Ref{Model: "x", Type: reflect.TypeFor[Order]()}, []*modelspec.Spec{orders, twin}, "x", false},
		{port.Ref{}, []*modelspec.Spec{orders}, "", false},
		{port.Ref{Type: reflect.TypeFor[Page[int]]()}, nil, "page", false},
	} {
		got, err := adapter.Resolve(c.ref, c.known)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%+v: %q %v", c.ref, got, err)
		}
		if err != nil && (modelspec.CodeOf(err) != modelspec.ErrInvalid || !strings.Contains(err.Error(), "purchase and offer")) {
			t.Error(err)
		}
	}
}
