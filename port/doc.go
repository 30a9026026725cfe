// Package port has the typed ports of a model: where the world reaches it, and
// where it reaches the world.
//
//	var Approve = port.Inbound[Order, Approval, port.None]{
//		Name: "approve", Produces: modelspec.EventName("order.approved"), Handle: (*Order).approve,
//	}
//
//	var ShipOrder = port.Outbound[Order, Parcel, Shipment]{
//		Name: "shipOrder", On: []modelspec.EventRef{modelspec.EventName("order.approved")},
//		Request: (*Order).parcel, Reply: (*Order).shipped,
//	}
//
// A port is a value with types for the model, its request and its answer, so
// that a handler that does not fit its port, a caller that sends the wrong
// thing and an adapter that answers with something else do not compile.
//
//   - [Inbound], [Command] (no answer) and [Func] (no document) are called from
//     outside: over HTTP, by another component, or with Invoke. A handler may act
//     through its context only.
//   - [Outbound] is called by the host: when an event in On goes out, or when a
//     handler says Call. Its two halves, Request and Reply, are pure; what
//     happens between them is an adapter's: see package adapter.
//
// Ports are data. Nothing runs before a host does, and values of this package
// are safe for concurrent use.
//
// A request and an answer follow the same laws as documents, and their tags are
// checked at the boundary: see package modelspec.
package port
