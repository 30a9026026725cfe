package datasourcetest

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/org/aegis/datasource"
)

// Kind is which method of a collection is called.
type Kind string

// The kinds.
const (
	Get   Kind = "get"
	Put   Kind = "put"
	Due   Kind = "due"
	List  Kind = "list"
	Purge Kind = "purge"
)

// Op is one operation on a store, as [Faulty] shows it to its plan.
type Op struct {
	N          int // counts operations of this kind on this store, from 1
	Kind       Kind
	Collection string
	ID         string               // empty for Due and List
	Revision   int64                // of Put and Purge
	Document   *datasource.Document // of Put: what is about to be stored, not to be changed
}

// Fault is what goes wrong with an operation. The zero Fault is nothing.
type Fault struct {
	// Hold, if not nil, keeps the operation until it is closed or the context
	// ends, before the store is asked.
	Hold <-chan struct{}
	// Before is answered without asking the store.
	Before error
	// After is answered although the store did what was asked: an answer
	// lost on its way, or, as modelspec.ErrConflict, a driver that asked twice.
	After error
	// Done, if not nil, is called once the store has answered, with its error,
	// before the caller learns of it: the place to kill a host.
	Done func(error)
}

// Faulty returns store with the faults of plan, which is asked before each
// operation, may block, and is called by several goroutines at once.
// Each part of List that is faulty ends the walk with the error: Before at its
// beginning, After at its end. Close closes store.
func Faulty(store datasource.Store, plan func(ctx context.Context, op Op) Fault) datasource.Store {
	return &faultyStore{Store: store, plan: plan, count: map[Kind]int{}}
}

type faultyStore struct {
	datasource.Store
	plan func(context.Context, Op) Fault

	mu    sync.Mutex
	count map[Kind]int
}

func (s *faultyStore) Collection(name string) (datasource.Collection, error) {
	c, err := s.Store.Collection(name)
	if err != nil {
		return nil, err
	}
	return &faultyCollection{inner: c, store: s, name: name}, nil
}

type faultyCollection struct {
	inner datasource.Collection
	store *faultyStore
	name  string
}

// run asks the plan, then the store, and returns what the caller shall learn.
func (c *faultyCollection) run(ctx context.Context, op Op, do func() error) error {
	c.store.mu.Lock()
	c.store.count[op.Kind]++
	op.N, op.Collection = c.store.count[op.Kind], c.name
	c.store.mu.Unlock()
	f := c.store.plan(ctx, op)
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Before != nil {
		return f.Before
	}
	err := do()
	if f.Done != nil {
		f.Done(err)
	}
	if err == nil {
		err = f.After
	}
	return err
}

func (c *faultyCollection) Get(ctx context.Context, id string) (d datasource.Document, err error) {
	err = c.run(ctx, Op{Kind: Get, ID: id}, func() (err error) {
		d, err = c.inner.Get(ctx, id)
		return err
	})
	if err != nil {
		return datasource.Document{}, err
	}
	return d, nil
}

func (c *faultyCollection) Put(ctx context.Context, d datasource.Document) error {
	return c.run(ctx, Op{Kind: Put, ID: d.ID, Revision: d.Revision, Document: &d}, func() error {
		return c.inner.Put(ctx, d)
	})
}

func (c *faultyCollection) Due(ctx context.Context, until time.Time, after datasource.Mark, limit int) (marks []datasource.Mark, err error) {
	err = c.run(ctx, Op{Kind: Due}, func() (err error) {
		marks, err = c.inner.Due(ctx, until, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return marks, nil
}

func (c *faultyCollection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		stopped := false
		err := c.run(ctx, Op{Kind: List}, func() error {
			for d, err := range c.inner.List(ctx, q) {
				if stopped = !yield(d, err); stopped {
					return nil
				}
			}
			return nil
		})
		if err != nil && !stopped {
			yield(datasource.Document{}, err)
		}
	}
}

func (c *faultyCollection) Purge(ctx context.Context, id string, revision int64) error {
	return c.run(ctx, Op{Kind: Purge, ID: id, Revision: revision}, func() error {
		return c.inner.Purge(ctx, id, revision)
	})
}
