//go:build wasip1

// Testguest is the Go guest that the tests of package wasm build and load.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
	"github.com/org/aegis/wasm/guest"
)

// Note is a model whose handler acts.
type Note struct {
	Text  string `json:"text" aegis:"required"`
	Owner string `json:"owner"`
	Read  int    `json:"read"`
}

// Person is what a note reads of its owner.
type Person struct {
	Name string `json:"name"`
}

var owner = modelspec.BelongsTo[Note, Person]{Name: "owner", Model: "person", Key: "owner"}

// read greets the owner and counts.
func (n *Note) read(ctx context.Context, by string) (string, error) {
	if by == "" {
		return "", modelspec.Invalid("", "nobody reads")
	}
	p, err := owner.Get(ctx, n)
	if err != nil {
		return "", err
	}
	n.Read++
	return by + " reads what " + p.Name + " wrote", nil
}

func answer(name string, fn func(context.Context, *modelspec.Value) (*modelspec.Value, error)) adapter.Adapter {
	return adapter.Adapter{Model: "echo", Port: name, Call: fn}
}

// kept is what a hog does not give back.
var kept [][]byte

func init() {
	guest.Serve(federation.Component{
		Name:    "testguest",
		Version: "1.2.3",
		Models: []modelspec.Interface{modelspec.Model[Note]{
			Name:      "note",
			Relations: []modelspec.Relation[Note]{owner},
			Ports:     []modelspec.Port[Note]{port.Inbound[Note, string, string]{Name: "read", Handle: (*Note).read}},
		}},
		Adapters: []adapter.Adapter{
			answer("echo", func(_ context.Context, v *modelspec.Value) (*modelspec.Value, error) { return v, nil }),
			answer("key", func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
				return modelspec.Of(adapter.Key(ctx)), nil
			}),
			answer("refuse", func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				return nil, adapter.NotSent(errors.New("connection refused"))
			}),
			answer("act", func(ctx context.Context, _ *modelspec.Value) (*modelspec.Value, error) {
				return modelspec.Do(ctx, modelspec.Effect{Verb: modelspec.VerbGet, Target: "owner"})
			}),
			answer("panic", func(context.Context, *modelspec.Value) (*modelspec.Value, error) { panic("at the disco") }),
			answer("print", func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				fmt.Println("hello from Go")
				return nil, nil
			}),
			answer("sleep", func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				time.Sleep(time.Hour)
				return nil, nil
			}),
			// churn makes 12 MiB of garbage, of which 4 MiB are live at a time.
			answer("churn", func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				var live [4][]byte
				for i := range 12 {
					live[i%4] = make([]byte, 1<<20)
					live[i%4][i] = byte(i)
				}
				return modelspec.Of(len(live[0])), nil
			}),
			answer("hog", func(context.Context, *modelspec.Value) (*modelspec.Value, error) {
				for {
					b := make([]byte, 1<<20)
					b[0] = 1
					kept = append(kept, b)
				}
			}),
		},
	})
}

func main() {}
