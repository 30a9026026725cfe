package flow

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Config says what an Engine works with. What says so may be left out.
type Config struct {
	Table  *federation.Table
	Broker *broker.Broker
	Store  datasource.Store
	Log    *slog.Logger

	Stores    map[string]datasource.Store // of models that have one of their own
	Namespace string                      // part of every key: change it when a store is restored from a backup
	Policies  map[string]modelspec.Policy // an operator's, by "model.port": in place of the port's own
	History   time.Duration               // how long ended flows are kept; zero: a week
	Observe   func(Observation)           // nil: nobody

	// Services binds an adapter, which stands before another service or none,
	// to a service by name, until release is called. An error leaves the call
	// waiting for it. Nil: there are no services.
	Services func(a *adapter.Adapter, service string) (bound adapter.Adapter, release func(), err error)
}

// Engine runs commands and flows. It is safe for concurrent use.
type Engine struct {
	Config
	life string // names this process in what it writes

	mu    sync.Mutex // writers of colls, ports, byPtr
	colls atomic.Pointer[map[string]datasource.Collection]
	ports atomic.Pointer[map[portKey]*out]
	byPtr atomic.Pointer[outsOf] // the same, found by pointer

	stripes [256]sync.Mutex // one writer of a document at a time: a subject's events stay in order

	live      liveCommands
	tasks     schedule
	told      published
	tries     tries
	newer     newer
	listening sync.Mutex
	heard     map[heard]*broker.Handle // what the models consume of others

	rewaking atomic.Int32 // how often it was asked for since it began

	marked  marked
	suspect sync.Mutex // documents that were at work when a process died are tried one at a time
}

type docKey struct{ model, id string }

type portKey struct{ model, port string }

// New makes an Engine that does nothing by itself before Run.
func New(cfg Config) *Engine {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Observation) {}
	}
	cfg.History = cmp.Or(cfg.History, 7*24*time.Hour)
	e := &Engine{Config: cfg, life: newInc()}
	e.live.init()
	e.tasks.init()
	e.told.init()
	e.marked.init()
	return e
}

// Observation is something that happened to a flow or a document, for logs and
// tests. Kind is one of the constants below.
type Observation struct {
	Kind  string
	Model string
	ID    string
	Flow  string
	Port  string
	Err   error
}

// The kinds of Observation. Each is also an event of the host: see tell.go.
const (
	AnswerUnknown = "answer.unknown" // nobody waits for it
	UndoStarted   = "undo.started"   // a flow began to be taken back
	UndoFailed    = "undo.failed"    // an undo was refused, or could not be asked
	UndoCompleted = "undo.completed"
	FlowEnded     = "flow.ended"
	FlowAttention = "flow.attention"
	Quarantined   = "document.quarantined"
	DeadLettered  = "event.deadlettered"
	DocFailed     = "document.failed"
)

func (e *Engine) coll(name string) (datasource.Collection, error) {
	if m := e.colls.Load(); m != nil {
		if c, ok := (*m)[name]; ok {
			return c, nil
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n := map[string]datasource.Collection{}
	if m := e.colls.Load(); m != nil {
		maps.Copy(n, *m)
	}
	c, err := e.storeOf(name).Collection(name)
	if err != nil {
		return nil, err
	}
	n[name] = c
	e.colls.Store(&n)
	return c, nil
}

// storeOf finds the store of a collection: that of its model.
func (e *Engine) storeOf(name string) datasource.Store {
	for i := range len(name) {
		if name[i] == '.' {
			name = name[:i]
			break
		}
	}
	if s, ok := e.Stores[name]; ok {
		return s
	}
	return e.Store
}

func (e *Engine) stripe(k docKey) *sync.Mutex {
	h := uint32(2166136261)
	for i := range len(k.id) {
		h = (h ^ uint32(k.id[i])) * 16777619
	}
	for i := range len(k.model) {
		h = (h ^ uint32(k.model[i])) * 16777619
	}
	return &e.stripes[(h^h>>16)%uint32(len(e.stripes))]
}

// wait is how long to wait after the n-th failure: from 200 ms, doubling, to
// five minutes, spread by a quarter so that many do not come back at once.
func wait(n int) time.Duration {
	d := longestWait
	if n < 12 {
		d = min(firstWait<<max(n-1, 0), longestWait)
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

func (e *Engine) generation(g *federation.Generation) Generation {
	return Generation{ID: g.ID, Name: g.Name, Version: g.Version}
}

// liveCommands are the commands that are acting in this process. Nobody takes
// over their steps, and the same command is not run twice at the same time.
type liveCommands struct {
	mu sync.Mutex
	m  map[string]int
}

func (l *liveCommands) init() { l.m = map[string]int{} }

// begin reports whether the flow was not acting already.
func (l *liveCommands) begin(flow string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m[flow] > 0 {
		return false
	}
	l.m[flow]++
	return true
}

func (l *liveCommands) end(flow string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.m, flow)
}

func (l *liveCommands) has(flow string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.m[flow] > 0
}

// published remembers up to which revision a document's events are out while
// the envelope still holds them.
type published struct {
	mu    sync.Mutex
	m     map[docKey]told
	dirty atomic.Int64
}

type told struct {
	rev int64
	at  time.Time
}

func (p *published) init() { p.m = map[docKey]told{} }

func (p *published) upto(k docKey) int64 {
	if p.dirty.Load() == 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.m[k].rev
}

func (p *published) set(k docKey, rev int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m[k].rev < rev {
		p.m[k] = told{rev, now}
	}
	p.dirty.Store(int64(len(p.m)))
}

// cleared says that the envelope holds no event up to rev any more.
func (p *published) cleared(k docKey, rev int64) {
	if p.dirty.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m[k].rev <= rev {
		delete(p.m, k)
	}
	p.dirty.Store(int64(len(p.m)))
}

// forget says that the envelope holds no event, or is not there any more.
func (p *published) forget(k docKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, k)
	p.dirty.Store(int64(len(p.m)))
}

// since lists the documents whose events have been out since before t.
func (p *published) since(t time.Time) []docKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ks []docKey
	for k, v := range p.m {
		if !v.at.After(t) {
			ks = append(ks, k)
		}
	}
	return ks
}

// detached is ctx without its end, for what must be written whatever happens
// to the caller; it ends by itself.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// marked are the documents in which it is written that this process is at work
// on them: what a process that ends in peace takes back.
type marked struct {
	mu sync.Mutex
	m  map[docKey]bool
	n  atomic.Int64
}

func (s *marked) init() { s.m = map[docKey]bool{} }

func (s *marked) add(k docKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m[k] = true
	s.n.Store(int64(len(s.m)))
}

// drop says that the document was written, and says it no more.
func (s *marked) drop(k docKey) {
	if s.n.Load() == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.m, k)
	s.n.Store(int64(len(s.m)))
}

func (s *marked) all() []docKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.m))
}
