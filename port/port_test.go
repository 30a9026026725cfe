package port_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var errNo = errors.New("no")

func TestDescribe(t *testing.T) {
	done := modelspec.Event[Order]{Type: "order.done"}
	policy := port.Policy{Timeout: time.Second}
	type describer interface {
		Describe() (modelspec.PortDescriptor, error)
		Ref() port.Ref
	}
	for _, c := range []struct {
		port describer
		want modelspec.PortDescriptor
	}{
		{port.Inbound[Order, Parcel, Shipment]{Name: "p", Produces: done, Policy: policy, Handle: func(*Order, context.Context, Parcel) (Shipment, error) { return Shipment{}, nil }},
			modelspec.PortDescriptor{Name: "p", Direction: modelspec.In, Produces: "order.done", Policy: policy}},
		{port.Command[Order, Parcel]{Name: "p", Produces: done, Policy: policy, Handle: func(*Order, context.Context, Parcel) error { return nil }},
			modelspec.PortDescriptor{Name: "p", Direction: modelspec.In, Produces: "order.done", Policy: policy}},
		{port.Func[Order, Parcel, Shipment]{Name: "p", Policy: policy, Handle: func(context.Context, Parcel) (Shipment, error) { return Shipment{}, nil }},
			modelspec.PortDescriptor{Name: "p", Direction: modelspec.In, Stateless: true, Policy: policy}},
		{port.Outbound[Order, Parcel, Shipment]{Name: "p", On: []modelspec.EventRef{done, modelspec.EventName("x")}, Produces: done, Undo: true, Exclusive: true, Optional: true, Repeats: 3, Policy: policy, Request: func(*Order) Parcel { return Parcel{} }},
			modelspec.PortDescriptor{Name: "p", Direction: modelspec.Out, On: []string{"order.done", "x"}, Produces: "order.done", Undo: true, Exclusive: true, Optional: true, Repeats: 3, Policy: policy}},
	} {
		got, err := c.port.Describe()
		if err != nil || got.Request.Properties["orderId"] == nil || got.Response == nil {
			t.Errorf("%T: %+v %v", c.port, got, err)
		}
		got.Request, got.Response = nil, nil
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%T:\ngot  %+v\nwant %+v", c.port, got, c.want)
		}
		if r := c.port.Ref(); r.Port != "p" || r.Model != "" || r.Type != reflect.TypeFor[Order]() {
			t.Errorf("%T: %+v", c.port, r)
		}
	}
	if r := (port.Command[Order, Parcel]{Name: "p", Model: "order"}).Ref(); r.Model != "order" {
		t.Error(r)
	}
}

