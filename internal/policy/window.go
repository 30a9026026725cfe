package policy

import "time"

// cuts is into how many slices a window is cut: it forgets one at a time.
const cuts = 10

// window counts the calls of the last while.
type window struct {
	slice  time.Duration
	rate   uint64 // percent
	volume uint64
	ring   [cuts]counts
}

type counts struct {
	at            int64 // which slice of all time
	calls, failed uint64
}

func newWindow(length time.Duration, rate, volume uint32) *window {
	if length <= 0 {
		length = 10 * time.Second
	}
	if volume == 0 {
		volume = 10
	}
	return &window{slice: max(length/cuts, 1), rate: uint64(rate), volume: uint64(volume)}
}

// add counts one call that returned at a time since any moment that is the
// same for all. One that was held up for a whole window counts as a later one.
func (w *window) add(at time.Duration, failed bool) {
	n := int64(at / w.slice)
	c := &w.ring[n%cuts]
	if c.at < n {
		*c = counts{at: n}
	}
	c.calls++
	if failed {
		c.failed++
	}
}

// over reports whether so many of the calls have failed that the breaker opens.
func (w *window) over(at time.Duration) bool {
	n := int64(at / w.slice)
	var calls, failed uint64
	for i := range w.ring {
		if c := &w.ring[i]; c.at > n-cuts {
			calls, failed = calls+c.calls, failed+c.failed
		}
	}
	return calls >= w.volume && failed*100 >= w.rate*calls
}

func (w *window) clear() { w.ring = [cuts]counts{} }
