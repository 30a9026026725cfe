// Package adapter joins the outbound ports of models to what answers them: a
// function that talks to a service, or another model of the host.
//
//	adapter.Bind(order.ShipOrder, func(ctx context.Context, p order.Parcel) (order.Shipment, error) {
//		return carrier.Ship(ctx, adapter.Key(ctx), p)
//	})
//
// [Bind] is for a port whose effect stays, [BindUndo] for one that must be
// taken back when the flow that made it fails, and [Route] and [RouteUndo] lead
// to an inbound port of another model, without code in between. [Ask] and
// [AskUndo] are for a port that is answered later.
//
// # Services
//
// [Via], [ViaUndo], [AskVia] and [AskViaUndo] name a service instead of holding
// one. The host that runs the component has the services and puts one behind
// each such adapter:
//
//	type Provider interface { // package payment
//		Charge(context.Context, order.Payment) (order.Receipt, error)
//		Refund(context.Context, adapter.Taken[order.Payment, order.Receipt]) error
//	}
//
//	adapter.ViaUndo(order.Authorize, "payments", payment.Provider.Charge, payment.Provider.Refund)
//
//	aegis.Config{
//		Services: aegis.Services{"payments": stripe.New(...), "adyen": adyen.New(...)},
//		Bindings: map[string]string{"order.authorize": "adyen"}, // an operator's choice
//	}
//
// Services are added, replaced and removed, and ports bound to others, while
// calls are under way: a call ends with the service it began with, and a service
// that has a Close is closed only when its last call has returned. What does not
// fit its adapter is refused, and changes nothing. While there is no service of
// the name, the port is unavailable and flows wait. A guest has no Go services:
// such an adapter in one stays unavailable.
//
// Another attempt of a call, and an undo, go to the service that is there at
// that time. Where two providers do not know each other's keys, let the flows of
// one end before the other takes its place, or put both behind one service that
// remembers which key is whose.
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
