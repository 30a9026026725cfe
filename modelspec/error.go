package modelspec

import (
	"context"
	"errors"
	"strings"
)

// Code is the kind of a failure. Codes are constants that survive every
// boundary (HTTP, guest, process, mesh) and compare with [errors.Is]:
//
//	errors.Is(err, modelspec.ErrNotFound)
//
// The names are those of gRPC and Connect
// (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
type Code string

// The codes.
const (
	ErrCanceled        Code = "canceled"            // the caller went away
	ErrUnknown         Code = "unknown"             // a failure without a code: it may have had its effect
	ErrInvalid         Code = "invalid_argument"    // the input is wrong, whatever the state
	ErrDeadline        Code = "deadline_exceeded"   // out of time: it may have had its effect
	ErrNotFound        Code = "not_found"           //
	ErrExists          Code = "already_exists"      // the id or a unique key is taken
	ErrDenied          Code = "permission_denied"   // not declared, not granted or not authorized
	ErrUnauthenticated Code = "unauthenticated"     // nobody is logged in
	ErrExhausted       Code = "resource_exhausted"  // a limit or budget is used up
	ErrRefused         Code = "failed_precondition" // right input, wrong state
	ErrConflict        Code = "aborted"             // somebody else wrote in between: ask again
	ErrUnimplemented   Code = "unimplemented"       //
	ErrInternal        Code = "internal"            // a bug: its text stays in the log
	ErrUnavailable     Code = "unavailable"         // try again later: it may have had its effect
	ErrDataLoss        Code = "data_loss"           // what is stored cannot be read
)

// IsCode reports whether c is one of the codes above.
func IsCode(c Code) bool {
	switch c {
	case ErrCanceled, ErrUnknown, ErrInvalid, ErrDeadline, ErrNotFound, ErrExists, ErrDenied, ErrUnauthenticated, ErrExhausted,
		ErrRefused, ErrConflict, ErrUnimplemented, ErrInternal, ErrUnavailable, ErrDataLoss:
		return true
	}
	return false
}

func (c Code) Error() string { return string(c) }

// codes are all that may cross a boundary; anything else becomes ErrUnknown.
var codes = map[Code]bool{
	ErrCanceled: true, ErrUnknown: true, ErrInvalid: true, ErrDeadline: true, ErrNotFound: true, ErrExists: true,
	ErrDenied: true, ErrUnauthenticated: true, ErrExhausted: true, ErrRefused: true, ErrConflict: true,
	ErrUnimplemented: true, ErrInternal: true, ErrUnavailable: true, ErrDataLoss: true,
}

// Known reports whether c is one of the codes above.
func (c Code) Known() bool { return codes[c] }

// Error is a failure with a code. It crosses every boundary as JSON.
type Error struct {
	Code    Code         `json:"code"`
	Message string       `json:"message,omitempty"`
	Fields  []FieldError `json:"fields,omitempty"`
	// NotSent says that nothing was asked of anybody: the failure cannot have
	// had an effect, so it may be asked again and need not be undone.
	NotSent bool `json:"notSent,omitempty"`
}

// FieldError is one broken rule of one field.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON Pointer (RFC 6901) into the document or argument; "" is the whole
	Rule    string `json:"rule"`    // required, immutable, readonly, unknown, type, min, ...
	Detail  string `json:"detail,omitempty"`
}

func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		if e.Message == "" {
			return string(e.Code)
		}
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for i, f := range e.Fields {
		if i > 0 || e.Message != "" {
			b.WriteString(": ")
		}
		b.WriteString(f.Pointer + " " + f.Rule)
		if f.Detail != "" {
			b.WriteString(" (" + f.Detail + ")")
		}
	}
	return b.String()
}

// Is makes errors.Is(err, code) work.
func (e *Error) Is(target error) bool { return target == e.Code }

// Refuse is the error of a rule of the domain: [ErrRefused] with the message.
func Refuse(message string) error { return &Error{Code: ErrRefused, Message: message} }

// Invalid is [ErrInvalid] for the field at the JSON Pointer.
func Invalid(pointer, detail string) error {
	return &Error{Code: ErrInvalid, Message: "invalid", Fields: []FieldError{{Pointer: pointer, Rule: "invalid", Detail: detail}}}
}

// HasCode reports whether err's tree holds a code of its own.
func HasCode(err error) bool {
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	_, ok := errors.AsType[Code](err)
	return ok || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// CodeOf returns the code of the first error in err's tree that has one, and
// ErrUnknown if none has. The context errors of the standard library are
// ErrDeadline and ErrCanceled.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		if !e.Code.Known() {
			return ErrUnknown
		}
		return e.Code
	}
	if c, ok := errors.AsType[Code](err); ok {
		if !c.Known() {
			return ErrUnknown
		}
		return c
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrDeadline
	case errors.Is(err, context.Canceled):
		return ErrCanceled
	}
	return ErrUnknown
}

// AsError turns any error into the one that crosses a boundary. It keeps the
// whole text of err, the fields of the first *Error in its tree, and its code.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok && e.Code.Known() {
		return e
	}
	out := &Error{Code: CodeOf(err), Message: err.Error()}
	if e, ok := errors.AsType[*Error](err); ok {
		out.NotSent = e.NotSent
		if len(e.Fields) > 0 {
			out.Message, out.Fields = e.Message, e.Fields
		}
	}
	return out
}

// Coded returns err if it has a code, and err under code if it has none.
func Coded(err error, code Code) error {
	if err == nil || HasCode(err) {
		return err
	}
	return &Error{Code: code, Message: err.Error()}
}

// Transient reports whether asking again may help. A failure without a code is
// not known to have had no effect, so it counts as transient.
func Transient(err error) bool {
	switch CodeOf(err) {
	case ErrUnavailable, ErrDeadline, ErrUnknown, ErrExhausted, ErrInternal, ErrCanceled:
		return true
	}
	return false
}

// NotSent reports whether err says that nothing was asked of anybody.
func NotSent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.NotSent
}
