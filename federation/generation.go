package federation

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Generation is one loaded version of a component. It is closed once, when it
// has been retired and its last call has returned, and never while a call is
// under way. Its fields never change. Safe for concurrent use.
type Generation struct {
	Name    string // of the component
	Version string
	Digest  string // of the artifact it was made of; empty where there is none
	ID      uint64 // unique in its Table, and larger for what was prepared later

	models   map[string]*modelspec.Spec
	adapters map[binding]*adapter.Adapter
	pending  bool
	module   Module
	table    *Table

	refs   atomic.Int64 // calls under way, and one for whoever keeps it ready; closedRefs and about it: closed
	sole   atomic.Bool  // written by Swap
	state  state        // guarded by table.mu
	ctx    context.Context
	cancel context.CancelCauseFunc
	err    error // of Close; written before done is closed
	done   chan struct{}
}

// binding is one port of one model. A bare port name binds nothing.
type binding struct{ model, port string }

func (b binding) String() string { return b.model + "." + b.port }

type state uint8

const (
	prepared state = iota // nobody has seen it yet
	shown
	retired // for ever: a rollback prepares again
)

// closedRefs is far enough below zero that pins which fail on their way cannot
// bring it back.
const closedRefs = math.MinInt64 / 2

// pin keeps g open until Unpin. It fails once g is closed.
func (g *Generation) pin() bool {
	if g.refs.Add(1) > 0 {
		return true
	}
	g.refs.Add(-1)
	return false
}

// Unpin gives back what [Table.Model] or [PortRef.Pin] pinned, once for each.
func (g *Generation) Unpin() {
	if n := g.refs.Add(-1); n <= 0 {
		g.last(n)
	}
}

func (g *Generation) last(n int64) {
	if n < 0 {
		panic("federation: Unpin of " + g.Name + " without a pin")
	}
	// A reader that still has the old table may pin between Add and here. It
	// wins, and closing is left to its Unpin.
	if g.refs.CompareAndSwap(0, closedRefs) {
		go g.finish()
	}
}

func (g *Generation) finish() {
	defer close(g.done)
	defer g.table.forget(g)
	defer g.cancel(errClosed)
	g.err = fmt.Errorf("federation: close %s: did not return", g.Name) // if Close ends the goroutine
	g.err = closeModule(g.Name, g.module)
}

var errClosed error = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the component's generation is closed"}

// Inflight is the number of calls under way.
func (g *Generation) Inflight() int {
	n := g.refs.Load()
	g.table.mu.Lock()
	if g.state != retired {
		n--
	}
	g.table.mu.Unlock()
	return int(max(n, 0))
}

// Sole reports whether g has all documents of its component: there is no other
// arm beside it. What is remembered about a component across its versions, such
// as a breaker, is the arm's own while there are several. Of a retired
// generation it is what it was.
func (g *Generation) Sole() bool { return g.sole.Load() }

// Context ends when g is killed or closed: whoever calls g's module ties its
// call to it. Its cause says why.
func (g *Generation) Context() context.Context { return g.ctx }

// Kill ends g's context, and with it the calls under way, because of cause: a
// drain that takes too long. It takes nothing out of the table. A nil cause
// reads as context.Canceled.
func (g *Generation) Kill(cause error) { g.cancel(cause) }

// Drained is closed when g has been retired, its last call has returned and
// its module is closed.
func (g *Generation) Drained() <-chan struct{} { return g.done }

// Err is what closing the module returned, a recovered panic included. It is
// nil until Drained is closed.
func (g *Generation) Err() error {
	select {
	case <-g.done:
		return g.err
	default:
		return nil
	}
}

// Discard closes a generation that was prepared and will not be shown. On one
// that has been shown it does nothing: take that out with [Table.Swap].
func (g *Generation) Discard() {
	g.table.mu.Lock()
	mine := g.state == prepared
	if mine {
		g.state = retired
	}
	g.table.mu.Unlock()
	if mine {
		g.Unpin()
	}
}

// retire gives the table's claim back. The caller holds table.mu.
func (g *Generation) retire() {
	if g.state == retired {
		return
	}
	g.state = retired
	g.Unpin()
}
