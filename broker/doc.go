// Package broker carries events between the models of one process.
//
// A model publishes facts; whoever subscribed to their type gets them. There
// are three kinds of subscription, and what each promises is all there is to
// know about the package:
//
//	                     Required           Block                DropOldest (zero)
//	who calls            the publisher      a goroutine of its   a goroutine of its
//	                                        own, by a queue      own, by a queue
//	an event is taken    handler is nil     it is in the queue   never waited for
//	a crash loses        nothing            what is queued       what is queued
//	a slow handler       holds publishers   holds publishers     misses the oldest
//	                                        at a full queue      waiting events
//	its errors reach     OnFailure and      OnFailure            OnFailure
//	                     the publisher
//
// # Guarantees
//
// Order. Events of one (Source, Subject) reach each subscription in the order
// in which they were published. Two calls of Publish that overlap have no
// order, so whoever publishes for a subject does so one event at a time; an
// engine that holds the document while it publishes does. Nothing is said
// about the order between subjects.
//
// Concurrency. A subscription with a queue has one goroutine, so its handler
// never runs twice at a time. A Required handler runs on the publishers'
// goroutines: at most once at a time for one subject, at the same time for
// different ones.
//
// At least once. [Broker.Publish] returns nil only when every Required handler
// that matches returned nil and every Block queue that matches has the event.
// Until then the publisher keeps the event (an engine: in the outbox of the
// document, which survives a crash) and publishes it again; its ID stays the
// same, by which a handler knows it. [Broker.Deliver] does not repeat what
// succeeded, and [Broker.DeliverTo] is for an operator's retry. [Broker.Needs]
// says, for about ten nanoseconds, whether an event has to be kept at all.
//
// Live. A subscription that is not Required sees what is published after
// [Broker.Subscribe] returned and before [Handle.Close] was called. It may miss
// events when its queue overflows. No event is lost in silence: a drop is
// counted in [Stats] and reported to Config.OnFailure with the event.
//
// Change. A subscription made while an event is being delivered sees the next
// one. A subscription closed while an event is being delivered sees no more: no
// call of its handler begins after [Handle.Close] returned, and Close waits for
// a call under way, except from inside that very handler. A consumer is replaced
// without a gap by subscribing its successor under the same name before closing
// it: an event on its way to the one goes to the other.
//
// Isolation. An error or panic of one handler changes nothing for the others:
// they are still called. A panic becomes an error of code internal with the
// stack in its text. Not even runtime.Goexit ends a subscription.
//
// Waiting. Only Required and Block hold a publisher: a Required handler for as
// long as it runs, with the publisher's context; a full Block queue until there
// is room, the publisher's context ends, or the subscription or broker is
// closed. It may wait up to one call of the handler longer than there is room,
// so that a fast handler costs no wake-up for each event. A live handler that
// hangs holds nobody else, except publishers at its full Block queue, and Close.
//
// Once. A subscription with Once has its handler called for exactly one event,
// however many publishers race, and is closed then, by itself. A Required one
// ends with the first event that its handler took: an error keeps it, and
// publishers wait for the outcome of the one before them. Any other ends with
// its one call, whatever that returns.
//
// Delay. A handler with a Delay runs no earlier than so long after the event's
// Time. With a queue, events wait in it, in order and within its bound, on one
// timer; Close drops them. Required is durable: the publisher keeps the event,
// and its attempts fail with a [Later] until the time has come; [LaterOf] tells
// that apart from failures.
//
// Filter. A subscription with a [Filter] gets the events that it lets through,
// and is for all others as if it did not match. An event has one answer, however
// often it is asked. A filter can call nothing of the host, its cost is bounded
// for each event, and one that fails holds the event back, counted and reported.
// Data is decoded once for all filters, and not at all without any.
//
// Group. Of the subscriptions that share a Group and match, exactly one takes
// each event. Events of one (Source, Subject) go to the same one as long as the
// members stay the same, so the order holds. At least once holds for the group:
// some member's handler returned nil, or some member's queue has the event. The
// account of [Broker.Deliver] has the group's name. A member that is closed
// leaves its work to the others.
//
// # Patterns
//
// A type is a list of tokens with dots between them. A pattern is the same,
// where * stands for any one token, and a last > for one or more:
//
//	order.approved    exactly that
//	order.*           order.approved, not order.item.added
//	*.created         order.created, customer.created
//	order.>           order.approved and order.item.added, not order
//	>                 everything
//
// Ignore leaves some of them out again. What matches is found by tokens and
// remembered for each (source, type) in a cache of bounded size, so publishing
// costs what the matching subscriptions cost, however many others there are.
//
// # What to look out for
//
// A handler that publishes what it also consumes calls itself: with Required it
// recurses, with Block it waits for its own queue until its context ends. Two
// handlers that close each other's subscription at the same moment wait for
// each other. A filter runs on the publisher's goroutine, also for subscriptions
// that nobody waits for. A Handle closed inside some Required handler does not wait for
// the calls of Required handlers, since they may wait for each other.
package broker
