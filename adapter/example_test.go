package adapter_test

import (
	"context"
	"fmt"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type Order struct {
	ID string `json:"id"`
}

type Parcel struct {
	OrderID string `json:"orderId"`
}

type Shipment struct {
	Tracking string `json:"tracking"`
}

var Ship = port.Outbound[Order, Parcel, Shipment]{
	Name: "ship", Undo: true,
	Request: func(o *Order) Parcel { return Parcel{o.ID} },
}

func ExampleBindUndo() {
	a := adapter.BindUndo(Ship,
		func(ctx context.Context, p Parcel) (Shipment, error) {
			fmt.Println("ship", p.OrderID, "under", adapter.Key(ctx))
			return Shipment{"T-1"}, nil
		},
		func(_ context.Context, t adapter.Taken[Parcel, Shipment]) error {
			if t.Answer == nil {
				fmt.Println("stop whatever came under", t.Key)
			} else {
				fmt.Println("call back", t.Answer.Tracking)
			}
			return nil
		})

	// What a host does with it.
	ctx := context.WithValue(context.Background(), adapter.KeyKey, "k1")
	request := modelspec.Of(Parcel{"o1"})
	answer, err := a.Call(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	undo := context.WithValue(context.Background(), adapter.UndoesKey, "k1")
	fmt.Println(a.Undo(undo, request, answer), a.Undo(undo, request, nil))
	// Output:
	// ship o1 under k1
	// call back T-1
	// stop whatever came under k1
	// <nil> <nil>
}

type Stock struct {
	ID   string `json:"id"`
	Left int    `json:"left"`
}

var Reserve = port.Inbound[Stock, int, Shipment]{Name: "reserve"}

func ExampleRoute() {
	a := adapter.Route(Ship, Reserve, func(p Parcel) (id string, n int) { return "shelf-of-" + p.OrderID, 1 })
	id, arg, err := a.Route.Map(modelspec.FromJSON([]byte(`{"orderId":"o1"}`)))
	n, _ := arg.JSON()
	fmt.Println(a.Port, "->", a.Route.To.Port, id, string(n), err)
	// Output: ship -> reserve shelf-of-o1 1 <nil>
}
