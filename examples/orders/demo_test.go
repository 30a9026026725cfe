package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the child that the demonstration kills.
func TestMain(m *testing.M) {
	if task := os.Getenv(childEnv); task != "" {
		os.Exit(childMain(task))
	}
	os.Exit(m.Run())
}

// TestDemonstration runs all of it, with less load: modules built from source,
// a killed process, a replacement under load. What differs from what is
// promised is its error. Two runs on one folder: the second finds what the
// first left.
func TestDemonstration(t *testing.T) {
	o := options{addr: "127.0.0.1:0", dir: t.TempDir(), short: true}
	for _, which := range []string{"first", "second"} {
		var out bytes.Buffer
		if err := run(t.Context(), o, &out); err != nil {
			t.Fatalf("%s run: %v\n%s", which, err, out.Bytes())
		}
		for _, want := range []string{
			"building inventory 1.1.0 ...", "APPROVED", "COMPLETE", "CANCELED", "does not deliver to Atlantis",
			"child is killed", "by 1.1.0", " 0 failed", "== all as promised",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s run: the output lacks %q:\n%s", which, want, out.Bytes())
			}
		}
	}
}

// TestLoopback checks which addresses are listened on.
func TestLoopback(t *testing.T) {
	for addr, ok := range map[string]bool{"127.0.0.1:0": true, "localhost:80": true, "[::1]:1": true, "0.0.0.0:80": false, ":80": false, "127.0.0.1": false} {
		if err := loopback(addr); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// TestLoadCheck checks that the demonstration notices what it must.
func TestLoadCheck(t *testing.T) {
	for name, bad := range map[string]result{
		"failed":         {err: os.ErrInvalid},
		"old after":      {from: deployed, to: deployed, version: "1.0.0"},
		"new before":     {version: "1.1.0"},
		"new after back": {from: rolledBack, to: rolledBack, version: "1.1.0"},
	} {
		l := newLoad(nil, 1, 1)
		l.note(result{version: "1.0.0"})
		l.note(result{from: before, to: deployed, version: "1.1.0"})
		l.note(result{from: deploying, to: deploying, version: "1.0.0"})
		if err := l.check(); err != nil {
			t.Fatal(err)
		}
		if l.note(bad); l.check() == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// TestTimelineEnds checks that an order's end is known however often, and
// whenever, it is told.
func TestTimelineEnds(t *testing.T) {
	show := newTimeline(&bytes.Buffer{}, time.Now())
	for range 2 {
		if err := show.ended(t.Context(), event("order.completed", "o1")); err != nil {
			t.Fatal(err)
		}
	}
	if err := show.await(t.Context(), "o1", "order.completed"); err != nil {
		t.Error(err)
	}
	if err := show.ended(t.Context(), event("order.undone", "o2")); err != nil {
		t.Fatal(err)
	}
	if err := show.await(t.Context(), "o2", "order.completed"); err == nil {
		t.Error("an order that was undone passed for one that completed")
	}
}
