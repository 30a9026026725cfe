package aegis

import (
	"fmt"
	"io"
	"reflect"
	"sync/atomic"

	"github.com/org/aegis/modelspec"
)

// lease is something that several generations use, and that is closed once,
// when the last of them has. A service is a lease, and so is what a component's
// OnClose closes: the component is prepared anew whenever one of its services
// changes, and goes on using what it has.
type lease struct {
	what  any
	close func() error
	mine  atomic.Bool  // to be closed; else it is still the caller's
	users atomic.Int64 // generations, and the host for as long as it knows a service's name; zero is final
}

// take adds a user, unless the last one has gone.
func (l *lease) take() bool {
	for {
		n := l.users.Load()
		if n <= 0 {
			return false
		}
		if l.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// drop takes a user away, and reports whether somebody must call end: it was
// the last one.
func (l *lease) drop() bool { return l.users.Add(-1) == 0 && l.mine.Load() }

// end closes what is leased. A panic is an error.
func (l *lease) end() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &modelspec.Error{Code: modelspec.ErrInternal, Message: fmt.Sprintf("panic in Close: %v", p)}
		}
	}()
	if l.close == nil {
		return nil
	}
	return l.close()
}

// leaseOf makes a lease with one user.
func leaseOf(what any, end func() error) *lease {
	l := &lease{what: what, close: end}
	l.users.Store(1)
	return l
}

// serviceLease is the lease of a service: an io.Closer is closed.
func serviceLease(name string, service any) *lease {
	c, ok := service.(io.Closer)
	if !ok {
		return leaseOf(service, nil)
	}
	return leaseOf(service, func() error {
		if err := c.Close(); err != nil {
			return fmt.Errorf("aegis: close service %s: %w", name, err)
		}
		return nil
	})
}

// same reports whether two services are one.
func same(a, b any) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	return va.Type() == vb.Type() && va.Comparable() && vb.Comparable() && a == b
}
