package modelspec

import "context"

// Relation is a relation of a model whose Go type is M.
type Relation[M any] interface {
	DescribeRelation() (RelationDescriptor, error)
	of(M)
}

// BelongsTo says that M holds the id of one R.
type BelongsTo[M, R any] struct{ Name, Model, Key string }

// HasOne says that one R holds M's id.
type HasOne[M, R any] struct{ Name, Model, Key string }

// HasMany says that each R holds M's id.
type HasMany[M, R any] struct{ Name, Model, Key string }

// ContainsMany says that M holds an array of ids of Rs.
type ContainsMany[M, R any] struct{ Name, Model, Key string }

func (BelongsTo[M, R]) of(M)    {}
func (HasOne[M, R]) of(M)       {}
func (HasMany[M, R]) of(M)      {}
func (ContainsMany[M, R]) of(M) {}

// DescribeRelation returns the relation as data.
func (r BelongsTo[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return RelationDescriptor{Name: r.Name, Model: r.Model, Cardinality: ManyToOne, Key: r.Key}, nil
}

// DescribeRelation returns the relation as data.
func (r HasOne[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return RelationDescriptor{Name: r.Name, Model: r.Model, Cardinality: OneToOne, Key: r.Key}, nil
}

// DescribeRelation returns the relation as data.
func (r HasMany[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return RelationDescriptor{Name: r.Name, Model: r.Model, Cardinality: OneToMany, Key: r.Key}, nil
}

// DescribeRelation returns the relation as data.
func (r ContainsMany[M, R]) DescribeRelation() (RelationDescriptor, error) {
	return RelationDescriptor{Name: r.Name, Model: r.Model, Cardinality: Contains, Key: r.Key}, nil
}

// Get reads the R that m belongs to.
func (r BelongsTo[M, R]) Get(ctx context.Context, _ *M) (*R, error) { return getOne[R](ctx, r.Name) }

// Get reads the R of m.
func (r HasOne[M, R]) Get(ctx context.Context, _ *M) (*R, error) { return getOne[R](ctx, r.Name) }

// List reads the Rs of m.
func (r HasMany[M, R]) List(ctx context.Context, _ *M) ([]*R, error) { return listAll[R](ctx, r.Name) }

// List reads the Rs of m.
func (r ContainsMany[M, R]) List(ctx context.Context, _ *M) ([]*R, error) {
	return listAll[R](ctx, r.Name)
}

func getOne[R any](ctx context.Context, name string) (*R, error) {
	v, err := Do(ctx, Effect{Verb: VerbGet, Target: name})
	if err != nil {
		return nil, err
	}
	return As[R](v)
}

func listAll[R any](ctx context.Context, name string) ([]*R, error) {
	v, err := Do(ctx, Effect{Verb: VerbList, Target: name})
	if err != nil {
		return nil, err
	}
	vs, err := As[[]*Value](v)
	if err != nil {
		return nil, err
	}
	out := make([]*R, len(*vs))
	for i, v := range *vs {
		if out[i], err = As[R](v); err != nil {
			return nil, err
		}
	}
	return out, nil
}
