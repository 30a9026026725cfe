package datasource_test

import (
	"math"
	"testing"
	"time"

	"github.com/org/aegis/datasource"
)

func TestYields(t *testing.T) {
	d := datasource.Document{Index: []datasource.Entry{{Name: "i", Key: "b"}, {Name: "i", Key: "c"}, {Name: "i", Key: "b"}, {Name: "j", Key: "a"}}}
	for _, c := range []struct {
		q    datasource.Query
		key  string
		want bool
	}{
		{datasource.Query{}, "", true},
		{datasource.Query{Index: "i"}, "b", true},
		{datasource.Query{Index: "i"}, "c", false},
		{datasource.Query{Index: "i", Desc: true}, "b", false},
		{datasource.Query{Index: "i", Desc: true}, "c", true},
		{datasource.Query{Index: "i", Key: new("c")}, "c", true},
		{datasource.Query{Index: "j"}, "a", true},
	} {
		if got := c.q.Yields(&d, c.key); got != c.want {
			t.Errorf("%+v at %q: %t", c.q, c.key, got)
		}
		if gone := (datasource.Document{Gone: true, Index: d.Index}); c.q.Yields(&gone, c.key) {
			t.Errorf("%+v at %q yields a tombstone", c.q, c.key)
		}
	}
}

func TestNanos(t *testing.T) {
	for _, c := range []struct {
		t    time.Time
		want int64
	}{
		{time.Time{}, math.MinInt64},
		{time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), math.MinInt64},
		{time.Unix(0, math.MinInt64+1), math.MinInt64 + 1},
		{time.Unix(-1, 0), -1e9},
		{time.Unix(0, 0), 0},
		{time.Unix(0, math.MaxInt64), math.MaxInt64},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64},
	} {
		if got := datasource.Nanos(c.t); got != c.want {
			t.Errorf("Nanos(%v) = %d, want %d", c.t, got, c.want)
		}
	}
}

// What is stored comes back in one shape, whatever the driver.
func TestPrepare(t *testing.T) {
	east := time.FixedZone("east", 3600)
	d := datasource.Document{ID: "a", Revision: 1, Gone: true, Created: time.Now().In(east), Updated: time.Time{}.In(east),
		Index: []datasource.Entry{{Name: "i", Key: "k"}}}
	if err := datasource.Prepare(&d); err != nil {
		t.Fatal(err)
	}
	if d.Format != datasource.Format || d.Index != nil || d.Created.Location() != time.UTC || d.Updated != (time.Time{}) {
		t.Errorf("%+v", d)
	}
}
