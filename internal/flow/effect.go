package flow

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/modelspec"
)

// Do is the one seam between models and the world.
func (f *frame) Do(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	if f.closed.Load() {
		return nil, &modelspec.Error{Code: modelspec.ErrDenied, Message: fmt.Sprintf("%s %s: the handler has returned", e.Verb, e.Target), NotSent: true}
	}
	if !f.busy.CompareAndSwap(false, true) {
		return nil, &modelspec.Error{Code: modelspec.ErrRefused, Message: fmt.Sprintf("%s %s: another effect of this handler is under way: do one after the other", e.Verb, e.Target), NotSent: true}
	}
	defer f.busy.Store(false)
	if f.effects++; f.effects > MaxEffects {
		return nil, &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("the handler has had %d effects: that is all it may have", MaxEffects), NotSent: true}
	}
	v, err := f.act(ctx, e)
	if err != nil && !modelspec.HasCode(err) { // the store's: it is no word of anybody whom the handler asks
		err = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: err.Error(), NotSent: true}
	}
	return v, err
}

func (f *frame) act(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	switch e.Verb {
	case modelspec.VerbCall:
		return f.callPort(ctx, e)
	case modelspec.VerbUndo:
		if e.Target == modelspec.AllFlows && !f.port.Stateless {
			f.back = true
			return nil, nil
		}
		return nil, f.takeBack(ctx, e)
	case modelspec.VerbGet, modelspec.VerbList:
		return f.relate(ctx, e)
	case modelspec.VerbPublish:
		return nil, f.publish(e)
	case modelspec.VerbLog:
		return nil, f.log(ctx, e)
	}
	return nil, denied(e)
}

func denied(e modelspec.Effect) error {
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: fmt.Sprintf("%s %s is not declared by the model", e.Verb, e.Target), NotSent: true}
}

func (f *frame) publish(e modelspec.Effect) error {
	if !f.spec.MayPublish(e.Target) || f.port.Stateless {
		return denied(e)
	}
	f.bytes += e.Arg.Size()
	if len(f.events) >= MaxEvents || f.bytes > MaxEventBytes {
		return &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("the handler may publish %d events of %d bytes together", MaxEvents, MaxEventBytes), NotSent: true}
	}
	f.events = append(f.events, broker.Event{Type: e.Target, Data: e.Arg})
	return nil
}

// longestLog is how much of a guest's message reaches the log.
const longestLog = 4 << 10

func (f *frame) log(ctx context.Context, e modelspec.Effect) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(e.Target)); err != nil {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "log level " + e.Target + ": use DEBUG, INFO, WARN or ERROR", NotSent: true}
	}
	if !f.e.Log.Enabled(ctx, level) {
		return nil
	}
	if f.bytes += len(e.Key) + e.Arg.Size(); f.bytes > MaxEventBytes {
		return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "the handler has logged too much", NotSent: true}
	}
	attrs := []slog.Attr{slog.String("model", f.k.model), slog.String("id", f.k.id), slog.String("component", f.gen.Name), slog.Uint64("generation", f.gen.ID)}
	if raw, err := e.Arg.JSON(); err == nil && len(raw) <= longestLog && string(raw) != "null" {
		attrs = append(attrs, slog.Any("attrs", raw))
	}
	f.e.Log.LogAttrs(ctx, level, e.Key[:min(len(e.Key), longestLog)], attrs...)
	return nil
}

