package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/modelspec"
)

// world is what survives a crash.
type world struct {
	*outside
	disk datasource.Store

	mu     sync.Mutex
	stored map[string]bool // events that some write put into an outbox, by source and id
	told   []broker.Event  // what the subscriber that keeps ids was told
	deaf   int             // how many more events it refuses
	odd    []string        // observations that must have a reason
}

func newWorld(script map[string][]string) *world {
	return &world{outside: newOutside(script), disk: datasourcetest.Bytes(), stored: map[string]bool{}}
}

var (
	errDead = errors.New("the process is dead")
	silent  = slog.New(slog.DiscardHandler)
)

// fault is what goes wrong with the n-th write of a life.
type fault struct {
	N    int
	Mode string // crash-before, crash-after, fail-before, fail-after, conflict-after
}

var modes = []string{"crash-before", "crash-after", "fail-before", "fail-after", "conflict-after"}

// life is one process.
type life struct {
	w     *world
	f     fault
	onPut func(n int) // before the n-th write
	onGet func(n int) // before the n-th read, but not one that looks what became of a write

	mu    sync.Mutex
	puts  int
	gets  int
	lied  bool
	dead  bool
	fired bool
}

func (l *life) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// kill ends the process: it reaches nobody any more.
func (l *life) kill(error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

func (l *life) plan(_ context.Context, op datasourcetest.Op) datasourcetest.Fault {
	if l.gone() {
		return datasourcetest.Fault{Before: errDead}
	}
	switch op.Kind {
	case datasourcetest.Put:
		return l.put(op)
	case datasourcetest.Get:
		l.get()
	}
	return datasourcetest.Fault{}
}

func (l *life) get() {
	l.mu.Lock()
	l.gets++
	n, back := l.gets, l.lied
	l.lied = false
	l.mu.Unlock()
	if l.onGet != nil && !back {
		l.onGet(n)
	}
}

func (l *life) put(op datasourcetest.Op) datasourcetest.Fault {
	l.mu.Lock()
	l.puts++
	n := l.puts
	hit := n == l.f.N
	l.lied = hit // the next read looks what became of the write, under its lock
	l.fired = l.fired || hit
	l.mu.Unlock()
	if l.onPut != nil {
		l.onPut(n)
	}
	done := func(err error) {
		l.mu.Lock()
		l.lied = l.lied || err != nil
		l.mu.Unlock()
		if err == nil {
			l.w.keep(op.Document)
		}
	}
	if !hit {
		return datasourcetest.Fault{Done: done}
	}
	lost := errors.New("disk: " + l.f.Mode)
	switch l.f.Mode {
	case "crash-before":
		l.kill(nil)
		return datasourcetest.Fault{Before: errDead}
	case "crash-after":
		return datasourcetest.Fault{After: errDead, Done: func(err error) { done(err); l.kill(nil) }}
	case "fail-before":
		return datasourcetest.Fault{Before: lost}
	case "fail-after":
		return datasourcetest.Fault{After: lost, Done: done}
	}
	return datasourcetest.Fault{After: modelspec.ErrConflict, Done: done}
}

// keep notes the events that are now in the outbox of a stored document.
func (w *world) keep(d *datasource.Document) {
	if d.Meta == nil {
		return
	}
	raw, err := d.Meta.JSON()
	if err != nil {
		panic(err)
	}
	var m struct {
		Outbox []struct{ ID, Source string }
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return // something else's document
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range m.Outbox {
		w.stored[e.Source+" "+e.ID] = true
	}
}

// do and undo reach the outside as long as the process lives.
func (l *life) do(ctx context.Context, port, key, order string) error {
	if l.gone() {
		return errDead
	}
	return l.w.outside.do(ctx, port, key, order)
}

func (l *life) undo(ctx context.Context, port, key, order string) error {
	if l.gone() {
		return errDead
	}
	return l.w.outside.undo(ctx, port, key, order)
}

// hear is the subscriber that keeps ids.
func (l *life) hear(_ context.Context, e broker.Event) error {
	if l.gone() {
		return errDead
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	if l.w.deaf > 0 {
		l.w.deaf--
		return modelspec.ErrUnavailable
	}
	l.w.told = append(l.w.told, e)
	return nil
}

func (l *life) observe(o aegis.Observation) {
	if l.gone() || o.Kind != "document.quarantined" && o.Kind != "event.deadlettered" {
		return
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.odd = append(l.w.odd, o.Kind+" "+o.Model+" "+o.ID+": "+errText(o.Err))
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// boot begins a life.
func (w *world) boot(t testing.TB, c code, but []string, f fault) (*aegis.Host, *life) {
	t.Helper()
	l := &life{w: w, f: f}
	host, err := aegis.New(aegis.Config{Models: models(c), Adapters: answers(l, c, but), Logger: silent, Observer: l.observe, DrainAfter: time.Second,
		Datasource:    staysOpen{datasourcetest.Faulty(w.disk, l.plan)},
		Subscriptions: aegis.Subscriptions{{Name: "book", Pattern: ">", Required: true, Handler: l.hear}}})
	if err != nil {
		t.Fatal(err)
	}
	return host, l
}

// staysOpen is a store that the next life goes on with.
type staysOpen struct{ datasource.Store }

func (staysOpen) Close() error { return nil }
