package broker

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// queue is a bounded ring of events between many publishers and one consumer.
//
// The consumer takes events in batches, so that a publisher rarely meets it at
// the mutex, and looks again a few times before it sleeps, so that a publisher
// rarely has to wake it. Events of a batch whose turn has not come still count
// as waiting: what the limit means does not depend on batches.
type queue struct {
	limit int           // events that may wait
	delay time.Duration // of each after its time, or zero

	mu     sync.Mutex
	wake   sync.Cond   // the consumer waits here for events
	space  sync.Cond   // publishers wait here for room
	ring   []Event     // a power of two, grown as needed
	due    []time.Time // with a delay: of the events in ring, at the same places
	head   int
	count  int
	taken  uint64 // events handed to the consumer
	asleep bool
	closed atomic.Bool   // written under mu
	ended  chan struct{} // with a delay: closed with the queue

	batch []Event // what was taken last: written by the consumer under mu
	size  int

	blocked atomic.Int32 // publishers that wait for room

	_         [64]byte      // keeps what publishers write off the consumer's cache line
	begun     atomic.Uint64 // of those taken: that the handler has seen or sees
	quiet     int           // events begun since the last announcement; the consumer's
	announced time.Time     // the consumer's
	timer     *time.Timer   // the consumer's, with a delay
}

// What became of an event at the door.
type entry int

const (
	entered entry = iota
	full
	gone   // the subscription is closed
	passed // the event is not for it
)

const (
	firstRing = 8
	maxBatch  = 64
	// looks is how often the consumer yields and looks again before it sleeps.
	looks = 4
	// patience is how long room may stay unannounced to blocked publishers
	// for the sake of fewer wake-ups.
	patience = 100 * time.Microsecond
)

func (q *queue) init(limit, batch int, delay time.Duration) {
	q.limit, q.delay = limit, delay
	q.batch = make([]Event, batch)
	q.wake.L, q.space.L = &q.mu, &q.mu
	if delay > 0 {
		q.ended = make(chan struct{})
	}
}

// waiting counts the events whose turn has not come. Holds mu.
func (q *queue) waiting() int { return q.count + int(q.taken-q.begun.Load()) }

// offer adds e if there is room.
func (q *queue) offer(e *Event) entry {
	q.mu.Lock()
	if q.closed.Load() {
		q.mu.Unlock()
		return gone
	}
	if q.waiting() >= q.limit {
		q.mu.Unlock()
		return full
	}
	q.enter(e)
	return entered
}

// enter adds e, unlocks mu and wakes the consumer if it sleeps.
func (q *queue) enter(e *Event) {
	if q.count == len(q.ring) {
		q.grow()
	}
	at := (q.head + q.count) & (len(q.ring) - 1)
	q.ring[at] = *e
	if q.delay > 0 {
		q.due[at] = q.dueOf(e)
	}
	q.count++
	wake := q.asleep
	q.asleep = false
	q.mu.Unlock()
	if wake {
		q.wake.Signal()
	}
}

func (q *queue) grow() {
	q.ring = unrolled(q.ring, q.head)
	if q.delay > 0 {
		q.due = unrolled(q.due, q.head)
	}
	q.head = 0
}

// unrolled returns a ring of twice the size that begins with head.
func unrolled[T any](ring []T, head int) []T {
	out := make([]T, max(firstRing, 2*len(ring)))
	n := copy(out, ring[head:])
	copy(out[n:], ring[:head])
	return out
}

// displace adds e and returns the oldest event that waits, if that had to make
// room. For a queue whose consumer takes one at a time.
func (q *queue) displace(e *Event) (old Event, dropped bool, in entry) {
	q.mu.Lock()
	if q.closed.Load() {
		q.mu.Unlock()
		return old, false, gone
	}
	if q.waiting() >= q.limit {
		old, dropped = q.ring[q.head], true
		q.discard(1)
	}
	q.enter(e)
	return old, dropped, entered
}

// discard forgets the n oldest events. Holds mu.
func (q *queue) discard(n int) {
	for range n {
		q.ring[q.head] = Event{} // for the garbage collector
		q.head = (q.head + 1) & (len(q.ring) - 1)
	}
	q.count -= n
}

// await adds e when there is room. It fails with the error of ctx.
func (q *queue) await(ctx context.Context, e *Event) (entry, error) {
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.space.Broadcast()
		})
		defer stop()
	}
	q.mu.Lock()
	// Announced before the look at begun: the consumer moves begun before it
	// looks at blocked, so one of the two sees the other.
	q.blocked.Add(1)
	for !q.closed.Load() && q.waiting() >= q.limit && ctx.Err() == nil {
		q.space.Wait()
	}
	q.blocked.Add(-1)
	switch {
	case q.closed.Load():
		q.mu.Unlock()
		return gone, nil
	case q.waiting() >= q.limit || ctx.Err() != nil:
		q.mu.Unlock()
		return full, ctx.Err()
	}
	q.enter(e)
	return entered, nil
}

// take waits for events and moves as many as fit into batch; the first counts
// as begun. It reports false when the queue is closed.
func (q *queue) take() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.batch[:q.size]) // for the garbage collector
	q.size = 0
	for look := 0; !q.closed.Load(); look++ {
		if q.count > 0 {
			if q.delay == 0 || !q.doze() {
				break
			}
			continue
		}
		if look < looks {
			q.mu.Unlock()
			runtime.Gosched()
			q.mu.Lock()
			continue
		}
		q.space.Broadcast() // nobody waits for room in an empty queue
		q.asleep = true
		q.wake.Wait()
	}
	if q.closed.Load() {
		return false
	}
	n := min(len(q.batch), q.count)
	first := copy(q.batch[:n], q.ring[q.head:])
	copy(q.batch[first:n], q.ring)
	q.discard(n)
	q.size = n
	q.taken += uint64(n)
	q.begun.Add(1)
	return true
}

// announce tells blocked publishers about room: after a quarter of the limit,
// or when they have waited long enough. For the consumer, after it moved begun.
func (q *queue) announce() {
	if q.blocked.Load() == 0 {
		return
	}
	q.quiet++
	if q.quiet < q.limit/4 && time.Since(q.announced) < patience {
		return
	}
	q.quiet, q.announced = 0, time.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for range min(q.limit-q.waiting(), int(q.blocked.Load())) {
		q.space.Signal()
	}
}

// close turns everybody away who waits or comes.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended != nil && !q.closed.Load() {
		close(q.ended)
	}
	q.closed.Store(true)
	q.wake.Signal()
	q.space.Broadcast()
}

// drain empties the closed queue into each, after the batch was.
func (q *queue) drain(each func(*Event)) {
	q.mu.Lock()
	q.batch, q.size = nil, 0
	q.begun.Store(q.taken)
	q.mu.Unlock()
	for {
		q.mu.Lock()
		if q.count == 0 {
			q.ring, q.due, q.head = nil, nil, 0
			q.mu.Unlock()
			return
		}
		e := q.ring[q.head]
		q.discard(1)
		q.mu.Unlock()
		each(&e)
	}
}

// depth is how many events wait, and the time of the one that is next.
func (q *queue) depth() (n int, oldest time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	begun := q.begun.Load()
	switch ahead := int(q.taken - begun); {
	case ahead > 0:
		return q.count + ahead, q.batch[q.size-ahead].Time
	case q.count > 0:
		return q.count, q.ring[q.head].Time
	}
	return 0, time.Time{}
}
