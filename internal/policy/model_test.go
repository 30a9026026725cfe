package policy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// model is a breaker as simple as can be: it keeps all there ever was.
type model struct {
	p       modelspec.Breaker
	timeout time.Duration
	born    time.Time

	shut    bool
	changes int // of shut
	since   time.Time
	next    time.Time
	probe   *modelCall
	ended   []end // since it closed
	told    []string
}

type modelCall struct {
	*hung
	began    int // changes
	at       time.Time
	probe    bool
	canceled bool
	deadline time.Time
}

// end is the end of a call: code is "" for an answer.
type end struct {
	at   time.Time
	code modelspec.Code
}

func (m *model) open() time.Duration  { return orElse(m.p.Open, 10*time.Second) }
func (m *model) slice() time.Duration { return orElse(m.p.Window, 10*time.Second) / 10 }
func orElse[T int | uint32 | time.Duration](v, zero T) T {
	if v == 0 {
		return zero
	}
	return v
}

func (m *model) limitOf(c modelspec.Code) (n uint32, listed bool) {
	for _, t := range m.p.Codes {
		if t.Code == c {
			return t.Failures, true
		}
	}
	return m.p.Failures, false
}

// lets says whether a call that begins now reaches the service.
func (m *model) lets(c *modelCall) bool {
	now := time.Now()
	c.began, c.at = m.changes, now
	if !m.shut {
		return true
	}
	if p := m.probe; now.Before(m.next) ||
		p != nil && !p.canceled && now.Before(p.at.Add(m.timeout)) && (p.deadline.IsZero() || now.Before(p.deadline)) {
		return false
	}
	c.probe, m.probe = true, c
	return true
}

// what says what an error is: a failure, an answer, or neither.
func (m *model) what(c *modelCall, err error) (code modelspec.Code, counts bool) {
	if err == nil {
		return "", true
	}
	if c.canceled || errors.Is(err, context.Canceled) {
		return "", false
	}
	code = modelspec.CodeOf(err)
	if err == errPanic {
		code = modelspec.ErrInternal
	}
	if _, listed := m.limitOf(code); listed {
		return code, true
	}
	switch code {
	case modelspec.ErrCanceled:
		return "", false
	case modelspec.ErrUnavailable, modelspec.ErrDeadline, modelspec.ErrUnknown, modelspec.ErrExhausted, modelspec.ErrInternal:
		if m.p.Failures == 0 && m.p.Rate == 0 {
			return "", true
		}
		return code, true
	}
	return "", !modelspec.NotSent(err)
}

func (m *model) ends(c *modelCall, err error) {
	code, counts := m.what(c, err)
	switch {
	case c.probe && m.probe == c:
		m.probe = nil
		if !counts {
			return
		}
		m.ended = append(m.ended, end{time.Now(), code})
		if code != "" {
			m.next = time.Now().Add(m.open())
			return
		}
		m.shut, m.since, m.next, m.ended = false, time.Now(), time.Time{}, nil
		m.changes++
		m.told = append(m.told, "breaker.closed 1 0 <nil>")
	case counts && !m.shut && c.began == m.changes:
		m.ended = append(m.ended, end{time.Now(), code})
		if code != "" && (m.inARow(code) || m.tooMany()) {
			m.shut, m.since, m.next = true, time.Now(), time.Now().Add(m.open())
			m.changes++
			if err == errPanic {
				err = errors.New("policy: call: panicked, or ended its goroutine")
			}
			m.told = append(m.told, fmt.Sprintf("breaker.opened 1 0 %v", err))
		}
	}
}

// row is what happened since the last answer.
func (m *model) row() []end {
	for i := len(m.ended) - 1; i >= 0; i-- {
		if m.ended[i].code == "" {
			return m.ended[i+1:]
		}
	}
	return m.ended
}

func (m *model) inARow(code modelspec.Code) bool {
	limit, listed := m.limitOf(code)
	n := uint32(0)
	for _, e := range m.row() {
		if _, l := m.limitOf(e.code); listed && e.code == code || !listed && !l {
			n++
		}
	}
	return limit > 0 && n >= limit
}

func (m *model) tooMany() bool {
	if m.p.Rate == 0 {
		return false
	}
	slice := func(t time.Time) time.Duration { return t.Sub(m.born) / m.slice() }
	var calls, failed uint32
	for _, e := range m.ended {
		if slice(e.at) > slice(time.Now())-10 {
			calls++
			if e.code != "" {
				failed++
			}
		}
	}
	return calls >= orElse(m.p.Volume, 10) && failed*100 >= m.p.Rate*calls
}

func (m *model) state() policy.BreakerState {
	s := policy.BreakerState{Arm: 1, State: policy.Closed, Failures: uint32(len(m.row())), Since: m.since}
	switch {
	case m.shut && time.Now().Before(m.next):
		s.State, s.Next = policy.Open, m.next
	case m.shut:
		s.State = policy.HalfOpen
	}
	return s
}

