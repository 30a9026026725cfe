//go:build wasip1

// Guest is the component payment as a WebAssembly module.
package main

import (
	"github.com/org/aegis/examples/orders/payment"
	"github.com/org/aegis/wasm/guest"
)

func init() { guest.Serve(payment.Component()) }

func main() {}
