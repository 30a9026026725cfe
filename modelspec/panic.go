package modelspec

import "runtime/debug"

// Panic is a panic of a model's code, as an error. It is [ErrInternal]; the
// message says no more than where it was, and Value and Stack are for a log:
//
//	if p, ok := errors.AsType[*modelspec.Panic](err); ok { log(p.Value, p.Stack) }
type Panic struct {
	Model string // empty: in a method of a type, such as MarshalJSON or Equal
	Op    Op
	Port  string
	Value any
	Stack []byte
}

func (p *Panic) Error() string {
	if p.Model == "" {
		return "panic in a method of a field's type"
	}
	if p.Port != "" {
		return "panic in " + string(p.Op) + " of " + p.Model + "." + p.Port
	}
	return "panic in " + string(p.Op) + " of " + p.Model
}

// Unwrap makes a Panic an [ErrInternal].
func (p *Panic) Unwrap() error { return &Error{Code: ErrInternal, Message: p.Error()} }

// catch, deferred, turns a panic into an error.
func catch(err *error) {
	if r := recover(); r != nil {
		*err = recovered(r, &Call{})
	}
}

// recovered turns what recover returned into an error: the package's own
// complaints are errors already.
func recovered(r any, c *Call) error {
	if k, ok := r.(knot); ok {
		return k.Error
	}
	return &Panic{Model: c.Model, Op: c.Op, Port: c.Port, Value: r, Stack: debug.Stack()}
}

// knot is a panic of the package itself: a value that cannot be copied.
type knot struct{ *Error }

// uncoded is an error of a hook that has no code, under the one that the place
// gives it. Unlike Coded it keeps the error's identity.
type uncoded struct {
	code Code
	error
}

func (u *uncoded) Unwrap() []error {
	return []error{&Error{Code: u.code, Message: u.Error(), NotSent: NotSent(u.error)}, u.error}
}

// codeFor is the code of an error without one, by what was asked.
func codeFor(op Op) Code {
	switch op {
	case OpNew, OpRequest:
		return ErrInvalid
	case OpUpdate, OpDelete, OpInvoke, OpUndone, OpReply:
		return ErrRefused
	}
	return ErrUnknown
}
