package policy

import (
	"sync"
	"sync/atomic"
	"time"
)

// The budget of a guard's retries, in retries.
const (
	budgetMost   = 100 // that can be saved up
	budgetSecond = 10  // that a second brings
	budgetCalls  = 5   // calls that earn one: 20 %
)

// fifth is the unit of a budget: what one call earns.
const (
	retryCost  = budgetCalls
	budgetFull = budgetMost * retryCost
	fifthTime  = time.Second / (budgetSecond * retryCost)
)

// budget is a token bucket. Earning is one atomic load while it is full, as it
// is while the service works; only a retry takes the lock and reads the clock.
type budget struct {
	fifths atomic.Int64

	mu   sync.Mutex
	seen time.Time // until when the seconds are paid for; at first long ago, when it is full anyway
}

func (b *budget) fill() { b.fifths.Store(budgetFull) }

// earn is for one call. Calls at the same moment may overfill it: take
// cuts that off.
func (b *budget) earn() {
	if b.fifths.Load() < budgetFull {
		b.fifths.Add(1)
	}
}

// take reports whether one retry may be made, which it then pays for.
func (b *budget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	have := b.fifths.Load()
	delta := min(b.refill(now), budgetFull-have)
	ok := have+delta >= retryCost
	if ok {
		delta -= retryCost
	}
	b.fifths.Add(delta)
	return ok
}

// refill is what the time since the last call of it has brought.
func (b *budget) refill(now time.Time) int64 {
	since := now.Sub(b.seen)
	n := int64(since / fifthTime)
	if n >= budgetFull {
		b.seen = now
		return budgetFull
	}
	b.seen = now.Add(-since % fifthTime) // what is less than a unit comes with the next
	return n
}
