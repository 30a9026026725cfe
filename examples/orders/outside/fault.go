package outside

import "time"

// Fault is what goes wrong with one call.
type Fault string

// The faults.
const (
	None       Fault = ""
	NotSent    Fault = "not sent"    // turned away before it reached the service
	LostBefore Fault = "lost before" // the line breaks, and nothing was done
	LostAfter  Fault = "lost after"  // it was done, and the line breaks before the answer
	Slow       Fault = "slow"        // it is done when nobody waits for the answer any more
	Refuse     Fault = "refused"     // the service does not want to, now and for ever
	Stuck      Fault = "stuck"       // of an undo: refused until Server.Mend
)

// Call is what Config.Faults decides about.
type Call struct {
	Op      string // hold, capture, book, track or prove
	Order   string
	Attempt int  // from 1, of this call or of its undo
	Undo    bool // takes the call back
}

// Travel is how a parcel fares, and how the carrier tells of it.
type Travel struct {
	After   time.Duration // until it is delivered
	Lost    bool          // it is not: the carrier says so
	ByReply bool          // tells by a reply; else by an event
	Garbled bool          // sends something that is no answer before it
	Twice   bool          // sends the event twice at once, and once more
	Late    bool          // answers again when all is over
}
