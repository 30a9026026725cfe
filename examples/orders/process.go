package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
)

// process is this program, started again as a host of its own.
type process struct {
	cmd   *exec.Cmd
	alive io.WriteCloser // closed when this process ends: the child ends then
	lines io.Reader      // that it writes
}

// startChild starts a child with a task.
func startChild(ctx context.Context, t task) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self)}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	p.cmd.Stderr = os.Stderr
	if p.alive, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.lines, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// kill ends the child at once (kill -9), and waits until it is gone.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says that it was killed
	return errors.Join(err, closed(p.alive.Close()))
}

// end lets the child end by itself, and waits for it.
func (p *process) end() error { return errors.Join(closed(p.alive.Close()), p.cmd.Wait()) }

// closed is err, unless that says that it was closed before.
func closed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
