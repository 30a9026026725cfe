package federation

import (
	"context"
	"sync/atomic"

	"github.com/org/aegis/modelspec"
)

// door is the way back of one inbound port's call: it lets effects in to the
// host that made the call, one at a time, until the call has returned.
type door struct {
	host  context.Context
	state atomic.Int32
}

const (
	doorFree int32 = iota
	doorBusy
	doorShut
)

func (d *door) shut() { d.state.Store(doorShut) }

// do answers one effect's frame with a reply's. ctx is the engine's: it ends
// with the call, and may say what a nested call needs to know.
func (d *door) do(ctx context.Context, frame []byte) []byte {
	if !d.state.CompareAndSwap(doorFree, doorBusy) {
		if d.state.Load() == doorShut {
			return answerOf(nil, denied("the handler has returned"))
		}
		return answerOf(nil, &modelspec.Error{Code: modelspec.ErrRefused, Message: "one effect at a time", NotSent: true})
	}
	defer d.state.CompareAndSwap(doorBusy, doorFree)
	v, err := d.perform(ctx, frame)
	if err != nil {
		err = abroad(d.host, err)
	}
	return answerOf(v, err)
}

func (d *door) perform(ctx context.Context, frame []byte) (v *modelspec.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			v, err = nil, panicked("effect", p)
		}
	}()
	e, err := readEffect(frame)
	if err != nil {
		return nil, invalid("malformed effect: %s", clip(err.Error(), maxText))
	}
	return modelspec.Do(inside{ctx, d.host}, e)
}

// deny answers effects in pure ops.
func deny(context.Context, []byte) []byte {
	return answerOf(nil, denied("effects are for inbound ports: hooks and adapters have none"))
}

func denied(why string) error {
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: why, NotSent: true}
}

// inside has the values of the engine's context and those of the host's, and
// ends with the engine's.
type inside struct {
	context.Context
	host context.Context
}

func (c inside) Value(k any) any {
	if k == modelspec.EffectsKey {
		return c.host.Value(k)
	}
	if v := c.Context.Value(k); v != nil {
		return v
	}
	return c.host.Value(k)
}

// abroad is what a module learns of an error of the host. What is not meant
// for callers stays in the host's log, under the trace.
func abroad(ctx context.Context, err error) error {
	e := *modelspec.AsError(err)
	switch e.Code {
	case modelspec.ErrUnknown, modelspec.ErrInternal, modelspec.ErrDataLoss:
		e.Message, e.Fields = "internal error", nil
		if t := modelspec.Trace(ctx); t != "" {
			e.Message += " (trace " + t + ")"
		}
	}
	return &e
}

// answerOf is the frame of a reply.
func answerOf(v *modelspec.Value, err error) []byte {
	rep := modelspec.Reply{Result: v, Error: modelspec.AsError(err)}
	if err != nil {
		rep.Result = nil
	}
	return replyFrame(&rep)
}

// replyFrame never fails: a value that cannot be written is the reply's error.
func replyFrame(rep *modelspec.Reply) []byte {
	b, err := appendReply(nil, rep)
	if err != nil {
		b, _ = appendReply(nil, &modelspec.Reply{Error: modelspec.AsError(err)})
	}
	return b
}
