package flow

import (
	"strconv"
	"time"

	"github.com/org/aegis/modelspec"
)

// Request says who asks for what, under which key.
type Request struct {
	Model, ID, Port string
	Key             string            // the client's idempotency key; empty: asking again is another command
	Caller          *modelspec.Caller // nil: nobody in particular
	Trace           string            // W3C traceparent
	Arg             *modelspec.Value  // of Update: what tells one change from another under the same key; nil: its outcome
	Safe            bool              // nothing may come of it: its handler calls no outbound port
	IfMatch         string            // the ETag that the document must have; empty: any, "*": any that exists
}

// Entry is a document as it is stored, for whoever reads it.
type Entry struct {
	Model    string
	ID       string
	Inc      string
	Revision int64
	Created  time.Time
	Updated  time.Time
	Data     *modelspec.Value // shared: do not change it

	Generation Generation // that answered
	Replayed   bool       // the command was asked before, and this is its first answer
}

// ETag is the strong entity tag of e's revision.
func (e Entry) ETag() string { return `"` + e.Inc + "." + strconv.FormatInt(e.Revision, 10) + `"` }

// Generation names the version of a component that answered.
type Generation struct {
	ID      uint64
	Name    string
	Version string
}

// Result is the answer of an inbound port.
type Result struct {
	Value      *modelspec.Value // nil: none
	Generation Generation
	Replayed   bool
}

// ListRequest asks for one page of documents.
type ListRequest struct {
	Model  string
	Equal  map[string]string // field: text as in a query string; all must hold
	Sort   string            // an indexed field, with - before it for descending; empty: by id
	Limit  int               // at most; zero: 50, and 500 are the most
	Cursor string            // Page.Next of the page before
}

// Page is one page of a list.
type Page struct {
	Entries    []Entry
	Next       string // cursor of the next page; empty: this was the last
	Generation Generation
}
