package flow_test

import (
	"context"
	"slices"
	"sync"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// service is the outside world, as a process sees it.
type service interface {
	do(ctx context.Context, port, key, order string) error
	undo(ctx context.Context, port, key, order string) error
}

// outside is a service that lives beyond all crashes and keeps its half: one
// effect per key, and none after its undo. Its script says what goes wrong.
type outside struct {
	mu     sync.Mutex
	done   map[string]bool     // port|key: happened
	undone map[string]bool     // port|key: taken back, whether it had happened or not
	book   []entry             // what happened, in its order
	late   []entry             // effects that have not landed yet
	script map[string][]string // what the next calls of a port come to; then all is well
	asked  []entry             // invoices, whose answers come later
}

type entry struct{ Port, Key, Order string }

// What a call can come to, beside "": it happens, and is answered.
const (
	lost    = "lost"    // it happens, and the answer does not arrive
	unknown = "unknown" // it does not happen, which nobody says
	later   = "later"   // it happens after its caller gave up
	notSent = "notsent"
	refuse  = "refuse"
)

func newOutside(script map[string][]string) *outside {
	return &outside{done: map[string]bool{}, undone: map[string]bool{}, script: script}
}

func (o *outside) next(what string) string {
	s := o.script[what]
	if len(s) == 0 {
		return ""
	}
	o.script[what] = s[1:]
	return s[0]
}

func (o *outside) do(_ context.Context, port, key, order string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if key == "" {
		panic("no key for " + port)
	}
	o.landLate()
	e := entry{port, key, order}
	if o.undone[port+"|"+key] {
		return modelspec.Refuse("taken back before")
	}
	switch o.next(port) {
	case lost:
		o.land(e)
		return modelspec.ErrUnavailable
	case unknown:
		return modelspec.ErrDeadline
	case later:
		o.late = append(o.late, e)
		return modelspec.ErrDeadline
	case notSent:
		return adapter.NotSent(modelspec.ErrUnavailable)
	case refuse:
		if !o.done[port+"|"+key] { // what has happened is not refused
			return modelspec.Refuse(port + " says no")
		}
	}
	o.land(e)
	return nil
}

// land makes the effect happen, once per key and never after its undo.
func (o *outside) land(e entry) {
	k := e.Port + "|" + e.Key
	if o.done[k] || o.undone[k] {
		return
	}
	o.done[k] = true
	o.book = append(o.book, e)
	if e.Port == invoice.Name {
		o.asked = append(o.asked, e)
	}
}

func (o *outside) landLate() {
	for _, e := range o.late {
		o.land(e)
	}
	o.late = nil
}

func (o *outside) undo(_ context.Context, port, key, order string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if key == "" {
		panic("no key for the undo of " + port)
	}
	k := port + "|" + key
	switch o.next("undo " + port) {
	case lost:
		o.takeBack(k, entry{"undo " + port, key, order})
		return modelspec.ErrUnavailable
	case unknown, later:
		return modelspec.ErrDeadline
	case notSent:
		return adapter.NotSent(modelspec.ErrUnavailable)
	case refuse:
		return modelspec.Refuse("undo of " + port + ": no")
	}
	o.takeBack(k, entry{"undo " + port, key, order})
	return nil
}

func (o *outside) takeBack(k string, e entry) {
	if o.done[k] && !o.undone[k] {
		o.book = append(o.book, e)
	}
	o.undone[k] = true
}

// stands lists the keys of a port's effects for an order that were not undone.
func (o *outside) stands(port, order string) (keys []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.book {
		if e.Port == port && e.Order == order && !o.undone[port+"|"+e.Key] {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// waiting are the invoices that were asked for, answered or not.
func (o *outside) waiting() []entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.asked)
}

// answers are the adapters of all ports but those named.
func answers(s service, c code, but []string) aegis.Adapters {
	all := aegis.Adapters{
		adapter.AskUndo(reserve, func(ctx context.Context, a askFor) error { return s.do(ctx, "reserve", adapter.Key(ctx), a.Order) },
			func(ctx context.Context, t adapter.Taken[askFor, given]) error {
				return s.undo(ctx, "reserve", t.Key, t.Request.Order)
			}),
		adapter.AskUndo(invoice, func(ctx context.Context, a askFor) error { return s.do(ctx, "invoice", adapter.Key(ctx), a.Order) },
			func(ctx context.Context, t adapter.Taken[askFor, slip]) error {
				return s.undo(ctx, "invoice", t.Key, t.Request.Order)
			}),
		adapter.Bind(scan, func(ctx context.Context, _ port.None) (port.None, error) {
			return none, s.do(ctx, "scan", adapter.Key(ctx), "")
		}),
		answer(s, pay), answer(s, courier), answer(s, pack(c)), answer(s, spare), answer(s, ship),
	}
	if !c.Giftless {
		all = append(all, answer(s, gift))
	}
	return slices.DeleteFunc(all, func(a adapter.Adapter) bool { return slices.Contains(but, a.Port) })
}

func answer(s service, p port.Outbound[order, askFor, slip]) adapter.Adapter {
	do := func(ctx context.Context, a askFor) (slip, error) {
		key := adapter.Key(ctx)
		return slip{key}, s.do(ctx, p.Name, key, a.Order)
	}
	if !p.Undo {
		return adapter.Bind(p, do)
	}
	return adapter.BindUndo(p, do, func(ctx context.Context, t adapter.Taken[askFor, slip]) error {
		return s.undo(ctx, p.Name, t.Key, t.Request.Order)
	})
}
