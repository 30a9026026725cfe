package datasource

import (
	"math"
	"time"
)

// Yields reports whether a walk of q that has come to d's place under key
// yields d there. A document with several keys of one index is yielded once,
// at the first of them in the order of the walk, wherever the walk began: so
// drivers need not remember what they have yielded.
func (q Query) Yields(d *Document, key string) bool {
	if d.Gone {
		return false
	}
	if q.Index == "" || q.Key != nil {
		return true
	}
	for i := range d.Index {
		e := &d.Index[i]
		if e.Name == q.Index && e.Key != key && (e.Key < key) != q.Desc {
			return false
		}
	}
	return true
}

// Nanos is t in nanoseconds since 1970, the number by which drivers order Due.
// It is the nearest int64 for a time out of its range; the zero time, which
// [Prepare] keeps apart, is below all that can be stored.
func Nanos(t time.Time) int64 {
	switch {
	case t.Before(minDue):
		return math.MinInt64
	case t.After(maxDue):
		return math.MaxInt64
	}
	return t.UnixNano()
}
