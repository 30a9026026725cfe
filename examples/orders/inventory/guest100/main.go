//go:build wasip1

// Guest100 is inventory 1.0.0 as a WebAssembly module.
package main

import (
	"github.com/org/aegis/examples/orders/inventory"
	"github.com/org/aegis/wasm/guest"
)

func init() { guest.Serve(inventory.V100()) }

func main() {}
