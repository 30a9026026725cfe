package broker

import "time"

// dueOf is when the handler may have an event that enters the queue now. What
// claims to come from the future is from now: it must not hold what follows for
// longer than the delay.
func (q *queue) dueOf(e *Event) time.Time {
	since := time.Now()
	if !e.Time.IsZero() && e.Time.Before(since) {
		since = e.Time
	}
	return since.Add(q.delay)
}

// doze waits until the event at the head is due or the queue is closed, and
// reports whether it did: the event at the head may be another one after.
// Holds mu, but not while it waits.
func (q *queue) doze() bool {
	wait := time.Until(q.due[q.head])
	if wait <= 0 {
		return false
	}
	q.space.Broadcast() // nobody else tells publishers about room meanwhile
	q.mu.Unlock()
	defer q.mu.Lock()
	if q.timer == nil {
		q.timer = time.NewTimer(wait)
	} else {
		q.timer.Reset(wait)
	}
	select {
	case <-q.timer.C:
	case <-q.ended:
		q.timer.Stop()
	}
	return true
}
