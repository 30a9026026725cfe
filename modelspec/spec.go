package modelspec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// Spec is a model that a host can run, wherever its code is. It is made once
// and read-only from then on: all its methods are safe for concurrent use.
type Spec struct {
	desc      Descriptor
	behavior  Behavior
	own       *compiled // of a model that is Go code of this process; nil for any other
	ports     map[string]*PortDescriptor
	consumes  map[string][]*PortDescriptor
	causes    []Cause
	relations map[string]*RelationDescriptor
	publishes map[string]bool
	indexers  []indexer

	secret marked // where the schema has members that are writeOnly
	kept   marked // or readOnly
	frozen marked // or immutable
	locked bool   // whether it has members that are readOnly
}

// compiled is what is known of a model's Go type beside its schema.
type compiled struct {
	typ   reflect.Type
	rules rule // nil: none
	input rule // nil: nothing is readonly
	// frozen says that rules look at what was before.
	frozen bool
	hold   func(*Value) (unsafe.Pointer, error)
}

// typer is a Behavior whose documents have a Go type.
type typer interface {
	compile() (*compiled, *shape, error)
}

// New makes a Spec of what a model says about itself, which it checks hard, and
// of what it does. All mistakes are in one error, which is [ErrInvalid], each
// with the place and the mend. New is for models whose code is elsewhere, in a
// guest or a process; one that is written in Go is a [Model].
//
// Endpoint and Plural get their defaults, and a missing Schema accepts any
// object.
func New(d Descriptor, b Behavior) (*Spec, error) {
	d.fill()
	if err := d.check(); err != nil {
		return nil, err
	}
	if b == nil {
		return nil, &Error{Code: ErrInvalid, Message: "modelspec: model " + d.Name + ": has no behavior"}
	}
	s := &Spec{
		desc: d, behavior: b, ports: map[string]*PortDescriptor{}, consumes: map[string][]*PortDescriptor{},
		relations: map[string]*RelationDescriptor{}, publishes: map[string]bool{},
	}
	s.list()
	s.indexers = indexersOf(s.desc.Schema, s.desc.Relations)
	root := s.desc.Schema
	s.secret = markedBy(root, func(c *Schema) bool { return c.WriteOnly })
	s.kept = markedBy(root, func(c *Schema) bool { return c.WriteOnly || c.ReadOnly })
	s.frozen = markedBy(root, func(c *Schema) bool { return c.Immutable })
	s.locked = markedBy(root, func(c *Schema) bool { return c.ReadOnly })[root]
	if t, ok := b.(typer); ok {
		if err := s.adopt(t); err != nil {
			return nil, &Error{Code: ErrInvalid, Message: "modelspec: model " + d.Name + ": " + err.Error()}
		}
	}
	return s, nil
}

func (s *Spec) list() {
	d := &s.desc
	d.Ports, d.Relations = slices.Clone(d.Ports), slices.Clone(d.Relations)
	for i := range d.Ports {
		p := &d.Ports[i]
		s.ports[p.Name] = p
		if p.Disabled {
			continue
		}
		for _, e := range p.On {
			s.consumes[e] = append(s.consumes[e], p)
		}
		s.triggered(p)
	}
	for i := range d.Intake {
		s.causes = append(s.causes, Cause{Trigger: d.Intake[i].Trigger, Intake: d.Intake[i].Do})
	}
	for i := range d.Relations {
		s.relations[d.Relations[i].Name] = &d.Relations[i]
	}
	for _, e := range d.Publishes {
		s.publishes[e.Type] = true
	}
}

// triggered lists what others do that concerns p.
func (s *Spec) triggered(p *PortDescriptor) {
	for _, t := range p.From {
		s.causes = append(s.causes, Cause{Trigger: t, Port: p})
	}
	if p.Await == nil {
		return
	}
	for _, t := range p.Await.On {
		s.causes = append(s.causes, Cause{Trigger: t, Port: p, Answers: true})
	}
	for _, t := range p.Await.Fail {
		s.causes = append(s.causes, Cause{Trigger: t, Port: p, Answers: true, Fails: true})
	}
}

// Cause is an event of others that concerns the model.
type Cause struct {
	Trigger
	Port    *PortDescriptor // that it runs, or answers; nil for an intake
	Answers bool            // it brings the answer that Port waits for
	Fails   bool            // and that is a refusal
	Intake  IntakeOp
}

// Causes returns the events of others that concern the model. The slice is
// shared.
func (s *Spec) Causes() []Cause { return s.causes }

// With returns the model with a changed descriptor and the same behavior:
// what an operator's configuration wants otherwise. change gets a copy; it must
// not change what the behavior relies on: names, directions, schemas, undos.
func (s *Spec) With(change func(*Descriptor) error) (*Spec, error) {
	d := s.desc
	d.Ports = slices.Clone(d.Ports)
	if err := change(&d); err != nil {
		return nil, err
	}
	return New(d, s.behavior)
}