// callPort calls an outbound port for the handler.
func (f *frame) callPort(ctx context.Context, e modelspec.Effect) (*modelspec.Value, error) {
	p := f.spec.Port(e.Target)
	if p == nil || p.Direction != modelspec.Out {
		return nil, denied(e)
	}
	switch {
	case f.req.Safe:
		return nil, &modelspec.Error{Code: modelspec.ErrDenied, Message: "a request with GET changes nothing, so its handler may not call port " + p.Name + ": use POST", NotSent: true}
	case p.Disabled:
		return nil, disabled(p)
	case p.Await != nil:
		return nil, &modelspec.Error{Code: modelspec.ErrUnimplemented, Message: "port " + p.Name + " is answered later than its handler returns: let an event run it", NotSent: true}
	}
	if f.port.Stateless && p.Undo {
		return nil, &modelspec.Error{Code: modelspec.ErrDenied, Message: "port " + p.Name + " can be undone, so only a port with a document may call it", NotSent: true}
	}
	if f.deep >= MaxDepth {
		return nil, &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("commands lead to commands %d deep: they may be going in a circle", MaxDepth), NotSent: true}
	}
	if f.gone != nil {
		return nil, f.gone
	}
	m := made{port: p, arg: e.Arg}
	for i := len(f.made) - 1; i >= 0; i-- {
		if f.made[i].port == p {
			m.n = f.made[i].n + 1
			break
		}
	}
	if done, err := f.replay(&m); done || err != nil {
		if done && err != nil && (p.Fallback != "" || p.Default != nil) {
			return f.orElse(ctx, p, e, err)
		}
		return m.result, err
	}
	c := callCtx{e: f.e, o: f.e.out(f.k.model, p), f: f, n: m.n, id: f.k.id, depth: f.deep}
	if err := f.before(ctx, c.o, &m); err != nil {
		f.unpin()
		return nil, err
	}
	c.key, c.at = m.key, m.at
	m.result, m.err = c.do(ctx, e.Arg)
	m.at = c.at
	f.unpin()
	f.acted = f.acted || !modelspec.NotSent(m.err)
	if f.made == nil {
		f.made = f.first[:0]
	}
	if n := len(f.made); n > 0 && n == cap(f.made) {
		f.made = slices.Grow(f.made, 7)
	}
	f.made = append(f.made, m)
	if m.err != nil && (p.Fallback != "" || p.Default != nil) {
		return f.orElse(ctx, p, e, m.err)
	}
	return m.result, m.err
}

// before makes sure that a crash during the call leaves a trace of it, and
// that nobody has taken the command over.
func (f *frame) before(ctx context.Context, o *out, m *made) error {
	if f.port.Stateless {
		return nil
	}
	if m.port.Undo {
		m.key = f.callKey(m.port.Name, m.n)
		f.pin(o, m)
		return f.intend(ctx, m)
	}
	if f.held {
		return f.renew(ctx)
	}
	return nil
}

// replay answers a call from the run before this one, whose document changed
// under it. What was asked then is not asked twice.
func (f *frame) replay(m *made) (bool, error) {
	for i := range f.again {
		was := &f.again[i]
		if was.port.Name != m.port.Name || was.n != m.n || was.undone || modelspec.NotSent(was.err) {
			continue
		}
		if digestOf(was.arg) != digestOf(m.arg) {
			f.gone = &modelspec.Error{Code: modelspec.ErrConflict, Message: "the document changed while the command was acting: what it did is taken back", NotSent: true}
			return false, f.gone
		}
		m.key, m.result, m.err, m.at, m.asked = was.key, was.result, was.err, was.at, was.asked
		f.acted = true
		f.made = append(f.made, *m)
		return true, m.err
	}
	return false, nil
}

// takeBack undoes the handler's last call of the port.
func (f *frame) takeBack(ctx context.Context, e modelspec.Effect) error {
	p := f.spec.Port(e.Target)
	if p == nil || p.Direction != modelspec.Out || !p.Undo || f.port.Stateless {
		return denied(e)
	}
	for i := len(f.made) - 1; i >= 0; i-- {
		m := &f.made[i]
		if m.port.Name != p.Name || m.undone || m.state() == Failed || m.state() == Skipped {
			continue
		}
		if err := f.renew(ctx); err != nil {
			return err
		}
		c := f.e.undoCall(f.k, f.e.out(f.k.model, p), m.key, m.result, f.now)
		c.at = m.at
		c.depth, c.call.Caller, c.call.Trace = f.deep, f.req.Caller, f.req.Trace
		if _, err := c.do(ctx, m.arg); err != nil {
			return err
		}
		m.undone = true
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrRefused, Message: "undo " + p.Name + ": the handler has made no call of it that could be taken back", NotSent: true}
}

// undoCall is the context of the undo of the call made under key.
func (e *Engine) undoCall(k docKey, o *out, key string, answer *modelspec.Value, now time.Time) *callCtx {
	return &callCtx{e: e, o: o, undo: true, key: key + ".undo", undoes: key, answer: answer, id: k.id,
		call: &modelspec.Call{Op: modelspec.OpTakeBack, Model: k.model, ID: k.id, Now: now}}
}
