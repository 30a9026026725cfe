package policy

import (
	"fmt"
	"runtime/debug"

	"github.com/org/aegis/modelspec"
)

// Recover turns a panic into an error, for a deferred call. The error keeps
// the stack for the log, not for the caller.
func Recover(what string, err *error) {
	if r := recover(); r != nil {
		*err = &Panic{What: what, Value: r, Stack: debug.Stack()}
	}
}

// Panic is a recovered panic. Its code is ErrInternal.
type Panic struct {
	What  string
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic in %s: %v", p.What, p.Value) }

// Unwrap gives the panic its code.
func (p *Panic) Unwrap() error { return modelspec.ErrInternal }