// adopt compiles rules and indexes for the Go type of the documents.
func (s *Spec) adopt(t typer) error {
	c, shape, err := t.compile()
	if err != nil {
		return err
	}
	for i := range s.indexers {
		if err := s.indexers[i].compile(shape); err != nil {
			return err
		}
	}
	s.own = c
	return nil
}

// Descriptor returns the model as data, shared and read-only.
func (s *Spec) Descriptor() *Descriptor { return &s.desc }

// Spec returns s, so that a *Spec is an [Interface].
func (s *Spec) Spec() (*Spec, error) { return s, nil }

// Type is the Go type of the documents, or nil if the model's code is not Go
// code of this process.
func (s *Spec) Type() reflect.Type {
	if s.own == nil {
		return nil
	}
	return s.own.typ
}

// Native reports whether the model is Go code of this process.
func (s *Spec) Native() bool { return s.own != nil }

// Port returns the port of that name, or nil: always the same pointer.
func (s *Spec) Port(name string) *PortDescriptor { return s.ports[name] }

// Consumers returns the ports that an event of the document itself runs, in the
// order of their declaration. The slice is shared.
func (s *Spec) Consumers(event string) []*PortDescriptor { return s.consumes[event] }

// Relation returns the relation of that name, or nil.
func (s *Spec) Relation(name string) *RelationDescriptor { return s.relations[name] }

// MayPublish reports whether the model's handlers may publish the event.
func (s *Spec) MayPublish(event string) bool { return s.publishes[event] }

// CheckInput refuses a document in which a caller has set or changed what is
// readonly: prev is what is stored, nil at a creation. It is asked before the
// hooks, which may set what callers may not. The error is [ErrInvalid], with
// the pointers.
func (s *Spec) CheckInput(prev, next *Value) error {
	if !s.locked {
		return nil
	}
	if s.own != nil {
		return s.own.check(s.own.input, prev, next)
	}
	is, err := next.JSON()
	if err != nil {
		return err
	}
	var was []byte
	if prev != nil {
		if was, err = prev.JSON(); err != nil {
			return err
		}
	}
	c := checker{root: s.desc.Schema}
	c.input(s.kept, s.desc.Schema, bytes.TrimSpace(was), bytes.TrimSpace(is))
	return broken(c.fails)
}

// check applies compiled rules.
func (c *compiled) check(r rule, prev, next *Value) (err error) {
	if r == nil {
		return nil
	}
	is, err := c.hold(next)
	if err != nil {
		return err
	}
	var was unsafe.Pointer
	if prev != nil {
		if was, err = c.hold(prev); err != nil {
			return err
		}
	}
	defer catch(&err)
	return broken(r(was, is, 0))
}

// HasIndex reports whether documents can be found by the field.
func (s *Spec) HasIndex(field string) bool { return s.indexer(field) != nil }

func (s *Spec) indexer(field string) *indexer {
	for i := range s.indexers {
		if s.indexers[i].name == field {
			return &s.indexers[i]
		}
	}
	return nil
}

// KeyFor makes the index key of a field from text, such as a query parameter's,
// by the type that the schema gives the field. The error is [ErrInvalid].
func (s *Spec) KeyFor(field, text string) (string, error) {
	x := s.indexer(field)
	if x == nil {
		known := make([]string, len(s.indexers))
		for i := range s.indexers {
			known[i] = s.indexers[i].name
		}
		detail := s.desc.Name + " has no index on it" + meant(field, known)
		if len(known) > 0 {
			detail += ": there are indexes on " + strings.Join(known, ", ")
		}
		return "", Invalid(pointerTo(field), detail)
	}
	key, err := x.text(text)
	if err != nil {
		return "", Invalid(pointerTo(strings.ReplaceAll(field, ".", "/")), err.Error())
	}
	return key, nil
}

// Index returns the entries under which doc is found: one for each field with
// the tag index or unique and for each key of a BelongsTo, named as the field
// is in JSON (address.city for one in an object). A unique field that is empty
// has no entry.
func (s *Spec) Index(doc *Value) ([]IndexEntry, error) {
	if len(s.indexers) == 0 || doc == nil {
		return nil, nil
	}
	return s.entries(doc)
}

func (s *Spec) entries(doc *Value) (out []IndexEntry, err error) {
	defer catch(&err)
	var p unsafe.Pointer
	var raw json.RawMessage
	if s.own != nil {
		p, err = s.own.hold(doc)
	} else {
		raw, err = doc.JSON()
	}
	if err != nil {
		return nil, err
	}
	out = make([]IndexEntry, 0, len(s.indexers))
	for i := range s.indexers {
		x := &s.indexers[i]
		var key string
		var ok bool
		if p != nil {
			key, ok = x.native(p)
		} else {
			key, ok = x.json(raw)
		}
		if e, ok := x.entry(key, ok); ok {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}
