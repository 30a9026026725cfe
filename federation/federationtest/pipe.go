package federationtest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Conn is a federation.Conn to a component in this process. Safe for
// concurrent use.
type Conn struct {
	server *federation.Server
	fail   atomic.Pointer[func(modelspec.Call) error]
	tamper atomic.Pointer[func(modelspec.Call, []byte) []byte]

	calls, effects, inUse, closed atomic.Int64
}

// Pipe returns a Conn to c, or c's mistakes.
func Pipe(c federation.Component) (*Conn, error) {
	s, err := federation.NewServer(c)
	if err != nil {
		return nil, err
	}
	return &Conn{server: s}, nil
}

// Load opens c over a [Pipe].
func Load(ctx context.Context, c federation.Component) (federation.Module, *Conn, error) {
	conn, err := Pipe(c)
	if err != nil {
		return nil, nil, err
	}
	m, err := federation.Open(ctx, conn, federation.Artifact{})
	return m, conn, err
}

// Calls is how many frames were sent, describe and probe included.
func (c *Conn) Calls() int { return int(c.calls.Load()) }

// Effects is how many effects were asked for.
func (c *Conn) Effects() int { return int(c.effects.Load()) }

// InUse is how many calls are under way.
func (c *Conn) InUse() int { return int(c.inUse.Load()) }

// Closed is how often Close was called.
func (c *Conn) Closed() int { return int(c.closed.Load()) }

// Fail makes calls fail as if the module were gone, wherever fn returns an
// error, which is what Exchange then returns. Nil: none fails.
func (c *Conn) Fail(fn func(modelspec.Call) error) { c.fail.Store(&fn) }

// Tamper changes what comes back: fn gets a copy of each reply's frame. Nil:
// nothing.
func (c *Conn) Tamper(fn func(c modelspec.Call, reply []byte) []byte) { c.tamper.Store(&fn) }

// Exchange implements federation.Conn.
func (c *Conn) Exchange(ctx context.Context, frame []byte, do func(context.Context, []byte) []byte) ([]byte, error) {
	c.calls.Add(1)
	var call modelspec.Call
	if err := json.Unmarshal(frame, &call); err != nil {
		return nil, errors.New("federationtest: the frame is not a call: " + err.Error())
	}
	if fn := c.fail.Load(); fn != nil && *fn != nil {
		if err := (*fn)(call); err != nil {
			return nil, err
		}
	}
	if c.closed.Load() > 0 {
		return nil, &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "the conn is closed", NotSent: true}
	}
	reply := make(chan []byte, 1)
	frame = slices.Clone(frame) // the component may outlast the call
	c.inUse.Add(1)
	go func() { // a component that hangs must not hang its caller
		defer c.inUse.Add(-1)
		reply <- c.server.Serve(bare{ctx}, frame, c.ask(do))
	}()
	select {
	case out := <-reply:
		if fn := c.tamper.Load(); fn != nil && *fn != nil {
			out = (*fn)(call, out)
		}
		return out, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// BorrowsFrames implements federation.Borrower.
func (c *Conn) BorrowsFrames() {}

func (c *Conn) ask(do func(context.Context, []byte) []byte) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, frame []byte) ([]byte, error) {
		c.effects.Add(1)
		return do(ctx, slices.Clone(frame)), nil
	}
}

// Close implements federation.Conn and calls the component's OnClose.
func (c *Conn) Close() error {
	c.closed.Add(1)
	return c.server.Close()
}

// bare is a context without the values that no boundary lets through.
type bare struct{ context.Context }

func (bare) Value(any) any { return nil }
