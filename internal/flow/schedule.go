package flow

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/org/aegis/datasource"
)

// taskKey is a piece of work of one document: one of its flows, or, where flow
// is empty, its outbox and all else. One piece is done by one goroutine at a
// time; different pieces do not wait for each other.
type taskKey struct {
	docKey
	flow string
}

// schedule hands pieces of work to goroutines, at most so many at once. What
// somebody waits for goes before what another process left behind: that is the
// backlog, which is worked off by few, and by fewer while commands run.
type schedule struct {
	mu      sync.Mutex
	run     func(taskKey) // nil: not started, or stopped
	state   map[taskKey]*task
	queue   []taskKey
	active  int
	backlog []taskKey
	slow    int           // goroutines at the backlog
	more    chan struct{} // has one when the backlog is worked off
	wg      sync.WaitGroup
	timers  map[taskKey]*timer
	busy    atomic.Int64 // commands under way, and above those 32 bits how many there have been
	heard   rush
	early   []taskKey // what was to be done soon before work began: somebody waits for it
	ended   bool
	turn    chan struct{} // has one in it while somebody pauses before a piece of the backlog
}

type task struct {
	again bool
	slow  bool // it waits in the backlog
}

type timer struct {
	at time.Time
	t  *time.Timer
}

func (s *schedule) init() {
	s.state, s.timers, s.more = map[taskKey]*task{}, map[taskKey]*timer{}, make(chan struct{}, 1)
	s.turn = make(chan struct{}, 1)
}

// start makes work be done by f from now on.
func (s *schedule) start(f func(taskKey)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard.begin(s.busy.Load() >> 32)
	s.run = f
	for _, k := range s.early {
		s.soon(k)
	}
	s.early = nil
}

// stop begins no more work and waits for what is under way.
func (s *schedule) stop() {
	s.mu.Lock()
	s.run, s.queue, s.backlog, s.early, s.ended = nil, nil, nil, nil, true
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
	s.soon(k)
}

// soon is wake. Holds mu.
func (s *schedule) soon(k taskKey) {
	if s.run == nil {
		if !s.ended && len(s.early) < backlogAtMost {
			s.early = append(s.early, k)
		}
		return // what is due is found when work begins
	}
	switch t, ok := s.state[k]; {
	case !ok:
		s.state[k] = &task{}
	case t.slow:
		t.slow = false // it comes before the backlog now
	default:
		t.again = true
		return
	}
	s.begin(k)
}

// begin finds a goroutine for k, now or later. Holds mu.
func (s *schedule) begin(k taskKey) {
	if s.active >= hostAtOnce {
		s.queue = append(s.queue, k)
		return
	}
	s.active++
	s.wg.Go(func() { s.work(k) })
}

// later has k done when there is time. It reports whether there is room.
func (s *schedule) later(k taskKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, ok := s.state[k]; {
	case ok:
		return true
	case s.run == nil || len(s.backlog) >= backlogAtMost:
		return false
	}
	s.state[k] = &task{slow: true}
	s.backlog = append(s.backlog, k)
	if s.slow < backlogAtOnce {
		s.slow++
		s.wg.Go(s.workOff)
	}
	return true
}

// workOff does the backlog, one piece after the other.
func (s *schedule) workOff() {
	for {
		s.pause() // before it is known what for: what somebody waits for is taken out of the backlog
		k, f := s.oldest()
		if f == nil {
			return
		}
		f(k)
		s.mu.Lock()
		t := s.state[k]
		if t != nil && t.again && s.run != nil {
			t.again = false
			s.begin(k)
		} else {
			delete(s.state, k)
		}
		s.mu.Unlock()
	}
}

// pause leaves the processor and the store to commands and what they wait for.
// Those who work off begin one after the other then, so that one which hangs
// holds up itself only.
func (s *schedule) pause() {
	if s.rushed() {
		s.turn <- struct{}{}
		time.Sleep(backlogPause)
		<-s.turn
	}
	for i := 0; i < pausesAtMost && s.crowded(); i++ {
		time.Sleep(crowdedPause)
	}
}

// oldest takes the next piece out of the backlog; there is no function if there
// is none.
func (s *schedule) oldest() (taskKey, func(taskKey)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.backlog) > 0 && s.run != nil {
		k := s.backlog[0]
		s.backlog = s.backlog[1:]
		if t := s.state[k]; t != nil && t.slow {
			t.slow = false
			return k, s.run
		}
	}
	s.slow--
	if s.slow == 0 {
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
	return taskKey{}, nil
}

// enter counts a command that begins, and leave that it has ended.
func (s *schedule) enter()        { s.busy.Add(1<<32 + 1) }
func (s *schedule) leave()        { s.busy.Add(-1) }
func (s *schedule) working() bool { return int32(s.busy.Load()) > 0 }

// rush remembers when commands were last seen.
type rush struct {
	mu   sync.Mutex
	seen int64
	at   time.Time
}

// begin forgets the commands that were before.
func (r *rush) begin(seen int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = seen
}

// rushed reports whether there are commands, or were a moment ago: most are over
// so soon that nobody would see them.
func (s *schedule) rushed() bool {
	n, now := s.busy.Load(), time.Now()
	r := &s.heard
	r.mu.Lock()
	defer r.mu.Unlock()
	if n>>32 != r.seen || int32(n) > 0 {
		r.seen, r.at = n>>32, now
	}
	return now.Sub(r.at) < backlogQuiet
}

// crowded reports whether more work waits than is being done.
func (s *schedule) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > hostAtOnce
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
	at := map[string]datasource.Mark{}
	for n := 0; ; n++ {
		e.poll(work, n%10 == 0, at)
		select {
		case <-work.Done():
			return
		case <-tick.C:
		case <-e.tasks.more:
			if len(at) == 0 { // the last poll has seen everything
				n--
				select {
				case <-work.Done():
					return
				case <-tick.C:
				}
			}
		}
	}
}

var errFull = errors.New("the backlog is full")

// poll looks for what nobody in this process knows of: documents left by one
// that ended, and what was too far off for a timer. Where there is more than
// fits, at says how far it came.
func (e *Engine) poll(ctx context.Context, hosts bool, at map[string]datasource.Mark) {
	now := time.Now()
	for _, k := range e.told.since(now.Add(-clearAfter)) {
		e.look(k, now)
	}
	for _, s := range e.Table.Snapshot().Models() {
		name := s.Descriptor().Name
		from := at[name]
		delete(at, name)
		err := e.eachDue(ctx, name, now, from, func(k docKey, m datasource.Mark) error {
			if !e.tasks.later(taskKey{docKey: k}) {
				at[name] = from
				return errFull
			}
			from = m
			return nil
		})
		if err != nil && !errors.Is(err, errFull) && ctx.Err() == nil {
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

// Clear empties the outboxes whose events are all out, and takes back that this
// process is at work on documents: a host that ends in peace leaves nothing to
// be looked at behind.
func (e *Engine) Clear(ctx context.Context) {
	for _, k := range e.told.since(time.Now()) {
		if ctx.Err() != nil {
			return
		}
		if err := e.maintain(ctx, k, time.Now(), true); err != nil && !errors.Is(err, errSuspect) {
			e.Log.Warn("clearing an outbox", "model", k.model, "id", k.id, "err", err)
		}
	}
	for _, k := range e.marked.all() {
		if ctx.Err() != nil {
			return
		}
		if err := e.leave(ctx, k); err != nil {
			e.Log.Warn("leaving a document", "model", k.model, "id", k.id, "err", err)
		}
	}
}
