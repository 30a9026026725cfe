package modelspec

import (
	"strings"
	"time"
)

// Descriptor is what a model says about itself, as data. It is also the list
// of what its handlers may do: what is not in it is denied.
type Descriptor struct {
	Name      string               `json:"name"`
	Plural    string               `json:"plural,omitempty"`   // default: Name with the usual ending
	Endpoint  string               `json:"endpoint,omitempty"` // default: Plural
	Version   int                  `json:"version,omitempty"`  // of the document's schema
	Schema    *Schema              `json:"schema,omitempty"`   // of the document, with its rules
	Relations []RelationDescriptor `json:"relations,omitempty"`
	Ports     []PortDescriptor     `json:"ports,omitempty"`
	Publishes []EventDescriptor    `json:"publishes,omitempty"`
	Intake    []Intake             `json:"intake,omitempty"` // events that create or update documents
	API       API                  `json:"api,omitzero"`
}

// Intake is an event that creates or updates documents of the model.
type Intake struct {
	Trigger
	Do IntakeOp `json:"do"`
}

// IntakeOp is what an [Intake] does.
type IntakeOp string

// The intakes. The event's data is the input, of which the members that the
// model has not are left out.
const (
	IntakeCreate IntakeOp = "create" // without Key the document's id is made of the event's
	IntakeUpdate IntakeOp = "update" // the members replace those of the documents found
)

// Trigger is an event of another model, or of outside, and how it finds the
// documents that it concerns: by Via or by Key, never by a name that happens
// to be the same.
type Trigger struct {
	Event  string `json:"event"`
	Source string `json:"source,omitempty"` // model, or CloudEvents source; default: Event up to its first dot
	// Via is a relation of this model to Source. ManyToOne: the documents that
	// belong to the event's subject. OneToOne, OneToMany: the document whose id
	// stands in the relation's key in the event's data.
	Via string `json:"via,omitempty"`
	// Key is a JSON Pointer into the event's data, or Subject: there stands the
	// document's id, or, with Field, the value of that indexed field.
	Key   string `json:"key,omitempty"`
	Field string `json:"field,omitempty"`
}

// Origin is where the event comes from: Source, or its default.
func (t Trigger) Origin() string {
	if t.Source != "" {
		return t.Source
	}
	s, _, _ := strings.Cut(t.Event, ".")
	return s
}

// Subject is the Trigger.Key of events whose subject is the id.
const Subject = "subject"

// API says which generic writes a model's HTTP API offers. A model without
// inbound ports has all of them. A model with inbound ports changes through
// its ports, so PATCH, PUT and DELETE are closed until they are named here.
type API struct {
	Patch  bool `json:"patch,omitempty"`
	Put    bool `json:"put,omitempty"`
	Delete bool `json:"delete,omitempty"`
	// ID lets a client choose the id of what it creates.
	ID bool `json:"id,omitempty"`
}

// EventDescriptor is an event as data.
type EventDescriptor struct {
	Type   string  `json:"type"`
	Schema *Schema `json:"schema,omitempty"`
}

// Direction tells who calls a port.
type Direction string

// The directions.
const (
	In  Direction = "inbound"  // the world calls the model
	Out Direction = "outbound" // the model, or the host for it, calls the world
)

// Policy says how patiently an outbound port is called:
// timeout(retry(breaker(adapter))). The zero Policy calls once and waits as
// long as the caller does, at most 30 seconds.
type Policy struct {
	Timeout time.Duration `json:"timeout,omitempty"` // of all attempts together; zero: 30 s
	Retries int           `json:"retries,omitempty"` // attempts after the first, for transient errors only
	Backoff time.Duration `json:"backoff,omitempty"` // before the first retry, about doubling after; zero: 100 ms
	Breaker Breaker       `json:"breaker,omitzero"`
}

// Breaker opens when one of its thresholds is reached, for Open, then lets one
// call probe. Only transient errors count, and those of a code in Codes. Zero:
// no breaker.
type Breaker struct {
	Failures uint32        `json:"failures,omitempty"` // in a row, of codes that are not in Codes; zero: these do not open it
	Open     time.Duration `json:"open,omitempty"`     // zero: 10 s
	Codes    []Threshold   `json:"codes,omitempty"`    // thresholds of single error codes
	Rate     uint32        `json:"rate,omitempty"`     // percent of the calls in Window; zero: not looked at
	Volume   uint32        `json:"volume,omitempty"`   // calls in Window before Rate is looked at; zero: 10
	Window   time.Duration `json:"window,omitempty"`   // zero: 10 s
}

