package wasm_test

import (
	"context"
	"fmt"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm"
	"github.com/org/aegis/wasm/wasmtest"
)

func Example() {
	ctx := context.Background()
	rt := wasm.New(wasm.Config{}) // for aegis.Config.Runtimes, which does the rest
	defer rt.Close()

	// A module that answers the port echo.echo with its request.
	bin := wasmtest.Echo(`{"abi":1,"name":"parrot","version":"1.0.0","adapters":[{"model":"echo","port":"echo"}]}`)
	m, err := rt.Load(ctx, federation.Artifact{Name: "parrot", MediaType: wasm.MediaType, Body: bin})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()

	answer, err := m.Adapters()[0].Call(ctx, modelspec.Of("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	said, err := modelspec.As[string](answer)
	fmt.Println(m.Manifest().Name, m.Manifest().Version, "says", *said, err)
	// Output: parrot 1.0.0 says hello <nil>
}
