package aegistest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/modelspec"
)

func under(key string) context.Context {
	return context.WithValue(context.Background(), adapter.KeyKey, key)
}

func taken(key string) adapter.Taken[string, string] {
	return adapter.Taken[string, string]{Key: key}
}

// numbered answers each effect with the number it has.
func numbered() *aegistest.Service[string, string] {
	n := 0
	return aegistest.NewService(func(req string) (string, error) {
		if req == "bad" {
			return "", errors.New("bad request")
		}
		n++
		return fmt.Sprint(n), nil
	})
}

func TestService(t *testing.T) {
	type step func(s *aegistest.Service[string, string]) string
	ask := func(key, req string) step {
		return func(s *aegistest.Service[string, string]) string {
			res, err := s.Do(under(key), req)
			if err != nil {
				return string(modelspec.CodeOf(err))
			}
			return res
		}
	}
	undo := func(key string) step {
		return func(s *aegistest.Service[string, string]) string {
			if err := s.Undo(context.Background(), taken(key)); err != nil {
				return string(modelspec.CodeOf(err))
			}
			return "undone"
		}
	}
	set := func(f func(s *aegistest.Service[string, string])) step {
		return func(s *aegistest.Service[string, string]) string { f(s); return "" }
	}
	land := func(s *aegistest.Service[string, string]) string { return fmt.Sprint("landed ", s.Land()) }
	for _, c := range []struct {
		name                       string
		steps                      []step
		want                       []string
		effects, undone, remaining int
	}{
		{"same key, same answer", []step{ask("k", "a"), ask("k", "a"), ask("l", "a")}, []string{"1", "1", "2"}, 2, 0, 2},
		{"no key", []step{ask("", "a"), undo("")}, []string{"invalid_argument", "invalid_argument"}, 0, 0, 0},
		{"refusal is kept", []step{ask("k", "bad"), ask("k", "bad")}, []string{"failed_precondition", "failed_precondition"}, 0, 0, 0},
		{"nothing to undo of a refusal", []step{ask("k", "bad"), undo("k"), ask("k", "a")}, []string{"failed_precondition", "undone", "failed_precondition"}, 0, 0, 0},
		{"late, a key seen before", []step{ask("k", "a"), set(func(s *aegistest.Service[string, string]) { s.Delay(1) }), ask("k", "a"), ask("l", "a"), land},
			[]string{"1", "", "1", "deadline_exceeded", "landed 1"}, 2, 0, 2},
		{"tombstone after an effect", []step{ask("k", "a"), undo("k"), undo("k"), ask("k", "a")}, []string{"1", "undone", "undone", "failed_precondition"}, 1, 1, 0},
		{"tombstone before an effect", []step{undo("k"), ask("k", "a")}, []string{"undone", "failed_precondition"}, 0, 0, 0},
		{"before", []step{set(func(s *aegistest.Service[string, string]) { s.FailBefore(modelspec.ErrUnavailable, 1) }), ask("k", "a"), ask("k", "a")},
			[]string{"", "unavailable", "1"}, 1, 0, 1},
		{"after", []step{set(func(s *aegistest.Service[string, string]) { s.FailAfter(modelspec.ErrUnavailable, 2) }), ask("k", "a"), ask("k", "a"), ask("k", "a")},
			[]string{"", "unavailable", "unavailable", "1"}, 1, 0, 1},
		{"undo fails", []step{ask("k", "a"), set(func(s *aegistest.Service[string, string]) { s.FailUndo(modelspec.ErrUnavailable, 1) }), undo("k"), ask("k", "a"), undo("k")},
			[]string{"1", "", "unavailable", "1", "undone"}, 1, 1, 0},
		{"late", []step{set(func(s *aegistest.Service[string, string]) { s.Delay(1) }), ask("k", "a"), land, ask("k", "a")},
			[]string{"", "deadline_exceeded", "landed 1", "1"}, 1, 0, 1},
		{"late, asked again before", []step{set(func(s *aegistest.Service[string, string]) { s.Delay(1) }), ask("k", "a"), ask("k", "a"), land},
			[]string{"", "deadline_exceeded", "1", "landed 0"}, 1, 0, 1},
		{"late, undone before", []step{set(func(s *aegistest.Service[string, string]) { s.Delay(1) }), ask("k", "a"), undo("k"), land, ask("k", "a")},
			[]string{"", "deadline_exceeded", "undone", "landed 0", "failed_precondition"}, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := numbered()
			for i, step := range c.steps {
				if got := step(s); got != c.want[i] {
					t.Errorf("step %d: %q, want %q", i, got, c.want[i])
				}
			}
			if len(s.Effects()) != c.effects || len(s.Undone()) != c.undone || len(s.Standing()) != c.remaining {
				t.Errorf("effects %v, undone %v, standing %v", s.Effects(), s.Undone(), s.Standing())
			}
		})
	}
}

