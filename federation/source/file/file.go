package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// Config says what may be read. The zero Config reads any file of up to 64 MiB
// that the process can read.
type Config struct {
	MaxBytes   int64             // of one module; zero: 64 MiB
	Root       string            // directory that holds all modules; empty: no such limit
	MediaTypes map[string]string // by extension with its dot, beside .wasm
}

// Source is a federation.Source of files. Safe for concurrent use.
type Source struct{ cfg Config }

// New returns a Source. It opens nothing.
func New(cfg Config) *Source {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	return &Source{cfg}
}

// Schemes returns "file", and "" for plain paths.
func (s *Source) Schemes() []string { return []string{"file", ""} }

// Fetch reads one module. Errors are ErrNotFound, ErrDenied (also outside
// Root), ErrInvalid for what is not a regular file or not a reference,
// ErrExhausted for one that is too large, and ErrUnavailable for the rest.
func (s *Source) Fetch(ctx context.Context, ref string) (federation.Artifact, error) {
	body, path, err := s.read(ctx, ref)
	if err != nil {
		return federation.Artifact{}, fmt.Errorf("file: fetch %s: %w", ref, err)
	}
	sum := sha256.Sum256(body)
	return federation.Artifact{Digest: "sha256:" + hex.EncodeToString(sum[:]), MediaType: s.mediaType(path, body), Body: body}, nil
}

func (s *Source) read(ctx context.Context, ref string) ([]byte, string, error) {
	path, err := pathOf(ref)
	if err != nil {
		return nil, "", err
	}
	if s.cfg.Root != "" {
		body, err := s.below(ctx, path)
		return body, path, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", coded(err)
	}
	if err := s.check(info); err != nil {
		return nil, "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", coded(err)
	}
	body, err := s.drain(ctx, f)
	return body, path, err
}

// below reads path through an os.Root, which no link and no race leaves.
func (s *Source) below(ctx context.Context, path string) ([]byte, error) {
	rel := path
	if filepath.IsAbs(path) {
		abs, err := filepath.Abs(s.cfg.Root)
		if err != nil {
			return nil, coded(err)
		}
		if rel, err = filepath.Rel(abs, path); err != nil {
			return nil, outside()
		}
	}
	if !filepath.IsLocal(rel) {
		return nil, outside()
	}
	root, err := os.OpenRoot(s.cfg.Root)
	if err != nil {
		return nil, coded(err)
	}
	defer root.Close()
	info, err := root.Stat(rel)
	if err != nil {
		return nil, escaped(err)
	}
	if err := s.check(info); err != nil {
		return nil, err
	}
	f, err := root.Open(rel)
	if err != nil {
		return nil, escaped(err)
	}
	return s.drain(ctx, f)
}

// pathOf reads a reference.
func pathOf(ref string) (string, error) {
	if ref == "" || strings.IndexByte(ref, 0) >= 0 {
		return "", invalid("not a path")
	}
	if !strings.HasPrefix(ref, "file:") {
		return filepath.FromSlash(ref), nil
	}
	u, err := url.Parse(ref)
	switch {
	case err != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/"):
		return "", invalid("write file:///absolute/path or a plain path")
	case u.Host != "" && u.Host != "localhost":
		return "", invalid("a file URL names no host: write file:///%s/...", u.Host)
	case u.RawQuery != "" || u.Fragment != "":
		return "", invalid("a file URL has no query and no fragment")
	case strings.IndexByte(u.Path, 0) >= 0:
		return "", invalid("not a path")
	}
	return filepath.FromSlash(u.Path), nil
}

func (s *Source) check(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return invalid("it is a directory: name the module's file in it")
	case !info.Mode().IsRegular():
		return invalid("it is not a regular file")
	case info.Size() > s.cfg.MaxBytes:
		return s.tooLarge()
	}
	return nil
}

// drain reads f to its end, or until it is too large or ctx is done.
func (s *Source) drain(ctx context.Context, f *os.File) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat() // of what was opened, which may be another file by now
	if err != nil {
		return nil, coded(err)
	}
	if err := s.check(info); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(info.Size()) + bytes.MinRead)
	_, err = io.Copy(&b, io.LimitReader(reader{ctx, f}, s.cfg.MaxBytes+1))
	switch {
	case err != nil:
		return nil, coded(err)
	case int64(b.Len()) > s.cfg.MaxBytes:
		return nil, s.tooLarge()
	case b.Len() == 0:
		return nil, invalid("it is empty")
	}
	return b.Bytes(), nil
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func (s *Source) mediaType(path string, body []byte) string {
	ext := strings.ToLower(filepath.Ext(path))
	if t := s.cfg.MediaTypes[ext]; t != "" {
		return t
	}
	if ext == ".wasm" || bytes.HasPrefix(body, []byte("\x00asm")) {
		return "application/wasm"
	}
	return ""
}

func (s *Source) tooLarge() error {
	return &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("it has more than %d bytes: raise Config.MaxBytes", s.cfg.MaxBytes)}
}

func invalid(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: fmt.Sprintf(format, args...)}
}

func outside() error {
	return &modelspec.Error{Code: modelspec.ErrDenied, Message: "it is outside the source's root"}
}

// escaped codes an error of os.Root, which has no type for leaving it.
func escaped(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok && e.Err != nil && strings.Contains(e.Err.Error(), "escapes") {
		return outside()
	}
	return coded(err)
}

func coded(err error) error {
	code := modelspec.ErrUnavailable
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = modelspec.ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		code = modelspec.ErrDenied
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok { // the reference is in the message already
		return &modelspec.Error{Code: code, Message: e.Err.Error()}
	}
	return modelspec.Coded(err, code)
}
