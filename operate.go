package aegis

import (
	"context"

	"github.com/org/aegis/internal/flow"
)

// What operators see and do. None of it is needed while all goes well.
type (
	// FlowState is where a flow stands.
	FlowState = flow.State
	// FlowQuery says which flows to list; zero: all that are open or need attention.
	FlowQuery = flow.FlowQuery
	// FlowPage is one page of flows, of FlowEntries.
	FlowPage  = flow.FlowPage
	FlowEntry = flow.FlowEntry
	// Operator is a person who lays hand on a flow, and why. Where its Caller is
	// nil it is that of the context: see WithCaller.
	Operator = flow.Operator
	// DeadLetter is an event that a required subscriber would not take.
	DeadLetter     = flow.Letter
	DeadLetterPage = flow.LetterPage
)

// The states of a flow. The last four are its ends; of these only FlowAttention
// goes on, if a person wants it to.
const (
	FlowRunning   = flow.Running
	FlowUndoing   = flow.Undoing
	FlowCompleted = flow.Completed
	FlowUndone    = flow.Undone
	FlowAttention = flow.Attention // a person must look
	FlowAbandoned = flow.Abandoned // a person looked, and left it as it is
)

// ListFlows reads one page of the flows of one model, or of all. It looks at
// 10,000 documents at most; then the page ends early, and Next says where to go
// on. A flow that moves on while pages are read may be missed, or listed again.
//
// A query that means nothing, and a cursor of another query, are
// modelspec.ErrInvalid; a model that is not there is ErrNotFound.
func (h *Host) ListFlows(ctx context.Context, q FlowQuery) (FlowPage, error) {
	return h.engine.ListFlows(ctx, q)
}

// FlowOf reads one flow of a document with its whole log, also after it has
// ended, as long as it is kept. The error is modelspec.ErrNotFound.
func (h *Host) FlowOf(ctx context.Context, model, id, flow string) (Flow, error) {
	return h.engine.FlowOf(ctx, model, id, flow)
}

// FlowsOf reads the flows of a document, newest first: all that have not ended,
// and the newest 1,000 of those that have and are kept.
func (h *Host) FlowsOf(ctx context.Context, model, id string) ([]Flow, error) {
	return h.engine.FlowsOf(ctx, model, id)
}

// RetryFlow tries again, now, what a flow waits for. One that needs attention
// has a day again and goes on where it stopped: an undo that was refused is
// asked again under its key. A document in quarantine is let go. A flow that
// waits for nothing that has failed is left as it is; one that has ended is
// modelspec.ErrRefused. It returns the flow as it stands then.
func (h *Host) RetryFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return h.engine.RetryFlow(ctx, model, id, flow, operator(ctx, by))
}

// UndoFlow takes a flow back: all that it did, or may have done, and that can
// be undone, as if it had failed at this point. One that has completed is taken
// back as long as it is kept; its services must know its keys as long. One that
// is being taken back is left as it is. It is
// modelspec.ErrRefused where it was taken back already, or nothing of it can
// be. It returns the flow as it stands then.
func (h *Host) UndoFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return h.engine.UndoFlow(ctx, model, id, flow, operator(ctx, by))
}

// AbandonFlow leaves a flow for good as it is, with all that it did: one that
// needs attention, or one that is open and stands still because each step that
// is in turn has failed at least once. Any other is modelspec.ErrRefused. It
// returns the flow as it stands then.
func (h *Host) AbandonFlow(ctx context.Context, model, id, flow string, by Operator) (Flow, error) {
	return h.engine.AbandonFlow(ctx, model, id, flow, operator(ctx, by))
}

// RetryDocument lets a document go that is in quarantine, or could not be read:
// all that is due of it is done now.
func (h *Host) RetryDocument(ctx context.Context, model, id string, by Operator) error {
	return h.engine.RetryDocument(ctx, model, id, operator(ctx, by))
}

// DeadLetters reads one page of the events that required subscribers refused
// again and again. limit is at most how many (zero: 50, and 500 are the most);
// cursor is Next of the page before.
func (h *Host) DeadLetters(ctx context.Context, limit int, cursor string) (DeadLetterPage, error) {
	return h.engine.DeadLetters(ctx, limit, cursor)
}

// RetryDeadLetter gives an event once more to those who require it and have not
// taken it. Then the letter is gone. Where one refuses it again the letter
// stays, and the error is modelspec.ErrUnavailable; where nobody requires the
// event at this moment it is ErrRefused.
func (h *Host) RetryDeadLetter(ctx context.Context, id string, by Operator) error {
	return h.engine.RetryDeadLetter(ctx, id, operator(ctx, by))
}

// DropDeadLetter throws an event away that nobody will have.
func (h *Host) DropDeadLetter(ctx context.Context, id string, by Operator) error {
	return h.engine.DropDeadLetter(ctx, id, operator(ctx, by))
}

func operator(ctx context.Context, by Operator) Operator {
	if by.Caller == nil {
		by.Caller = requestOf(ctx).Caller
	}
	return by
}
