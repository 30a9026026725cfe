package datasourcetest_test

import (
	"context"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
)

func TestBytes(t *testing.T) {
	var store datasource.Store
	datasourcetest.Run(t, datasourcetest.Harness{
		Open:   func(testing.TB) datasource.Store { store = datasourcetest.Bytes(); return store },
		Reopen: func(testing.TB) datasource.Store { return store },
	})
}

// Nothing of the writer survives: not its Go value, and not what it does to
// the bytes it gave away.
func TestBytesForgetTheWriter(t *testing.T) {
	ctx := t.Context()
	c, err := datasourcetest.Bytes().Collection("x")
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(`{"n":1}`)
	if err := c.Put(ctx, datasource.Document{ID: "raw", Revision: 1, Data: modelspec.FromJSON(raw)}); err != nil {
		t.Fatal(err)
	}
	raw[5] = '2'
	if err := c.Put(ctx, datasource.Document{ID: "go", Revision: 1, Data: modelspec.Of(struct{ N int }{1})}); err != nil {
		t.Fatal(err)
	}
	if got := text(ctx, t, c, "raw"); got != `{"n":1}` {
		t.Errorf("the store shares bytes with the writer: %s", got)
	}
	a, b := get(ctx, t, c, "go"), get(ctx, t, c, "go")
	if a.Data == b.Data {
		t.Error("two readers share a Value")
	}
	type other struct{ N int }
	if v, err := modelspec.As[other](a.Data); err != nil || v.N != 1 {
		t.Errorf("As: %+v, %v", v, err)
	}
}

func get(ctx context.Context, t *testing.T, c datasource.Collection, id string) datasource.Document {
	t.Helper()
	d, err := c.Get(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func text(ctx context.Context, t *testing.T, c datasource.Collection, id string) string {
	t.Helper()
	raw, err := get(ctx, t, c, id).Data.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
