package datasourcetest

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
)

// Bytes returns a store in memory that keeps documents as a disk does: only
// what datasource.Encode made of them. Nothing of the host that wrote them
// survives in it but bytes: no Go value, and nothing that the caller changes
// later. Closing it loses nothing, so that the next life of a host can be
// given the same store.
func Bytes() datasource.Store { return &byteStore{} }

type byteStore struct{ memory.Store }

func (s *byteStore) Collection(name string) (datasource.Collection, error) {
	c, err := s.Store.Collection(name)
	if err != nil {
		return nil, err
	}
	return byteCollection{c}, nil
}

// byteCollection holds Values that were made of bytes and never read: each
// caller gets its own.
type byteCollection struct{ inner datasource.Collection }

func recode(d datasource.Document) (datasource.Document, error) {
	b, err := datasource.Encode(d)
	if err != nil {
		return d, err
	}
	return datasource.Decode(b)
}

func (c byteCollection) Get(ctx context.Context, id string) (datasource.Document, error) {
	d, err := c.inner.Get(ctx, id)
	if err != nil {
		return d, err
	}
	return recode(d)
}

func (c byteCollection) Put(ctx context.Context, d datasource.Document) error {
	d, err := recode(d)
	if err != nil {
		return fmt.Errorf("datasourcetest: put: %w", err)
	}
	return c.inner.Put(ctx, d)
}

func (c byteCollection) Due(ctx context.Context, until time.Time, after datasource.Mark, limit int) ([]datasource.Mark, error) {
	return c.inner.Due(ctx, until, after, limit)
}

func (c byteCollection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		for d, err := range c.inner.List(ctx, q) {
			if err == nil {
				d, err = recode(d)
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func (c byteCollection) Purge(ctx context.Context, id string, revision int64) error {
	return c.inner.Purge(ctx, id, revision)
}
