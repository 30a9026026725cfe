package flow

import (
	"context"
	"sync"
	"time"
)

// taskKey is a piece of work of one document: one of its flows, or, where flow
// is empty, its outbox and all else. One piece is done by one goroutine at a
// time; different pieces do not wait for each other.
type taskKey struct {
	docKey
	flow string
}

// schedule hands pieces of work to goroutines, at most so many at once.
type schedule struct {
	mu     sync.Mutex
	run    func(taskKey) // nil: not started, or stopped
	state  map[taskKey]*task
	queue  []taskKey
	active int
	wg     sync.WaitGroup
	timers map[taskKey]*timer
}

type task struct{ again bool }

type timer struct {
	at time.Time
	t  *time.Timer
}

func (s *schedule) init() {
	s.state, s.timers = map[taskKey]*task{}, map[taskKey]*timer{}
}

// start makes work be done by f from now on.
func (s *schedule) start(f func(taskKey)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = f
}

// stop begins no more work and waits for what is under way.
func (s *schedule) stop() {
	s.mu.Lock()
	s.run, s.queue = nil, nil
	for k, t := range s.timers {
		t.t.Stop()
		delete(s.timers, k)
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.mu.Lock()
	clear(s.state)
	s.mu.Unlock()
}

// wake has k done soon. What is under way is done once more afterwards.
func (s *schedule) wake(k taskKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return // what is due is found when work begins
	}
	if t, ok := s.state[k]; ok {
		t.again = true
		return
	}
	s.state[k] = &task{}
	if s.active >= hostAtOnce {
		s.queue = append(s.queue, k)
		return
	}
	s.active++
	s.wg.Go(func() { s.work(k) })
}

func (s *schedule) work(k taskKey) {
	for {
		s.mu.Lock()
		f := s.run
		s.mu.Unlock()
		if f != nil {
			f(k)
		}
		next, ok := s.done(k)
		if !ok {
			return
		}
		k = next
	}
}

// done says what to do after k.
func (s *schedule) done(k taskKey) (taskKey, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.state[k]
	if t != nil && t.again && s.run != nil {
		t.again = false
		if len(s.queue) == 0 {
			return k, true
		}
		s.queue = append(s.queue, k) // let others have their turn
	} else {
		delete(s.state, k)
	}
	if len(s.queue) == 0 || s.run == nil {
		s.active--
		return taskKey{}, false
	}
	next := s.queue[0]
	s.queue = s.queue[1:]
	return next, true
}

// at has k done at a time. Far or too many times are left to the poll.
func (s *schedule) at(k taskKey, at time.Time) {
	d := time.Until(at)
	if d <= 0 {
		s.wake(k)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil || d > time.Minute {
		return
	}
	if t, ok := s.timers[k]; ok {
		if !at.Before(t.at) {
			return
		}
		t.t.Stop()
	} else if len(s.timers) >= timersAtMost {
		return
	}
	own := &timer{at: at}
	own.t = time.AfterFunc(d, func() {
		s.mu.Lock()
		if s.timers[k] == own {
			delete(s.timers, k)
		}
		s.mu.Unlock()
		s.wake(k)
	})
	s.timers[k] = own
}

// look sees to a document that is due at a time.
func (e *Engine) look(k docKey, at time.Time) { e.tasks.at(taskKey{docKey: k}, at) }

// Run does what is due until ctx is done, and returns when all work has
// stopped. Serving does not wait for it.
func (e *Engine) Run(ctx context.Context) {
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	e.tasks.start(func(k taskKey) { e.task(work, k, time.Now()) })
	defer e.tasks.stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		e.poll(work, n%60 == 0)
		select {
		case <-work.Done():
			return
		case <-tick.C:
		}
	}
}

// poll looks for what nobody in this process knows of: documents left by one
// that ended, and what was too far off for a timer.
func (e *Engine) poll(ctx context.Context, hosts bool) {
	now := time.Now()
	for _, k := range e.told.since(now.Add(-clearAfter)) {
		e.look(k, now)
	}
	for _, s := range e.Table.Snapshot().Models() {
		name := s.Descriptor().Name
		if err := e.eachDue(ctx, name, now, func(k docKey) error { e.look(k, now); return nil }); err != nil && ctx.Err() == nil {
			e.Log.Warn("looking for what is due", "model", name, "err", err)
		}
		if !hosts {
			continue
		}
		for _, c := range []string{receiptsOf(name), historyOf(name)} {
			if err := e.expire(ctx, c, now); err != nil && ctx.Err() == nil {
				e.Log.Warn("purging", "collection", c, "err", err)
			}
		}
	}
}

// Clear empties the outboxes whose events are all out: a host that ends leaves
// nothing to be looked at behind.
func (e *Engine) Clear(ctx context.Context) {
	for _, k := range e.told.since(time.Now()) {
		if ctx.Err() != nil {
			return
		}
		if err := e.maintain(ctx, k, time.Now(), true); err != nil {
			e.Log.Warn("clearing an outbox", "model", k.model, "id", k.id, "err", err)
		}
	}
}
