package modelspec_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis/modelspec"
)

type Todo struct {
	ID    string   `json:"id"`
	Title string   `json:"title" aegis:"required,maxlen=80"`
	Owner string   `json:"owner" aegis:"immutable"`
	Tags  []string `json:"tags,omitempty"`
	Done  bool     `json:"done"`
}

// Todos is a whole model: data, rules and one hook.
var Todos = modelspec.Model[Todo]{
	Name: "todo",
	OnUpdate: func(was, is *Todo) error {
		if was.Done && !is.Done {
			return errors.New("what is done stays done")
		}
		return nil
	},
}

func ExampleModel() {
	spec, err := Todos.Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	created, err := spec.Handle(ctx, modelspec.Call{Op: modelspec.OpNew, ID: "t1", Doc: modelspec.Of(Todo{Title: "tea", Owner: "ann", Done: true})})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, _ := created.Doc.JSON()
	fmt.Println(string(doc))

	_, err = spec.Handle(ctx, modelspec.Call{Op: modelspec.OpUpdate, ID: "t1", Prev: created.Doc, Doc: modelspec.Of(Todo{Title: "tea", Owner: "ann"})})
	fmt.Println(modelspec.CodeOf(err), err)
	_, err = spec.Handle(ctx, modelspec.Call{Op: modelspec.OpUpdate, ID: "t1", Prev: created.Doc, Doc: modelspec.Of(Todo{Owner: "bob", Done: true})})
	fmt.Println(modelspec.CodeOf(err), err)
	// Output:
	// {"id":"t1","title":"tea","owner":"ann","done":true}
	// failed_precondition what is done stays done
	// invalid_argument invalid: /title required (must be given): /owner immutable (was set before and cannot change)
}

func ExampleSchema_CheckBody() {
	schema, err := modelspec.SchemaOf[Todo]()
	if err != nil {
		fmt.Println(err)
		return
	}
	err = schema.CheckBody([]byte(`{"titel":"tea","tags":["x",1]}`), modelspec.ModeCreate)
	if e, ok := errors.AsType[*modelspec.Error](err); ok {
		for _, f := range e.Fields {
			fmt.Printf("%s: %s: %s\n", f.Pointer, f.Rule, f.Detail)
		}
	}
	// Output:
	// /titel: unknown: there is no such member: did you mean title?
	// /tags/1: type: must be a string, not a number
	// /title: required: must be given
}

type Person struct {
	ID string `json:"id"`
}

// TodosOf reads the todos of a person, of which only the title matters here.
var TodosOf = modelspec.HasMany[Person, struct {
	Title string `json:"title"`
	Owner string `json:"owner"`
}]{Name: "todos", Model: "todo", Key: "owner"}

func ExampleHasMany() {
	// In a test, effects are a function.
	ctx := modelspec.WithEffects(context.Background(), modelspec.EffectsFunc(func(_ context.Context, e modelspec.Effect) (*modelspec.Value, error) {
		return modelspec.FromJSON([]byte(`[{"title":"tea","owner":"ann"},{"title":"cup","owner":"ann"}]`)), nil
	}))
	todos, err := TodosOf.List(ctx, &Person{ID: "ann"})
	fmt.Println(len(todos), todos[0].Title, err)
	// Output: 2 tea <nil>
}
