package aegistest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// AdapterKeepsKeys checks that an adapter, with the service behind it, does its
// half of "at most one effect per key, and none after its undo":
//
//   - asked twice under one key, one after the other or at the same time, it
//     answers the same and has one effect;
//   - asked under another key, it has another effect;
//   - an undo of a key succeeds, also twice, and also where nothing was done;
//   - after the undo of a key a call under it is refused, with an error that is
//     not modelspec.Transient;
//   - the request is not changed.
//
// req is a request that the service accepts any number of times. effects counts
// what the service has done so far; nil: an effect is recognized by its answer,
// which then must differ from one effect to the next, as one with an id does.
func AdapterKeepsKeys[Req any](t testing.TB, a adapter.Adapter, req Req, effects func() int) {
	t.Helper()
	if a.Call == nil {
		t.Fatalf("aegistest: adapter of port %s: it is a route: the host keeps its keys", nameOf(a.Ref()))
		return
	}
	k := &keeper{TB: t, a: a, name: nameOf(a.Ref()), req: modelspec.Of(req), effects: effects}
	k.sum = digest(k.req)
	k.sameKey("aegistest-1", "aegistest-2")
	k.atOnce("aegistest-3")
	if a.Undo != nil {
		k.undo("aegistest-1", "aegistest-4")
	}
	if digest(k.req) != k.sum {
		k.Errorf("aegistest: adapter of port %s: it changed its request: a second attempt would not ask the same", k.name)
	}
}

// keeper is a check under way.
type keeper struct {
	testing.TB
	a       adapter.Adapter
	name    string
	req     *modelspec.Value
	sum     uint64
	effects func() int
	answer  *modelspec.Value // to the first key
}

func (k *keeper) count() int {
	if k.effects == nil {
		return 0
	}
	return k.effects()
}

// call asks under a key, and returns the answer and its JSON.
func (k *keeper) call(key string) (*modelspec.Value, []byte, error) {
	v, err := k.a.Call(context.WithValue(k.Context(), adapter.KeyKey, key), k.req)
	if err != nil {
		return nil, nil, err
	}
	raw, err := v.JSON()
	return v, raw, err
}

func (k *keeper) sameKey(one, other string) {
	k.Helper()
	start := k.count()
	v, first, err := k.call(one)
	if err != nil {
		k.Fatalf("aegistest: adapter of port %s: call: %v", k.name, err)
		return
	}
	k.answer = v
	_, again, err := k.call(one)
	if err != nil {
		k.Errorf("aegistest: adapter of port %s: the same key again: %v: it must answer as it did at first", k.name, err)
	} else if !bytes.Equal(first, again) {
		k.Errorf("aegistest: adapter of port %s: the same key was answered in two ways: pass adapter.Key(ctx) to the service\n\tfirst:  %s\n\tsecond: %s", k.name, clip(first), clip(again))
	}
	if n := k.count() - start; k.effects != nil && n != 1 {
		k.Errorf("aegistest: adapter of port %s: one key had %d effects: pass adapter.Key(ctx) to the service", k.name, n)
	}
	_, another, err := k.call(other)
	switch n := k.count() - start; {
	case err != nil:
		k.Errorf("aegistest: adapter of port %s: another key: %v", k.name, err)
	case k.effects != nil && n < 2, k.effects == nil && bytes.Equal(another, first):
		k.Errorf("aegistest: adapter of port %s: another key had no effect of its own: the key is of the call, not of what is asked", k.name)
	}
}

// atOnce asks several times under one key at the same time. A service may tell
// all but one to ask again.
func (k *keeper) atOnce(key string) {
	k.Helper()
	start := k.count()
	var wg sync.WaitGroup
	answers := make([][]byte, 4)
	errs := make([]error, len(answers))
	for i := range answers {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					errs[i] = modelspec.Refuse(fmt.Sprint("panic: ", p))
				}
			}()
			_, answers[i], errs[i] = k.call(key)
		})
	}
	wg.Wait()
	_, last, err := k.call(key)
	if err != nil {
		k.Errorf("aegistest: adapter of port %s: after calls at the same time: %v", k.name, err)
	}
	for i, got := range answers {
		switch {
		case errs[i] != nil && !modelspec.Transient(errs[i]) && modelspec.CodeOf(errs[i]) != modelspec.ErrConflict:
			k.Errorf("aegistest: adapter of port %s: at the same time as others under its key: %v: that is an answer, and the others got another", k.name, errs[i])
		case errs[i] == nil && err == nil && !bytes.Equal(got, last):
			k.Errorf("aegistest: adapter of port %s: at the same time one key was answered in two ways\n\tone:   %s\n\tother: %s", k.name, clip(got), clip(last))
		}
	}
	if n := k.count() - start; k.effects != nil && n != 1 {
		k.Errorf("aegistest: adapter of port %s: one key had %d effects at the same time", k.name, n)
	}
}

// undo takes one key back that was used, and one that never was.
func (k *keeper) undo(used, unused string) {
	k.Helper()
	for _, u := range []struct {
		key    string
		answer *modelspec.Value
	}{{used, k.answer}, {used, k.answer}, {used, nil}, {unused, nil}} {
		ctx := context.WithValue(k.Context(), adapter.KeyKey, u.key+".undo")
		if err := k.a.Undo(context.WithValue(ctx, adapter.UndoesKey, u.key), k.req, u.answer); err != nil {
			k.Errorf("aegistest: adapter of port %s: undo of %s (answer known: %t): %v: it must succeed, also again, and also where nothing was done", k.name, u.key, u.answer != nil, err)
		}
	}
	start := k.count()
	for _, key := range []string{used, unused} {
		switch _, _, err := k.call(key); {
		case err == nil:
			k.Errorf("aegistest: adapter of port %s: a call under %s worked after its undo: an attempt that is late would have its effect for ever: keep a tombstone", k.name, key)
		case modelspec.Transient(err):
			k.Errorf("aegistest: adapter of port %s: a call under %s after its undo: %v: answer with modelspec.Refuse: this error is asked again", k.name, key, err)
		}
	}
	if n := k.count() - start; n != 0 {
		k.Errorf("aegistest: adapter of port %s: calls after an undo had %d effects", k.name, n)
	}
}
