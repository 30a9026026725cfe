package wasm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// instance is one memory with the module's code. It answers one call at a time.
type instance struct {
	p      *pool
	mod    api.Module
	mem    api.Memory
	handle api.Function
	stack  [1]uint64 // of handle: its one argument
	now    *exchange // the call being answered, for what has no context
	used   int       // calls so far
	last   time.Time // when it became idle
	stdout lines
	stderr lines
}

// start makes an instance. The caller has counted it.
func (p *pool) start(ctx context.Context) (*instance, error) {
	i := &instance{p: p}
	i.stdout = lines{i: i, stream: "stdout"}
	i.stderr = lines{i: i, stream: "stderr"}
	// During the start the guest has no call: an exchange without frame.
	x := &exchange{run: ctx}
	i.now = x
	i.begin()
	mc := wazero.NewModuleConfig().WithName("").WithStartFunctions(exportInit).
		WithSysWalltime().WithSysNanotime().WithNanosleep(i.sleep).WithRandSource(rand.Reader).
		WithStdout(&i.stdout).WithStderr(&i.stderr)
	mod, err := p.r.engine.InstantiateModule(x, p.c.mod, mc)
	if err != nil {
		return nil, err
	}
	i.now = nil
	i.mod, i.mem, i.handle = mod, mod.Memory(), mod.ExportedFunction(exportHandle)
	if i.mem == nil || i.handle == nil {
		return nil, errors.Join(errors.New("no memory or no "+exportHandle), mod.Close(context.Background()))
	}
	return i, nil
}

// errStale says that the instance had been closed before it saw the frame: by
// itself, or by the engine when the deadline of its last call came just after
// the reply.
var errStale error = &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "wasm: guest exited before it received the frame", NotSent: true}

// call passes x.in to the guest. After an error the instance must be closed.
func (i *instance) call(x *exchange) ([]byte, error) {
	i.used++
	i.now = x
	i.begin()
	i.stack[0] = uint64(len(x.in))
	err := i.handle.CallWithStack(x, i.stack[:])
	i.now = nil
	if err == nil && x.replied {
		return x.out, nil
	}
	return nil, i.failure(x, err)
}

// failure turns the end of a call into the caller's error. What the guest says
// goes to the log; the caller gets the beginning of it.
func (i *instance) failure(x *exchange, err error) error {
	e := &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: !x.received}
	switch {
	case x.run.Err() != nil:
		e.Code = modelspec.CodeOf(x.run.Err())
		e.Message = "wasm: call guest: " + x.run.Err().Error()
		return e
	case x.fault != "":
		e.Message = "wasm: guest breaks the protocol: " + x.fault
	case err == nil:
		e.Message = "wasm: guest breaks the protocol: it returned without a reply"
	case !x.received && isExit(err):
		return errStale
	default:
		e.Message = "wasm: guest failed: " + clip(err.Error())
	}
	i.p.r.cfg.Logger.ErrorContext(x.run, "wasm: guest failed", "module", i.p.name, "error", e.Message, "trace", clipTo(fmt.Sprint(err), 4096))
	return e
}

func (i *instance) close() {
	i.stdout.flush()
	i.stderr.flush()
	_ = i.mod.Close(context.Background())
}

// sleep is the guest's nanosleep. It ends with the call.
func (i *instance) sleep(ns int64) {
	if ns <= 0 || i.now == nil {
		return
	}
	t := time.NewTimer(time.Duration(ns))
	defer t.Stop()
	select {
	case <-t.C:
	case <-i.now.run.Done():
	}
}
