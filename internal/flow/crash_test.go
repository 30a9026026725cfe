package flow_test

import (
	"bufio"
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	seedCount = flag.Int("seeds", 0, "how many histories are drawn; 0: 500, or 150 under the race detector")
	oneSeed   = flag.Uint64("seed", 0, "the only history to replay; 0: all")
)

// base are the histories whose every write is tried to be the last one.
var base = []history{
	{Orders: 1, Left: 1},
	{Orders: 1, Left: 1, Script: map[string][]string{"ship": {refuse}}},
	{Orders: 2, Left: 1, Once: true},
	{Orders: 1, Left: 1, Rush: true, Refused: true, Script: map[string][]string{"pay": {refuse}}},
	{Orders: 1, Left: 1, Rush: true, Script: map[string][]string{"pack": {refuse}, "gift": {refuse}, "ship": {lost}}},
	{Orders: 1, Left: 1, Again: true, Script: map[string][]string{"ship": {unknown, refuse}, "undo pay": {unknown, notSent}}},
}

// A crash before and after every write of every base history ends well.
func TestCrashAtEveryWrite(t *testing.T) {
	if *oneSeed != 0 {
		return
	}
	runs := 0
	for _, h := range base {
		for _, mode := range []string{"crash-before", "crash-after"} {
			for n := 1; ; n++ {
				if underRace && n%4 != 0 {
					continue
				}
				h.Faults = []fault{{n, mode}}
				h.Lives = []era{{Pace: []time.Duration{0, time.Second, 12 * time.Minute, 12 * time.Minute, 6 * time.Minute}}}
				runs++
				fired := h.run(t)
				if t.Failed() {
					t.FailNow()
				}
				if !fired {
					break
				}
			}
		}
	}
	t.Logf("%d histories", runs)
}

// Histories with all their dimensions, drawn by seeds; those that ever failed
// come first.
func TestCrashDrawn(t *testing.T) {
	if *oneSeed != 0 {
		drawn(*oneSeed).run(t)
		return
	}
	n := *seedCount
	switch {
	case n > 0:
	case underRace:
		n = 150
	default:
		n = 500
	}
	for _, seed := range keptSeeds(t) {
		once(t, seed)
	}
	for seed := range n {
		once(t, uint64(seed)+1)
	}
}

func once(t *testing.T, seed uint64) {
	t.Helper()
	drawn(seed).run(t)
	if t.Failed() {
		t.Fatalf("replay it with -run CrashDrawn -seed %d, and keep it in testdata/seeds.txt", seed)
	}
}

// keptSeeds reads the seeds that ever failed.
func keptSeeds(t *testing.T) (seeds []uint64) {
	f, err := os.Open("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// dice draw the parts of a history.
type dice struct{ *rand.Rand }

func (d dice) one(n int) bool { return d.IntN(n) == 0 }

func (d dice) pick(ss ...string) string { return ss[d.IntN(len(ss))] }

func drawn(seed uint64) *history {
	d := dice{rand.New(rand.NewPCG(seed, 2026))}
	h := &history{Orders: 1 + d.IntN(2), Left: d.IntN(3), Once: d.one(4), Rush: d.one(2), Refused: d.one(3),
		Second: d.pick("", "same key", "other key", "wrong port", "rush", "touch"), At: 1 + d.IntN(60), Again: d.one(4), Silent: d.one(12), Script: map[string][]string{}}
	if d.one(2) {
		h.Left = h.Orders
	}
	if d.one(3) {
		h.Rival = 1 + d.IntN(30)
	}
	if d.one(5) {
		h.Forget = 20 + d.IntN(120)
	}
	if d.one(3) {
		h.Deaf = d.IntN(4)
	}
	for range 1 + d.IntN(3) {
		h.Faults = append(h.Faults, fault{1 + d.IntN(45), d.pick(modes...)})
	}
	for range 1 + d.IntN(3) {
		h.Lives = append(h.Lives, d.era())
	}
	for range d.IntN(5) {
		d.trouble(h)
	}
	return h
}

func (d dice) era() era {
	e := era{Runs: d.one(3), Code: code{Lazy: d.one(5), Giftless: d.one(6), Off: d.one(8), Curious: d.one(6)}}
	paces := []time.Duration{0, time.Millisecond, time.Second, time.Minute, 11 * time.Minute}
	if d.one(8) && !e.Runs {
		paces = append(paces, 90*time.Minute)
	}
	for range 1 + d.IntN(5) {
		e.Pace = append(e.Pace, paces[d.IntN(len(paces))])
	}
	if e.Runs { // a started host polls each second of it
		for i := range e.Pace {
			e.Pace[i] = min(e.Pace[i], 20*time.Second)
		}
	}
	for range d.IntN(3) {
		e.Unbound = append(e.Unbound, d.pick("reserve", "pay", "courier", "invoice", "pack", "packElsewhere", "ship", "scan", "gift"))
	}
	return e
}

// trouble makes something go wrong outside.
func (d dice) trouble(h *history) {
	p := d.pick("reserve", "pay", "courier", "invoice", "pack", "packElsewhere", "ship", "scan", "gift")
	outcomes := []string{lost, unknown, later, notSent, ""}
	if p != "scan" { // what no one takes back is not refused
		outcomes = append(outcomes, refuse)
	}
	if d.one(3) && p != "scan" && p != "ship" && p != "gift" {
		p = "undo " + p
		outcomes = outcomes[:5]
		if d.one(6) {
			outcomes = append(outcomes, refuse)
		}
	}
	for range 1 + d.IntN(3) {
		h.Script[p] = append(h.Script[p], outcomes[d.IntN(len(outcomes))])
	}
}
