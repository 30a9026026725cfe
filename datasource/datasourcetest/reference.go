package datasourcetest

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

type reference struct {
	mu sync.Mutex
	m  map[string]*naive
}

// naive keeps one map and walks all of it for every question.
type naive struct {
	mu *sync.Mutex
	m  map[string]datasource.Document
}

func (s *reference) Collection(name string) (datasource.Collection, error) {
	if err := datasource.ValidCollection(name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m == nil {
		s.m = map[string]*naive{}
	}
	if s.m[name] == nil {
		s.m[name] = &naive{mu: &s.mu, m: map[string]datasource.Document{}}
	}
	return s.m[name], nil
}

func (s *reference) Close() error { return nil }

func (c *naive) Get(ctx context.Context, id string) (datasource.Document, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.m[id]
	if !ok {
		return d, modelspec.ErrNotFound
	}
	return d, ctx.Err()
}

func (c *naive) Put(ctx context.Context, d datasource.Document) error {
	if err := datasource.Prepare(&d); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m[d.ID].Revision != d.Revision-1 {
		return modelspec.ErrConflict
	}
	for _, e := range d.Index {
		for id, other := range c.m {
			holds := slices.ContainsFunc(other.Index, func(o datasource.Entry) bool { return o.Name == e.Name && o.Key == e.Key })
			if e.Unique && id != d.ID && holds {
				return modelspec.ErrExists
			}
		}
	}
	c.m[d.ID] = d
	return ctx.Err()
}

func (c *naive) Due(_ context.Context, until time.Time, after datasource.Mark, limit int) (out []datasource.Mark, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, d := range c.m {
		m := datasource.Mark{At: d.Due, ID: id}
		if !d.Due.IsZero() && !d.Due.After(until) && (after.At.IsZero() || compareMarks(m, after) > 0) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, compareMarks)
	return out[:max(0, min(limit, len(out)))], nil
}

func compareMarks(a, b datasource.Mark) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

func (c *naive) List(_ context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	places := c.places(q)
	slices.SortFunc(places, func(a, b datasource.Position) int { return comparePositions(a, b, q.Desc) })
	return func(yield func(datasource.Document, error) bool) {
		seen := map[string]bool{}
		for _, p := range places {
			c.mu.Lock()
			d := c.m[p.ID]
			c.mu.Unlock()
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			// Its first place decides: what is before After was yielded before.
			if !q.After.IsZero() && comparePositions(p, q.After, q.Desc) <= 0 {
				continue
			}
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (c *naive) places(q datasource.Query) (out []datasource.Position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, d := range c.m {
		if d.Gone {
			continue
		}
		if q.Index == "" {
			out = append(out, datasource.Position{ID: id})
		}
		for _, e := range d.Index {
			if q.Index == e.Name && q.Index != "" && (q.Key == nil || *q.Key == e.Key) {
				out = append(out, datasource.Position{Key: e.Key, ID: id})
			}
		}
	}
	return out
}

func comparePositions(a, b datasource.Position, desc bool) int {
	c := strings.Compare(a.Key, b.Key)
	if c == 0 {
		c = strings.Compare(a.ID, b.ID)
	}
	if desc {
		return -c
	}
	return c
}

func (c *naive) Purge(_ context.Context, id string, revision int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.m[id]
	if ok && (!d.Gone || d.Revision != revision) {
		return modelspec.ErrConflict
	}
	delete(c.m, id)
	return nil
}
