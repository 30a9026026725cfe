package modelspec

import "context"

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
