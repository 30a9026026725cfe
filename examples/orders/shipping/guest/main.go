//go:build wasip1

// Guest is the component shipping as a WebAssembly module.
package main

import (
	"github.com/org/aegis/examples/orders/shipping"
	"github.com/org/aegis/wasm/guest"
)

func init() { guest.Serve(shipping.Component()) }

func main() {}
