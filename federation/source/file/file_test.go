package file_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/source/file"
	"github.com/org/aegis/modelspec"
)

var _ federation.Source = (*file.Source)(nil)

func write(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func link(t testing.TB, to, at string) string {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestFetch(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	mod := write(t, filepath.Join(root, "a b.WASM"), "module")
	write(t, filepath.Join(root, "magic"), "\x00asm\x01\x00\x00\x00")
	write(t, filepath.Join(root, "run.plugin"), "x")
	write(t, filepath.Join(root, "empty"), "")
	write(t, filepath.Join(root, "large"), strings.Repeat("x", 101))
	write(t, filepath.Join(root, "full"), strings.Repeat("x", 100))
	secret := write(t, filepath.Join(dir, "secret"), "s")
	link(t, "magic", filepath.Join(root, "inside"))
	link(t, "../secret", filepath.Join(root, "outside"))
	link(t, secret, filepath.Join(root, "absolute"))
	if err := syscall.Mkfifo(filepath.Join(root, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	types := map[string]string{".plugin": "application/x-plugin"}
	open := file.New(file.Config{MaxBytes: 100, MediaTypes: types})
	closed := file.New(file.Config{MaxBytes: 100, Root: root, MediaTypes: types})
	for _, c := range []struct {
		ref        string
		open, clos modelspec.Code // "": fetched
		media      string
	}{
		{ref: "file://" + strings.ReplaceAll(mod, " ", "%20"), media: "application/wasm"},
		{ref: "file://localhost" + strings.ReplaceAll(mod, " ", "%20"), media: "application/wasm"},
		{ref: mod, media: "application/wasm"},
		{ref: "a b.WASM", media: "application/wasm"},
		{ref: "./magic", media: "application/wasm"},
		{ref: "inside", media: "application/wasm"},
		{ref: "run.plugin", media: "application/x-plugin"},
		{ref: "full"},
		{ref: "large", open: modelspec.ErrExhausted, clos: modelspec.ErrExhausted},
		{ref: "empty", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "fifo", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: ".", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: root, open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "nope", open: modelspec.ErrNotFound, clos: modelspec.ErrNotFound},
		{ref: "outside", clos: modelspec.ErrDenied},
		{ref: "absolute", clos: modelspec.ErrDenied},
		{ref: "../secret", clos: modelspec.ErrDenied},
		{ref: "../root/magic", clos: modelspec.ErrDenied, media: "application/wasm"},
		{ref: secret, clos: modelspec.ErrDenied},
		{ref: "file://" + root + "/../secret", clos: modelspec.ErrDenied},
		{ref: "", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "a\x00b", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "file:magic", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "file://host/magic", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "file:///magic?a=b", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
		{ref: "file:///%00", open: modelspec.ErrInvalid, clos: modelspec.ErrInvalid},
	} {
		for name, s := range map[string]struct {
			src  *file.Source
			want modelspec.Code
		}{"open": {open, c.open}, "root": {closed, c.clos}} {
			a, err := s.src.Fetch(t.Context(), c.ref)
			switch {
			case err == nil && s.want == "":
				if a.MediaType != c.media || !strings.HasPrefix(a.Digest, "sha256:") || len(a.Digest) != 71 {
					t.Errorf("%s %q: %s %s", name, c.ref, a.MediaType, a.Digest)
				}
			case err == nil || modelspec.CodeOf(err) != s.want:
				t.Errorf("%s %q: %v, want code %q", name, c.ref, err, s.want)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open.Fetch(ctx, "magic"); modelspec.CodeOf(err) != modelspec.ErrCanceled {
		t.Errorf("a dead context: %v", err)
	}
}

func FuzzRef(f *testing.F) {
	for _, s := range []string{"file:///a", "a/../b", "../../etc/hostname", "file://x/%2e%2e/y", "/etc/hostname"} {
		f.Add(s)
	}
	root := f.TempDir()
	if err := os.WriteFile(filepath.Join(root, "m"), []byte("module"), 0o600); err != nil {
		f.Fatal(err)
	}
	src := file.New(file.Config{Root: root})
	f.Fuzz(func(t *testing.T, ref string) {
		if a, err := src.Fetch(t.Context(), ref); err == nil && string(a.Body) != "module" {
			t.Errorf("%q led out of the root", ref)
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "modules")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "inventory.wasm"), []byte("\x00asm\x01\x00\x00\x00"), 0o600); err != nil {
		log.Fatal(err)
	}
	src := file.New(file.Config{Root: dir})
	a, err := src.Fetch(context.Background(), "inventory.wasm")
	fmt.Println(a.MediaType, len(a.Body), err)
	_, err = src.Fetch(context.Background(), "../secret")
	fmt.Println(err)
	// Output:
	// application/wasm 8 <nil>
	// file: fetch ../secret: it is outside the source's root
}
