package modelspec

import (
	"context"
	"fmt"
	"reflect"
	"unsafe"
)

// native is the Behavior of a Model.
type native[T any] struct {
	m     Model[T]
	ports map[string]entry[T]
	shape *shape
	id    *field // the string that is the document's id, or nil
}

// entry is a port, and whether it needs a document.
type entry[T any] struct {
	Port[T]
	stateless bool
}

func newNative[T any](m Model[T], ports map[string]entry[T]) (*native[T], error) {
	t := reflect.TypeFor[T]()
	s, err := shapeOf(t)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Kind() != reflect.Struct:
		return nil, fmt.Errorf("%s is no struct: a document is an object", t)
	case s.opaque:
		return nil, fmt.Errorf("%s writes its JSON itself, perhaps by a method of an embedded type, so its members cannot be known: give the embedded field a name", t)
	}
	n := &native[T]{m: m, ports: ports, shape: s}
	for i := range s.fields {
		if f := &s.fields[i]; f.name == "id" && f.typ.Kind() == reflect.String && !s.parts[i].opaque {
			n.id = f
		}
	}
	return n, nil
}

// compile makes n a typer.
func (n *native[T]) compile() (*compiled, *shape, error) {
	c := &compiled{typ: n.shape.typ, hold: func(v *Value) (unsafe.Pointer, error) {
		t, err := As[T](v)
		return unsafe.Pointer(t), err
	}}
	var err error
	if c.rules, err = rulesOf(n.shape, fieldRule); err != nil {
		return nil, nil, err
	}
	frozen, err := rulesOf(n.shape, func(_ *field, t *tag, _ *shape) rule {
		if t.immutable {
			return all(nil)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	c.frozen = frozen != nil
	if c.input, err = rulesOf(n.shape, inputRule); err != nil {
		return nil, nil, err
	}
	return c, n.shape, nil
}

// Handle runs a hook or a port on a copy of the document.
func (n *native[T]) Handle(ctx context.Context, c Call) (Reply, error) {
	if c.Op == OpProbe {
		return n.probe(c.Port)
	}
	b, err := own[T](c.Doc, n.shape)
	if err != nil {
		return Reply{}, err
	}
	m := &b.v
	n.begin(m, &c)
	var result *Value
	switch c.Op {
	case OpNew:
		err = hook(n.m.OnCreate, m)
	case OpUpdate:
		err = n.update(b, &c)
	case OpDelete:
		return Reply{}, hook(n.m.OnDelete, m)
	case OpUndone:
		err = hook(n.m.OnUndone, m)
	case OpRequest, OpReply, OpInvoke:
		p, ok := n.ports[c.Port]
		if !ok {
			return Reply{}, noPort(c.Port)
		}
		if result, err = p.Apply(ctx, c.Op, m, c.Arg); err == nil && (c.Op == OpRequest || p.stateless) {
			return Reply{Result: result}, nil
		}
	default:
		return Reply{}, &Error{Code: ErrUnimplemented, Message: "a model does not answer " + string(c.Op)}
	}
	if err != nil {
		return Reply{}, err
	}
	if err := n.validate(m, &c); err != nil {
		return Reply{}, err
	}
	return Reply{Doc: &b.Value, Result: result}, nil
}

// begin puts what the host knows into a copy of the document.
func (n *native[T]) begin(m *T, c *Call) {
	n.identify(m, c.ID)
	if n.m.Moment == nil {
		return
	}
	moment := Moment{ID: c.ID, Now: c.Now, Cause: c.Cause}
	if c.Caller != nil {
		moment.Caller = *c.Caller
	}
	n.m.Moment(m, moment)
	n.identify(m, c.ID)
}

func (n *native[T]) identify(m *T, id string) {
	if n.id != nil && id != "" {
		if p := n.id.at(unsafe.Pointer(m)); p != nil {
			*(*string)(p) = id
		}
	}
}

func (n *native[T]) update(b *box[T], c *Call) error {
	if b.carry == nil && c.Doc != nil && c.Doc.form != nil && c.Prev != nil {
		// A Go value cannot know the members that its type does not, so they
		// stay as they are.
		if _, typed := c.Doc.form.(*T); typed {
			b.carry = n.carried(c.Prev)
		}
	}
	if n.m.OnUpdate == nil {
		return nil
	}
	was, err := own[T](c.Prev, n.shape)
	if err != nil {
		return err
	}
	n.begin(&was.v, c)
	return n.m.OnUpdate(&was.v, &b.v)
}

func (n *native[T]) carried(v *Value) *carry {
	if _, c, _ := known[T](v, n.shape); c != nil || v.raw.Load() == nil {
		return c
	}
	raw, _ := v.JSON()
	return carryOf(raw, n.shape)
}

// validate ends what every op that returns a document ends with.
func (n *native[T]) validate(m *T, c *Call) (err error) {
	if n.m.Validate != nil {
		if err = n.m.Validate(m); err != nil && !HasCode(err) {
			err = &uncoded{ErrInvalid, err}
		}
	}
	n.identify(m, c.ID)
	if n.shape.hide != nil {
		n.shape.hide(unsafe.Pointer(m), 0)
	}
	return err
}

func (n *native[T]) probe(port string) (Reply, error) {
	if _, ok := n.ports[port]; port != "" && !ok {
		return Reply{}, noPort(port)
	}
	return Reply{}, nil
}

func noPort(name string) error { return &Error{Code: ErrNotFound, Message: "no port " + name} }

func hook[T any](f func(*T) error, m *T) error {
	if f == nil {
		return nil
	}
	return f(m)
}
