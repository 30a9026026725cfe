package flow

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// part is one of the places where flows are.
type part int

const (
	duePart  part = iota // envelopes that are due
	heldPart             // envelopes that need a person
	pastPart             // the history
)

// place is where to go on in a list of flows: behind the stored document At and
// ID (Key and ID where a person is needed), of whose successor Doc the flows up
// to Flow were listed.
type place struct {
	Query string    `json:"q"`
	Model string    `json:"m"`
	Part  part      `json:"p,omitempty"`
	At    time.Time `json:"t,omitzero"`
	Key   []byte    `json:"k,omitempty"` // keys are not text
	ID    string    `json:"i,omitempty"`
	Doc   string    `json:"d,omitempty"`
	Flow  string    `json:"f,omitempty"`
}

// maxFlowCursor is the most bytes of a cursor: six names and a time.
const maxFlowCursor = 2 << 10

func (p place) text() string {
	b, _ := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(b)
}

// resume reads the cursor of the query. One of another query would show what
// nobody asked for.
func (q *FlowQuery) resume() (place, error) {
	want := hashed("flows", q.Model, string(q.State), q.Older.String(), q.Newer.String())
	if q.Cursor == "" {
		return place{Query: want}, nil
	}
	bad := badFlows("cursor", "is not of this list: begin again without it")
	if len(q.Cursor) > maxFlowCursor {
		return place{}, bad
	}
	b, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil {
		return place{}, bad
	}
	var p place
	if json.Unmarshal(b, &p) != nil || p.Query != want || !p.valid(q) {
		return place{}, bad
	}
	return p, nil
}

// valid refuses a place that no list of the query can have come to.
func (p *place) valid(q *FlowQuery) bool {
	for _, s := range []string{p.Model, p.ID, p.Doc, p.Flow, string(p.Key)} {
		if len(s) > datasource.MaxName {
			return false
		}
	}
	if p.Model == "" || q.Model != "" && p.Model != q.Model || (p.ID == "") != (p.At.IsZero() && len(p.Key) == 0) {
		return false
	}
	for _, x := range q.parts() {
		if x == p.Part {
			return len(p.Key) == 0 || x == heldPart && p.At.IsZero()
		}
	}
	return false
}

func badFlows(term, detail string) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the flows cannot be listed", Fields: []modelspec.FieldError{{Pointer: "/" + term, Rule: "query", Detail: detail}}}
}

func clip(s string) string { return cut(s, 40) }

// limited is n, or the default where n is zero.
func limited(n int) (int, error) {
	switch {
	case n == 0:
		return defaultPage, nil
	case n < 0 || n > largestPage:
		return 0, badFlows("limit", "is 1 to "+strconv.Itoa(largestPage))
	}
	return n, nil
}
