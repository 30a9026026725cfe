// Package adapter joins the outbound ports of models to what answers them: a
// function that talks to a service, or another model of the host.
//
//	adapter.Bind(order.ShipOrder, func(ctx context.Context, p order.Parcel) (order.Shipment, error) {
//		return carrier.Ship(ctx, adapter.Key(ctx), p)
//	})
//
// [Bind] is for a port whose effect stays, [BindUndo] for one that must be
// taken back when the flow that made it fails, and [Route] and [RouteUndo] lead
// to an inbound port of another model, without code in between.
//
// # Keys
//
// A call is made once, or it is made again under the same [Key], also after a
// crash. A service that keeps keys therefore acts at most once per key; one that
// does not may act twice, and nothing on this side can prevent that. An undo
// reads with [Undoes] which key it takes back, and a service should refuse that
// key from then on: the call may still be on its way.
//
// # What an error means
//
// No error: the service has answered. An error that is not
// modelspec.Transient: it has refused, and nothing happened. A transient error,
// or one without a code: nobody knows, and the host asks again under the same
// key. [NotSent]: nothing was asked of anybody.
//
// Adapters are data; a host calls them, from many goroutines at once.
package adapter
