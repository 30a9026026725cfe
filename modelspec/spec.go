package modelspec

import (
	"context"
	"encoding/json"
	"reflect"
)

// Spec is a model that a host can run, wherever its code is.
type Spec struct {
	desc     Descriptor
	behavior Behavior
	typ      reflect.Type
}

// New makes a Spec of what a model says about itself and what it does.
func New(d Descriptor, b Behavior) (*Spec, error) {
	if d.Plural == "" {
		d.Plural = d.Name + "s"
	}
	if d.Endpoint == "" {
		d.Endpoint = d.Plural
	}
	return &Spec{desc: d, behavior: b}, nil
}

// Descriptor returns the model as data, shared and read-only.
func (s *Spec) Descriptor() *Descriptor { return &s.desc }

// Spec returns s.
func (s *Spec) Spec() (*Spec, error) { return s, nil }

// Type is the Go type of the model, or nil.
func (s *Spec) Type() reflect.Type { return s.typ }

// Native reports whether the model is Go code of this process.
func (s *Spec) Native() bool { return s.typ != nil }

// Port returns the port of that name, or nil.
func (s *Spec) Port(name string) *PortDescriptor {
	for i := range s.desc.Ports {
		if s.desc.Ports[i].Name == name {
			return &s.desc.Ports[i]
		}
	}
	return nil
}

// Consumers returns the outbound ports that an event runs.
func (s *Spec) Consumers(event string) (out []*PortDescriptor) {
	for i := range s.desc.Ports {
		for _, e := range s.desc.Ports[i].On {
			if e == event {
				out = append(out, &s.desc.Ports[i])
			}
		}
	}
	return out
}

// Relation returns the relation of that name, or nil.
func (s *Spec) Relation(name string) *RelationDescriptor {
	for i := range s.desc.Relations {
		if s.desc.Relations[i].Name == name {
			return &s.desc.Relations[i]
		}
	}
	return nil
}

// MayPublish reports whether handlers of the model may publish the event.
func (s *Spec) MayPublish(event string) bool {
	for _, e := range s.desc.Publishes {
		if e.Type == event {
			return true
		}
	}
	return false
}

// Handle asks the model, and applies the rules that every model shares.
func (s *Spec) Handle(ctx context.Context, c Call) (Reply, error) {
	c.Model = s.desc.Name
	r, err := s.behavior.Handle(ctx, c)
	if err == nil && r.Error != nil {
		err = r.Error
	}
	return r, err
}

// CheckInput checks what a caller may not set.
func (s *Spec) CheckInput(prev, next *Value) error { return nil }

// Index returns the entries under which doc is found.
func (s *Spec) Index(doc *Value) ([]IndexEntry, error) { return nil, nil }

// HasIndex reports whether documents can be found by the field.
func (s *Spec) HasIndex(field string) bool { return false }

// KeyFor makes the index key of a field from text, such as a query parameter.
func (s *Spec) KeyFor(field, text string) (string, error) { k, _ := IndexKey(text); return k, nil }

// Outward returns doc as clients see it: without what is write-only.
func (s *Spec) Outward(doc *Value) (json.RawMessage, error) { return doc.JSON() }

// Panic is a panic of a model's code, as an error.
type Panic struct {
	Op    Op
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return "panic in " + string(p.Op) }

// Unwrap makes a Panic an [ErrInternal].
func (p *Panic) Unwrap() error { return &Error{Code: ErrInternal, Message: p.Error()} }
