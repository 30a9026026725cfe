package flow

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Meta is the host's part of a stored document. Members that this version does
// not know are kept.
type Meta struct {
	Flows    []Flow            `json:"flows,omitempty"`
	Outbox   []Told            `json:"outbox,omitempty"`
	Later    time.Time         `json:"later,omitzero"`  // nobody wants what is in Outbox before
	Inbox    map[string]string `json:"inbox,omitempty"` // events of others that were taken: see inbox.go
	Receipts *Receipts         `json:"receipts,omitempty"`
	Spilled  bool              `json:"spilled,omitempty"` // older receipts and marks are in the receipts collection
	Fail     *Fail             `json:"fail,omitempty"`

	extra map[string]json.RawMessage
}

// Told is an event and the revision that it was stored with.
type Told struct {
	broker.Event
	Rev int64 `json:"rev"`
}

// Fail counts what went wrong with the document itself.
type Fail struct {
	Count       int       `json:"count,omitempty"`
	Error       string    `json:"error,omitempty"`
	Next        time.Time `json:"next,omitzero"`
	Life        string    `json:"life,omitempty"` // the process that was at work on it
	Died        int       `json:"died,omitempty"` // how many processes ended while at work on it
	Quarantined bool      `json:"quarantined,omitempty"`
}

// State is where a flow stands.
type State string

// The states of a flow. Completed, Undone and Attention are its outcomes;
// Abandoned is what only a person makes of it.
const (
	Running   State = "running"
	Undoing   State = "undoing"
	Completed State = "completed"
	Undone    State = "undone"
	Attention State = "attention" // a person must look
	Abandoned State = "abandoned" // a person looked, and left it as it is
)

func (s State) open() bool  { return s == Running || s == Undoing }
func (s State) known() bool { return s.open() || s.over() || s == Attention }

// over reports whether nothing can happen to it any more.
func (s State) over() bool { return s == Completed || s == Undone || s == Abandoned }

// Flow is what one command, or one event, set going.
type Flow struct {
	ID        string    `json:"id"`
	Cause     Cause     `json:"cause"`
	Version   string    `json:"version,omitempty"` // of the component that began it
	State     State     `json:"state"`
	Committed bool      `json:"committed,omitempty"` // the command's change was stored: taking it back concerns the model
	Started   time.Time `json:"started,omitzero"`
	Deadline  time.Time `json:"deadline,omitzero"` // of asking; of undoing, once that has begun
	Ended     time.Time `json:"ended,omitzero"`
	Steps     []Step    `json:"steps,omitempty"`
	Joins     []Join    `json:"joins,omitempty"`
	Error     *Fault    `json:"error,omitempty"` // why it is undone or needs attention
	Was       State     `json:"was,omitempty"`   // before it needed attention
	Hands     []Hand    `json:"hands,omitempty"` // what people did to it

	extra map[string]json.RawMessage
}

// Join is a port that waits for all of its events.
type Join struct {
	Port string   `json:"port"`
	Have []string `json:"have"` // event types that have been published since it ran last
}

