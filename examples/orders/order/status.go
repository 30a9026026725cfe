package order

import (
	"slices"

	"github.com/org/aegis/modelspec"
)

// Status is where an order stands.
type Status string

// The states.
const (
	Pending  Status = "PENDING"
	Approved Status = "APPROVED"
	Shipping Status = "SHIPPING"
	Complete Status = "COMPLETE"
	Canceled Status = "CANCELED"
)

// next are the states that may follow another. Nothing follows the last two.
var next = map[Status][]Status{
	Pending:  {Approved, Canceled},
	Approved: {Shipping, Canceled},
	Shipping: {Complete, Canceled},
}

// Ended reports whether nothing can follow.
func (s Status) Ended() bool { return s == Complete || s == Canceled }

// to moves the order on.
func (o *Order) to(s Status) error {
	if !slices.Contains(next[o.Status], s) {
		return modelspec.Refuse("an order that is " + string(o.Status) + " cannot become " + string(s))
	}
	o.Status = s
	o.note(string(s))
	return nil
}

// kept is how many lines of its log an order keeps.
const kept = 32

func (o *Order) note(what string) {
	o.Log = append(o.Log, what)
	o.Log = o.Log[max(0, len(o.Log)-kept):]
}