// Threshold is how many errors of one code in a row open a [Breaker].
type Threshold struct {
	Code     Code   `json:"code"`
	Failures uint32 `json:"failures"`
}

// None reports whether b is no breaker.
func (b Breaker) None() bool { return b.Failures == 0 && b.Rate == 0 && len(b.Codes) == 0 }

// PortDescriptor is a port as data.
type PortDescriptor struct {
	Name      string        `json:"name"`
	Direction Direction     `json:"direction"`
	On        []string      `json:"on,omitempty"`        // events of the document itself that run it
	From      []Trigger     `json:"from,omitempty"`      // events of others that run it
	All       bool          `json:"all,omitempty"`       // it runs when all events in On have been published in its flow; else each runs it
	Delay     time.Duration `json:"delay,omitempty"`     // between the event and the run
	Produces  string        `json:"produces,omitempty"`  // event published when its effect is stored
	Undo      bool          `json:"undo,omitempty"`      // outbound: its effect can be taken back
	Exclusive bool          `json:"exclusive,omitempty"` // in one open flow of a document at a time
	Optional  bool          `json:"optional,omitempty"`  // its refusal is recorded, not undone
	Repeats   int           `json:"repeats,omitempty"`   // how often it may run in one flow; zero: any number, and New refuses a circle
	Stateless bool          `json:"stateless,omitempty"` // inbound: needs no document
	Disabled  bool          `json:"disabled,omitempty"`  // no event runs it, and calls are refused
	Methods   []string      `json:"methods,omitempty"`   // HTTP methods that call it; none: POST (inbound), or not by HTTP (outbound)
	Path      string        `json:"path,omitempty"`      // of its own in the HTTP API, with {id} where it has a document
	Keys      []string      `json:"keys,omitempty"`      // outbound: members of the answer that are the model's from then on
	Await     *Await        `json:"await,omitempty"`     // outbound: the answer comes later
	Fallback  string        `json:"fallback,omitempty"`  // outbound: port that is asked where this one has certainly done nothing
	Default   *Value        `json:"default,omitempty"`   // outbound: answer that is taken there instead

	Policy     Policy  `json:"policy,omitzero"`
	UndoPolicy Policy  `json:"undoPolicy,omitzero"` // outbound: of its undo
	Request    *Schema `json:"request,omitempty"`
	Response   *Schema `json:"response,omitempty"`
}

// Await says that an outbound port is answered later: its adapter only asks,
// and the answer is an event, or what somebody gives the host. Until then its
// flow is parked in the document.
type Await struct {
	// On are the events that bring the answer, and Fail those that bring a
	// refusal. Their data is the answer. Trigger.Key says where in it the
	// correlation key stands; Via and Field are not used.
	On   []Trigger `json:"on,omitempty"`
	Fail []Trigger `json:"fail,omitempty"`
	// Key is a JSON Pointer into the request: there stands the correlation
	// key, which must be unlike that of any other call of the port that waits.
	// Empty: it is the key of the call (adapter.Key).
	Key string `json:"key,omitempty"`
	// For is how long to wait, from the asking; then the flow is taken back,
	// this call included. Zero: as long as the flow has time.
	For time.Duration `json:"for,omitempty"`
}

// Cardinality is the kind of a relation.
type Cardinality string

// The cardinalities.
const (
	ManyToOne Cardinality = "manyToOne"    // belongs to: the key is in this model
	OneToOne  Cardinality = "oneToOne"     // has one: the key is in the other model
	OneToMany Cardinality = "oneToMany"    // has many: the key is in the other model
	Contains  Cardinality = "containsMany" // the keys are in an array of this model
)

// RelationDescriptor is a relation as data.
type RelationDescriptor struct {
	Name        string      `json:"name"`
	Model       string      `json:"model"`
	Cardinality Cardinality `json:"cardinality"`
	// Key is where the related id stands: the JSON name of a field of this
	// model (manyToOne) or of the other one (oneToOne, oneToMany), or, for
	// containsMany, a JSON Pointer with one *, such as /items/*/sku.
	Key string `json:"key"`
	// Fields are the members of the other model that this one reads.
	Fields []string `json:"fields,omitempty"`
}