// Hand is what a person did to a flow.
type Hand struct {
	Time   time.Time `json:"time"`
	What   string    `json:"what"` // retry, undo or abandon
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Cause is what began a flow.
type Cause struct {
	Kind   string            `json:"kind"`             // command or event
	ID     string            `json:"id"`               // the command's key, hashed, or the event's id
	Source string            `json:"source,omitempty"` // of an event: where it came from
	Port   string            `json:"port,omitempty"`
	Hop    int               `json:"hop,omitempty"`
	Trace  string            `json:"trace,omitempty"`
	Caller *modelspec.Caller `json:"caller,omitempty"`
}

// Fault is an error as it is stored.
type Fault = modelspec.Error

// StepState is where a step stands.
type StepState string

// The states of a step.
const (
	Pending   StepState = "pending"   // to be asked
	Tentative StepState = "tentative" // asked, or about to be, by a handler that has not committed
	Unknown   StepState = "unknown"   // asked, and not answered
	Awaiting  StepState = "awaiting"  // asked, and the answer comes later
	Answered  StepState = "answered"  // answered, and the answer not folded in yet
	Done      StepState = "done"
	Failed    StepState = "failed" // refused: had no effect
	Reversed  StepState = "undone"
	Skipped   StepState = "skipped" // never asked, and not any more
	Stuck     StepState = "stuck"   // its undo was refused
)

func (s StepState) known() bool {
	switch s {
	case Pending, Tentative, Unknown, Awaiting, Answered, Done, Failed, Reversed, Skipped, Stuck:
		return true
	}
	return false
}

// unsettled reports whether the step is neither done nor given up.
func (s StepState) unsettled() bool {
	switch s {
	case Pending, Tentative, Unknown, Awaiting, Answered:
		return true
	}
	return false
}

// Step is one run of one port.
type Step struct {
	N       int              `json:"n"` // counts runs of the port in the flow
	Port    string           `json:"port"`
	Of      string           `json:"of,omitempty"`    // the key of the step whose handler made the call; empty: the command's
	Via     string           `json:"via,omitempty"`   // the port that is asked in place of Port; by default: none is
	Event   string           `json:"event,omitempty"` // the id of what ran it
	Key     string           `json:"key"`
	Service string           `json:"service,omitempty"` // by name, that the first attempt which may have reached it was made at; empty: the adapter had none
	Undo    bool             `json:"undo,omitempty"`
	State   StepState        `json:"state"`
	Attempt int              `json:"attempt,omitempty"` // that may have reached the service
	Waits   int              `json:"waits,omitempty"`   // attempts that did not, and undos asked
	Started time.Time        `json:"started,omitzero"`  // set before the first attempt where that must be known
	Until   time.Time        `json:"until,omitzero"`    // when to ask (again), until when to wait for the answer, or when a handler's lease ends
	Asked   time.Time        `json:"asked,omitzero"`    // the last attempt that may have reached the service
	Ended   time.Time        `json:"ended,omitzero"`
	Await   string           `json:"await,omitempty"` // the correlation key of an answer that comes later
	Arg     *modelspec.Value `json:"arg,omitempty"`
	Result  *modelspec.Value `json:"result,omitempty"`
	Error   *Fault           `json:"error,omitempty"`

	extra map[string]json.RawMessage
}

// at is the service that the step is asked again at, and undone: nil where none
// can have been asked, or it had no name.
func (s *Step) at() *string {
	if s.Service == "" || s.State == Pending && s.Attempt == 0 && s.Started.IsZero() {
		return nil
	}
	return &s.Service
}

// metaOf reads the host's part of d. The result is shared: clone what is to
// be changed.
func metaOf(d *datasource.Document) (*Meta, error) {
	if d.Meta == nil {
		return &Meta{}, nil
	}
	m, err := modelspec.As[Meta](d.Meta)
	if err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "the envelope cannot be read: " + err.Error()}
	}
	return m, nil
}

// writable says whether this version may write d: not what a newer one wrote.
func writable(d *datasource.Document, m *Meta) error {
	newer := d.Format > datasource.Format
	for i := range m.Flows {
		newer = newer || !m.Flows[i].State.known()
		for j := range m.Flows[i].Steps {
			newer = newer || !m.Flows[i].Steps[j].State.known()
		}
	}
	if newer {
		return &modelspec.Error{Code: modelspec.ErrRefused, Message: "document " + d.ID + " was written by a newer host: it is read-only here", NotSent: true}
	}
	return nil
}

type (
	plainMeta Meta
	plainFlow Flow
	plainStep Step
)

// UnmarshalJSON keeps what it does not know.
func (m *Meta) UnmarshalJSON(b []byte) error { return keep(b, (*plainMeta)(m), &m.extra) }

// UnmarshalJSON keeps what it does not know.
func (f *Flow) UnmarshalJSON(b []byte) error { return keep(b, (*plainFlow)(f), &f.extra) }

// UnmarshalJSON keeps what it does not know.
func (s *Step) UnmarshalJSON(b []byte) error { return keep(b, (*plainStep)(s), &s.extra) }

// keep decodes b into v, whose type has no methods, and puts the members that
// v does not have into extra.
func keep[T any](b []byte, v *T, extra *map[string]json.RawMessage) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(v) == nil {
		return nil
	}
	*v = *new(T)
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	for f := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(all, name)
	}
	if len(all) > 0 {
		*extra = all
	}
	return nil
}
