package httpsource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// get makes one request, and answers it from memory if nothing has changed.
func (s *Source) get(ctx context.Context, u *url.URL, ref string) (a federation.Artifact, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return a, invalid("the URL cannot be asked")
	}
	req.Header.Set("Accept", "application/wasm, */*;q=0.5")
	s.mu.Lock()
	old, known := s.memory.get(ref)
	s.mu.Unlock()
	if known {
		req.Header.Set("If-None-Match", old.etag)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return a, failed(ctx, err)
	}
	defer res.Body.Close()
	if known && res.StatusCode == http.StatusNotModified {
		return old.a, nil
	}
	if err := statusError(res.StatusCode); err != nil {
		return a, err
	}
	if e := res.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return a, invalid("the server sent Content-Encoding %q, which was not asked for", e)
	}
	body, err := s.drain(ctx, res)
	if err != nil {
		return a, err
	}
	a = federation.Artifact{Digest: digestOf(body), MediaType: mediaType(res, u.Path, body), Body: body}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.put(ref, res.Header.Get("ETag"), a)
	return a, nil
}

// drain reads the body, and no more than is allowed of it.
func (s *Source) drain(ctx context.Context, res *http.Response) ([]byte, error) {
	if res.ContentLength > s.cfg.MaxBytes {
		return nil, s.tooLarge()
	}
	var b bytes.Buffer
	if n := res.ContentLength; n > 0 {
		b.Grow(int(min(n, 1<<20)) + bytes.MinRead) // a server may announce more than it sends
	}
	_, err := io.Copy(&b, io.LimitReader(res.Body, s.cfg.MaxBytes+1))
	switch {
	case err != nil:
		return nil, failed(ctx, err)
	case int64(b.Len()) > s.cfg.MaxBytes:
		return nil, s.tooLarge()
	case b.Len() == 0:
		return nil, invalid("the module is empty")
	}
	return b.Bytes(), nil
}

func (s *Source) tooLarge() error {
	return &modelspec.Error{Code: modelspec.ErrExhausted, Message: fmt.Sprintf("the module has more than %d bytes: raise Config.MaxBytes", s.cfg.MaxBytes)}
}

// failed codes a failure of the transport, without the URL that net/http puts
// in front, query and all.
func failed(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return modelspec.Coded(err, modelspec.ErrUnavailable)
}

func statusError(status int) error {
	code := modelspec.ErrInvalid
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		code = modelspec.ErrNotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		code = modelspec.ErrDenied
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		code = modelspec.ErrUnavailable
	}
	return &modelspec.Error{Code: code, Message: strings.TrimSpace(fmt.Sprintf("the server answered %d %s", status, http.StatusText(status)))}
}

// mediaType trusts the server where it says more than "bytes".
func mediaType(res *http.Response, path string, body []byte) string {
	t, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err == nil && t != "application/octet-stream" && t != "text/plain" {
		return t
	}
	if isWasm(path, body) {
		return "application/wasm"
	}
	return t
}
