package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	r := func(ratio float64) result { return result{ours: 100 * ratio, baseline: 100, ratio: ratio} }
	for _, c := range []struct {
		row  row
		want verdict
	}{
		{atMost("", r(7.9), 8), met},
		{atMost("", r(8.1), 8), missed},
		{faster("", r(0.12), 8), met},
		{faster("", r(0.13), 8), missed},
		{throughput("", r(1.42), 0.7), met},
		{throughput("", r(1.44), 0.7), missed},
		{count("", 16, 16), met},
		{count("", 16.1, 16), missed},
		{same("", 3, 3), met},
		{same("", 4, 3), missed},
	} {
		if c.row.verdict != c.want {
			t.Errorf("%+v: want %q", c.row, c.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[float64]string{1.234: "1.23 ns", 283: "283 ns", 1740: "1.74 µs", 31.1e6: "31.1 ms", 999.9e3: "1 ms"} {
		if got := duration(ns); got != want {
			t.Errorf("%v ns is %q, want %q", ns, got, want)
		}
	}
}

func TestShow(t *testing.T) {
	of := func(v verdict, err error) func(context.Context, plan) ([]row, error) {
		return func(context.Context, plan) ([]row, error) { return []row{{name: "r", verdict: v}}, err }
	}
	all := []line{{"good", of(met, nil)}, {"slow", of(missed, nil)}, {"broken", of(met, errors.New("no disk"))}}
	for only, want := range map[string]int{"good": 0, "slow": 1, "broken": 2, "slow|broken": 2, "none": 0, "": 2} {
		if got := show(t.Context(), all, regexp.MustCompile(only), quick, io.Discard, io.Discard); got != want {
			t.Errorf("-only %q: code %d, want %d", only, got, want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, args := range [][]string{{"-only", "("}, {"-unheard"}, {"-cpuprofile", t.TempDir()}} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, io.Discard, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: code %d, %q", args, code, errs.String())
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"-short", "-only", "no such line"}, &out, io.Discard); code != 0 || !strings.Contains(out.String(), "baseline") {
		t.Errorf("code %d, %q", code, out.String())
	}
}
