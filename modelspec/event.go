package modelspec

import (
	"context"
	"fmt"
)

// EventRef names an event where a port consumes or produces it. It is an
// [Event], whose data has a type, or an [EventName].
type EventRef interface{ EventType() string }

// Event is an event whose data is a D. Type is its CloudEvents type, by
// convention "<model>.<past participle>": "order.approved".
type Event[D any] struct{ Type string }

// EventType returns e.Type.
func (e Event[D]) EventType() string { return e.Type }

// EventSchema describes D.
func (e Event[D]) EventSchema() (*Schema, error) { return SchemaOf[D]() }

// Publish hands the event to the host, which keeps it with the document: it
// goes out if and only if the handler's change is stored. The model must name
// the event in Publishes, else the error is [ErrDenied].
func (e Event[D]) Publish(ctx context.Context, data D) error {
	_, err := Do(ctx, Effect{Verb: VerbPublish, Target: e.Type, Arg: Of(data)})
	return err
}

// EventName is an event known by its name only: the way out where importing
// the package that declares it is not wanted.
type EventName string

// EventType returns the name.
func (n EventName) EventType() string { return string(n) }

// From is an event of another model, or of outside, where a port or a model
// consumes it: with the way to the documents that it concerns. See [Trigger].
type From struct {
	Event  EventRef
	Source string // the model that publishes it, or a CloudEvents source; empty: the type up to its first dot
	Via    string // a relation of this model to Source
	Key    string // or a JSON Pointer into the event's data, or Subject
	Field  string // with Key: the indexed field that has the value; empty: id
}

// EventType returns the event's type.
func (f From) EventType() string {
	if f.Event == nil {
		return ""
	}
	return f.Event.EventType()
}

// Trigger returns f as data.
func (f From) Trigger() Trigger {
	return Trigger{Event: f.EventType(), Source: f.Source, Via: f.Via, Key: f.Key, Field: f.Field}
}

// Causes sorts what a port consumes: events of its own document, and events of
// others.
func Causes(on []EventRef) (own []string, from []Trigger, err error) {
	for i, e := range on {
		switch e := e.(type) {
		case nil:
			return nil, nil, fmt.Errorf("event %d is nil: take it out", i)
		case interface{ Trigger() Trigger }:
			from = append(from, e.Trigger())
		default:
			own = append(own, e.EventType())
		}
	}
	return own, from, nil
}
