package federationtest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/federationtest"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

type order struct {
	ID string `json:"id"`
}

var price = port.Outbound[order, string, int]{Name: "price", Request: func(o *order) string { return o.ID }}

// A component is tested behind the frames that a guest would use.
func Example() {
	ctx := context.Background()
	c := federation.Component{Name: "pricing", Adapters: []adapter.Adapter{
		adapter.Bind(price, func(_ context.Context, id string) (int, error) { return len(id) * 100, nil }),
	}}
	m, conn, err := federationtest.Load(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	ask := m.Adapters()[0].Call
	v, err := ask(ctx, modelspec.Of("o-42"))
	if err != nil {
		log.Fatal(err)
	}
	n, err := modelspec.As[int](v)
	fmt.Println(*n, err)

	conn.Fail(func(modelspec.Call) error { return modelspec.ErrUnavailable })
	_, err = ask(ctx, modelspec.Of("o-42"))
	fmt.Println(modelspec.CodeOf(err))
	fmt.Println(m.Close(), conn.Closed())
	// Output:
	// 400 <nil>
	// unavailable
	// <nil> 1
}