// bank is an adapter over a service, with one thing wrong.
type bank struct {
	mu    sync.Mutex
	n     int
	kept  map[string]string
	gone  map[string]bool
	flaw  string
	calls int
	race  sync.WaitGroup // of the calls at the same time, where they are not kept apart
}

func (b *bank) do(ctx context.Context, s send) (sent, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := adapter.Key(ctx)
	b.calls++
	switch b.flaw {
	case "ignores keys":
		key = fmt.Sprint(b.calls)
	case "one key for all":
		key = fmt.Sprint(s)
	case "changes its request":
		s.Tags[0] += "x"
	case "refuses to repeat":
		if b.kept[key] != "" {
			return sent{}, modelspec.Refuse("duplicate")
		}
	case "does it each time":
		b.n++
	case "two at a time":
		if b.calls > 3 && b.calls < 8 { // the four at the same time
			b.race.Done()
			b.mu.Unlock()
			b.race.Wait()
			b.mu.Lock()
			delete(b.kept, key)
		}
	case "never works":
		return sent{}, modelspec.ErrUnavailable
	}
	if b.gone[key] {
		if b.flaw == "tombstone asked again" {
			return sent{}, modelspec.ErrUnavailable
		}
		return sent{}, modelspec.Refuse("undone")
	}
	if id := b.kept[key]; id != "" {
		return sent{id}, nil
	}
	b.n++
	b.kept[key] = fmt.Sprint(b.n)
	return sent{b.kept[key]}, nil
}

func (b *bank) undo(_ context.Context, t adapter.Taken[send, sent]) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.flaw == "no tombstone":
		return nil
	case b.flaw == "undo of nothing" && b.kept[t.Key] == "":
		return modelspec.ErrNotFound
	case b.flaw == "undo twice" && b.gone[t.Key]:
		return modelspec.Refuse("undone already")
	case b.flaw == "undo needs the answer" && t.Answer == nil && b.kept[t.Key] != "":
		return modelspec.Refuse("which payment?")
	}
	b.gone[t.Key] = true
	return nil
}

func TestAdapterKeepsKeys(t *testing.T) {
	for _, c := range []struct{ flaw, want string }{
		{"", ""},
		{"does it each time", "one key had 3 effects"},
		{"two at a time", "one key had 4 effects at the same time"},
		{"ignores keys", "the same key was answered in two ways"},
		{"one key for all", "another key had no effect of its own"},
		{"changes its request", "it changed its request"},
		{"refuses to repeat", "the same key again: duplicate"},
		{"never works", "call: unavailable"},
		{"no tombstone", "worked after its undo"},
		{"tombstone asked again", "answer with modelspec.Refuse"},
		{"undo of nothing", "undo of aegistest-4 (answer known: false): not_found"},
		{"undo twice", "undo of aegistest-1 (answer known: true): undone already"},
		{"undo needs the answer", "undo of aegistest-1 (answer known: false): which payment?"},
	} {
		for _, counted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, counted %t", c.flaw, counted), func(t *testing.T) {
				b := &bank{kept: map[string]string{}, gone: map[string]bool{}, flaw: c.flaw}
				b.race.Add(4)
				var effects func() int
				if counted {
					effects = func() int { b.mu.Lock(); defer b.mu.Unlock(); return b.n }
				}
				text := failing(t, func(t *fake) {
					aegistest.AdapterKeepsKeys(t, adapter.BindUndo(mail, b.do, b.undo), send{Tags: []string{"a"}}, effects)
				})
				want := c.want
				switch {
				case !counted && c.flaw == "does it each time": // cannot be seen
					return
				case !counted && c.flaw == "two at a time":
					want = "at the same time one key was answered in two ways"
				}
				if want == "" {
					wants(t, text)
				} else {
					wants(t, text, "adapter of port note.mail: ", want)
				}
			})
		}
	}
}

// The kit's own service passes the kit's own check.
func TestServiceKeepsKeys(t *testing.T) {
	n := 0
	s := aegistest.NewService(func(send) (sent, error) { n++; return sent{fmt.Sprint(n)}, nil })
	aegistest.AdapterKeepsKeys(t, adapter.BindUndo(mail, s.Do, s.Undo), send{Tags: []string{"a"}}, func() int { return len(s.Effects()) })
}
