package aegistest

import (
	"context"
	"slices"
	"sync"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/port"
)

// Call is one attempt at a stubbed port.
type Call[Req any] struct {
	Request Req    // of an undo: what the call that it takes back asked
	Key     string // idempotency key: the same for every attempt of one call
	Undoes  string // of an undo: the key of the call that it takes back, else ""
	Err     error  // what the stub answered, nil where it worked
}

// stub answers one port of one host.
type stub[Req, Res any] struct {
	mu       sync.Mutex
	answer   func(context.Context, Req) (Res, error)
	fail     failing
	failUndo failing
	calls    []Call[Req]
}

// failing is what the next attempts are to answer.
type failing struct {
	err   error
	times int // negative: always
}

func (f *failing) next() error {
	if f.times == 0 {
		return nil
	}
	if f.times > 0 {
		f.times--
	}
	return f.err
}

// Stub makes the port answer with answer from now on. Of a port with Undo, undo
// works.
func Stub[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res], answer Res) {
	h.t.Helper()
	StubFunc(h, p, func(context.Context, Req) (Res, error) { return answer, nil })
}

// StubFunc makes the port answer with fn from now on, as adapter.Bind would.
func StubFunc[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res], fn func(context.Context, Req) (Res, error)) {
	h.t.Helper()
	s := stubOf(h, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = fn
}

// Fail makes the next attempts at the port fail with err, as many as times
// says, negative: all. Then it works as it is stubbed. What the host makes of
// err is told at [adapter.Func]: modelspec.Refuse("no stock") is an answer,
// modelspec.ErrDeadline leaves the outcome unknown, adapter.NotSent(err) asked
// nobody.
func Fail[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res], err error, times int) {
	h.t.Helper()
	s := stubOf(h, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = failing{err, times}
}

// FailUndo is [Fail] for the undo of the port.
func FailUndo[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res], err error, times int) {
	h.t.Helper()
	if !p.Undo {
		h.t.Fatalf("aegistest: fail undo: port %s has no Undo", nameOf(p.Ref()))
	}
	s := stubOf(h, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failUndo = failing{err, times}
}

// Calls are the attempts at a stubbed port so far, undos among them.
func Calls[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res]) []Call[Req] {
	h.t.Helper()
	h.mu.Lock()
	s, ok := h.stubs[p.Ref()].(*stub[Req, Res])
	h.mu.Unlock()
	if !ok {
		h.t.Fatalf("aegistest: calls of port %s: it is not stubbed", nameOf(p.Ref()))
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// stubOf finds the port's stub, or binds one.
func stubOf[M, Req, Res any](h *Host, p port.Outbound[M, Req, Res]) *stub[Req, Res] {
	h.t.Helper()
	h.mu.Lock()
	s, ok := h.stubs[p.Ref()].(*stub[Req, Res])
	if !ok {
		s = &stub[Req, Res]{}
		h.stubs[p.Ref()] = s
	}
	h.mu.Unlock()
	switch {
	case ok:
	case p.Undo:
		h.Use(adapter.BindUndo(p, s.do, s.undo))
	default:
		h.Use(adapter.Bind(p, s.do))
	}
	return s
}

func (s *stub[Req, Res]) do(ctx context.Context, req Req) (res Res, err error) {
	s.mu.Lock()
	err = s.fail.next()
	answer := s.answer
	s.mu.Unlock()
	if err == nil && answer != nil { // outside the lock: it may call back
		res, err = answer(ctx, req)
	}
	s.note(Call[Req]{Request: req, Key: adapter.Key(ctx), Err: err})
	return res, err
}

func (s *stub[Req, Res]) undo(ctx context.Context, t adapter.Taken[Req, Res]) error {
	s.mu.Lock()
	err := s.failUndo.next()
	s.mu.Unlock()
	s.note(Call[Req]{Request: t.Request, Key: adapter.Key(ctx), Undoes: t.Key, Err: err})
	return err
}

func (s *stub[Req, Res]) note(c Call[Req]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}
