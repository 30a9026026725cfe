package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

func Example() {
	ctx := context.Background()
	users, err := memory.New().Collection("users")
	if err != nil {
		fmt.Println(err)
		return
	}
	ada := datasource.Document{
		ID: "ada", Revision: 1,
		Index: []datasource.Entry{{Name: "mail", Key: "ada@example.com", Unique: true}},
		Data:  modelspec.FromJSON([]byte(`{"name":"Ada"}`)),
	}
	fmt.Println(users.Put(ctx, ada))
	fmt.Println(errors.Is(users.Put(ctx, ada), modelspec.ErrConflict)) // revision 1 is there

	bob := datasource.Document{ID: "bob", Revision: 1, Index: ada.Index}
	fmt.Println(users.Put(ctx, bob))

	for d, err := range users.List(ctx, datasource.Query{Index: "mail"}) {
		fmt.Println(d.ID, d.Revision, err)
	}
	// Output:
	// <nil>
	// true
	// memory: put users/bob: ada has the same key "ada@example.com" of the unique index mail
	// ada 1 <nil>
}
