package aegistest

import (
	"context"
	"iter"
	"sync"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// values are those that the components of a host share: nobody may change one.
type values struct {
	mu   sync.Mutex
	list []shared // a ring of the newest
	next int
	have map[*modelspec.Value]bool
}

// shared is one value as it was first seen.
type shared struct {
	what string
	v    *modelspec.Value
	sum  uint64
}

// mostValues bounds how many are looked after.
const mostValues = 4096

// add looks after v from now on.
func (vs *values) add(what string, v *modelspec.Value) {
	sum := digest(v)
	if sum == 0 {
		return // JSON only: there is nothing to change
	}
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if vs.have[v] {
		return
	}
	if vs.have == nil {
		vs.have = map[*modelspec.Value]bool{}
	}
	vs.have[v] = true
	s := shared{what, v, sum}
	if len(vs.list) < mostValues {
		vs.list = append(vs.list, s)
		return
	}
	delete(vs.have, vs.list[vs.next].v)
	vs.list[vs.next] = s
	vs.next = (vs.next + 1) % mostValues
}

// changed says what is not what it was.
func (vs *values) changed() []string {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	var out []string
	for i := range vs.list {
		s := &vs.list[i]
		if now := digest(s.v); now != s.sum {
			s.sum = now
			out = append(out, s.what+" was changed after it was handed over: others share it: copy what is to be changed")
		}
	}
	return out
}

// watched wraps adapters in a look at what they do to their requests.
func (h *Host) watched(as []adapter.Adapter) []adapter.Adapter {
	var out []adapter.Adapter
	for _, a := range as {
		name := nameOf(a.Ref())
		if call := a.Call; call != nil {
			a.Call = func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error) {
				defer h.watch(name, "request", req)()
				v, err := call(ctx, req)
				h.values.add("the answer of the adapter of port "+name, v)
				return v, err
			}
		}
		if undo := a.Undo; undo != nil {
			a.Undo = func(ctx context.Context, req, answer *modelspec.Value) error {
				defer h.watch(name, "request", req)()
				defer h.watch(name, "answer", answer)()
				return undo(ctx, req, answer)
			}
		}
		out = append(out, a)
	}
	return out
}

// watch compares a value now and when the result is called.
func (h *Host) watch(port, what string, v *modelspec.Value) func() {
	before := digest(v)
	return func() {
		if digest(v) != before {
			h.fault("the adapter of port " + port + " changed its " + what + ": a second attempt would not ask the same: copy what is to be changed")
		}
	}
}

// nameOf is the port as "model.port", or "Type.port" where only the type is
// known.
func nameOf(p port.Ref) string {
	if p.Model == "" && p.Type != nil {
		return p.Type.Name() + "." + p.Port
	}
	return p.Model + "." + p.Port
}

// watchedStore looks after the documents that go in and come out.
type watchedStore struct {
	datasource.Store
	values *values
}

// Collection implements datasource.Store.
func (s watchedStore) Collection(name string) (datasource.Collection, error) {
	c, err := s.Store.Collection(name)
	if err != nil {
		return nil, err
	}
	return watchedCollection{c, name, s.values}, nil
}

type watchedCollection struct {
	datasource.Collection
	name   string
	values *values
}

func (c watchedCollection) Get(ctx context.Context, id string) (datasource.Document, error) {
	d, err := c.Collection.Get(ctx, id)
	c.add(&d)
	return d, err
}

func (c watchedCollection) Put(ctx context.Context, d datasource.Document) error {
	c.add(&d)
	return c.Collection.Put(ctx, d)
}

func (c watchedCollection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		for d, err := range c.Collection.List(ctx, q) {
			c.add(&d)
			if !yield(d, err) {
				return
			}
		}
	}
}

func (c watchedCollection) add(d *datasource.Document) {
	if d.Data != nil {
		c.values.add("the stored document "+c.name+" "+d.ID, d.Data)
	}
}
