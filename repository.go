package aegis

import (
	"context"
	"iter"
	"time"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// Repository is a typed view of the documents of one model.
type Repository[T any] struct {
	host  *Host
	model string
}

// NewRepository returns the documents of m in h.
func NewRepository[T any](h *Host, m modelspec.Model[T]) Repository[T] {
	return Repository[T]{h, m.Name}
}

// Entry is a document with what the host knows of it.
type Entry[T any] struct {
	ID       string
	Revision int64
	ETag     string // of the revision: for If-Match
	Created  time.Time
	Updated  time.Time
	Data     T // a copy of the caller's own
}

func entryOf[T any](e flow.Entry) (Entry[T], error) {
	m, _, err := modelspec.Own[T](e.Data)
	if err != nil {
		return Entry[T]{}, err
	}
	return Entry[T]{ID: e.ID, Revision: e.Revision, ETag: e.ETag(), Created: e.Created, Updated: e.Updated, Data: *m}, nil
}

// Create makes a document of m, which the host takes over. An empty id gets
// one; an id that is taken is modelspec.ErrExists. Under a key (WithKey) asking
// again answers with what was made.
func (r Repository[T]) Create(ctx context.Context, id string, m T) (Entry[T], error) {
	e, err := r.host.engine.Create(ctx, r.request(ctx, id), modelspec.Of(m))
	if err != nil {
		return Entry[T]{}, err
	}
	return entryOf[T](e)
}

// Get reads a document with its revision. The error is modelspec.ErrNotFound.
func (r Repository[T]) Get(ctx context.Context, id string) (Entry[T], error) {
	e, err := r.host.engine.Get(ctx, r.model, id)
	if err != nil {
		return Entry[T]{}, err
	}
	return entryOf[T](e)
}

// Find reads a document. The copy is the caller's.
func (r Repository[T]) Find(ctx context.Context, id string) (T, error) {
	e, err := r.Get(ctx, id)
	return e.Data, err
}

// View lends a document without copying it. It is shared: do not change it.
func (r Repository[T]) View(ctx context.Context, id string) (*T, error) {
	e, err := r.host.engine.Get(ctx, r.model, id)
	if err != nil {
		return nil, err
	}
	return modelspec.As[T](e.Data)
}

// Query narrows a List.
type Query struct {
	Equal map[string]string // field: value as in a URL; all must hold
	Sort  string            // an indexed field, with - before it for descending; empty: by id
	Limit int               // documents read at a time; zero: 50
}

// List walks the documents that q keeps.
func (r Repository[T]) List(ctx context.Context, q Query) iter.Seq2[Entry[T], error] {
	return func(yield func(Entry[T], error) bool) {
		for e, err := range r.host.engine.All(ctx, flow.ListRequest{Model: r.model, Equal: q.Equal, Sort: q.Sort, Limit: q.Limit}) {
			var out Entry[T]
			if err == nil {
				out, err = entryOf[T](e)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// Update changes a document with change, which is asked again if somebody else
// writes at the same time, and whose error ends the update.
func (r Repository[T]) Update(ctx context.Context, id string, change func(*T) error) (Entry[T], error) {
	e, err := r.host.engine.Update(ctx, r.request(ctx, id), func(was *modelspec.Value) (*modelspec.Value, error) {
		m, next, err := modelspec.Own[T](was)
		if err != nil {
			return nil, err
		}
		if err := change(m); err != nil {
			return nil, modelspec.Coded(err, modelspec.ErrInvalid)
		}
		return next, nil
	})
	if err != nil {
		return Entry[T]{}, err
	}
	return entryOf[T](e)
}

// Delete removes a document. One with a flow that has not ended is refused.
func (r Repository[T]) Delete(ctx context.Context, id string) error {
	_, err := r.host.engine.Delete(ctx, r.request(ctx, id))
	return err
}

func (r Repository[T]) request(ctx context.Context, id string) flow.Request {
	q := requestOf(ctx)
	q.Model, q.ID = r.model, id
	return q
}
