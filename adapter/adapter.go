package adapter

import (
	"context"
	"reflect"
	"strings"
	"unicode"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

// Func answers a port. Key(ctx) is the idempotency key of the call.
//
// What it returns decides what the host does next. No error, or an error that
// is not modelspec.Transient: the service has answered. A transient error, or
// one without a code: the outcome is unknown, and the host asks again under
// the same key. [NotSent]: nothing happened, and nothing needs to be undone.
type Func func(ctx context.Context, req *modelspec.Value) (*modelspec.Value, error)

// UndoFunc takes a call of a port back. Undoes(ctx) is the key of that call;
// req is what it asked, and answer what came back, or nil where that is not
// known. A service that finds nothing under the key has nothing to undo, says
// so by succeeding, and from then on refuses the key.
type UndoFunc func(ctx context.Context, req, answer *modelspec.Value) error

// Adapter joins one outbound port of one model to what answers it. Make one
// with [Bind], [Ask], [Route], [Via] or one of their kin.
type Adapter struct {
	Model, Port string       // Model may be empty where Type is set: see Resolve
	Type        reflect.Type // Go type of the port's model, or nil
	Call        Func         // nil for a route
	Undo        UndoFunc     // nil: the port's effect cannot be taken back
	Route       *Joint       // nil, or the other model's inbound port that answers
	Asks        bool         // Call answers nothing: the answer comes later

	Service     string       // name of the service behind it, for [Via]; whoever binds it may choose another
	ServiceType reflect.Type // what such a service must be; nil: the adapter needs none
	With        BindFunc     // nil, or binds the adapter to a service; until then Call and Undo are unavailable
}

// Joint is the other end of a [Route], as data.
type Joint struct {
	To  port.Ref
	Map func(req *modelspec.Value) (id string, arg *modelspec.Value, err error)

	Back    port.Ref // the inbound port that takes it back; zero: none
	BackMap func(req, answer *modelspec.Value) (id string, arg *modelspec.Value, err error)
}

// Resolve returns the name of the model that a port belongs to: Model if it is
// written down, else the one of known whose Go type is Type, else the name of
// the Go type with its first letter lowered (Order is order). It fails where
// two known models share the type.
func Resolve(ref port.Ref, known []*modelspec.Spec) (string, error) {
	if ref.Model != "" || ref.Type == nil {
		return ref.Model, nil
	}
	found := ""
	for _, s := range known {
		if s.Type() == ref.Type {
			if found != "" {
				return "", &modelspec.Error{Code: modelspec.ErrInvalid, Message: "port " + ref.Port + ": models " + found + " and " +
					s.Descriptor().Name + " both have the Go type " + ref.Type.String() + ": write the Model field of the port"}
			}
			found = s.Descriptor().Name
		}
	}
	if found == "" {
		name, _, _ := strings.Cut(ref.Type.Name(), "[")
		r := []rune(name)
		if len(r) > 0 {
			r[0] = unicode.ToLower(r[0])
		}
		found = string(r)
	}
	return found, nil
}

// Ref says which port a binds.
func (a Adapter) Ref() port.Ref { return port.Ref{Model: a.Model, Port: a.Port, Type: a.Type} }

// NotSent marks err as a failure before anything was asked of the service:
// connection refused, no address, no credentials. Such an attempt is repeated
// and never starts an undo.
func NotSent(err error) error {
	if err == nil {
		return nil
	}
	e := *modelspec.AsError(modelspec.Coded(err, modelspec.ErrUnavailable))
	e.NotSent = true
	return &e
}
