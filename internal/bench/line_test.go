package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
)

// The test binary is also the process that gets killed.
func TestMain(m *testing.M) {
	if os.Getenv(childDir) != "" {
		os.Exit(childMain(os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// quick proves nothing about speed.
var quick = plan{rounds: 1, slice: time.Millisecond, switches: 2, phases: 2, requests: 400, parked: 50, due: 300, load: 20 * time.Millisecond}

// Every line can be measured, and fills its cells.
func TestLines(t *testing.T) {
	for _, l := range lines() {
		t.Run(l.name, func(t *testing.T) {
			rows, err := l.run(t.Context(), quick)
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Fatal("there are no rows")
			}
			for _, r := range rows {
				if r.ours == "" || r.baseline == "" || r.ratio == "" || r.verdict != noted && r.goal == "" {
					t.Errorf("a cell is missing: %+v", r)
				}
				if strings.Contains(r.ours+r.baseline+r.ratio, "NaN") || strings.Contains(r.ratio, "Inf") {
					t.Errorf("a cell is no number: %+v", r)
				}
			}
		})
	}
}

// What does not depend on the speed of the machine holds in every run.
func TestReplacementCostsNoRequest(t *testing.T) {
	rows, err := replaceLine(t.Context(), plan{switches: 10, phases: 3, requests: 3000})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		switch strings.TrimSpace(r.name) {
		case "failed requests", "goroutines, before and after", "open files, before and after":
			if r.verdict != met {
				t.Errorf("%+v", r)
			}
		}
	}
}

// A killed host's successor does all that was left, once.
func TestResumeLosesNothing(t *testing.T) {
	rows, err := resumeLine(t.Context(), quick)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[2:5] {
		if r.verdict != met {
			t.Errorf("%+v", r)
		}
	}
}

// Flows that wait take no goroutine.
func TestParkedFlowsTakeNoGoroutine(t *testing.T) {
	rows, err := parkedLine(t.Context(), quick)
	if err != nil {
		t.Fatal(err)
	}
	if rows[1].verdict != met {
		t.Errorf("%+v", rows[1])
	}
}

func TestNativeCallsMeetNoJSON(t *testing.T) {
	n, err := countJSON(t.Context())
	if err != nil || n != 0 {
		t.Errorf("%d values were encoded or decoded, %v", n, err)
	}
}

// The counter of the test above counts.
func TestMeetingCounts(t *testing.T) {
	model, _ := tickets()
	spec, err := model.Spec()
	if err != nil {
		t.Fatal(err)
	}
	var s seen
	r, err := spec.Handle(t.Context(), modelspec.Call{Op: modelspec.OpNew, ID: "t1", Doc: modelspec.Of(ticket{Note: s.note()})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Doc.JSON(); err != nil || s.met.Load() == 0 {
		t.Error("a value that was encoded was not counted")
	}
}
