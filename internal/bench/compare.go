package main

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// side does n operations and says what they cost.
type side func(n int) (cost, error)

// cost is that of some operations, in the whole process.
type cost struct {
	took   time.Duration
	allocs uint64
}

func (c *cost) add(d cost) { c.took, c.allocs = c.took+d.took, c.allocs+d.allocs }

// measured is a side all of which counts.
func measured(f func(n int) error) side {
	return func(n int) (cost, error) {
		before := mallocs()
		start := time.Now()
		err := f(n)
		took := time.Since(start)
		return cost{took, mallocs() - before}, err
	}
}

// result is what a comparison showed: medians over its rounds.
type result struct {
	ours, baseline float64 // ns of one operation
	ratio          float64 // of ours to the baseline, round by round
	allocs         float64 // of one of our operations, in the whole process
}

// compare runs ours and the baseline in turns. Which of them begins changes
// from round to round.
func compare(ctx context.Context, p plan, ours, baseline side) (result, error) {
	sides := [2]side{ours, baseline}
	var counts [2]int
	for i, s := range sides {
		var err error
		if counts[i], err = calibrate(s, p.slice); err != nil {
			return result{}, err
		}
	}
	var ns [2][]float64
	var ratios, allocs []float64
	for round := range p.rounds {
		if err := ctx.Err(); err != nil {
			return result{}, err
		}
		var took [2]float64
		for turn := range sides {
			i := (round + turn) % 2
			runtime.GC() // what one side left behind is not the other's to clear
			c, err := sides[i](counts[i])
			if err != nil {
				return result{}, err
			}
			if i == 0 {
				allocs = append(allocs, float64(c.allocs)/float64(counts[i]))
			}
			took[i] = float64(c.took.Nanoseconds()) / float64(counts[i])
			ns[i] = append(ns[i], took[i])
		}
		ratios = append(ratios, took[0]/took[1])
	}
	return result{ours: median(ns[0]), baseline: median(ns[1]), ratio: median(ratios), allocs: median(allocs)}, nil
}

// calibrate finds how many operations take about a slice; it warms up, too.
func calibrate(s side, slice time.Duration) (int, error) {
	for n := 1; ; n *= 2 {
		c, err := s(n)
		if err != nil {
			return 0, err
		}
		if c.took < slice/4 && n < 1<<30 {
			continue
		}
		again, err := s(n) // the first time something may have been in the way
		return max(1, int(float64(n)*float64(slice)/float64(max(min(c.took, again.took), 1)))), err
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// median sorts what it gets.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	slices.Sort(xs)
	if n := len(xs); n%2 == 0 {
		return (xs[n/2-1] + xs[n/2]) / 2
	}
	return xs[len(xs)/2]
}

// slope is by how much y grows with each x: the median of the slopes between
// all pairs of points (Theil and Sen), which one odd point does not move.
func slope(xs, ys []float64) float64 {
	var all []float64
	for i := range xs {
		for j := range i {
			if xs[i] != xs[j] {
				all = append(all, (ys[i]-ys[j])/(xs[i]-xs[j]))
			}
		}
	}
	return median(all)
}
