// Package modules makes the WebAssembly modules of the example from source, and
// serves them as a team's module server would.
package modules

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Module is one version of one component.
type Module struct {
	Name    string
	Version string
	Digest  string // "sha256:<hex>" of Body
	Body    []byte
	source  string // package of its main
}

// File is the module's name on the server.
func (m Module) File() string { return m.Name + "-" + m.Version + ".wasm" }

const root = "github.com/org/aegis/examples/orders/"

// All are the modules of the example, not built.
func All() []Module {
	return []Module{
		{Name: "inventory", Version: "1.0.0", source: root + "inventory/guest100"},
		{Name: "inventory", Version: "1.1.0", source: root + "inventory/guest110"},
		{Name: "payment", Version: "1.0.0", source: root + "payment/guest"},
		{Name: "shipping", Version: "1.0.0", source: root + "shipping/guest"},
	}
}

// Build builds ms with the go command, one after the other, into dir, and tells
// say what it does. It must run inside the repository. What the go command has
// built before takes it a second or two; the first time takes about ten times
// as long.
func Build(ctx context.Context, dir string, ms []Module, say func(string)) ([]Module, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, errors.New("modules: build: the go command is not in the PATH, and the modules are built from source: install Go")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("modules: build: %w", err)
	}
	var out []Module
	for _, m := range ms {
		begun := time.Now()
		say("building " + m.Name + " " + m.Version + " ...")
		m, err := build(ctx, dir, m)
		if err != nil {
			return nil, fmt.Errorf("modules: build %s %s: %w", m.Name, m.Version, err)
		}
		say(fmt.Sprintf("built    %s %s: %.1f MB in %.1f s", m.Name, m.Version, float64(len(m.Body))/1e6, time.Since(begun).Seconds()))
		out = append(out, m)
	}
	return out, nil
}

func build(ctx context.Context, dir string, m Module) (Module, error) {
	file := filepath.Join(dir, m.File())
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, m.source)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("%w (run the example inside its repository)\n%s", err, said.Bytes())
	}
	var err error
	if m.Body, err = os.ReadFile(file); err != nil {
		return m, err
	}
	sum := sha256.Sum256(m.Body)
	m.Digest = "sha256:" + hex.EncodeToString(sum[:])
	return m, nil
}
