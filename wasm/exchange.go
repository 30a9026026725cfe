package wasm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// maxEffects is how many effects one call may ask for. A host has budgets of
// its own; this one holds without it.
const maxEffects = 10_000

// exchange is one call in progress, and the context that the engine sees: the
// host's deadline and nothing of its values.
type exchange struct {
	run context.Context // of the call, with a deadline
	do  func(context.Context, []byte) []byte

	in       []byte // what recv copies to the guest next
	out      []byte
	fault    string // how the guest broke the protocol
	depth    int    // guests that wait for this call
	most     int    // bytes of a frame
	effects  int
	received bool // the guest has seen the frame
	replied  bool
}

type exchangeKey struct{}

func (x *exchange) Deadline() (time.Time, bool) { return x.run.Deadline() }
func (x *exchange) Done() <-chan struct{}       { return x.run.Done() }
func (x *exchange) Err() error                  { return x.run.Err() }

func (x *exchange) Value(k any) any {
	if k == (exchangeKey{}) {
		return x
	}
	return nil
}

// inner is the context of an effect: the host's own, and the mark by which a
// call made for it is known as nested.
type inner struct {
	context.Context
	depth int
}

type depthKey struct{}

func (c *inner) Value(k any) any {
	if k == (depthKey{}) {
		return c.depth
	}
	return c.Context.Value(k)
}

// depthOf is how many guests wait for what ctx belongs to.
func depthOf(ctx context.Context) int {
	n, _ := ctx.Value(depthKey{}).(int)
	return n
}

// breach ends a guest that broke the protocol.
type breach string

func (b breach) Error() string { return string(b) }

func (x *exchange) broke(format string, args ...any) {
	x.fault = fmt.Sprintf(format, args...)
	panic(breach(x.fault))
}

// offer gives guests the ABI's functions.
func offer(ctx context.Context, engine wazero.Runtime) error {
	i32 := api.ValueTypeI32
	_, err := engine.NewHostModuleBuilder(abiModule).
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(recv), []api.ValueType{i32}, nil).Export("recv").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(send), []api.ValueType{i32, i32, i32}, []api.ValueType{i32}).Export("send").
		Instantiate(ctx)
	return err
}

// The upper half of an i32's stack slot is undefined: every argument goes
// through uint32.

func recv(ctx context.Context, m api.Module, stack []uint64) {
	x := ctx.Value(exchangeKey{}).(*exchange)
	if x.in == nil {
		x.broke("recv: nothing is waiting")
	}
	if !m.Memory().Write(uint32(stack[0]), x.in) {
		x.broke("recv: %d bytes at %d are outside memory", len(x.in), uint32(stack[0]))
	}
	x.in, x.received = nil, true
}

func send(ctx context.Context, m api.Module, stack []uint64) {
	x := ctx.Value(exchangeKey{}).(*exchange)
	kind, ptr, n := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	switch {
	case !x.received:
		x.broke("send: the frame has not been received")
	case x.replied:
		x.broke("send: the reply has been sent")
	case x.in != nil:
		x.broke("send: an answer is waiting to be received")
	case kind > kindEffect:
		x.broke("send: kind %d is not known", kind)
	case int64(n) > int64(x.most):
		x.broke("send: frame of %d bytes, at most %d are allowed", n, x.most)
	}
	b, ok := m.Memory().Read(ptr, n)
	if !ok {
		x.broke("send: %d bytes at %d are outside memory", n, ptr)
	}
	b = append(make([]byte, 0, n), b...)
	stack[0] = 0
	if kind == kindReply {
		x.out, x.replied = b, true
		return
	}
	x.in = x.effect(b)
	stack[0] = uint64(len(x.in))
}

// effect asks the host, and returns the answer's frame.
func (x *exchange) effect(b []byte) []byte {
	if x.effects++; x.effects > maxEffects {
		x.broke("send: more than %d effects in one call", maxEffects)
	}
	if x.do == nil {
		return refusal(modelspec.ErrDenied, "no effects are allowed here")
	}
	answer := x.perform(b)
	switch {
	case len(answer) == 0:
		return refusal(modelspec.ErrInternal, "the host has no answer")
	case len(answer) > x.most:
		return refusal(modelspec.ErrExhausted, fmt.Sprintf("answer of %d bytes, at most %d are allowed", len(answer), x.most))
	}
	return answer
}

// perform calls the host's side, whose panics end there.
func (x *exchange) perform(b []byte) (answer []byte) {
	defer func() {
		if p := recover(); p != nil {
			answer = refusal(modelspec.ErrInternal, "the host failed")
		}
	}()
	return x.do(&inner{Context: x.run, depth: x.depth + 1}, b)
}

// refusal is the frame of an error. The words are ours and need no escapes.
func refusal(code modelspec.Code, message string) []byte {
	return []byte(`{"error":{"code":"` + string(code) + `","message":"wasm: ` + message + `"}}`)
}

// isExit reports whether an instance had been closed.
func isExit(err error) bool {
	_, ok := errors.AsType[*sys.ExitError](err)
	return ok
}
