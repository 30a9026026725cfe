package datasourcetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

func testUnique(t *testing.T, s suite) {
	r := s.open(t, "users")
	a := r.put(doc("a", 1, unique("mail", "a@x"), entry("city", "bonn")))
	b := r.put(doc("b", 1, unique("mail", "b@x")))

	// A refused write leaves nothing: no document, no entry, nothing due.
	d := doc("c", 1, entry("city", "celle"), unique("name", "c"), unique("mail", "a@x"))
	d.Due = time.Unix(5, 0)
	r.putFails(d, modelspec.ErrExists)
	r.getFails("c", modelspec.ErrNotFound)
	r.wantList(datasource.Query{Index: "city"}, "a")
	r.wantList(datasource.Query{Index: "name"})
	r.wantList(datasource.Query{Index: "mail"}, "a", "b")
	r.wantDue(time.Unix(9, 0), datasource.Mark{}, 9)
	d.Index = d.Index[:2]
	r.put(d)

	r.putFails(doc("b", 2, unique("mail", "a@x")), modelspec.ErrExists)
	wantSame(t, r.get("b"), b)
	wantSame(t, r.get("a"), a)
	r.wantList(datasource.Query{Index: "mail", Key: new("b@x")}, "b")
	// A write that is late and takes a key is late: it could be the same one again.
	r.putFails(doc("a", 1, unique("mail", "a@x")), modelspec.ErrConflict)
	r.put(doc("a", 2, unique("mail", "a@x"), entry("city", "x"))) // its own key is no obstacle
	r.put(doc("b", 2, entry("mail", "a@x")))                      // not unique: not its business
	r.put(doc("d", 1, unique("other", "a@x")))                    // another index
	s.open(t, "admins").put(doc("a", 1, unique("mail", "a@x")))
	// A unique entry meets also those that are not: (Name, Key) is held.
	r.putFails(doc("e", 1, unique("city", "x")), modelspec.ErrExists)
}

func testUniqueFreed(t *testing.T, s suite) {
	r := s.open(t, "users")
	r.put(doc("a", 1, unique("mail", "m")))
	r.putFails(doc("b", 1, unique("mail", "m")), modelspec.ErrExists)
	r.put(doc("a", 2, unique("mail", "other")))
	r.put(doc("b", 1, unique("mail", "m"))) // freed by an update
	r.putFails(doc("a", 3, unique("mail", "m")), modelspec.ErrExists)
	r.put(gone("b", 2))
	r.put(doc("a", 3, unique("mail", "m"))) // freed by a tombstone
	r.putFails(doc("b", 3, unique("mail", "m")), modelspec.ErrExists)
	r.put(doc("b", 3))
	r.wantList(datasource.Query{Index: "mail"}, "a")
}

func testUniqueConcurrent(t *testing.T, s suite) {
	const writers, rounds = 16, 10
	r := s.open(t, "users")
	for round := range rounds {
		var wg sync.WaitGroup
		won := make([]bool, writers)
		key := fmt.Sprint("key", round)
		for w := range writers {
			wg.Go(func() {
				err := r.c.Put(s.ctx, doc(fmt.Sprintf("u%d-%d", round, w), 1, unique("mail", key)))
				if won[w] = err == nil; err != nil && !errors.Is(err, modelspec.ErrExists) {
					t.Errorf("Put: %v", err)
				}
			})
		}
		wg.Wait()
		var winners []string
		for w := range won {
			if id := fmt.Sprintf("u%d-%d", round, w); won[w] {
				winners = append(winners, id)
			} else {
				r.getFails(id, modelspec.ErrNotFound)
			}
		}
		if len(winners) != 1 {
			t.Fatalf("%d documents got one unique key", len(winners))
		}
		r.wantList(datasource.Query{Index: "mail", Key: &key}, winners...)
	}
}
