package file_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
	"github.com/org/aegis/modelspec"
)

// A List that began before Close ends as if nothing were; what begins after is
// refused, also from inside of it; and Close waits.
func TestCloseWaitsForList(t *testing.T) { synctest.Test(t, testCloseWaitsForList) }

func testCloseWaitsForList(t *testing.T) {
	const n = 200
	ctx := t.Context()
	store := file.New(file.Config{Dir: t.TempDir(), NoSync: true})
	c, err := store.Collection("orders")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := c.Put(ctx, datasource.Document{ID: fmt.Sprintf("o%03d", i), Revision: 1}); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	seen := 0
	for d, err := range c.List(ctx, datasource.Query{}) {
		if err != nil {
			t.Fatalf("after %d documents: %v", seen, err)
		}
		if seen++; seen == 1 {
			go func() { closed <- store.Close() }()
			synctest.Wait() // Close has come as far as it can
		}
		d.Revision++
		if err := c.Put(ctx, d); modelspec.CodeOf(err) != modelspec.ErrUnavailable {
			t.Errorf("Put while closing: %v", err)
		}
		select {
		case err := <-closed:
			t.Fatalf("Close did not wait for the walk: %v", err)
		default:
		}
	}
	if err := <-closed; err != nil || seen != n {
		t.Errorf("%d of %d documents, Close: %v", seen, n, err)
	}
}
