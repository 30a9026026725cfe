// Package flow makes commands and what follows from them durable: one step at
// a time, one document at a time.
//
// Every step ends in one conditional write of one document, which holds the
// data, what is still to be done (flows), what is still to be told (outbox),
// what was taken of others (inbox) and what has been answered (receipts).
// Whatever was not written did not happen, and is done again under the same
// key.
//
// # Ways through the package
//
//	command   Engine.Invoke -> frame.run -> frame.commit -> draft.save
//	effect    frame.Do -> callPort -> intend (a trace, if it can be undone) -> callCtx.do -> adapter
//	flow      Engine.Run -> task -> advance -> ask | fold | takeBack | late -> step.write -> draft.save
//	          ask -> call (outbound: the adapter) or handle (inbound: a frame that commits as a step)
//	events    draft.emit -> step (ports of the document itself; joins, delays)
//	          draft.emit -> outbox (if somebody requires them) -> maintain -> Broker.Deliver
//	          Broker.Deliver -> consume -> targets -> take: inbox mark, steps, answers, intake
//	answers   Engine.Complete, or take -> step.answered
//	people    ListFlows, RetryFlow, UndoFlow, AbandonFlow, RetryDeadLetter
//	recovery  Engine.poll -> Collection.Due -> the backlog -> task. Nothing else.
//
// # Flows
//
// A flow is what one command, or one event of another document, set going in a
// document: its steps, and the steps that run on the events of those. Flows of
// a document advance independently. A flow does not reach into other documents:
// there, the event that went over opens a flow of its own, whose Cause names
// it. So taking back goes over by events as well: the first document's
// <model>.undone is an event like any other.
//
// # What an attempt can come to
//
// Not sent: nothing was asked of anybody. It is repeated with growing pauses
// and undoes nothing; at the flow's deadline, a day, a person must look.
// Unknown: it may have had its effect. It is asked again under its key until
// it is answered, and undone only after the deadline. Answered: the answer is
// kept in the step before the model sees it, so a model that cannot take it
// undoes nothing. A refusal turns the flow round. Where nothing happened for
// certain, a fallback is asked, or a default taken.
//
// A port that is answered later is Awaiting: its step is in the index of its
// document under its correlation key from before anybody is asked, needs no
// goroutine and no memory, and has a deadline of its own.
//
// # What is promised
//
// At most one effect per key, and none after its undo, if the service keeps
// keys and tombstones at least as long as the flow's deadline. Events that
// somebody requires, as all models do that consume them: at least once, with
// stable ids, in order per subject. What an event does to a document of another
// model, and the mark that it was done, are one write: once. An event that a
// document will not take is a dead letter, for a person; the others go on.
// Events that nobody requires are told to whoever listens and not kept.
package flow
