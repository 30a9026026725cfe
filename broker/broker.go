package broker

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/org/aegis/modelspec"
)

// Config configures a [Broker]. The zero Config works.
type Config struct {
	// OnFailure is told of each handler's error or panic and of each dropped
	// event, on the goroutine where it happened: a publisher's or that of the
	// subscription. It must return soon. It may be called from several
	// goroutines at a time, and may use the broker, though an event it
	// publishes may fail and come back to it. Nil: slog.Default, with every
	// error, and of each subscription's drops the 1st, 2nd, 4th, 8th and so on.
	OnFailure func(Failure)
}

// Broker carries events from publishers to subscriptions. It is safe for
// concurrent use. The zero Broker works as New(Config{}) does. It must not be
// copied.
type Broker struct {
	config Config
	table  atomic.Pointer[table]

	mu     sync.Mutex           // of changes of table, and of what follows
	made   uint64               // subscriptions so far
	open   map[*Handle]struct{} // on the table, or not finished
	groups map[string]*group
}

// errShut is why nothing is delivered any more.
var errShut error = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the broker is closed"}

// New makes a broker. It starts nothing: goroutines come with subscriptions.
func New(c Config) *Broker { return &Broker{config: c} }

// Subscribe begins to deliver events that are published from now on: it is
// effective before it returns. It fails with modelspec.ErrInvalid and what to
// mend if s cannot work, and with modelspec.ErrUnavailable after Close.
func (b *Broker) Subscribe(s Subscription) (*Handle, error) {
	p, err := s.check()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.table.Load()
	if t == nil {
		t = build(nil, maphash.MakeSeed())
	}
	if t.closed {
		return nil, fmt.Errorf("broker: subscribe %s to %q: %w", s.Name, s.Pattern, errShut)
	}
	g, err := b.join(&s)
	if err != nil {
		return nil, err
	}
	h := newHandle(b, s, p)
	h.group = g
	b.made++
	h.number = b.made
	if b.open == nil {
		b.open = make(map[*Handle]struct{})
	}
	b.open[h] = struct{}{}
	b.table.Store(t.with(h))
	if !s.Required {
		go h.run()
	}
	return h, nil
}

// forget takes the finished h off the list of those that Close waits for.
func (b *Broker) forget(h *Handle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, h)
}

// remove takes h off the table. After Close the table stays as it was.
func (b *Broker) remove(h *Handle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.table.Load(); !t.closed && t.has(h) {
		b.table.Store(t.without(h))
		if h.group != nil {
			b.leave(h.group)
		}
	}
}

// Close ends all subscriptions. It ends the contexts of the calls under way,
// except Required ones, whose contexts are the publishers', and waits for them
// all. Called from inside a handler it waits for none, since they may wait for
// each other. Events that wait in queues are dropped, counted and reported.
// Publishers that are blocked, and all that come later, fail with
// modelspec.ErrUnavailable; Needs goes on answering as before, so what somebody
// needs stays where it is kept. It returns nil. Closing again waits just so.
func (b *Broker) Close() error {
	handles := b.shut()
	inside := insideRequired()
	self := goroutine()
	for _, h := range handles {
		inside = inside || h.runner.Load() == self
	}
	for _, h := range handles {
		h.shut.Store(true)
		h.stop(inside)
	}
	if inside {
		return nil
	}
	for _, h := range handles {
		<-h.done
	}
	return nil
}

// shut turns publishers and subscribers away, and returns who is not finished.
func (b *Broker) shut() []*Handle {
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.table.Load()
	if t == nil {
		t = build(nil, maphash.MakeSeed())
	}
	if !t.closed {
		b.table.Store(t.ended())
	}
	return slices.Collect(maps.Keys(b.open))
}
