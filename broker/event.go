package broker

import (
	"time"

	"github.com/org/aegis/modelspec"
)

// Event is a fact, with the attributes of a CloudEvent 1.0
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md). Its
// ID is the same however often it is delivered, and Source and ID together are
// unique.
type Event struct {
	ID      string           `json:"id"`
	Source  string           `json:"source"`  // the model
	Type    string           `json:"type"`    // such as order.approved
	Subject string           `json:"subject"` // the document's id: events of one (Source, Subject) are ordered
	Time    time.Time        `json:"time"`
	Data    *modelspec.Value `json:"data,omitempty"`

	// Extension attributes.
	Cause  string            `json:"cause,omitempty"`  // id of the command or event that led to it
	Trace  string            `json:"trace,omitempty"`  // W3C traceparent
	Hop    int               `json:"hop,omitempty"`    // events before it in the chain of causes
	Caller *modelspec.Caller `json:"caller,omitempty"` // who began the chain
}
