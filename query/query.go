package query

import (
	"strings"
)

// The limits of a query. What is over one of them is refused with
// modelspec.ErrInvalid, and the error says which.
const (
	MaxDepth   = 16       // of And, Or and Not in one another, comparisons included
	MaxNodes   = 256      // of them in all
	MaxIn      = 1000     // values of one In or Nin
	MaxValues  = 64 << 10 // bytes of all values together
	MaxPath    = 256      // bytes of a path
	MaxSort    = 8        // sort keys
	MaxFields  = 64       // selected fields
	MaxBy      = 4        // members to group by
	MaxTerms   = 64       // aggregates of a group, and terms of a URL
	MaxText    = 96 << 10 // bytes of the text of a condition
	MaxJSON    = 1 << 20  // bytes of a query in JSON
	MaxLimit   = 500      // documents of a page
	MaxOffset  = 10_000   // documents to skip
	MaxGroups  = 10_000   // groups of an answer
	MaxCursor  = 8 << 10  // bytes of a cursor
	PageLength = 50       // documents of a page where Limit is zero
)

// Query says which documents are wanted, in which order, and what of them. It
// is data: nothing in it runs. The zero Query wants all documents, in pages of
// [PageLength], by id.
type Query struct {
	Where  Expr     // nil: all
	Sort   []Order  // by the first, then the next, then by id; none: by id
	Limit  int      // documents of a page, at most; zero: PageLength; MaxLimit is the most
	Offset int      // how many to skip, counted from the beginning: with a Cursor, which is behind them, they are not skipped again
	Cursor string   // Page.Next of the page before; empty: from the beginning
	Fields []string // what to show of each document, beside its id; none: all
	Count  bool     // count all that match, also those on other pages
	Group  *Group   // answer groups in place of documents; nil: documents

	Explain bool // say how it would be answered, in place of answering
}

// Order is one sort key. A document without the member sorts as null, which is
// before everything.
type Order struct {
	Path string
	Desc bool
}

// Asc sorts by the path, the smallest first.
func Asc(path string) Order { return Order{Path: path} }

// Desc sorts by the path, the largest first.
func Desc(path string) Order { return Order{Path: path, Desc: true} }

// String is the path, with - before it for descending.
func (o Order) String() string {
	if o.Desc {
		return "-" + o.Path
	}
	return o.Path
}

func parseOrder(s string) Order {
	path, desc := strings.CutPrefix(s, "-")
	return Order{path, desc}
}

// Group asks for what documents have in common. It goes with Where alone: an
// answer holds all groups, in the order of By, and at most [MaxGroups].
type Group struct {
	By        []string    // none: all documents are one group, also if there are none
	Aggregate []Aggregate // none: the count
}

// Fn is what an [Aggregate] makes of many values.
type Fn string

// The functions of aggregates.
const (
	FnCount Fn = "count" // documents; has no path
	FnSum   Fn = "sum"   // of the numbers, exact; 0 if there are none
	FnMin   Fn = "min"   // the first in the order of sorting that is not null, or null
	FnMax   Fn = "max"   // the last, likewise
	FnAvg   Fn = "avg"   // of the numbers, to 34 digits; null if there are none
)

// Aggregate is one figure of each group. Where the path goes through a list
// every element counts.
type Aggregate struct {
	Fn   Fn
	Path string
}

// String is count, or the function and the path as in sum:price.
func (a Aggregate) String() string {
	if a.Path == "" {
		return string(a.Fn)
	}
	return string(a.Fn) + ":" + a.Path
}

func parseAggregate(s string) Aggregate {
	fn, path, _ := strings.Cut(s, ":")
	return Aggregate{Fn(fn), path}
}
