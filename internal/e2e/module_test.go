//go:build e2e

package e2e_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// module is a module outside the repository that requires the library.
type module struct {
	t   *testing.T
	dir string
	env []string
}

// newModule writes a module that takes the library from this repository.
func newModule(t *testing.T) *module {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.TrimSpace(os.Getenv("GOFLAGS") + " -mod=mod")
	m := &module{t: t, dir: t.TempDir(), env: append(os.Environ(), "GOWORK=off", "GOFLAGS="+flags)}
	m.run("go", "mod", "init", "example.com/todo")
	m.run("go", "mod", "edit", "-require=github.com/org/aegis@v0.0.0", "-replace=github.com/org/aegis@v0.0.0="+root)
	return m
}

func (m *module) write(name, content string) {
	m.t.Helper()
	at := filepath.Join(m.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// run runs a command in the module and returns what it printed.
func (m *module) run(name string, args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		m.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// process is a program of the module that runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  *bytes.Buffer // to be read once done is closed
	done chan struct{}
	err  error
}

// start starts a program; whatever happens it does not outlive the test.
func (m *module) start(name string) *process {
	m.t.Helper()
	p := &process{t: m.t, cmd: exec.Command(filepath.Join(m.dir, name)), log: &bytes.Buffer{}, done: make(chan struct{})}
	p.cmd.Dir = m.dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	m.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// await waits until the program answers at the URL.
func (p *process) await(url string) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(30 * time.Second)
	for {
		if res, err := http.Get(url); err == nil {
			res.Body.Close()
			return
		}
		select {
		case <-tick.C:
		case <-p.done:
			p.t.Fatalf("the program ended: %v\n%s", p.err, p.log)
		case <-end:
			p.t.Fatal("the program does not answer")
		}
	}
}

// interrupt asks the program to end, and wants it to do so well.
func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Fatal("the program does not end")
	}
	if p.err != nil {
		p.t.Errorf("the program ended with %v\n%s", p.err, p.log)
	}
}
