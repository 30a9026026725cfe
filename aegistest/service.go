package aegistest

import (
	"context"
	"slices"
	"sync"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/modelspec"
)

// Service is a service outside that does its half: it has at most one effect
// per key, gives the same key the same answer, and after an undo of a key
// refuses the key for ever. Bind it with
//
//	host.Use(adapter.BindUndo(order.Authorize, bank.Do, bank.Undo))
//
// It can also be as bad as services are: see its methods. Safe for concurrent
// use. Make one with [NewService].
type Service[Req, Res any] struct {
	mu      sync.Mutex
	do      func(Req) (Res, error)
	byKey   map[string]*kept[Res]
	effects []Effect[Req]
	undone  []string
	delayed []Effect[Req]
	before  failing
	after   failing
	undo    failing
	late    int
}

// Effect is something that a [Service] did.
type Effect[Req any] struct {
	Key     string
	Request Req
}

// kept is what a service keeps of a key.
type kept[Res any] struct {
	res   Res
	err   error
	taken bool // undone: a tombstone, whether or not something was done before
}

// NewService returns a service that answers with do. An error of do is a
// refusal: no effect. do must not call the service.
func NewService[Req, Res any](do func(Req) (Res, error)) *Service[Req, Res] {
	return &Service[Req, Res]{do: do, byKey: map[string]*kept[Res]{}}
}

// Do answers a port. A call without a key, which a host never makes, is
// modelspec.ErrInvalid; one whose key was undone is modelspec.ErrRefused.
func (s *Service[Req, Res]) Do(ctx context.Context, req Req) (res Res, err error) {
	key := adapter.Key(ctx)
	if key == "" {
		return res, modelspec.Invalid("", "the call has no key: the adapter must pass adapter.Key(ctx)")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.before.next(); err != nil {
		return res, err
	}
	if s.late > 0 && s.byKey[key] == nil {
		s.late--
		s.delayed = append(s.delayed, Effect[Req]{key, req})
		return res, &modelspec.Error{Code: modelspec.ErrDeadline, Message: "the service did not answer in time"}
	}
	res, err = s.once(key, req)
	if err == nil {
		err = s.after.next()
	}
	return res, err
}

// once does what is asked, unless it was done or undone.
func (s *Service[Req, Res]) once(key string, req Req) (Res, error) {
	k := s.byKey[key]
	switch {
	case k != nil && k.taken:
		var none Res
		return none, modelspec.Refuse("key " + key + " was undone: it cannot be used again")
	case k == nil:
		k = &kept[Res]{}
		if k.res, k.err = s.do(req); k.err == nil {
			s.effects = append(s.effects, Effect[Req]{key, req})
		}
		k.err = modelspec.Coded(k.err, modelspec.ErrRefused)
		s.byKey[key] = k
	}
	return k.res, k.err
}

// Undo takes back what was done under a key. Where nothing was, it succeeds,
// and the key is refused from then on.
func (s *Service[Req, Res]) Undo(_ context.Context, t adapter.Taken[Req, Res]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Key == "" {
		return modelspec.Invalid("", "the undo has no key: the adapter must pass adapter.Undoes(ctx)")
	}
	if err := s.undo.next(); err != nil {
		return err
	}
	k := s.byKey[t.Key]
	if k != nil && k.taken {
		return nil
	}
	if k != nil && k.err == nil {
		s.undone = append(s.undone, t.Key)
	}
	s.byKey[t.Key] = &kept[Res]{taken: true}
	return nil
}

// FailBefore makes the next calls fail with err before they have an effect, as
// many as times says, negative: all.
func (s *Service[Req, Res]) FailBefore(err error, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = failing{err, times}
}

// FailAfter makes the next calls fail with err after they had their effect, or
// were found to have had it: the answer is lost on its way.
func (s *Service[Req, Res]) FailAfter(err error, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = failing{err, times}
}

// FailUndo makes the next undos fail with err, without taking anything back.
func (s *Service[Req, Res]) FailUndo(err error, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.undo = failing{err, times}
}

// Delay makes the next times calls of keys not yet seen answer
// modelspec.ErrDeadline, and have their effect later: when [Service.Land] is
// called.
func (s *Service[Req, Res]) Delay(times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = times
}

// Land lets what was delayed have its effect now, and returns how many effects
// that were: none for a key that was done or undone meanwhile.
func (s *Service[Req, Res]) Land() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := len(s.effects)
	for _, e := range s.delayed {
		_, _ = s.once(e.Key, e.Request)
	}
	s.delayed = nil
	return len(s.effects) - was
}

// Effects are what the service did, undone or not, in its order.
func (s *Service[Req, Res]) Effects() []Effect[Req] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.effects)
}

// Undone are the keys of the effects that were taken back, in that order.
func (s *Service[Req, Res]) Undone() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.undone)
}

// Standing are the effects that were not taken back.
func (s *Service[Req, Res]) Standing() []Effect[Req] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.effects), func(e Effect[Req]) bool { return slices.Contains(s.undone, e.Key) })
}
