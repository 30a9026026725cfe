package flow

import (
	"sync"
	"time"
)

// tries counts what was tried and failed, by name, in this process, and says
// when to try again.
type tries struct {
	mu sync.Mutex
	m  map[string]try
}

type try struct {
	n     int
	next  time.Time
	taken []string // who has had it
	late  bool     // it did not fail: somebody wants it later
	done  bool     // all have had it, but not what came before it
}

// failed counts one more failure and returns their number and the next time.
func (t *tries) failed(name string, taken []string, now time.Time) (int, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]try{}
	}
	n := t.m[name].n + 1
	t.m[name] = try{n: n, next: now.Add(wait(n)), taken: taken}
	return n, t.m[name].next
}

// later notes when somebody wants it.
func (t *tries) later(name string, taken []string, at time.Time) try {
	return t.set(name, try{n: t.of(name).n, next: at, taken: taken, late: true})
}

// finish notes that all have had it, until it is forgotten.
func (t *tries) finish(name string) { t.set(name, try{done: true}) }

func (t *tries) set(name string, v try) try {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[string]try{}
	}
	t.m[name] = v
	return v
}

// of says when to try again (the zero time: now), and who need not be asked.
func (t *tries) of(name string) try {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.m[name]
}

func (t *tries) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, name)
}