func TestDescribeRefuses(t *testing.T) {
	type describer interface {
		Describe() (modelspec.PortDescriptor, error)
	}
	for _, c := range []struct {
		port describer
		want string
	}{
		{port.Inbound[Order, Parcel, Shipment]{Name: "p"}, "port p: has no Handle"},
		{port.Command[Order, Parcel]{Name: "p"}, "port p: has no Handle"},
		{port.Func[Order, Parcel, Shipment]{Name: "p"}, "port p: has no Handle"},
		{port.Outbound[Order, Parcel, Shipment]{Name: "p"}, "port p: has no Request"},
		{port.Command[Order, chan int]{Name: "p", Handle: func(*Order, context.Context, chan int) error { return nil }}, "port p: request: chan int"},
		{port.Func[Order, int, struct {
			A int `aegis:"mni=1"`
		}]{Name: "p", Handle: func(context.Context, int) (r struct {
			A int `aegis:"mni=1"`
		}, _ error) {
			return r, nil
		}}, "port p: answer: "},
	} {
		if _, err := c.port.Describe(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestApply(t *testing.T) {
	ctx := t.Context()
	fail := func(err error) func(*Order, context.Context, Parcel) error {
		return func(*Order, context.Context, Parcel) error { return err }
	}
	in := port.Inbound[Order, Parcel, Shipment]{Handle: func(o *Order, _ context.Context, p Parcel) (Shipment, error) {
		o.Total++
		return Shipment{p.OrderID}, nil
	}}
	o, arg := &Order{}, modelspec.FromJSON([]byte(`{"orderId":"x"}`))
	v, err := in.Apply(ctx, modelspec.OpInvoke, o, arg)
	if s, _ := modelspec.As[Shipment](v); err != nil || s.Tracking != "x" || o.Total != 1 {
		t.Error(v, err)
	}
	if v, err := (port.Command[Order, Parcel]{Handle: fail(nil)}).Apply(ctx, modelspec.OpInvoke, o, arg); v != nil || err != nil {
		t.Error(v, err)
	}
	if _, err := (port.Command[Order, Parcel]{Handle: fail(errNo)}).Apply(ctx, modelspec.OpInvoke, o, nil); err != errNo {
		t.Error(err)
	}
	twice := port.Func[Order, int, int]{Handle: func(_ context.Context, n int) (int, error) { return 2 * n, nil }}
	if v, err := twice.Apply(ctx, modelspec.OpInvoke, nil, modelspec.Of(4)); err != nil || *as[int](t, v) != 8 {
		t.Error(v, err)
	}
	if v, err := Ship.Apply(ctx, modelspec.OpRequest, &Order{ID: "o"}, nil); err != nil || as[Parcel](t, v).OrderID != "o" {
		t.Error(v, err)
	}
	if v, err := Ship.Apply(ctx, modelspec.OpReply, o, modelspec.Of(Shipment{"T"})); v != nil || err != nil || o.Tracking != "T" {
		t.Error(v, err)
	}
	quiet := Ship
	quiet.Reply = nil
	if v, err := quiet.Apply(ctx, modelspec.OpReply, o, modelspec.FromJSON([]byte("["))); v != nil || err != nil {
		t.Error(v, err)
	}
	for _, p := range []modelspec.Port[Order]{in, port.Command[Order, Parcel]{Handle: fail(nil)}, port.Func[Order, Parcel, int]{}, Ship} {
		op := modelspec.OpInvoke
		if _, out := p.(port.Outbound[Order, Parcel, Shipment]); out {
			op = modelspec.OpReply
		}
		if _, err := p.Apply(ctx, op, o, modelspec.FromJSON([]byte(`[]`))); modelspec.CodeOf(err) != modelspec.ErrInvalid {
			t.Errorf("%T: %v", p, err)
		}
	}
}

func as[T any](t *testing.T, v *modelspec.Value) *T {
	t.Helper()
	out, err := modelspec.As[T](v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCallFoldsTheAnswer(t *testing.T) {
	var asked []modelspec.Effect
	answer, fail := modelspec.Of(Shipment{"T"}), error(nil)
	ctx := modelspec.WithEffects(t.Context(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		asked = append(asked, e)
		return answer, fail
	}))
	o := &Order{ID: "o1"}
	if s, err := Ship.Call(ctx, o); err != nil || s.Tracking != "T" || o.Tracking != "T" || as[Parcel](t, asked[0].Arg).OrderID != "o1" {
		t.Error(s, err, o)
	}
	if _, err := Ship.CallWith(ctx, o, Parcel{"other"}); err != nil || as[Parcel](t, asked[1].Arg).OrderID != "other" {
		t.Error(err)
	}
	if err := Ship.TakeBack(ctx, o); err != nil || asked[2].Verb != modelspec.VerbUndo || asked[2].Target != "ship" {
		t.Error(err, asked[2])
	}
	answer = modelspec.FromJSON([]byte(`7`))
	if _, err := Ship.Call(ctx, o); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
	fail, o.Tracking = errNo, ""
	if _, err := Ship.Call(ctx, o); err != errNo || o.Tracking != "" {
		t.Error(err, o)
	}
	if _, err := Ship.Call(t.Context(), o); modelspec.CodeOf(err) != modelspec.ErrDenied {
		t.Errorf("outside a handler: %v", err)
	}
}

// desk is a host that notes what it is asked.
type desk struct {
	ref    port.Ref
	id     string
	arg    *modelspec.Value
	answer *modelspec.Value
	err    error
}

func (d *desk) InvokePort(_ context.Context, p port.Ref, id string, arg *modelspec.Value) (*modelspec.Value, error) {
	d.ref, d.id, d.arg = p, id, arg
	return d.answer, d.err
}

func TestInvoke(t *testing.T) {
	d := &desk{answer: modelspec.FromJSON([]byte(`{"tracking":"T"}`))}
	in := port.Inbound[Order, Parcel, Shipment]{Name: "in", Model: "order"}
	if s, err := in.Invoke(t.Context(), d, "o1", Parcel{"x"}); err != nil || s.Tracking != "T" || d.id != "o1" || d.ref != in.Ref() || as[Parcel](t, d.arg).OrderID != "x" {
		t.Error(s, err, d)
	}
	f := port.Func[Order, Parcel, Shipment]{Name: "f"}
	if s, err := f.Invoke(t.Context(), d, Parcel{}); err != nil || s.Tracking != "T" || d.id != "" || d.ref.Port != "f" {
		t.Error(s, err, d)
	}
	d.answer = nil
	if err := Hurry.Invoke(t.Context(), d, "o2", port.None{}); err != nil || d.id != "o2" {
		t.Error(err)
	}
	d.err = errNo
	if _, err := in.Invoke(t.Context(), d, "o1", Parcel{}); err != errNo {
		t.Error(err)
	}
	d.err, d.answer = nil, modelspec.FromJSON([]byte(`[]`))
	if _, err := in.Invoke(t.Context(), d, "o1", Parcel{}); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
}
