package query_test

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/query"
)

// store is a collection with the indexes that a spec makes, walked as a driver
// would.
type store struct {
	t       testing.TB
	spec    *modelspec.Spec
	docs    map[string]query.Document
	entries []entry
	looked  int
	sorted  bool
}

type entry struct{ name, key, id string }

func newStore(t testing.TB, s *modelspec.Spec) *store {
	return &store{t: t, spec: s, docs: map[string]query.Document{}}
}

func (s *store) put(d query.Document) {
	s.remove(d.ID)
	s.sorted = false
	index, err := s.spec.Index(d.Data)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, x := range index {
		s.entries = append(s.entries, entry{x.Name, x.Key, d.ID})
	}
	s.docs[d.ID] = d
}

// sort puts the entries in order; those without a name are the ids.
func (s *store) sort() {
	if s.sorted {
		return
	}
	s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return e.name == "" })
	for id := range s.docs {
		s.entries = append(s.entries, entry{"", "", id})
	}
	slices.SortFunc(s.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id))
	})
	s.sorted = true
}

func (s *store) remove(id string) {
	delete(s.docs, id)
	s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return e.id == id })
}

func (s *store) walk(step query.Step) iter.Seq2[query.Document, error] {
	s.sort()
	var found []entry
	for _, e := range s.entries {
		key := e.key
		if step.Index == "" {
			key = e.id
		}
		if e.name == step.Index && step.Range.Has(key) {
			found = append(found, e)
		}
	}
	if step.Desc {
		slices.Reverse(found)
	}
	return func(yield func(query.Document, error) bool) {
		for _, e := range found {
			after := cmp.Or(cmp.Compare(e.key, step.After.Key), cmp.Compare(e.id, step.After.ID))
			if step.After != (query.Position{}) && (step.Desc && after >= 0 || !step.Desc && after <= 0) {
				continue
			}
			s.looked++
			if !yield(s.docs[e.id], nil) {
				return
			}
		}
	}
}

func (s *store) run(p *query.Plan, most int) (query.Page[query.Document], error) {
	return query.Run(p, s.walk, func(d *query.Document) query.Document { return *d }, most)
}

// all answers q without plan, pages and indexes.
func (s *store) all(c *query.Compiled) []string {
	type row struct {
		key query.Key
		id  string
	}
	var rows []row
	for id, d := range s.docs {
		ok, err := c.Match(d)
		if err != nil {
			s.t.Fatal(err)
		}
		key, err := c.Key(d)
		if err != nil {
			s.t.Fatal(err)
		}
		if ok {
			rows = append(rows, row{key, id})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return c.Compare(a.key, b.key) })
	out := []string{}
	for _, r := range rows {
		out = append(out, r.id)
	}
	return out
}

// pages answers q page by page. most is as for Run.
func (s *store) pages(q query.Query, keys query.Keys, most int) (ids []string, pages int) {
	ids = []string{}
	for {
		c := compile(s.t, &q)
		page, err := s.run(c.Plan(keys), most)
		if err != nil {
			s.t.Fatalf("%s %v: %v", q.Where, q.Sort, err)
		}
		for _, d := range page.Documents {
			ids = append(ids, d.ID)
		}
		if n := len(page.Documents); n > cmp.Or(q.Limit, query.PageLength) {
			s.t.Fatalf("%s %v: a page of %d documents", q.Where, q.Sort, n)
		}
		pages++
		if page.Next == "" {
			return ids, pages
		}
		if q.Cursor = page.Next; pages > 10_000 {
			s.t.Fatal("the pages have no end")
		}
	}
}

func randomStore(t testing.TB, r *rand.Rand, n int) *store {
	s := newStore(t, spec(t))
	for i := range n {
		d := document(fmt.Sprintf("d%03d", i), toJSON(t, randomThing(r, i)))
		d.Created = time.Unix(int64(r.IntN(5)), 0)
		s.put(d)
	}
	return s
}

func randomSort(r *rand.Rand) (out []query.Order) {
	for _, i := range r.Perm(10)[:r.IntN(4)] {
		path := []string{"name", "status", "mail", "price", "weight", "open", "since", "count", "id", "createTime"}[i]
		out = append(out, query.Order{Path: path, Desc: r.IntN(2) == 0})
	}
	return out
}
