package flow

import "time"

// Limits bound what one call, one flow and one document may take. They are
// checked before anything is done.
const (
	MaxOpenFlows  = 16              // of a document
	MaxSteps      = 64              // of a flow
	MaxEffects    = 1000            // of one handler's run
	MaxEvents     = 100             // published by one handler's run
	MaxEventBytes = 256 << 10       // of those together
	MaxEnvelope   = 1 << 20         // of a document's host part and data
	MaxKey        = 255             // bytes of an idempotency key
	MaxDepth      = 16              // of commands that lead to commands within one call
	MaxHops       = 32              // of documents that an event may lead through, one after the other
	maxReruns     = 16              // of a handler whose document changed under it
	keptReceipts  = 32              // in the envelope; twice as many before the older half is spilled
	keptMarks     = 64              // of consumed events in the envelope; twice as many before half is spilled
	leaseMargin   = 5 * time.Second // between the end of a handler's context and of its lease
)

const (
	flowDeadline = 24 * time.Hour
	retention    = 24 * time.Hour // of receipts and tombstones
	markTime     = 30 * 24 * time.Hour
	firstWait    = 200 * time.Millisecond
	longestWait  = 5 * time.Minute
	quarantine   = 20 // failures of a document, or of an event's subscriber
	deaths       = 3  // of processes at work on one document
	clearAfter   = 500 * time.Millisecond
	pollEvery    = time.Second
	pageOfDue    = 256
	timersAtMost = 10_000
	scanAtMost   = 10_000

	concernedAtMost = 10_000 // documents of a model that one event concerns
	defaultPage     = 50
	largestPage     = 500
	hostAtOnce      = 256

	backlogAtOnce = 8                      // of what another process left behind
	backlogAtMost = 4096                   // that wait for it in memory
	backlogPause  = time.Millisecond       // between two pieces, while there are commands
	backlogQuiet  = 100 * time.Millisecond // after the last command, until it is worked off by all
	crowdedPause  = 10 * time.Millisecond
	pausesAtMost  = 100
	portAtOnce    = 32
)
