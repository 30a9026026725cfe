package aegistest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// guests are those built by this process, by folder and package: what a
// process is made of does not change while it runs, so neither do they.
var guests struct {
	mu sync.Mutex
	m  map[string]func() ([]byte, error)
}

// build makes a WebAssembly module of a package, once a process.
func build(pkg string) ([]byte, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	guests.mu.Lock()
	if guests.m == nil {
		guests.m = map[string]func() ([]byte, error){}
	}
	at := dir + "\x00" + pkg
	once := guests.m[at]
	if once == nil {
		once = sync.OnceValues(func() ([]byte, error) { return goBuild(dir, pkg) })
		guests.m[at] = once
	}
	guests.mu.Unlock()
	return once()
}

// longestBuild bounds one build: the first fills the cache of the go command.
const longestBuild = 5 * time.Minute

func goBuild(dir, pkg string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "aegistest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, "guest.wasm")
	_, err = goCommand(dir, []string{"GOOS=wasip1", "GOARCH=wasm"}, "build", "-buildmode=c-shared", "-ldflags=-s", "-o", out, pkg)
	if err != nil {
		return nil, fmt.Errorf("build guest %s: %w", pkg, err)
	}
	return os.ReadFile(out)
}

// goCommand runs the go command and returns what it printed.
func goCommand(dir string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), longestBuild)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, strings.TrimSpace(string(clip(stderr.Bytes()))))
	}
	return strings.TrimSpace(stdout.String()), nil
}
