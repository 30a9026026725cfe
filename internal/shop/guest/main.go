//go:build wasip1

// Guest is the shop's order as a WebAssembly module.
package main

import (
	"github.com/org/aegis/federation"
	"github.com/org/aegis/internal/shop"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/wasm/guest"
)

func init() {
	guest.Serve(federation.Component{Name: "order", Version: "1.0.0", Models: []modelspec.Interface{shop.Orders()}})
}

func main() {}
