// Package guest turns a component into a WebAssembly module, unmodified: the
// same [github.com/org/aegis/federation.Component] that a host links in.
//
//	package main
//
//	import (
//		"github.com/org/aegis/wasm/guest"
//		"example.com/shop/order"
//	)
//
//	func init() { guest.Serve(order.Component()) }
//
//	func main() {}
//
// Build it as a reactor, a module that is called and never ends:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o order.wasm .
//
// Serve exists for GOOS=wasip1 only.
//
// # What a guest has
//
// Its memory, the host's clocks, randomness, and effects through the context
// of an inbound port's handler. It has no files, no environment, no arguments
// and no network. What it prints goes to the host's logger.
//
// An instance answers one call at a time, several instances share nothing, and
// any of them may be closed between two calls: package variables are a cache
// at best. Goroutines run only while a call does.
//
// A panic of the component becomes a reply with the code internal, and the
// instance lives on. What Go cannot recover from (out of memory, a fatal
// error) ends the instance; the host makes another.
//
// # Memory
//
// A host gives an instance 64 MiB unless it says otherwise, and memory that a
// guest once had is never returned. Serve therefore sets the soft limit of the
// garbage collector to 48 MiB, so that it collects more often rather than
// running out. A component that needs more, on a host that allows more, calls
// [runtime/debug.SetMemoryLimit] after Serve.
package guest
