package wasmtest_test

import (
	"context"
	"fmt"

	"github.com/org/aegis/wasm/wasmtest"
	"github.com/tetratelabs/wazero"
)

func Example() {
	m := wasmtest.New()
	double := m.Func(wasmtest.I32, wasmtest.I32, "", wasmtest.LocalGet(0), wasmtest.LocalGet(0), wasmtest.Add)
	m.Export("double", wasmtest.KindFunc, double)

	ctx := context.Background()
	engine := wazero.NewRuntime(ctx)
	defer engine.Close(ctx)
	instance, err := engine.Instantiate(ctx, m.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := instance.ExportedFunction("double").Call(ctx, 21)
	fmt.Println(out, err)
	// Output: [42] <nil>
}
