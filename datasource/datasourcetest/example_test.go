package datasourcetest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
)

// The second Put happens, and its answer is a conflict: who wrote it is told
// by By alone.
func ExampleFaulty() {
	store := datasourcetest.Faulty(datasourcetest.Bytes(), func(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
		if op.Kind == datasourcetest.Put && op.N == 2 {
			return datasourcetest.Fault{After: modelspec.ErrConflict}
		}
		return datasourcetest.Fault{}
	})
	ctx := context.Background()
	c, err := store.Collection("orders")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Put(ctx, datasource.Document{ID: "o1", Revision: 1, By: "me-1"}))
	err = c.Put(ctx, datasource.Document{ID: "o1", Revision: 2, By: "me-2"})
	d, _ := c.Get(ctx, "o1")
	fmt.Println(errors.Is(err, modelspec.ErrConflict), d.Revision, d.By)
	// Output:
	// <nil>
	// true 2 me-2
}
