package federation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Table is what a host can do at this moment: which generation of which
// component answers each model and each port. Reading it never blocks and
// never waits for a change; a change, of however many components, is one
// store. Make it with [NewTable]. Safe for concurrent use.
type Table struct {
	cur atomic.Pointer[Snapshot]

	mu     sync.Mutex // one change at a time; guards what follows
	nextID uint64
	closed bool
	open   map[*Generation]struct{} // made and not yet closed
	refs   map[binding]*PortRef     // of ports that are or were in the table
	laid   *laid                    // over what the code says
}

// NewTable returns a table that shows nothing.
func NewTable() *Table {
	t := &Table{open: map[*Generation]struct{}{}, refs: map[binding]*PortRef{}, laid: &laid{}}
	t.cur.Store(&Snapshot{})
	return t
}

// attempts bounds a read. One is enough but where a change happens between the
// look and the pin; then the next look sees that change.
const attempts = 8

// Model returns the spec that answers model for the document key, and its
// generation, pinned: call [Generation.Unpin] when the call has ended. The
// error is ErrNotFound for a model that nobody has, and ErrUnavailable, marked
// NotSent, if the table changed faster than it could be read.
func (t *Table) Model(model, key string) (*modelspec.Spec, *Generation, error) {
	for range attempts {
		r, ok := t.cur.Load().models[model]
		if !ok {
			return nil, nil, &modelspec.Error{Code: modelspec.ErrNotFound, Message: "no model " + model, NotSent: true}
		}
		if a := r.pick(key); a.gen.pin() {
			return a.what, a.gen, nil
		}
	}
	return nil, nil, changing("model " + model)
}

func changing(what string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, Message: what + ": its component is being replaced: ask again", NotSent: true}
}

// Snapshot returns what the table shows now. It pins nothing: it is for
// looking, not for calling.
func (t *Table) Snapshot() *Snapshot { return t.cur.Load() }

// Draining returns the retired generations that calls still keep open, oldest
// first.
func (t *Table) Draining() []*Generation {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.opened(func(g *Generation) bool { return g.state == retired })
}

// opened returns the open generations that want says, oldest first.
func (t *Table) opened(want func(*Generation) bool) []*Generation {
	var out []*Generation
	for g := range t.open {
		if want(g) {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *Generation) int { return int(int64(a.ID) - int64(b.ID)) })
	return out
}

func (t *Table) forget(g *Generation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, g)
}

// Close takes everything out, also what was prepared and not shown, and waits
// until it is all closed. When ctx ends first, it kills the calls that are
// still under way and returns an error that names their components; Close may
// be called again to go on waiting. After Close, Prepare and Swap fail.
func (t *Table) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.cur.Store(&Snapshot{Seq: t.cur.Load().Seq + 1})
	t.refresh()
	all := t.opened(func(*Generation) bool { return true })
	for _, g := range all {
		g.retire()
	}
	t.mu.Unlock()
	for _, g := range all {
		select {
		case <-g.done:
		case <-ctx.Done():
			return t.abandon(ctx)
		}
	}
	return nil
}

func (t *Table) abandon(ctx context.Context) error {
	t.mu.Lock()
	left := t.opened(func(*Generation) bool { return true })
	t.mu.Unlock()
	var names []string
	for _, g := range left {
		g.Kill(errClosed)
		names = append(names, g.Name)
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("federation: close: still in use: %s: %w", strings.Join(slices.Compact(names), ", "), context.Cause(ctx))
}

// PortRef is one outbound port of one model, for whoever calls it often: it
// remembers its way for as long as the table has not changed. Safe for
// concurrent use.
type PortRef struct {
	t    *Table
	b    binding
	memo atomic.Pointer[portMemo]
}

type portMemo struct {
	s   *Snapshot
	r   *route[adapter.Adapter]
	err error // there is no r
}

// PortRef returns the port of the model, whether or not anything answers it
// yet.
func (t *Table) PortRef(model, port string) *PortRef {
	b := binding{model, port}
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.refs[b]
	if p == nil {
		p = &PortRef{t: t, b: b}
		if t.cur.Load().knows(b) { // names from outside must not fill the map
			t.refs[b] = p
		}
	}
	return p
}

// Pin returns the adapter that answers the port for the document key, and its
// generation, pinned: call [Generation.Unpin] when the call has ended. Without
// an adapter, or if the table changes faster than it can be read, the error is
// ErrUnavailable, marked NotSent.
func (p *PortRef) Pin(key string) (*adapter.Adapter, *Generation, error) {
	for range attempts {
		s := p.t.cur.Load()
		m := p.memo.Load()
		if m == nil || m.s != s {
			m = p.look(s)
		}
		if m.err != nil {
			return nil, nil, m.err
		}
		if a := m.r.pick(key); a.gen.pin() {
			return a.what, a.gen, nil
		}
	}
	return nil, nil, changing("port " + p.b.String())
}

func (p *PortRef) look(s *Snapshot) *portMemo {
	m := &portMemo{s: s, r: s.ports[p.b]}
	if m.r == nil {
		m.err = &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true,
			Message: "port " + p.b.String() + " has no adapter: bind it or load the component that answers it"}
	}
	p.memo.Store(m)
	return m
}

// refresh makes the remembered ports let go of the previous snapshot, whose
// modules would otherwise stay in memory until each port is called again. The
// caller holds t.mu.
func (t *Table) refresh() {
	s := t.cur.Load()
	for b, p := range t.refs {
		p.memo.Store(nil)
		if !s.knows(b) {
			delete(t.refs, b)
		}
	}
}
