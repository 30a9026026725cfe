package adapter

import (
	"context"
	"fmt"
	"reflect"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// BindFunc binds an adapter to a service, which is held until the adapter has
// answered its last call. The error is that of [Adapter.Fits].
type BindFunc func(service any) (Adapter, error)

// Via joins a port to a service that the host knows by name, and that may be
// replaced by another one while calls are under way. fn is what the service
// does for the port; a method expression says it best:
//
//	adapter.Via(order.Authorize, "payments", payment.Provider.Charge)
//
// S is what a service must be to stand there: an interface, so that there may
// be several. service is the name to look for; empty: only an operator's choice
// binds the port. While there is no such service, the port is unavailable, and
// nothing is asked of anybody. The services of a name are called from many
// goroutines at once.
func Via[S, M, Req, Res any](p port.Outbound[M, Req, Res], service string, fn func(S, context.Context, Req) (Res, error)) Adapter {
	return via(service, func(s S) Adapter {
		return Bind(p, func(ctx context.Context, r Req) (Res, error) { return fn(s, ctx, r) })
	})
}

// ViaUndo is [Via] for a port with Undo: undo takes back what fn did. It is
// asked of the service of the name that the call was made at.
func ViaUndo[S, M, Req, Res any](p port.Outbound[M, Req, Res], service string, fn func(S, context.Context, Req) (Res, error),
	undo func(S, context.Context, Taken[Req, Res]) error) Adapter {
	return via(service, func(s S) Adapter {
		return BindUndo(p, func(ctx context.Context, r Req) (Res, error) { return fn(s, ctx, r) },
			func(ctx context.Context, t Taken[Req, Res]) error { return undo(s, ctx, t) })
	})
}

// AskVia is [Via] for a port that is answered later: fn only asks, as in [Ask].
func AskVia[S, M, Req, Res any](p port.Outbound[M, Req, Res], service string, fn func(S, context.Context, Req) error) Adapter {
	return via(service, func(s S) Adapter {
		return Ask(p, func(ctx context.Context, r Req) error { return fn(s, ctx, r) })
	})
}

// AskViaUndo is [AskVia] for a port with Undo: undo takes back what fn asked
// for, answered or not.
func AskViaUndo[S, M, Req, Res any](p port.Outbound[M, Req, Res], service string, fn func(S, context.Context, Req) error,
	undo func(S, context.Context, Taken[Req, Res]) error) Adapter {
	return via(service, func(s S) Adapter {
		return AskUndo(p, func(ctx context.Context, r Req) error { return fn(s, ctx, r) },
			func(ctx context.Context, t Taken[Req, Res]) error { return undo(s, ctx, t) })
	})
}

// via makes an adapter that is complete but for its service.
func via[S any](service string, bind func(S) Adapter) Adapter {
	var nobody S
	a := bind(nobody) // for its data: what it calls is replaced
	a.Service, a.ServiceType = service, reflect.TypeFor[S]()
	port := a.Port
	a.Call = func(context.Context, *modelspec.Value) (*modelspec.Value, error) { return nil, absent(port, service) }
	if a.Undo != nil {
		a.Undo = func(context.Context, *modelspec.Value, *modelspec.Value) error { return absent(port, service) }
	}
	want := a
	a.With = func(service any) (Adapter, error) {
		if err := want.Fits(service); err != nil {
			return Adapter{}, err
		}
		b := bind(service.(S))
		b.Service, b.ServiceType = want.Service, want.ServiceType
		return b, nil
	}
	return a
}

func absent(port, service string) error {
	return &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true,
		Message: fmt.Sprintf("port %s waits for the service %q: a host binds it, one that has the service", port, service)}
}

// Fits says why the adapter cannot be bound to service: it names what the port
// needs and what service is. Nil: it can. The code is modelspec.ErrInvalid.
func (a Adapter) Fits(service any) error {
	t := reflect.TypeOf(service)
	var why string
	switch {
	case a.ServiceType == nil:
		why = "needs no service: make it with adapter.Via"
	case t == nil || isNil(reflect.ValueOf(service)):
		why = fmt.Sprintf("needs a %s, and the service is nil", a.ServiceType)
	case a.ServiceType.Kind() != reflect.Interface && t != a.ServiceType:
		why = fmt.Sprintf("needs a %s, and the service is a %s", a.ServiceType, t)
	case a.ServiceType.Kind() == reflect.Interface && !t.Implements(a.ServiceType):
		why = fmt.Sprintf("needs a %s, and the service is a %s%s", a.ServiceType, t, lacks(t, a.ServiceType))
	default:
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the adapter of port " + a.Port + " " + why}
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map:
		return v.IsNil()
	}
	return false
}

// lacks says what keeps t from being an iface.
func lacks(t, iface reflect.Type) string {
	if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(iface) {
		return ": give its pointer"
	}
	for i := range iface.NumMethod() {
		want := iface.Method(i)
		have, ok := t.MethodByName(want.Name)
		switch {
		case !ok:
			return ", which has no method " + want.Name
		case !sameSignature(have.Type, want.Type):
			return fmt.Sprintf(", whose method %s has another signature than %s", want.Name, want.Type)
		}
	}
	return ""
}

// sameSignature compares a method of a type, which has its receiver first, with
// one of an interface, which has none.
func sameSignature(method, want reflect.Type) bool {
	if method.NumIn() != want.NumIn()+1 || method.NumOut() != want.NumOut() || method.IsVariadic() != want.IsVariadic() {
		return false
	}
	for i := range want.NumIn() {
		if method.In(i+1) != want.In(i) {
			return false
		}
	}
	for i := range want.NumOut() {
		if method.Out(i) != want.Out(i) {
			return false
		}
	}
	return true
}
