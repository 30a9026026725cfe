// Package orchestration reads how an operator wants components wired: a
// document in YAML or JSON that says which events run which ports, with which
// policies, which services answer, and which ports make a flow. No code is
// touched, and nothing has to be loaded anew.
//
//	version: 1
//	models:
//	  order:
//	    ports:
//	      ship:
//	        delay: 5m
//	        policy: {timeout: 10s, retries: 4, breaker: {failures: 5, open: 30s}}
//	        fallback: shipSlowly
//	bindings:
//	  order.ship: {service: parcels}
//	flows:
//	  fulfil:
//	    model: order
//	    start: order.approved
//	    steps:
//	      - authorize
//	      - {port: ship, optional: true}
//	      - parallel: [invoice, label]
//	      - complete
//
// [Parse] reads a document, [Document.Compile] checks it against the models of
// a host and makes a [Plan], and a host shows that in one step:
//
//	d, err := orchestration.Parse(text, "flows.yaml")
//	...
//	plan, err := d.Compile(table.Snapshot().Declared(), services)
//	...
//	err = table.Overlay(plan.Overlay)
//
// A document says all that is wanted otherwise: what was applied before does
// not shine through, and an empty one (version: 1) goes back to the code.
//
// # Models
//
// Under a port stands what the code says otherwise: on, all, delay, produces,
// policy, undoPolicy, optional, exclusive, repeats, disabled, fallback,
// default, await, methods, path and keys, as in modelspec.PortDescriptor. What
// is not named stays. Within policy, breaker and await that is so for each
// member; a list, such as on, replaces the whole list. Durations are as Go
// writes them: 90s, 5m, 1h30m.
//
// An event in on is one of the document itself where only its type is written.
// One of another model, or of outside, says how documents are found by it:
//
//	on: [order.approved, {event: payment.settled, key: /orderId, field: number}]
//
// fallback takes away a default of the code, and default a fallback; default:
// null takes the default away.
//
// # Flows
//
// A flow is a chain of ports of one model. The first runs on start, and each
// other one on what the step before it produces: its own event, or
// <model>.<flow>.<port> where it has none. Behind parallel the next step runs
// when all of them are done, in one flow of the document, and behind any once,
// when the first of them is. What the code says of when the ports run (on, all,
// delay) is gone; what the document says of them under models holds, but for on
// and all, which are the flow's. A port has one place in the flows of a model.
//
// An optional step that is refused produces nothing: what stands behind it is
// not run.
//
// # Guarantees
//
//   - Every mistake is an [*Error] with its line, column and path, and the word
//     that may have been meant. All are told together, by line, 50 at most.
//   - A document is checked whole: shape, names (model, port, event, service,
//     relation, field), types (an event's data against requests, answers and
//     keys), events that nobody publishes, steps that are not reached, and
//     circles that nothing ends.
//   - Nothing is changed by Parse and Compile. A plan is data, and safe to
//     show again after any failure.
//   - A document is bounded: see [Parse]. Aliases are refused, so that nothing
//     grows.
//
// [Schema] is the JSON Schema of documents, for editors. Values of this package
// are safe for concurrent use.
package orchestration
