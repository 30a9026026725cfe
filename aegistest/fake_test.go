package aegistest_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// fake is a testing.TB that remembers how it was failed.
type fake struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
	stopped  bool
}

// failing runs body as a test of its own, cleanups and all, and returns what it
// was failed with.
func failing(t *testing.T, body func(t *fake)) string {
	t.Helper()
	f := &fake{TB: t}
	f.alone(func() { body(f) })
	for len(f.cleanups) > 0 {
		last := f.cleanups[len(f.cleanups)-1]
		f.cleanups = f.cleanups[:len(f.cleanups)-1]
		f.alone(last)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.failures, "\n")
}

// alone runs fn on a goroutine that Fatalf can end.
func (f *fake) alone(fn func()) {
	done := make(chan any)
	go func() {
		var panicked any = "Fatalf"
		defer func() {
			if p := recover(); p != nil {
				panicked = p
			}
			done <- panicked
		}()
		fn()
		panicked = nil
	}()
	if p := <-done; p != nil && !f.stopped {
		panic(p)
	}
}

func (f *fake) Helper()                  {}
func (f *fake) Context() context.Context { return context.Background() }
func (f *fake) Output() io.Writer        { return io.Discard }
func (f *fake) Cleanup(fn func())        { f.cleanups = append(f.cleanups, fn) }

func (f *fake) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	f.stopped = true
	runtime.Goexit()
}

// wants fails the test unless text has all parts; no parts: unless it is empty.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	if len(parts) == 0 && text != "" {
		t.Errorf("failed with:\n%s", text)
	}
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in what it failed with:\n%s", p, text)
		}
	}
}
