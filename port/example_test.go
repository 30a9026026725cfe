package port_test

import (
	"context"
	"fmt"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Order struct {
	ID       string `json:"id"`
	Total    int64  `json:"total"`
	Tracking string `json:"tracking"`
}

type Parcel struct {
	OrderID string `json:"orderId"`
}

type Shipment struct {
	Tracking string `json:"tracking"`
}

var Ship = port.Outbound[Order, Parcel, Shipment]{
	Name:    "ship",
	Request: func(o *Order) Parcel { return Parcel{o.ID} },
	Reply:   func(o *Order, s Shipment) error { o.Tracking = s.Tracking; return nil },
}

// Hurry ships at once, from within its handler.
var Hurry = port.Command[Order, port.None]{
	Name: "hurry",
	Handle: func(o *Order, ctx context.Context, _ port.None) error {
		_, err := Ship.Call(ctx, o)
		return err
	},
}

func Example() {
	spec, err := modelspec.Model[Order]{Name: "order", Ports: []modelspec.Port[Order]{Ship, Hurry}}.Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	// A host would send the request to the adapter that is bound to the port.
	ctx := modelspec.WithEffects(context.Background(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		req, err := modelspec.As[Parcel](e.Arg)
		fmt.Println(e.Verb, e.Target, req.OrderID)
		return modelspec.Of(Shipment{"T-1"}), err
	}))
	r, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpInvoke, Port: "hurry", ID: "o1", Doc: modelspec.Of(Order{ID: "o1", Total: 900})})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, _ := r.Doc.JSON()
	fmt.Println(string(doc))
	// Output:
	// call ship o1
	// {"id":"o1","total":900,"tracking":"T-1"}
}
