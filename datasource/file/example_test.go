package file_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
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
	store := file.New(file.Config{Dir: dir})
	defer store.Close()
	todos, err := store.Collection("todos")
	if err != nil {
		fmt.Println(err)
		return
	}
	data := modelspec.FromJSON([]byte(`{"title":"write","done":false}`))
	fmt.Println(todos.Put(ctx, datasource.Document{ID: "t1", Revision: 1, Data: data}))

	path := filepath.Join(dir, file.Path("todos", "t1"))
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))

	// Somebody edits the file: a revision like any other.
	_ = os.WriteFile(path, []byte(strings.Replace(string(text), "false", "true", 1)), 0o600)
	fmt.Println(store.Look(ctx)) // or wait for Config.Watch
	d, err := todos.Get(ctx, "t1")
	edited, _ := d.Data.JSON()
	fmt.Println("revision", d.Revision, string(edited), err)
	// Output:
	// <nil>
	// {
	//   "format": 1,
	//   "id": "t1",
	//   "rev": 1,
	//   "data": {
	//     "title": "write",
	//     "done": false
	//   }
	// }
	// <nil>
	// revision 2 {"title":"write","done":true} <nil>
}
