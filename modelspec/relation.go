package modelspec

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// Relation is a relation of a model whose Go type is M: a [BelongsTo], [HasOne],
// [HasMany] or [ContainsMany].
type Relation[M any] interface {
	// DescribeRelation returns the relation as data, and checks its key.
	DescribeRelation() (RelationDescriptor, error)
	of(M)
}

// In all relations R may be the other model's own type, which costs nothing to
// read, or a view of it: a struct with only the fields that this model needs.
// A view costs one remembered decoding and saves the import of the other
// model's package, so that two models may relate to each other. Either way the
// host hands over R's fields and no others, and results are shared: do not
// change them.
//
// A handler never sends a key. The host reads it from the document that it
// holds, so that a relation leads to the documents related to this one only.

// BelongsTo says that M holds the id of one R, in the string field whose JSON
// name is Key. Documents are indexed by it.
type BelongsTo[M, R any] struct{ Name, Model, Key string }

// HasOne says that one R holds M's id, in the string field of R whose JSON name
// is Key. The other model must have an index on it: a BelongsTo of its own, or
// the tag index or unique.
type HasOne[M, R any] struct{ Name, Model, Key string }

// HasMany says that each of many Rs holds M's id, as in [HasOne].
type HasMany[M, R any] struct{ Name, Model, Key string }

// ContainsMany says that M holds the ids of many Rs, at Key: a JSON Pointer
// with one * for all elements of a list, such as /items/*/sku.
type ContainsMany[M, R any] struct{ Name, Model, Key string }

func (BelongsTo[M, R]) of(M)    {}
func (HasOne[M, R]) of(M)       {}
func (HasMany[M, R]) of(M)      {}
func (ContainsMany[M, R]) of(M) {}

// DescribeRelation returns the relation as data.
func (r BelongsTo[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return relation[R](r.Name, r.Model, r.Key, ManyToOne, keyOf(reflect.TypeFor[M](), r.Key))
}

// DescribeRelation returns the relation as data.
func (r HasOne[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return relation[R](r.Name, r.Model, r.Key, OneToOne, keyOf(reflect.TypeFor[R](), r.Key))
}

// DescribeRelation returns the relation as data.
func (r HasMany[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return relation[R](r.Name, r.Model, r.Key, OneToMany, keyOf(reflect.TypeFor[R](), r.Key))
}

// DescribeRelation returns the relation as data.
func (r ContainsMany[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return relation[R](r.Name, r.Model, r.Key, Contains, keysOf(reflect.TypeFor[M](), r.Key))
}

// Get reads the R that m belongs to. It fails with [ErrNotFound] if there is
// none.
func (r BelongsTo[M, R]) Get(ctx context.Context, _ *M) (*R, error) { return getOne[R](ctx, r.Name) }

// Get reads the R of m. It fails with [ErrNotFound] if there is none.
func (r HasOne[M, R]) Get(ctx context.Context, _ *M) (*R, error) { return getOne[R](ctx, r.Name) }

// List reads the Rs of m, in the order of their ids.
func (r HasMany[M, R]) List(ctx context.Context, _ *M) ([]*R, error) { return list[R](ctx, r.Name) }

// List reads the Rs of m, in the order of their keys in m. An id that leads to
// no document is left out.
func (r ContainsMany[M, R]) List(ctx context.Context, _ *M) ([]*R, error) {
	return list[R](ctx, r.Name)
}

func getOne[R any](ctx context.Context, name string) (*R, error) {
	v, err := Do(ctx, Effect{Verb: VerbGet, Target: name})
	if err != nil {
		return nil, err
	}
	if v.null() {
		return nil, &Error{Code: ErrNotFound, Message: "relation " + name + ": there is none"}
	}
	return As[R](v)
}

func list[R any](ctx context.Context, name string) ([]*R, error) {
	v, err := Do(ctx, Effect{Verb: VerbList, Target: name})
	if err != nil {
		return nil, err
	}
	vs, err := As[[]*Value](v)
	if err != nil {
		return nil, err
	}
	out := make([]*R, 0, len(*vs))
	for _, v := range *vs {
		if v.null() {
			continue
		}
		r, err := As[R](v)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// null reports whether v is JSON null.
func (v *Value) null() bool {
	if v == nil {
		return true
	}
	r := v.raw.Load()
	return v.form == nil && r != nil && string(*r) == "null"
}

// relation describes a relation to R; bad is what is wrong with its key.
func relation[R any](name, model, key string, c Cardinality, bad error) (RelationDescriptor, error) {
	d := RelationDescriptor{Name: name, Model: model, Cardinality: c, Key: key}
	s, err := shapeOf(reflect.TypeFor[R]())
	switch {
	case bad != nil:
		return d, fmt.Errorf("relation %s: %w", name, bad)
	case err != nil:
		return d, fmt.Errorf("relation %s: %w", name, err)
	case s.opaque || s.typ.Kind() != reflect.Struct:
		return d, fmt.Errorf("relation %s: %s is no struct: write the other model's type, or a struct with some of its fields", name, s.typ)
	}
	for i := range s.fields {
		d.Fields = append(d.Fields, s.fields[i].name)
	}
	return d, nil
}

// keyOf checks that t has a string field with that JSON name.
func keyOf(t reflect.Type, name string) error {
	s, err := shapeOf(t)
	if err != nil {
		return err
	}
	var names []string
	for i := range s.fields {
		f := &s.fields[i]
		if f.name == name && isText(s.parts[i]) {
			return nil
		}
		if isText(s.parts[i]) {
			names = append(names, f.name)
		}
	}
	return fmt.Errorf("key %q: %s has no string field with that JSON name%s", name, t, meant(name, names))
}

func isText(s *shape) bool {
	return s.text || s.typ.Kind() == reflect.String && !s.opaque
}

// keysOf checks that a JSON Pointer with one * leads to strings in t.
func keysOf(t reflect.Type, pointer string) error {
	s, err := shapeOf(t)
	if err != nil {
		return err
	}
	if strings.Count(pointer, "*") != 1 || !strings.HasPrefix(pointer, "/") {
		return fmt.Errorf("key %q: write a JSON Pointer with one *, such as /items/*/sku", pointer)
	}
	for name := range strings.SplitSeq(pointer[1:], "/") {
		for s.typ.Kind() == reflect.Pointer && s.elem != nil {
			s = s.elem
		}
		if name == "*" {
			if k := s.typ.Kind(); s.elem == nil || k != reflect.Slice && k != reflect.Array {
				return fmt.Errorf("key %q: %s is no list", pointer, s.typ)
			}
			s = s.elem
			continue
		}
		i := s.member([]byte(strings.NewReplacer("~1", "/", "~0", "~").Replace(name)), 0)
		if i < 0 {
			return fmt.Errorf("key %q: %s has no member %s", pointer, s.typ, name)
		}
		s = s.parts[i]
	}
	if !isText(s) {
		return fmt.Errorf("key %q: leads to %s, not to strings", pointer, s.typ)
	}
	return nil
}
