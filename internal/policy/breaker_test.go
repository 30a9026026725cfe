package policy_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// The calls of a row, in letters.
var results = map[byte]error{
	'.': nil,
	'u': modelspec.ErrUnavailable,
	'd': modelspec.ErrDeadline,
	'?': errors.New("who knows"),
	'p': &policy.Panic{What: "a test"},
	'x': modelspec.ErrExhausted,
	'r': modelspec.ErrRefused,
	'i': modelspec.ErrInvalid,
	'c': context.Canceled,
	'C': &modelspec.Error{Code: modelspec.ErrCanceled},
	'n': notSent,
	'P': errPanic, // see hung
	'N': &modelspec.Error{Code: modelspec.ErrUnimplemented, NotSent: true},
}

func row(g *policy.Guard, calls string) (reached int) {
	for i := range len(calls) {
		reached += through(g, 1, true, 1, results[calls[i]])
	}
	return reached
}

func TestThresholds(t *testing.T) {
	three := modelspec.Breaker{Failures: 3}
	codes := modelspec.Breaker{Failures: 3, Codes: []modelspec.Threshold{{Code: modelspec.ErrExhausted, Failures: 2}, {Code: modelspec.ErrRefused, Failures: 4}}}
	onlyCodes := modelspec.Breaker{Codes: []modelspec.Threshold{{Code: modelspec.ErrExhausted, Failures: 2}}}
	rate := modelspec.Breaker{Rate: 50, Volume: 4}
	for _, c := range []struct {
		name    string
		breaker modelspec.Breaker
		calls   string
		opens   bool // with the last call, and not before
	}{
		{"in a row", three, "uuu", true},
		{"an answer between", three, "uu.uu", false},
		{"of any transient code", three, "ud?", true},
		{"a panic", three, "ppp", true},
		{"nothing sent, nobody there", three, "nnn", true},
		{"a refusal is an answer", three, "uuruu", false},
		{"bad input is an answer", three, "uuiuu", false},
		{"a caller that went away is neither", three, "ucucCu", true},
		{"nor is what nobody was asked", three, "uNNuNu", true},
		{"no end of answers", three, "rrrrriiiii....", false},
		{"a listed code by its own limit", codes, "xx", true},
		{"which an answer ends", codes, "x.xix", false},
		{"a listed code that is not transient", codes, "rrrr", true},
		{"listed codes count for nobody else", codes, "xruruu", true},
		{"and not for Failures", codes, "uxur", false},
		{"nor for each other", codes, "xrrr", false},
		{"rows go on through other failures", codes, "xurux", true},
		{"no Failures: others are answers", onlyCodes, "uuuuuuuu", false},
		{"no Failures: others are answers in the row", onlyCodes, "xux", false},
		{"no Failures: a code opens", onlyCodes, "uxx", true},
		{"a rate", rate, "..uu", true},
		{"a rate below", rate, "..u.u", false},
		{"a rate before its volume", rate, "uuu", false},
		{"a rate with refusals", rate, "ruru", true},
		{"a rate without what says nothing", rate, "ucccccccc.u", false},
		{"a rate in a row", rate, "uuuu", true},
		{"all of them, 10 by default", modelspec.Breaker{Rate: 100}, "uuuuuuuuuu", true},
		{"all but one", modelspec.Breaker{Rate: 100}, ".uuuuuuuuuuuuuuu", false},
	} {
		g := policy.New("m.p", modelspec.Policy{Breaker: c.breaker})
		if n := row(g, c.calls); n != len(c.calls) {
			t.Errorf("%s: %d of %q reached the service", c.name, n, c.calls)
		}
		if open := g.Breakers()[0].State == policy.Open; open != c.opens {
			t.Errorf("%s: after %q open: %v", c.name, c.calls, open)
		}
	}
}

// Rate forgets what is older than Window.
func TestRateForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Rate: 50, Volume: 10, Window: time.Minute}})
		row(g, ".........")
		time.Sleep(30 * time.Second)
		row(g, "uuuu")
		time.Sleep(31 * time.Second) // the answers are forgotten
		if n := row(g, "uuuuuuu"); n != 6 || g.Breakers()[0].State != policy.Open {
			t.Errorf("%d calls; %v", n, g.Breakers())
		}
	})
}

// hung is a call that is under way until it is told how to end.
type hung struct {
	reached bool
	cancel  context.CancelFunc
	end     chan error
	err     error
	done    bool
}

// begin calls through b in the bubble of the test.
func begin(ctx context.Context, b *policy.Breaker) *hung {
	h := &hung{end: make(chan error)}
	ctx, h.cancel = context.WithCancel(ctx)
	go func() {
		defer func() { recover(); h.done = true; h.cancel() }()
		_, h.err = b.Do(ctx, func() (*modelspec.Value, error) {
			h.reached = true
			err := <-h.end
			switch err {
			case errPanic:
				panic("boom")
			case errGoexit:
				runtime.Goexit()
			}
			return nil, err
		})
	}()
	synctest.Wait()
	return h
}

func (h *hung) finish(err error) {
	h.end <- err
	synctest.Wait()
}

var errPanic, errGoexit = errors.New("panic"), errors.New("goexit")

// opened is a guard whose breaker is half-open.
func opened() (*policy.Guard, *policy.Breaker, *[]string) {
	g := policy.New("m.p", modelspec.Policy{Timeout: time.Minute, Breaker: modelspec.Breaker{Failures: 1, Open: time.Second}})
	events := told(g)
	row(g, "u")
	time.Sleep(time.Second)
	return g, g.Breaker(1, true, ""), events
}

