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
	limit int // events that may wait

	mu     sync.Mutex
	wake   sync.Cond // the consumer waits here for events
	space  sync.Cond // publishers wait here for room
	ring   []Event   // a power of two, grown as needed
	head   int
	count  int
	taken  uint64 // events handed to the consumer
	asleep bool
	closed atomic.Bool // written under mu

	blocked atomic.Int32 // publishers that wait for room

	_         [64]byte      // keeps what publishers write off the consumer's cache line
	begun     atomic.Uint64 // of those taken: that the handler has seen or sees
	quiet     int           // events begun since the last announcement; the consumer's
	announced time.Time     // the consumer's
}

// What became of an event at the door.
type entry int

const (
	entered entry = iota
	full
	gone // the queue is closed
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

func (q *queue) init(limit int) {
	q.limit = limit
	q.wake.L, q.space.L = &q.mu, &q.mu
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
	q.ring[(q.head+q.count)&(len(q.ring)-1)] = *e
	q.count++
	wake := q.asleep
	q.asleep = false
	q.mu.Unlock()
	if wake {
		q.wake.Signal()
	}
}

func (q *queue) grow() {
	ring := make([]Event, max(firstRing, 2*len(q.ring)))
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
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

// take waits for events and moves up to len(batch) of them into batch; the
// first counts as begun. It returns 0 when the queue is closed.
func (q *queue) take(batch []Event) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	for look := 0; q.count == 0 && !q.closed.Load(); look++ {
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
		return 0
	}
	n := min(len(batch), q.count)
	first := copy(batch[:n], q.ring[q.head:])
	copy(batch[first:n], q.ring)
	q.discard(n)
	q.taken += uint64(n)
	q.begun.Add(1)
	return n
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
	q.closed.Store(true)
	q.wake.Signal()
	q.space.Broadcast()
}

// drain empties the closed queue into each.
func (q *queue) drain(each func(*Event)) {
	for {
		q.mu.Lock()
		if q.count == 0 {
			q.ring, q.head = nil, 0
			q.mu.Unlock()
			return
		}
		e := q.ring[q.head]
		q.discard(1)
		q.mu.Unlock()
		each(&e)
	}
}

// depth is how many events wait.
func (q *queue) depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting()
}
