package port

import (
	"context"
	"fmt"
	"reflect"

	"github.com/org/aegis/modelspec"
)

// None is the request or answer of a port that has none.
type None struct{}

// nothing is the one None there is: most commands ask and answer it, and a
// receipt keeps both.
var nothing = modelspec.Of(None{})

// Of is modelspec.Of, which makes no new Value of a None.
func Of[T any](v T) *modelspec.Value {
	if _, ok := any(v).(None); ok {
		return nothing
	}
	return modelspec.Of(v)
}

// Policy and Breaker are those of package modelspec.
type (
	Policy    = modelspec.Policy
	Breaker   = modelspec.Breaker
	Threshold = modelspec.Threshold
)

// Ref says which model a port belongs to. Type is the Go type M of the port;
// Model, where set, is the model's name and wins over Type.
type Ref struct {
	Model string
	Port  string
	Type  reflect.Type
}

func refOf[M any](model, port string) Ref {
	return Ref{Model: model, Port: port, Type: reflect.TypeFor[M]()}
}

// Invoker is a host, as far as an inbound port needs one: *aegis.Host.
type Invoker interface {
	InvokePort(ctx context.Context, p Ref, id string, arg *modelspec.Value) (*modelspec.Value, error)
}

func schemas[Req, Res any](d modelspec.PortDescriptor) (modelspec.PortDescriptor, error) {
	var err error
	if d.Request, err = modelspec.SchemaOf[Req](); err != nil {
		return d, fmt.Errorf("port %s: request: %w", d.Name, err)
	}
	if d.Response, err = modelspec.SchemaOf[Res](); err != nil {
		return d, fmt.Errorf("port %s: answer: %w", d.Name, err)
	}
	return d, nil
}

func eventType(e modelspec.EventRef) string {
	if e == nil {
		return ""
	}
	return e.EventType()
}
