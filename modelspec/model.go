package modelspec

import "context"

// Interface is anything that can present itself as a [Spec].
type Interface interface{ Spec() (*Spec, error) }

// Port is a port of a model whose Go type is M. See package port.
type Port[M any] interface {
	Describe() (PortDescriptor, error)
	Apply(ctx context.Context, op Op, m *M, arg *Value) (*Value, error)
}

// Model is a model written in Go. T is its struct.
type Model[T any] struct {
	Name, Plural, Endpoint string
	Version                int
	Relations              []Relation[T]
	Ports                  []Port[T]
	Publishes              []EventRef
	API                    API

	OnCreate func(*T) error
	Validate func(*T) error
	OnUpdate func(was, is *T) error
	OnDelete func(*T) error
	OnUndone func(*T) error
	Moment   func(*T, Moment)
}

// Spec returns the model as a host runs it.
func (m Model[T]) Spec() (*Spec, error) {
	d := Descriptor{Name: m.Name, Plural: m.Plural, Endpoint: m.Endpoint, Version: m.Version, API: m.API, Schema: &Schema{}}
	for _, p := range m.Ports {
		pd, err := p.Describe()
		if err != nil {
			return nil, err
		}
		d.Ports = append(d.Ports, pd)
	}
	for _, r := range m.Relations {
		rd, err := r.DescribeRelation()
		if err != nil {
			return nil, err
		}
		d.Relations = append(d.Relations, rd)
	}
	for _, e := range m.Publishes {
		d.Publishes = append(d.Publishes, EventDescriptor{Type: e.EventType()})
	}
	return New(d, &native[T]{m: m})
}

// Created is the event of a new document.
func (m Model[T]) Created() Event[T] { return Event[T]{m.Name + ".created"} }

// Updated is the event of a changed document.
func (m Model[T]) Updated() Event[T] { return Event[T]{m.Name + ".updated"} }

// Deleted is the event of a deleted document.
func (m Model[T]) Deleted() Event[T] { return Event[T]{m.Name + ".deleted"} }

// Undone is the event of a flow that was taken back.
func (m Model[T]) Undone() Event[T] { return Event[T]{m.Name + ".undone"} }

// Attention is the event of a document that needs a person.
func (m Model[T]) Attention() Event[T] { return Event[T]{m.Name + ".attention"} }
