package aegistest_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
)

// printer is a test that prints how it fails, in place of the t of a real one.
type printer struct {
	testing.TB
	cleanups []func()
}

func (p *printer) Helper()                           {}
func (p *printer) Context() context.Context          { return context.Background() }
func (p *printer) Output() io.Writer                 { return io.Discard }
func (p *printer) Cleanup(f func())                  { p.cleanups = append(p.cleanups, f) }
func (p *printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (p *printer) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (p *printer) end() {
	for _, f := range p.cleanups {
		f()
	}
}

func Example() {
	t := &printer{} // in a test: its *testing.T
	defer t.end()

	host := aegistest.New(t, aegistest.Config{
		Host: aegis.Config{Models: aegis.Models{shop.Customers}},
		Component: func() federation.Component {
			return federation.Component{Name: "order", Models: []modelspec.Interface{shop.Orders()}}
		},
	})
	aegistest.Stub(host, shop.Authorize, shop.Authorization{ID: "a1"})
	aegistest.Stub(host, shop.Ship, shop.Shipment{TrackingID: "t1"})
	aegistest.Fail(host, shop.Pick, modelspec.Refuse("no stock"), 1)

	orders := aegis.NewRepository(host.Host, shop.Orders())
	if _, err := orders.Create(t.Context(), "o1", shop.Seed()); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := shop.Approve().Invoke(t.Context(), host, "o1", shop.Approval{By: "ann"}); err != nil {
		t.Fatalf("%v", err)
	}
	host.ExpectEvents("order.created", "order.approved", "order.authorized", "order.picked")

	calls := aegistest.Calls(host, shop.Authorize)
	fmt.Println("taken back:", calls[1].Undoes == calls[0].Key)
	// Output:
	// aegistest: placement direct: events (- expected, + delivered):
	// 	  order.created (order o1)
	// 	  order.approved (order o1)
	// 	  order.authorized (order o1)
	// 	- order.picked
	// 	+ order.undone (order o1)
	// no adapter answers order.courier, order.price: Stub it, or flows wait there
	//
	// taken back: true
}
