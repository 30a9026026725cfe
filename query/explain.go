package query

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/org/aegis/modelspec"
)

// Explanation says how a query is answered, for people and in JSON.
type Explanation struct {
	Where   string          `json:"where,omitempty"`   // the condition, as it was understood
	Index   string          `json:"index"`             // the member whose index is walked; id: all documents
	Ranges  []RangeOfValues `json:"ranges,omitempty"`  // the parts of it; none: all of it
	Nothing bool            `json:"nothing,omitempty"` // no document can match: nothing is walked
	Desc    bool            `json:"desc,omitempty"`    // backwards
	Rest    string          `json:"rest,omitempty"`    // what is compared document by document
	Sort    string          `json:"sort,omitempty"`    // the order asked for
	Order   string          `json:"order"`             // index: the walk is in it; memory: all that matches is sorted; partly: by runs
	Budget  int             `json:"budget,omitempty"`  // documents after which Else is taken
	Else    *Explanation    `json:"else,omitempty"`
}

// RangeOfValues is a [Range] in values: from low to high.
type RangeOfValues struct {
	From any `json:"from,omitempty"` // nil: from the first
	To   any `json:"to,omitempty"`   // nil: to the last
	Is   any `json:"is,omitempty"`   // it is just this one
	// Other says that it holds what is not of the member's type.
	Other bool `json:"other,omitempty"`
}

// Explain says how the plan answers.
func (p *Plan) Explain() Explanation {
	e := Explanation{Index: p.Index, Desc: p.Desc, Budget: p.Budget, Nothing: len(p.Ranges) == 0, Order: "memory"}
	if p.Index == "" {
		e.Index = hostID
	}
	if q := &p.c.query; q.Where != nil {
		e.Where = q.Where.String()
	}
	if p.Rest != nil {
		e.Rest = p.Rest.String()
	}
	var sort []string
	for _, o := range p.c.query.Sort {
		sort = append(sort, o.String())
	}
	e.Sort = strings.Join(sort, ",")
	switch {
	case p.Ordered:
		e.Order = "index"
	case p.Sorted > 0:
		e.Order = "partly"
	}
	if !(span{ranges: p.Ranges}).all() {
		for _, r := range p.Ranges {
			e.Ranges = append(e.Ranges, p.values(r))
		}
	}
	if p.Else != nil {
		other := p.Else.Explain()
		other.Where, other.Sort = "", ""
		e.Else = &other
	}
	return e
}

func (p *Plan) values(r Range) (out RangeOfValues) {
	read := func(key string) any {
		switch {
		case p.Index == "":
			return key
		case strings.TrimSuffix(key, "\x00") == nullKey:
			return json.RawMessage("null")
		}
		v, _ := modelspec.ParseIndexKey(strings.TrimSuffix(key, "\x00"))
		if t, ok := v.(time.Time); ok {
			return timeText(t)
		}
		return v
	}
	if p.Index != "" && r == (Range{textKey + "\x00", string(textKey[0] + 1)}) {
		return RangeOfValues{Other: true}
	}
	if key, ok := r.Point(); ok {
		return RangeOfValues{Is: read(key)}
	}
	if len(r.From) > 1 || p.Index == "" && r.From != "" {
		out.From = read(r.From)
	}
	if len(r.To) > 1 || p.Index == "" && r.To != "" {
		out.To = read(r.To)
	}
	return out
}

// String says it in one line for each way.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "walk %s", e.Index)
	if e.Desc {
		b.WriteString(" backwards")
	}
	if e.Nothing {
		b.WriteString(", of which nothing can match")
	}
	for i, r := range e.Ranges {
		b.WriteString([]string{", ", " in "}[btoi(i == 0)] + r.String())
	}
	if e.Rest != "" {
		b.WriteString("; compare " + e.Rest)
	}
	switch e.Order {
	case "memory":
		b.WriteString("; sort in memory")
	case "partly":
		b.WriteString("; sort runs in memory")
	}
	if e.Else != nil {
		fmt.Fprintf(&b, "; after %d documents: %s", e.Budget, e.Else)
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// String is as in [10..20), [is 5] or [other].
func (r RangeOfValues) String() string {
	show := func(v any) string {
		if v == nil {
			return ""
		}
		b, err := json.Marshal(v)
		if err != nil { // cannot be: it is a scalar
			return fmt.Sprint(v)
		}
		return string(b)
	}
	switch {
	case r.Other:
		return "[other]"
	case r.Is != nil:
		return "[is " + show(r.Is) + "]"
	}
	return "[" + show(r.From) + ".." + show(r.To) + "]"
}
