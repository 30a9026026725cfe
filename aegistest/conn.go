package aegistest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// conn is a federation.Conn to a component in this process. It decodes and
// encodes each frame once more on its way, so that a member which only one end
// writes does not arrive.
type conn struct {
	server *federation.Server
	fault  func(string)
	closed atomic.Bool
}

// Exchange implements federation.Conn.
func (c *conn) Exchange(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error) {
	if c.closed.Load() {
		return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the component is closed", NotSent: true}
	}
	var call modelspec.Call
	frame, err := recode(frame, &call)
	if err != nil {
		return nil, fmt.Errorf("aegistest: call: %w", err)
	}
	out, err := c.ask(ctx, frame, do)
	if err != nil {
		return nil, err
	}
	if pure(call.Op) {
		again, err := c.ask(ctx, frame, do)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(out, again) {
			c.fault(twoWays(&call, out, again))
		}
	}
	out, err = recode(out, new(modelspec.Reply))
	if err != nil {
		return nil, fmt.Errorf("aegistest: reply: %w", err)
	}
	return out, nil
}

// Close implements federation.Conn and calls the component's OnClose.
func (c *conn) Close() error {
	c.closed.Store(true)
	return c.server.Close()
}

// pure reports whether an op may be asked twice: a port's handler, an adapter
// and a probe may act.
func pure(op modelspec.Op) bool {
	switch op {
	case modelspec.OpInvoke, modelspec.OpAdapt, modelspec.OpTakeBack, modelspec.OpProbe:
		return false
	}
	return true
}

// ask has the server answer, on a goroutine of its own: a component that hangs
// must not hang its caller.
func (c *conn) ask(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error) {
	reply := make(chan []byte, 1)
	go func() {
		reply <- c.server.Serve(bare{ctx}, slices.Clone(frame), func(ctx context.Context, effect []byte) ([]byte, error) {
			effect, err := recode(effect, new(modelspec.Effect))
			if err != nil {
				return nil, fmt.Errorf("aegistest: effect: %w", err)
			}
			return recode(do(ctx, effect), new(modelspec.Reply))
		})
	}()
	select {
	case out := <-reply:
		return out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recode reads a frame into v and writes it anew.
func recode(frame []byte, v any) ([]byte, error) {
	if err := json.Unmarshal(frame, v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func twoWays(c *modelspec.Call, first, second []byte) string {
	what := "op " + string(c.Op) + " of model " + c.Model
	if c.Port != "" {
		what += ", port " + c.Port
	}
	return fmt.Sprintf("%s: asked twice, it was answered in two ways: hooks have no clock, no memory and no chance: a model that needs one takes it as data, see modelspec.Moment\n\tfirst:  %s\n\tsecond: %s",
		what, clip(first), clip(second))
}

// clip keeps a message readable.
func clip(b []byte) []byte {
	const most = 1000
	if len(b) > most {
		return append(slices.Clone(b[:most]), "..."...)
	}
	return b
}

// bare is a context without the values that no boundary lets through.
type bare struct{ context.Context }

func (bare) Value(any) any { return nil }
