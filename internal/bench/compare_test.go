package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A side that takes three times as long has that ratio, whatever its clock.
func TestCompare(t *testing.T) {
	ns, ran := [2]int{300, 100}, [2]int{}
	fake := func(i int) side {
		return func(n int) (cost, error) {
			ran[i]++
			return cost{time.Duration(n * ns[i]), uint64(7 * n)}, nil
		}
	}
	r, err := compare(t.Context(), plan{rounds: 5, slice: time.Microsecond}, fake(0), fake(1))
	if err != nil {
		t.Fatal(err)
	}
	if r.ours != 300 || r.baseline != 100 || r.ratio != 3 || r.allocs != 7 {
		t.Errorf("%+v", r)
	}
	if ran[0] < 5 || ran[1] < 5 {
		t.Errorf("the sides ran %v times: 5 rounds are asked for", ran)
	}
}

func TestCompareEnds(t *testing.T) {
	broken := errors.New("broken")
	good := func(int) (cost, error) { return cost{took: time.Second}, nil }
	bad := func(int) (cost, error) { return cost{}, broken }
	p := plan{rounds: 3, slice: time.Nanosecond}
	for i, s := range [][2]side{{bad, good}, {good, bad}} {
		if _, err := compare(t.Context(), p, s[0], s[1]); !errors.Is(err, broken) {
			t.Errorf("%d: %v", i, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := compare(ctx, p, good, good); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 100, 2}, 3}} {
		if got := median(c.xs); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.xs, got, c.want)
		}
	}
}

func TestSlope(t *testing.T) {
	xs := []float64{20, 40, 60, 80}
	for _, c := range []struct {
		ys   []float64
		want float64
	}{{[]float64{5, 5, 5, 5}, 0}, {[]float64{20, 40, 60, 80}, 1}, {[]float64{100, 60, 20, -20}, -2}} {
		if got := slope(xs, c.ys); got != c.want {
			t.Errorf("slope of %v is %v, want %v", c.ys, got, c.want)
		}
	}
	if got := slope([]float64{1, 2, 3, 4, 5, 6, 7}, []float64{-9999, 2, 3, 4, 5, 6, 7}); got != 1 {
		t.Errorf("one odd point makes the slope %v", got)
	}
	if got := slope([]float64{1}, []float64{9}); got != 0 {
		t.Errorf("slope of a point is %v", got)
	}
}
