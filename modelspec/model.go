package modelspec

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Interface is anything that can present itself as a [Spec]: a [Model] or a
// [Spec].
type Interface interface{ Spec() (*Spec, error) }

// Port is a port of a model whose Go type is M. See package port.
type Port[M any] interface {
	// Describe returns the port as data.
	Describe() (PortDescriptor, error)
	// Apply answers OpInvoke of an inbound port, and OpRequest and OpReply of
	// an outbound one. m is the port's to change.
	Apply(ctx context.Context, op Op, m *M, arg *Value) (*Value, error)
}

// Model is a model written in Go. T is the struct of its documents; see the
// package's documentation for what it may hold. Hooks and handlers get copies
// that are theirs to change, also of what the fields refer to.
//
// The zero of every field but Name means that the model has nothing of the
// kind.
type Model[T any] struct {
	Name     string // a lower-case letter, then up to 63 letters, digits, _ or -
	Plural   string // empty: Name with the usual ending
	Endpoint string // the model's place in the HTTP API; empty: Plural
	Version  int    // of the documents' schema

	Relations []Relation[T]
	Ports     []Port[T]
	Publishes []EventRef // what handlers may publish with Event.Publish
	CreateOn  []From     // events whose data is the input of a new document
	UpdateOn  []From     // events whose data replaces members of a document
	API       API

	// Hooks are pure: no context, no clock, no memory of earlier calls. An
	// error without a code is ErrInvalid from OnCreate and Validate, and
	// ErrRefused from the others.
	OnCreate func(*T) error         // completes a new model
	Validate func(*T) error         // accepts or refuses what is about to be stored
	OnUpdate func(was, is *T) error // accepts, completes or refuses a change
	OnDelete func(*T) error         // accepts or refuses a deletion
	OnUndone func(*T) error         // folds in that a flow has been taken back

	// Moment, if any, is called before every hook and handler, on the copy
	// that they get, and puts what they need to know into it: the time, who
	// asks, what for. Fields with the tag json:"-" are the place for it; they
	// are empty again when the document is stored.
	Moment func(*T, Moment)
}

// Spec checks the model, compiles it and returns it as a host runs it. All
// mistakes are in one error, which is [ErrInvalid].
func (m Model[T]) Spec() (*Spec, error) {
	d := Descriptor{Name: m.Name, Plural: m.Plural, Endpoint: m.Endpoint, Version: m.Version, API: m.API}
	var bad []error
	wrong := func(err error) { bad = append(bad, fmt.Errorf("model %s: %w", m.Name, err)) }
	var err error
	if d.Schema, err = SchemaOf[T](); err != nil {
		wrong(err)
	}
	for i, r := range m.Relations {
		if r == nil {
			wrong(fmt.Errorf("relation %d is nil: take it out", i))
			continue
		}
		rd, err := r.DescribeRelation()
		if err != nil {
			wrong(err)
		}
		d.Relations = append(d.Relations, rd)
	}
	ports := make(map[string]entry[T], len(m.Ports))
	for i, p := range m.Ports {
		if p == nil {
			wrong(fmt.Errorf("port %d is nil: take it out", i))
			continue
		}
		pd, err := p.Describe()
		if err != nil {
			wrong(err)
		}
		d.Ports = append(d.Ports, pd)
		ports[pd.Name] = entry[T]{p, pd.Stateless}
	}
	for i, e := range m.Publishes {
		ed, err := describeEvent(e)
		if err != nil {
			wrong(fmt.Errorf("event %d: %w", i, err))
			continue
		}
		d.Publishes = append(d.Publishes, ed)
	}
	for _, f := range m.CreateOn {
		d.Intake = append(d.Intake, Intake{f.Trigger(), IntakeCreate})
	}
	for _, f := range m.UpdateOn {
		d.Intake = append(d.Intake, Intake{f.Trigger(), IntakeUpdate})
	}
	var n *native[T]
	if d.Schema != nil {
		if n, err = newNative(m, ports); err != nil {
			wrong(err)
		}
	}
	if bad != nil {
		return nil, &mistakes{errors.Join(bad...)}
	}
	return New(d, n)
}

func describeEvent(e EventRef) (d EventDescriptor, err error) {
	if e == nil || reflect.ValueOf(e).Kind() == reflect.Pointer && reflect.ValueOf(e).IsNil() {
		return d, errors.New("is nil: take it out")
	}
	d.Type = e.EventType()
	if s, ok := e.(interface{ EventSchema() (*Schema, error) }); ok {
		if d.Schema, err = s.EventSchema(); err != nil {
			return d, fmt.Errorf("%s: %w", d.Type, err)
		}
	}
	return d, nil
}

// Created is the event of every new document.
func (m Model[T]) Created() Event[T] { return m.event("created") }

// Updated is the event of every change that came through the generic API or a
// Repository.
func (m Model[T]) Updated() Event[T] { return m.event("updated") }

// Deleted is the event of every deletion; its data is the last document.
func (m Model[T]) Deleted() Event[T] { return m.event("deleted") }

// Undone is the event of a flow of the document that has been taken back.
func (m Model[T]) Undone() Event[T] { return m.event("undone") }

// Attention is the event of a document that needs a person to look at it.
func (m Model[T]) Attention() Event[T] { return m.event("attention") }

func (m Model[T]) event(what string) Event[T] {
	return Event[T]{Type: strings.Join([]string{m.Name, what}, ".")}
}
