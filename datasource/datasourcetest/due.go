package datasourcetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
)

func testDue(t *testing.T, s suite) {
	r := s.open(t, "orders")
	base := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	offsets := []time.Duration{ // in the order in which they are due
		time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).Sub(base),
		-time.Hour, -time.Nanosecond, 0, 0, 0, time.Nanosecond, time.Second, 24 * time.Hour,
	}
	var want []datasource.Mark
	for i, o := range offsets {
		want = append(want, datasource.Mark{At: base.Add(o), ID: fmt.Sprintf("d%d", i)})
	}
	for i := range want { // stored in another order, in another time zone
		m := want[(i*5)%len(want)]
		d := doc(m.ID, 1)
		d.Due = m.At.In(time.FixedZone("east", 3600))
		r.put(d)
	}
	r.put(doc("never", 1))
	far := base.AddDate(1, 0, 0)
	r.wantDue(far, datasource.Mark{}, 100, want...)
	r.wantDue(time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), datasource.Mark{}, 100, want...)
	r.wantDue(time.Time{}, datasource.Mark{}, 100)
	r.wantDue(base, datasource.Mark{}, 100, want[:6]...)
	r.wantDue(base.Add(-1), datasource.Mark{}, 100, want[:3]...)
	r.wantDue(far, datasource.Mark{At: base}, 100, want[3:]...)
	r.wantDue(far, datasource.Mark{At: base, ID: "d4"}, 100, want[5:]...)
	r.wantDue(far, datasource.Mark{At: base, ID: "d44"}, 100, want[5:]...)
	r.wantDue(base, datasource.Mark{At: far, ID: "d4"}, 100)
	r.wantDue(far, datasource.Mark{}, 0)
	r.wantDue(far, datasource.Mark{}, -1)
	for limit := 1; limit <= len(want)+1; limit++ {
		var after datasource.Mark
		for i := 0; i < len(want); i += limit {
			page := want[i:min(i+limit, len(want))]
			r.wantDue(far, after, limit, page...)
			after = page[len(page)-1]
		}
		r.wantDue(far, after, limit)
	}
}

func testDueChanges(t *testing.T, s suite) {
	r := s.open(t, "orders")
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	far := at.AddDate(1, 0, 0)
	mark := func(o time.Duration, id string) datasource.Mark { return datasource.Mark{At: at.Add(o), ID: id} }
	put := func(revision int64, due time.Time, gone bool) {
		t.Helper()
		d := doc("a", revision)
		d.Due, d.Gone = due, gone
		r.put(d)
	}
	put(1, at, false)
	put(2, at.Add(time.Hour), false)
	r.wantDue(far, datasource.Mark{}, 9, mark(time.Hour, "a"))
	put(3, at.Add(time.Hour), false)
	r.wantDue(far, datasource.Mark{}, 9, mark(time.Hour, "a"))
	put(4, at.Add(-time.Hour), false)
	r.wantDue(far, datasource.Mark{}, 9, mark(-time.Hour, "a"))
	put(5, time.Time{}, false)
	r.wantDue(far, datasource.Mark{}, 9)
	put(6, at, true) // a tombstone can be due too
	r.wantDue(far, datasource.Mark{}, 9, mark(0, "a"))
	other := s.open(t, "others")
	other.wantDue(far, datasource.Mark{}, 9)
}