// randomBreaker has at least one threshold.
func randomBreaker(r *rand.Rand) (b modelspec.Breaker) {
	for b.None() {
		b = modelspec.Breaker{Failures: r.Uint32N(4), Open: time.Duration(r.IntN(3)) * time.Second}
		for _, c := range []modelspec.Code{modelspec.ErrExhausted, modelspec.ErrRefused, modelspec.ErrCanceled, modelspec.ErrUnimplemented, modelspec.ErrInternal} {
			if r.IntN(4) == 0 {
				b.Codes = append(b.Codes, modelspec.Threshold{Code: c, Failures: 1 + r.Uint32N(3)})
			}
		}
		if r.IntN(2) == 0 {
			b.Rate, b.Volume, b.Window = 1+r.Uint32N(100), r.Uint32N(8), time.Duration(r.IntN(5))*time.Second
		}
	}
	return b
}

// Random calls, which overlap, end in all ways, or never, and whose callers go
// away: the breaker lets through, shows and tells what the model does.
func TestBreakerIsItsModel(t *testing.T) {
	opened, closed, gone := 0, 0, 0
	for n := range 400 {
		seed := uint64(n)
		if n >= 200 {
			seed = rand.Uint64()
		}
		synctest.Test(t, func(t *testing.T) {
			w := newWalk(seed)
			defer func() {
				for len(w.calls) > 0 {
					w.finish(nil)
				}
			}()
			for i := range 150 {
				if wrong := w.step(t.Context()); wrong != "" {
					t.Fatalf("seed %d, step %d, %+v: %s", seed, i, w.m.p, wrong)
				}
			}
			for _, e := range w.m.told {
				if e == "breaker.closed 1 0 <nil>" {
					closed++
				} else {
					opened++
				}
			}
			gone += w.gone
		})
	}
	if opened < 400 || closed < 300 || gone < 80 {
		t.Errorf("%d opened, %d closed, %d probes gone: the walks go nowhere", opened, closed, gone)
	}
}

// walk does the same to a breaker and to its model.
type walk struct {
	r      *rand.Rand
	m      *model
	g      *policy.Guard
	events *[]string
	calls  []*modelCall
	gone   int // probes that gave up their place
}

func newWalk(seed uint64) *walk {
	r := rand.New(rand.NewPCG(seed, 1))
	b := randomBreaker(r)
	w := &walk{r: r, m: &model{p: b, timeout: 4 * time.Second, born: time.Now(), since: time.Now()}}
	w.g = policy.New("m.p", modelspec.Policy{Timeout: w.m.timeout, Breaker: b})
	w.events = told(w.g)
	w.g.Breaker(1, true, "") // closed since now
	return w
}

func (w *walk) step(ctx context.Context) (wrong string) {
	switch n := w.r.IntN(20); {
	case n < 9:
		wrong = w.begin(ctx)
	case n < 16 && len(w.calls) > 0:
		letters := ".....uuuuud?xxrriccCnNP"
		w.finish(results[letters[w.r.IntN(len(letters))]])
	case n < 17 && len(w.calls) > 0:
		c := w.calls[w.r.IntN(len(w.calls))]
		c.cancel()
		if c.deadline.IsZero() || time.Now().Before(c.deadline) {
			c.canceled = true
		}
	default:
		time.Sleep(time.Duration(w.r.IntN(8)) * 250 * time.Millisecond)
	}
	synctest.Wait()
	if have := w.g.Breakers(); wrong == "" && len(have) == 1 && have[0] != w.m.state() {
		wrong = fmt.Sprintf("is %+v, want %+v", have[0], w.m.state())
	}
	if wrong == "" && fmt.Sprint(*w.events) != fmt.Sprint(w.m.told) {
		wrong = fmt.Sprintf("told %q, want %q", *w.events, w.m.told)
	}
	return wrong
}

func (w *walk) begin(ctx context.Context) (wrong string) {
	c := &modelCall{}
	if w.r.IntN(3) == 0 {
		c.deadline = time.Now().Add(time.Duration(1+w.r.IntN(8)) * time.Second)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, c.deadline)
		defer func() { go func() { <-ctx.Done(); cancel() }() }()
	}
	before := w.m.probe
	want := w.m.lets(c)
	c.hung = begin(ctx, w.g.Breaker(1, true, ""))
	switch {
	case c.reached != want:
		return fmt.Sprintf("a call reached the service: %v, want %v", c.reached, want)
	case !c.reached && !modelspec.NotSent(c.err):
		return fmt.Sprintf("not let through: %v", c.err)
	case c.reached:
		w.calls = append(w.calls, c)
	}
	if before != nil && w.m.probe != before {
		w.gone++
	}
	return ""
}

func (w *walk) finish(err error) {
	i := w.r.IntN(len(w.calls))
	c := w.calls[i]
	w.calls = append(w.calls[:i], w.calls[i+1:]...)
	w.m.ends(c, err)
	c.hung.finish(err)
}
