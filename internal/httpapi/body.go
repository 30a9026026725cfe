package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/org/aegis/modelspec"
)

const (
	typeJSON  = "application/json"
	typePatch = "application/merge-patch+json"
)

// mediaJSON accepts application/json and every +json but patches, which are
// about a document and not one.
func mediaJSON(t string) bool {
	return t == typeJSON || strings.HasSuffix(t, "+json") && !strings.Contains(t, "patch")
}

// mediaPatch accepts a merge patch, also under its everyday name.
func mediaPatch(t string) bool { return t == typePatch || t == typeJSON }

// mediaArgument accepts what a port takes, whichever method brings it.
func mediaArgument(t string) bool { return mediaJSON(t) || t == typePatch }

// body reads a body that must be there.
func (x *exchange) body(accept func(string) bool) ([]byte, error) {
	if err := x.contentType(accept); err != nil {
		return nil, err
	}
	b, err := x.readBody()
	if err == nil && len(b) == 0 {
		err = badRequest("the body is empty: send a JSON object")
	}
	return b, err
}

// argument reads the body of a command. An empty one is {}.
func (x *exchange) argument() ([]byte, error) {
	b, err := x.optional(mediaArgument)
	if err == nil && len(b) == 0 {
		b = []byte("{}")
	}
	return b, err
}

// optional reads a body that may be empty.
func (x *exchange) optional(accept func(string) bool) ([]byte, error) {
	typed := x.r.Header["Content-Type"] != nil
	if typed {
		if err := x.contentType(accept); err != nil {
			return nil, err
		}
	}
	b, err := x.readBody()
	if err == nil && len(b) > 0 && !typed {
		err = x.contentType(accept)
	}
	return b, err
}

func (x *exchange) contentType(accept func(string) bool) error {
	if t, ok := x.mediaType(); ok && accept(t) {
		return nil
	}
	detail := "Content-Type must be " + typeJSON
	if x.r.Method == http.MethodPatch {
		detail += " or " + typePatch
		x.w.Header().Set("Accept-Patch", typePatch+", "+typeJSON)
	}
	return fail(http.StatusUnsupportedMediaType, modelspec.ErrInvalid, detail+", in UTF-8 and not compressed")
}

// mediaType is what the body says that it is. ok is false where it does not
// say so once, and where it is compressed or in another charset.
func (x *exchange) mediaType() (t string, ok bool) {
	values := x.r.Header["Content-Type"]
	if len(values) != 1 || x.r.Header["Content-Encoding"] != nil {
		return "", false
	}
	if values[0] == typeJSON {
		return typeJSON, true
	}
	t, params, err := mime.ParseMediaType(values[0])
	if err != nil {
		return "", false
	}
	c, charset := params["charset"]
	return t, !charset || strings.EqualFold(c, "utf-8")
}

// readBody reads at most Config.MaxBody bytes.
func (x *exchange) readBody() ([]byte, error) {
	r, limit := x.r, x.h.cfg.MaxBody
	if !hasBody(r) {
		return nil, nil
	}
	if r.ContentLength > limit {
		x.w.Header().Set("Connection", "close")
		return nil, tooLarge(&http.MaxBytesError{Limit: limit})
	}
	var b []byte
	if r.ContentLength > 0 {
		b = make([]byte, 0, min(r.ContentLength, 64<<10)+1) // and one to see the end
	}
	b, err := readAll(b, http.MaxBytesReader(x.w, r.Body, limit))
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fail(http.StatusRequestTimeout, modelspec.ErrDeadline, "the body came too slowly")
	}
	if big := tooLarge(err); big != err {
		return nil, big
	}
	return nil, badRequest("the body could not be read")
}

func readAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// tooLarge names the limit where err is about it, and returns err otherwise.
func tooLarge(err error) error {
	if m, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fail(http.StatusRequestEntityTooLarge, modelspec.ErrExhausted, "the body is over "+strconv.FormatInt(m.Limit, 10)+" bytes")
	}
	return err
}
