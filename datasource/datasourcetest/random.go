package datasourcetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// Compare does the same operations, drawn from seed, on all stores and fails
// at the first whose answer differs from the first store's. The stores begin
// empty. The operations are few enough ids, keys and times to meet each other.
func Compare(t testing.TB, seed uint64, operations int, stores ...datasource.Store) {
	t.Helper()
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	for n := range operations {
		name, op := g.operation()
		var first string
		for i, s := range stores {
			c, err := s.Collection(name)
			if err != nil {
				t.Fatalf("Collection(%q): %v", name, err)
			}
			answer := op(t.Context(), c)
			if i == 0 {
				first = answer
			}
			if answer != first {
				t.Fatalf("seed %d, operation %d on %T:\n%s\non %T:\n%s", seed, n, stores[0], first, s, answer)
			}
		}
	}
}

// Reference returns the store that others are compared with: as slow and as
// plain as can be, to be right by being read.
func Reference() datasource.Store { return &reference{} }

func testRandom(t *testing.T, s suite) {
	Compare(t, 1, 2000, Reference(), s.store)
}

// testReopenRandom: the answers are the same after the storage was reopened.
func testReopenRandom(t *testing.T, s suite) {
	ref := Reference()
	Compare(t, 2, 500, ref, s.store)
	if s.harness.Reopen == nil {
		return
	}
	store := s.reopen(t)
	Compare(t, 3, 500, ref, store)
}

type generator struct{ *rand.Rand }

// operation draws a collection and what to do there; what it returns is the
// whole answer as text.
func (g generator) operation() (string, func(context.Context, datasource.Collection) string) {
	name := []string{"a", "a.b"}[g.IntN(2)]
	id := fmt.Sprint("d", g.IntN(12))
	switch n := g.IntN(20); {
	case n < 10:
		return name, g.put(id)
	case n < 12:
		return name, func(ctx context.Context, c datasource.Collection) string {
			d, err := c.Get(ctx, id)
			return answer(d, err)
		}
	case n < 15:
		return name, g.list()
	case n < 18:
		return name, g.due()
	}
	return name, func(ctx context.Context, c datasource.Collection) string {
		d, _ := c.Get(ctx, id)
		return code(c.Purge(ctx, id, d.Revision))
	}
}

// put draws all of a document but the revision, which mostly is the next one.
func (g generator) put(id string) func(context.Context, datasource.Collection) string {
	d := doc(id, 0)
	d.By, d.Schema, d.Gone = fmt.Sprint(g.Uint64()), g.IntN(3), g.IntN(8) == 0
	if g.IntN(2) == 0 {
		d.Due = g.time()
	}
	for range g.IntN(4) {
		e := entry([]string{"i", "i.j", "u"}[g.IntN(3)], g.key())
		e.Unique = e.Name == "u"
		d.Index = append(d.Index, e)
	}
	d.Data = modelspec.FromJSON(fmt.Appendf(nil, `{"n":%d, "s":"%s"}`, g.Uint64(), strings.Repeat("x", g.IntN(300))))
	skew := int64(0)
	if g.IntN(6) == 0 {
		skew = int64(g.IntN(4)) - 1
	}
	return func(ctx context.Context, c datasource.Collection) string {
		was, _ := c.Get(ctx, id)
		d := d
		d.Revision = was.Revision + 1 + skew
		err := c.Put(ctx, d)
		now, getErr := c.Get(ctx, id)
		return code(err) + " " + answer(now, getErr)
	}
}

func (g generator) key() string {
	return []string{"", "a", "a\x00", "a\x00b", "b", "\xff", "k"}[g.IntN(7)]
}

func (g generator) time() time.Time { return time.Unix(int64(g.IntN(6))-2, int64(g.IntN(3))) }

func (g generator) list() func(context.Context, datasource.Collection) string {
	q := datasource.Query{Desc: g.IntN(2) == 0, Index: []string{"", "i", "i.j", "u"}[g.IntN(4)]}
	if g.IntN(2) == 0 && q.Index != "" {
		q.Key = new(g.key())
	}
	if g.IntN(2) == 0 {
		q.After = datasource.Position{ID: fmt.Sprint("d", g.IntN(12))}
		if q.Index != "" {
			q.After.Key = g.key()
		}
	}
	limit := 1 + g.IntN(8)
	return func(ctx context.Context, c datasource.Collection) string {
		var b strings.Builder
		fmt.Fprintln(&b, describe(q), limit)
		n := 0
		for d, err := range c.List(ctx, q) {
			fmt.Fprintln(&b, answer(d, err))
			if n++; n == limit {
				break
			}
		}
		return b.String()
	}
}

func (g generator) due() func(context.Context, datasource.Collection) string {
	until, limit := g.time(), g.IntN(6)
	var after datasource.Mark
	if g.IntN(2) == 0 {
		after = datasource.Mark{At: g.time(), ID: fmt.Sprint("d", g.IntN(12))}
	}
	return func(ctx context.Context, c datasource.Collection) string {
		marks, err := c.Due(ctx, until, after, limit)
		out := fmt.Sprintf("due until %v after %v limit %d: %s", until, after, limit, code(err))
		for _, m := range marks {
			out += fmt.Sprintf(" %d/%s", m.At.UnixNano(), m.ID)
		}
		return out
	}
}

func answer(d datasource.Document, err error) string {
	if err != nil {
		return code(err)
	}
	b, err := datasource.Encode(d)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func code(err error) string {
	if err == nil {
		return "ok"
	}
	return string(modelspec.CodeOf(err))
}
