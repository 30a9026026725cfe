package federation

import (
	"context"

	"github.com/org/aegis/modelspec"
)

// exchange makes one call of the module. c is the caller's own.
func (r *remote) exchange(ctx context.Context, c *modelspec.Call) (rep modelspec.Reply, err error) {
	if err := ctx.Err(); err != nil {
		return rep, unsent(err)
	}
	stamp(ctx, c)
	out, err := r.frame(ctx, c)
	if err != nil {
		if ctx.Err() != nil && !modelspec.HasCode(err) {
			err = ctx.Err()
		}
		return rep, modelspec.Coded(err, modelspec.ErrUnavailable)
	}
	rep, err = readReply(out)
	if err != nil {
		return modelspec.Reply{}, &modelspec.Error{Code: modelspec.ErrInternal, Message: "malformed reply: " + clip(err.Error(), maxText)}
	}
	if rep.Error != nil {
		return modelspec.Reply{}, foreign(ctx, c.Op, rep.Error)
	}
	return rep, nil
}

// maxKept is the largest frame whose memory is used again, in bytes.
const maxKept = 64 << 10

// frame writes the frame of c and sends it.
func (r *remote) frame(ctx context.Context, c *modelspec.Call) ([]byte, error) {
	size := sizeOfCall(c)
	if r.frames == nil || size > maxKept {
		frame, err := appendCall(make([]byte, 0, size), c)
		if err != nil {
			return nil, unsent(err)
		}
		return r.send(ctx, c.Op, frame)
	}
	b := r.frames.Get().(*[]byte)
	defer r.frames.Put(b)
	frame, err := appendCall((*b)[:0], c)
	if err != nil {
		return nil, unsent(err)
	}
	*b = frame
	return r.send(ctx, c.Op, frame)
}

// send keeps a Conn's panic from its caller, and effects from all ops but one.
func (r *remote) send(ctx context.Context, op modelspec.Op, frame []byte) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked("exchange", p)
		}
	}()
	if op != modelspec.OpInvoke {
		return r.conn.Exchange(ctx, frame, deny)
	}
	d := &door{host: ctx}
	defer d.shut()
	return r.conn.Exchange(ctx, frame, d.do)
}

func unsent(err error) error {
	return &modelspec.Error{Code: modelspec.CodeOf(err), Message: err.Error(), NotSent: true}
}

// stamp fills in what the call under way in ctx knows, where c does not.
func stamp(ctx context.Context, c *modelspec.Call) {
	if d, ok := ctx.Deadline(); ok && (c.Deadline.IsZero() || d.Before(c.Deadline)) {
		c.Deadline = d
	}
	if !c.Deadline.IsZero() {
		c.Deadline = c.Deadline.UTC()
	}
	from, _ := ctx.Value(modelspec.CallKey).(*modelspec.Call)
	if from == nil {
		return
	}
	if c.Now.IsZero() {
		c.Now = from.Now
	}
	if c.ID == "" {
		c.ID = from.ID
	}
	if c.Caller == nil {
		c.Caller = from.Caller
	}
	if c.Trace == "" {
		c.Trace = from.Trace
	}
	if c.Cause == "" {
		c.Cause = from.Cause
	}
}

// maxFields bounds how many fields an error from a module may name.
const maxFields = 32

// foreign makes the error of a module one of the host's. Some words are the
// host's own: that a call was cancelled, what is wrong with what is stored,
// who is logged in. And only an adapter can know that it asked nobody.
func foreign(ctx context.Context, op modelspec.Op, e *modelspec.Error) error {
	adapts := op == modelspec.OpAdapt || op == modelspec.OpTakeBack
	out := &modelspec.Error{Code: e.Code, Message: clip(e.Message, maxText), NotSent: e.NotSent && adapts}
	for _, f := range e.Fields[:min(len(e.Fields), maxFields)] {
		out.Fields = append(out.Fields, modelspec.FieldError{Pointer: clip(f.Pointer, 512), Rule: clip(f.Rule, 64), Detail: clip(f.Detail, 512)})
	}
	switch {
	case !e.Code.Known(), e.Code == modelspec.ErrCanceled && ctx.Err() == nil:
		out.Code = modelspec.ErrUnknown
	case adapts && e.Code == modelspec.ErrDataLoss:
		out.Code = modelspec.ErrInternal
	case adapts && e.Code == modelspec.ErrUnauthenticated:
		out.Code = modelspec.ErrDenied
	}
	return out
}
