package badger_test

import (
	"context"
	"fmt"
	"os"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/modelspec"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	for revision := int64(1); revision <= 2; revision++ { // two lives of a process
		store := badger.New(badger.Config{Dir: dir})
		todos, err := store.Collection("todos")
		if err != nil {
			fmt.Println(err)
			return
		}
		if d, err := todos.Get(ctx, "t1"); err == nil {
			data, _ := d.Data.JSON()
			fmt.Println("revision", d.Revision, string(data))
		}
		data := fmt.Sprintf(`{"title":"write","edits":%d}`, revision)
		fmt.Println(todos.Put(ctx, datasource.Document{ID: "t1", Revision: revision, Data: modelspec.FromJSON([]byte(data))}))
		fmt.Println(store.Close())
	}
	// Output:
	// <nil>
	// <nil>
	// revision 1 {"title":"write","edits":1}
	// <nil>
	// <nil>
}
