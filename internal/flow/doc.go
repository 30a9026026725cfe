// Package flow makes commands and what follows from them durable: one step at
// a time, one document at a time.
//
// Every step ends in one conditional write of one document, which holds the
// data, what is still to be done (flows), what is still to be told (outbox)
// and what has been answered (receipts). Whatever was not written did not
// happen, and is done again under the same key.
//
// # Ways through the package
//
//	command   Engine.Invoke -> frame.run -> frame.commit -> draft.save
//	effect    frame.Do -> callPort -> intend (a trace, if it can be undone) -> callCtx.do -> adapter
//	flow      Engine.Run -> task -> advance -> ask | fold | takeBack -> step.write -> draft.save
//	events    draft.emit -> outbox (if somebody requires them) -> maintain -> Broker.Publish
//	recovery  Engine.poll -> Collection.Due -> task. Nothing else.
//
// # What an attempt can come to
//
// Not sent: nothing was asked of anybody. It is repeated with growing pauses
// and undoes nothing; at the flow's deadline, a day, a person must look.
// Unknown: it may have had its effect. It is asked again under its key until
// it is answered, and undone only after the deadline. Answered: the answer is
// kept in the step before the model sees it, so a model that cannot take it
// undoes nothing. A refusal turns the flow round.
//
// # What is promised
//
// At most one effect per key, and none after its undo, if the service keeps
// keys and tombstones at least as long as the flow's deadline. Events that
// somebody requires: at least once, with stable ids, in order per subject.
// Events that nobody requires are told to whoever listens and not kept.
package flow
