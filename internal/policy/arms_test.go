package policy_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis/internal/policy"
	"github.com/org/aegis/modelspec"
)

// through asks n times behind the breaker of an arm and returns how many calls
// reached the service.
func through(g *policy.Guard, arm uint64, sole bool, n int, err error) (reached int) {
	for range n {
		policy.Through(g.Breaker(arm, sole, ""), func() (*modelspec.Value, error) {
			reached++
			return nil, err
		})
	}
	return reached
}

// A bad canary does not open the breaker of the rest, and a new version finds
// the breaker as the one before left it.
func TestRT24CanaryOpensStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 5, Open: time.Minute}})
		through(g, 1, true, 3, nil)
		if n := through(g, 2, false, 20, modelspec.ErrUnavailable); n != 5 {
			t.Errorf("the canary was asked %d times", n)
		}
		if n := through(g, 1, false, 20, nil); n != 20 {
			t.Errorf("the stable arm was asked %d times of 20", n)
		}
		if n := through(g, 1, true, 20, modelspec.ErrUnavailable); n != 5 {
			t.Errorf("a failing service was asked %d times", n)
		}
		if n := through(g, 3, true, 20, nil); n != 0 {
			t.Errorf("after a reload the open breaker let %d calls through", n)
		}
		time.Sleep(time.Minute + time.Second)
		if n := through(g, 4, true, 20, nil); n != 20 {
			t.Errorf("after its time %d of 20 calls came through", n)
		}
	})
}

// armsOf are the arms that are listed, and whether each is open.
func armsOf(g *policy.Guard) map[uint64]string {
	all := map[uint64]string{}
	for _, s := range g.Breakers() {
		all[s.Arm] = s.State
	}
	return all
}

// The list has the arms that are there: not those that are withdrawn, and one
// line for a breaker however many generations have used it.
func TestBreakersListsTheArmsThatAreThere(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1, Open: time.Hour}})
	if all := g.Breakers(); len(all) != 0 {
		t.Errorf("before the first call: %v", all)
	}
	type step struct {
		arm  uint64
		only bool
		err  error
		want map[uint64]string
	}
	for i, s := range []step{
		{1, true, nil, map[uint64]string{1: "closed"}},
		{2, true, nil, map[uint64]string{2: "closed"}},
		{3, false, modelspec.ErrUnavailable, map[uint64]string{2: "closed", 3: "open"}},
		{2, false, nil, map[uint64]string{2: "closed", 3: "open"}},
		{2, true, nil, map[uint64]string{2: "closed"}}, // the canary was withdrawn
		{4, false, nil, map[uint64]string{2: "closed", 4: "closed"}},
		{2, false, modelspec.ErrUnavailable, map[uint64]string{2: "open", 4: "closed"}},
		{4, true, nil, map[uint64]string{4: "closed"}}, // the canary took over
		{8, false, nil, map[uint64]string{4: "closed", 8: "closed"}},
		{4, false, nil, map[uint64]string{4: "closed", 8: "closed"}},
		{5, true, modelspec.ErrUnavailable, map[uint64]string{5: "open"}},
		{6, true, nil, map[uint64]string{6: "open"}},
		{7, false, nil, map[uint64]string{6: "open", 7: "closed"}},
	} {
		through(g, s.arm, s.only, 1, s.err)
		have := armsOf(g)
		if len(have) != len(s.want) {
			t.Errorf("step %d: %v, want %v", i, have, s.want)
		}
		for arm, state := range s.want {
			if have[arm] != state {
				t.Errorf("step %d: arm %d is %q, want %q", i, arm, have[arm], state)
			}
		}
	}
}

// A call that was held up between two generations forgets nothing of theirs.
func TestHeldUpCallForgetsNoBreaker(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1, Open: time.Hour}})
	through(g, 1, true, 1, nil)
	through(g, 2, true, 1, modelspec.ErrUnavailable)
	through(g, 1, true, 1, nil) // of the generation before
	if n := through(g, 2, true, 1, nil); n != 0 {
		t.Error("the open breaker is forgotten")
	}
	through(g, 3, false, 1, modelspec.ErrUnavailable)
	through(g, 2, true, 1, nil) // says that it is alone: the canary is just there
	if n := through(g, 3, false, 1, nil); n != 0 {
		t.Error("the canary's open breaker is forgotten")
	}
}

