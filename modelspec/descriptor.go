package modelspec

import "time"

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
	API       API                  `json:"api,omitzero"`
}

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

// Breaker opens after Failures failures in a row, for Open, then lets one call
// probe. Zero: no breaker. An Open of zero is 10 seconds.
type Breaker struct {
	Failures uint32        `json:"failures,omitempty"`
	Open     time.Duration `json:"open,omitempty"`
}

// PortDescriptor is a port as data.
type PortDescriptor struct {
	Name      string    `json:"name"`
	Direction Direction `json:"direction"`
	On        []string  `json:"on,omitempty"`        // outbound: events that run it
	Produces  string    `json:"produces,omitempty"`  // event published when its effect is stored
	Undo      bool      `json:"undo,omitempty"`      // outbound: its effect can be taken back
	Exclusive bool      `json:"exclusive,omitempty"` // outbound: in one open flow of a document at a time
	Optional  bool      `json:"optional,omitempty"`  // outbound: its refusal is recorded, not undone
	Repeats   int       `json:"repeats,omitempty"`   // outbound: how often it may run in one flow; zero: once, and New refuses a circle
	Stateless bool      `json:"stateless,omitempty"` // inbound: needs no document
	Policy    Policy    `json:"policy,omitzero"`
	Request   *Schema   `json:"request,omitempty"`
	Response  *Schema   `json:"response,omitempty"`
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
