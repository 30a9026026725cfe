package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/org/aegis/modelspec"
)

// problem is an error as clients see it (RFC 9457).
type problem struct {
	Type   string                 `json:"type"`
	Title  string                 `json:"title"`
	Status int                    `json:"status"`
	Detail string                 `json:"detail,omitempty"`
	Code   modelspec.Code         `json:"code"`
	Fields []modelspec.FieldError `json:"fields,omitempty"`
	Trace  string                 `json:"trace"`
}

// statusCanceled is what nginx logs for a client that went away.
const statusCanceled = 499

// failure is an error whose status is not the one of its code.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// fail is a failure of HTTP itself.
func fail(status int, code modelspec.Code, detail string) error {
	return &failure{status: status, err: &modelspec.Error{Code: code, Message: detail}}
}

func badRequest(detail string) error {
	return fail(http.StatusBadRequest, modelspec.ErrInvalid, detail)
}

// silent is an error of the embedder's code without a code of its own. Its
// text is for the log.
type silent struct {
	code  modelspec.Code
	shown string
	cause error
}

func (s *silent) Error() string { return s.cause.Error() }
func (s *silent) Unwrap() error { return &modelspec.Error{Code: s.code, Message: s.shown} }

// coded returns err under code and the shown text, unless it has a code.
func coded(err error, code modelspec.Code, shown string) error {
	if modelspec.HasCode(err) {
		return err
	}
	return &silent{code: code, shown: shown, cause: err}
}

// status returns the HTTP status of an error.
func status(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.status
	}
	e := modelspec.AsError(err)
	switch e.Code {
	case modelspec.ErrInvalid:
		if hasRule(e, "json") {
			return http.StatusBadRequest
		}
		return http.StatusUnprocessableEntity
	case modelspec.ErrRefused:
		if hasRule(e, "if-match") {
			return http.StatusPreconditionFailed
		}
		return http.StatusConflict
	case modelspec.ErrExists, modelspec.ErrConflict:
		return http.StatusConflict
	case modelspec.ErrUnauthenticated:
		return http.StatusUnauthorized
	case modelspec.ErrDenied:
		return http.StatusForbidden
	case modelspec.ErrNotFound:
		return http.StatusNotFound
	case modelspec.ErrExhausted:
		return http.StatusTooManyRequests
	case modelspec.ErrCanceled:
		return statusCanceled
	case modelspec.ErrDeadline:
		return http.StatusGatewayTimeout
	case modelspec.ErrUnavailable:
		return http.StatusServiceUnavailable
	case modelspec.ErrUnimplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}

func hasRule(e *modelspec.Error, rule string) bool {
	for _, f := range e.Fields {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// newProblem says what of err a client may see.
func newProblem(err error, trace string) problem {
	s, e := status(err), modelspec.AsError(err)
	if quiet, ok := errors.AsType[*silent](err); ok {
		e = &modelspec.Error{Code: quiet.code, Message: quiet.shown}
	}
	p := problem{Type: "urn:aegis:code:" + string(e.Code), Title: http.StatusText(s), Status: s, Code: e.Code, Trace: trace}
	if s == statusCanceled {
		p.Title = "Client Closed Request"
	}
	switch e.Code {
	case modelspec.ErrInternal, modelspec.ErrUnknown, modelspec.ErrDataLoss:
		p.Detail = "something broke here; its log tells more under the trace id"
	default:
		p.Detail = clip(e.Message)
		p.Fields = e.Fields[:min(len(e.Fields), maxFields)]
	}
	return p
}

func clip(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	return strings.ToValidUTF8(s[:maxDetail], "") + "..."
}

// fail answers with a problem, and logs what the client is not told.
func (x *exchange) fail(err error) {
	p := newProblem(err, traceID(x.traceparent()))
	x.log(err, p.Code)
	if x.wrote {
		return // a status is out already
	}
	x.wrote = true
	h := x.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch p.Status {
	case http.StatusUnauthorized:
		if h.Get("WWW-Authenticate") == "" {
			h.Set("WWW-Authenticate", "Bearer")
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if h.Get("Retry-After") == "" {
			h.Set("Retry-After", "1")
		}
	}
	body, err := json.Marshal(p)
	if err != nil { // cannot be: all of it is text
		body = []byte(`{"type":"about:blank","status":500,"code":"internal"}`)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(p.Status)
	_, _ = x.w.Write(body)
}

func (x *exchange) log(err error, code modelspec.Code) {
	level := slog.LevelDebug
	quiet, isQuiet := errors.AsType[*silent](err)
	switch {
	case code == modelspec.ErrInternal || code == modelspec.ErrUnknown || code == modelspec.ErrDataLoss:
		level = slog.LevelError
	case isQuiet:
		level = slog.LevelInfo
		err = quiet.cause
	}
	ctx := x.r.Context()
	if !x.h.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("trace", traceID(x.traceparent())), slog.String("method", x.r.Method),
		slog.String("path", x.r.URL.Path), slog.String("code", string(code)), slog.String("error", err.Error())}
	if p, ok := errors.AsType[*modelspec.Panic](err); ok {
		attrs = append(attrs, slog.Any("panic", p.Value), slog.String("stack", string(p.Stack)))
	}
	x.h.log.LogAttrs(ctx, level, "request failed", attrs...)
}