// told collects what g tells, without the port's name.
func told(g *policy.Guard) *[]string {
	all := new([]string)
	g.Notify = func(_ context.Context, e policy.Event) {
		*all = append(*all, fmt.Sprintf("%s %d %d %v", e.Kind, e.Arm, e.Attempt, e.Err))
	}
	return all
}

// A breaker that is half-open lets one through, however many come at once, and
// what that one says holds.
func TestSingleProbe(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		then string // state
		told string
	}{
		"answered":         {nil, policy.Closed, "breaker.opened 1 0 unavailable|breaker.closed 1 0 <nil>"},
		"refused":          {modelspec.ErrRefused, policy.Closed, "breaker.opened 1 0 unavailable|breaker.closed 1 0 <nil>"},
		"failed":           {modelspec.ErrUnavailable, policy.Open, "breaker.opened 1 0 unavailable"},
		"panicked":         {errPanic, policy.Open, "breaker.opened 1 0 unavailable"},
		"ended":            {errGoexit, policy.Open, "breaker.opened 1 0 unavailable"},
		"the caller went":  {context.Canceled, policy.HalfOpen, "breaker.opened 1 0 unavailable"},
		"nobody was asked": {results['N'], policy.HalfOpen, "breaker.opened 1 0 unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, b, events := opened()
				var through []*hung
				for range 50 {
					if h := begin(t.Context(), b); h.reached {
						through = append(through, h)
					} else if !modelspec.NotSent(h.err) || modelspec.CodeOf(h.err) != modelspec.ErrUnavailable {
						t.Error(h.err)
					}
				}
				if s := g.Breakers()[0].State; len(through) != 1 || s != policy.HalfOpen {
					t.Fatalf("%d probes; %s", len(through), s)
				}
				through[0].finish(c.err)
				if s := g.Breakers()[0].State; s != c.then || strings.Join(*events, "|") != c.told {
					t.Errorf("%s, told %q", s, *events)
				}
				if c.then == policy.Open {
					time.Sleep(time.Second)
				}
				if n := through1(b); n != 1 {
					t.Errorf("%d calls after the probe", n)
				}
			})
		})
	}
}

func through1(b *policy.Breaker) (n int) {
	policy.Through(b, func() (*modelspec.Value, error) { n++; return nil, nil })
	return n
}

// A probe that does not return gives its place to another when its context
// ends, or after the port's timeout, and what it says then does not count.
func TestProbeThatNeverReturns(t *testing.T) {
	for name, c := range map[string]struct {
		end func(h *hung)
	}{
		"its caller goes away": {func(h *hung) { h.cancel(); synctest.Wait() }},
		"its time is over":     {func(*hung) { time.Sleep(time.Minute) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, b, _ := opened()
				lost := begin(t.Context(), b)
				if n := through1(b); n != 0 {
					t.Fatal("two probes at once")
				}
				c.end(lost)
				if n := len(g.Breakers()); n != 1 {
					t.Fatal(n)
				}
				next := begin(t.Context(), b)
				if !next.reached {
					t.Fatal("no other probe is let through")
				}
				lost.finish(modelspec.ErrUnavailable)
				if s := g.Breakers()[0]; s.State != policy.HalfOpen || s.Failures != 1 || through1(b) != 0 {
					t.Errorf("the lost probe counts: %+v", s)
				}
				next.finish(nil)
				if s := g.Breakers()[0]; s.State != policy.Closed {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// Calls that were under way when the breaker opened count neither as its
// probe's answer nor in its next life.
func TestResultsOfAnotherTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 2, Open: time.Second}})
		events := told(g)
		b := g.Breaker(1, true, "")
		var old []*hung
		for range 8 {
			old = append(old, begin(t.Context(), b))
		}
		row(g, "uu")
		old[0].finish(nil)
		old[1].finish(modelspec.ErrUnavailable)
		if s := g.Breakers()[0]; s.State != policy.Open || s.Failures != 2 {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Second)
		row(g, ".")
		for _, h := range old[2:5] {
			h.finish(modelspec.ErrUnavailable)
		}
		row(g, "u")
		old[5].finish(nil)
		row(g, "u")
		if s := g.Breakers()[0]; s.State != policy.Open {
			t.Errorf("%+v", s)
		}
		for _, h := range old[6:] {
			h.finish(nil)
		}
		if want := "breaker.opened 1 0 unavailable|breaker.closed 1 0 <nil>|breaker.opened 1 0 unavailable"; strings.Join(*events, "|") != want {
			t.Errorf("%q", *events)
		}
	})
}

// A caller that goes away makes no failure, whatever the adapter makes of it.
func TestCallerThatGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1}})
		b := g.Breaker(1, true, "")
		for _, err := range []error{context.Canceled, modelspec.ErrUnavailable, fmt.Errorf("read: %w", modelspec.ErrUnknown), errors.New("closed")} {
			h := begin(t.Context(), b)
			h.cancel()
			h.finish(err)
			if s := g.Breakers()[0]; s.State != policy.Closed || s.Failures != 0 {
				t.Errorf("%v: %+v", err, s)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		h := begin(ctx, b)
		time.Sleep(2 * time.Second)
		h.finish(context.DeadlineExceeded)
		if s := g.Breakers()[0]; s.State != policy.Open {
			t.Errorf("a call that had no answer in its time: %+v", s)
		}
	})
}

func TestNoBreaker(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Open: time.Second}})
	if g.Breaker(1, true, "") != nil || g.Breakers() != nil {
		t.Error("a breaker without thresholds")
	}
	_, err := policy.Through(nil, func() (*modelspec.Value, error) { return nil, modelspec.ErrRefused })
	if err != modelspec.ErrRefused {
		t.Error(err)
	}
}