// However many canaries come and go, the oldest are forgotten, and never the
// arm that was alone.
func TestArmsAreBounded(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1, Open: time.Hour}})
	through(g, 1, true, 1, modelspec.ErrUnavailable)
	for arm := range uint64(1000) {
		through(g, 2+arm, false, 1, nil)
	}
	if n := len(g.Breakers()); n != 64 {
		t.Errorf("%d arms are remembered", n)
	}
	if n := through(g, 1, false, 1, nil); n != 0 {
		t.Error("the stable arm's breaker is forgotten")
	}
}

// A service that is bound anew begins closed, and one that calls are asked of
// again while another stands there has a breaker that is not the other's.
func TestBreakersAreOfServices(t *testing.T) {
	g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 1, Open: time.Hour}})
	at := func(arm uint64, service string, err error) (reached bool) {
		policy.Through(g.Breaker(arm, true, service), func() (*modelspec.Value, error) { reached = true; return nil, err })
		return reached
	}
	again := func(service string, err error) (reached bool) {
		policy.Through(g.BreakerOf(service, 9), func() (*modelspec.Value, error) { reached = true; return nil, err })
		return reached
	}
	if !at(1, "a", modelspec.ErrUnavailable) || at(1, "a", nil) || at(2, "a", nil) || again("a", nil) {
		t.Error("a's breaker does not open, or not for the generation after")
	}
	if !at(3, "b", nil) || again("a", nil) {
		t.Error("b begins with a's breaker, or a with b's")
	}
	if !again("c", modelspec.ErrUnavailable) || again("c", nil) || !at(3, "b", nil) {
		t.Error("c has no breaker of its own")
	}
	if at(2, "a", nil) || !at(3, "b", nil) {
		t.Error("a call that was held up has changed a breaker")
	}
	if !at(4, "a", nil) || !again("a", nil) || again("c", nil) {
		t.Error("a was bound again, and does not begin closed")
	}
	if n := len(g.Breakers()); n != 1 {
		t.Errorf("%d breakers of arms that are there", n)
	}
	for i := range 1000 {
		if !again(string(rune(0x4e00+i)), nil) || !at(4, "a", nil) {
			t.Fatal(i)
		}
	}
	if policy.New("m.p", modelspec.Policy{}).BreakerOf("a", 1) != nil {
		t.Error("a breaker without a policy")
	}
}

func TestBreakerStateAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := policy.New("m.p", modelspec.Policy{Breaker: modelspec.Breaker{Failures: 2, Open: time.Minute}})
		show := func(want string) {
			t.Helper()
			if got, err := json.Marshal(g.Breakers()); err != nil || string(got) != want {
				t.Errorf("%s, %v\nwant %s", got, err, want)
			}
		}
		show("null")
		through(g, 7, true, 1, modelspec.ErrUnavailable)
		show(`[{"arm":7,"state":"closed","failures":1,"since":"2000-01-01T00:00:00Z"}]`)
		time.Sleep(time.Second)
		through(g, 7, true, 9, modelspec.ErrUnavailable)
		show(`[{"arm":7,"state":"open","failures":2,"since":"2000-01-01T00:00:01Z","next":"2000-01-01T00:01:01Z"}]`)
		time.Sleep(time.Minute)
		show(`[{"arm":7,"state":"half-open","failures":2,"since":"2000-01-01T00:00:01Z"}]`)
		through(g, 7, true, 9, modelspec.ErrUnavailable)
		show(`[{"arm":7,"state":"open","failures":3,"since":"2000-01-01T00:00:01Z","next":"2000-01-01T00:02:01Z"}]`)
		time.Sleep(time.Minute)
		through(g, 7, true, 9, nil)
		show(`[{"arm":7,"state":"closed","failures":0,"since":"2000-01-01T00:02:01Z"}]`)
	})
}
