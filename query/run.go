package query

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"slices"
)

// Page is one page of an answer.
type Page[T any] struct {
	Documents []T
	Next      string // Query.Cursor of the next page; empty: this was the last
	Total     int    // of all that match, where Query.Count asks for it
	Looked    int    // documents that were looked at
}

// Run answers a query that is not grouped. walk yields the documents of one
// step, in its order; an error ends everything. look shows a document to the
// query; it need not have more than the query asks for.
//
// It looks at most documents at most; zero is as many as there are. What is
// walked in the order of the query ends early then, with a page that may be
// short of documents, and Next behind the last that was looked at. Anything
// else cannot be answered in part: modelspec.ErrExhausted.
//
// Memory is bounded by the page and what it skips: Limit + Offset documents.
func Run[T any](p *Plan, walk func(Step) iter.Seq2[T, error], look func(*T) Document, most int) (Page[T], error) {
	budget := most
	if p.Else != nil && (most == 0 || p.Budget < most) {
		budget = p.Budget
	}
	k := newCollector[T](p)
	for _, s := range p.Steps() {
		for t, err := range walk(s) {
			if err != nil {
				return Page[T]{}, err
			}
			if budget > 0 && k.looked == budget {
				if p.Else != nil {
					return more(p.Else, walk, look, most, k.looked)
				}
				return k.cut(most)
			}
			ok, err := k.add(t, look(&t))
			if err != nil {
				return Page[T]{}, err
			}
			if !ok {
				return k.page(), nil
			}
		}
	}
	return k.page(), nil
}

func more[T any](p *Plan, walk func(Step) iter.Seq2[T, error], look func(*T) Document, most, looked int) (Page[T], error) {
	page, err := Run(p, walk, look, most)
	page.Looked += looked
	return page, err
}

// RunGroups answers a query in groups, as [Run] answers others. Without
// Query.Group it counts.
func RunGroups[T any](p *Plan, walk func(Step) iter.Seq2[T, error], look func(*T) Document, most int) ([]GroupRow, error) {
	g, looked := p.c.Groups(), 0
	for _, s := range p.Steps() {
		for t, err := range walk(s) {
			if err != nil {
				return nil, err
			}
			if looked++; most > 0 && looked > most {
				return nil, tooMany(most)
			}
			if err := g.Add(look(&t)); err != nil {
				return nil, err
			}
		}
	}
	return g.Rows(), nil
}

func tooMany(most int) error {
	return exhausted(fmt.Sprintf("the answer is in over %d documents: narrow the query by an indexed member, or sort by one", most))
}

// collector makes a page of documents as they come.
type collector[T any] struct {
	c      *Compiled
	plan   *Plan
	after  Key
	behind bool // only what is behind after
	want   int  // documents that are kept: those of the page, those to skip, and one to know of more
	items  []item[T]
	seen   map[string]bool // ids of items, where a change might bring a document twice
	last   Key             // that was looked at
	looked int
	total  int
	full   bool // no more are kept; they are counted only
}

type item[T any] struct {
	key Key
	doc T
}

func newCollector[T any](p *Plan) *collector[T] {
	k := &collector[T]{c: p.c, plan: p}
	q := &p.c.query
	k.after, k.behind = p.c.After()
	k.want = cmp.Or(q.Limit, PageLength) + 1
	if !k.behind {
		k.want += q.Offset
	}
	if len(p.Ranges) > 1 {
		k.seen = map[string]bool{}
	}
	return k
}

// add looks at a document; false: no more are needed.
func (k *collector[T]) add(t T, d Document) (bool, error) {
	k.looked++
	r, err := k.c.read(&d)
	if err != nil {
		return false, err
	}
	defer k.c.done(r)
	match := k.c.query.Where == nil || k.c.where.holds(r)
	if match {
		k.total++
	}
	if k.full || !match && !k.plan.Ordered {
		return true, nil
	}
	key := k.c.key(r, d.ID)
	k.last = key
	if !match || k.behind && k.c.Compare(key, k.after) <= 0 || k.seen[d.ID] {
		return true, nil
	}
	if k.plan.Ordered {
		k.items = append(k.items, item[T]{key, t})
		k.mark(d.ID)
		k.full = len(k.items) == k.want
		return !k.full || k.c.query.Count, nil
	}
	return k.insert(item[T]{key, t}), nil
}

func (k *collector[T]) mark(id string) {
	if k.seen != nil {
		k.seen[id] = true
	}
}

// insert keeps the first of all that come, in a heap with the last on top.
func (k *collector[T]) insert(i item[T]) bool {
	if len(k.items) < k.want {
		heap.Push((*lastFirst[T])(k), i)
		k.mark(i.key.ID)
		return true
	}
	top := k.items[0].key
	if k.c.Compare(i.key, top) < 0 {
		delete(k.seen, top.ID)
		k.mark(i.key.ID)
		k.items[0] = i
		heap.Fix((*lastFirst[T])(k), 0)
		return true
	}
	// Behind the last by the keys that the walk is in the order of: so is all
	// that is still to come.
	return k.c.query.Count || k.plan.Sorted == 0 || k.c.compareSort(i.key, top, k.plan.Sorted) <= 0
}

// lastFirst is the heap of a collector.
type lastFirst[T any] collector[T]

func (h *lastFirst[T]) Len() int           { return len(h.items) }
func (h *lastFirst[T]) Less(i, j int) bool { return h.c.Compare(h.items[i].key, h.items[j].key) > 0 }
func (h *lastFirst[T]) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *lastFirst[T]) Push(x any)         { h.items = append(h.items, x.(item[T])) }
func (h *lastFirst[T]) Pop() any           { panic("query: nothing is taken out") }

// page returns what there is.
func (k *collector[T]) page() Page[T] {
	if !k.plan.Ordered {
		slices.SortFunc(k.items, func(a, b item[T]) int { return k.c.Compare(a.key, b.key) })
	}
	items, next := k.items, ""
	if len(items) == k.want {
		items = items[:k.want-1]
		next = k.c.Cursor(items[len(items)-1].key)
	}
	if !k.behind {
		items = items[min(k.c.query.Offset, len(items)):]
	}
	p := Page[T]{Next: next, Total: k.total, Looked: k.looked}
	for _, i := range items {
		p.Documents = append(p.Documents, i.doc)
	}
	return p
}

// cut returns what there is of a walk that was broken off.
func (k *collector[T]) cut(most int) (Page[T], error) {
	if !k.plan.Ordered || k.c.query.Count || !k.behind && k.c.query.Offset > 0 {
		return Page[T]{}, tooMany(most)
	}
	p := k.page()
	p.Next = k.c.Cursor(k.last)
	return p, nil
}
