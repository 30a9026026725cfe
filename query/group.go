package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/org/aegis/modelspec"
)

// mostGroupBytes bounds what all groups together hold of documents.
const mostGroupBytes = 16 << 20

// Member is a name and a JSON value.
type Member struct {
	Name  string
	Value json.RawMessage
}

// GroupRow is one group of an answer.
type GroupRow struct {
	By      []Member // what its documents have in common, as in Group.By
	Figures []Member // as in Group.Aggregate; count alone where that is empty
}

// MarshalJSON writes {"by":{"status":"open"},"count":3,"sum:price":12.5}.
func (g GroupRow) MarshalJSON() ([]byte, error) {
	b := appendMembers([]byte(`{"by":{`), g.By)
	b = append(b, '}')
	if len(g.Figures) > 0 {
		b = append(b, ',')
	}
	return append(appendMembers(b, g.Figures), '}'), nil
}

func appendMembers(b []byte, ms []Member) []byte {
	for i, m := range ms {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(appendText(b, m.Name), ':'), m.Value...)
	}
	return b
}

// Groups makes groups of documents as they come. It is for one goroutine.
type Groups struct {
	c     *Compiled
	rows  map[string]*groupRow
	bytes int
}

type groupRow struct {
	by   []exact
	sums []figure
}

// figure is one aggregate under way.
type figure struct {
	n     int64 // documents of a count, numbers of a sum
	total total
	best  exact // of min and max; null: none yet
}

func (c *Compiled) groupSlots(root *modelspec.Schema, g Group) {
	if len(g.Aggregate) == 0 {
		g.Aggregate = []Aggregate{{Fn: FnCount}}
	}
	c.query.Group = &g
	for _, by := range g.By {
		c.by = append(c.by, c.slot(root, by))
	}
	for _, a := range g.Aggregate {
		slot := -1
		if a.Path != "" {
			slot = c.slot(root, a.Path)
		}
		c.sums = append(c.sums, slot)
	}
}

// Groups begins the answer of a query that has a Group; of any other it counts.
func (c *Compiled) Groups() *Groups {
	if c.query.Group == nil {
		one := *c
		one.query.Group = &Group{Aggregate: []Aggregate{{Fn: FnCount}}}
		one.sums = []int{-1}
		c = &one
	}
	return &Groups{c: c, rows: map[string]*groupRow{}}
}

// Add takes d into its group, if it matches. It fails with
// modelspec.ErrExhausted where there are too many groups, with ErrRefused where
// a number is too long to be added, and as [Compiled.Match] does.
func (g *Groups) Add(d Document) error {
	r, err := g.c.read(&d)
	if err != nil {
		return err
	}
	defer g.c.done(r)
	if g.c.query.Where != nil && !g.c.where.holds(r) {
		return nil
	}
	row, err := g.row(r)
	if err != nil {
		return err
	}
	for i, a := range g.c.query.Group.Aggregate {
		if err := g.add(&row.sums[i], a.Fn, r, g.c.sums[i]); err != nil {
			return fmt.Errorf("query: %s: document %s: %w", a, d.ID, err)
		}
	}
	if g.bytes > mostGroupBytes {
		return exhausted(fmt.Sprintf("the groups hold over %d bytes: group by fewer members", mostGroupBytes))
	}
	return nil
}

func exhausted(message string) error {
	return &modelspec.Error{Code: modelspec.ErrExhausted, Message: "query: " + message}
}

func (g *Groups) row(r *reader) (*groupRow, error) {
	var room [MaxBy]exact
	by := room[:0]
	var key []byte
	for _, slot := range g.c.by {
		x := r.slots[slot].common(g.c.paths[slot].typ)
		key = x.appendKey(key)
		by = append(by, x)
	}
	row := g.rows[string(key)]
	if row == nil {
		if len(g.rows) == MaxGroups {
			return nil, exhausted(fmt.Sprintf("over %d groups: group by a member with fewer values, or narrow the query", MaxGroups))
		}
		g.bytes += 2*len(key) + 64
		row = &groupRow{slices.Clone(by), make([]figure, len(g.c.sums))}
		for i := range row.by {
			row.by[i].keep()
		}
		g.rows[string(key)] = row
	}
	return row, nil
}

func (g *Groups) add(f *figure, fn Fn, r *reader, slot int) error {
	if fn == FnCount {
		f.n++
		return nil
	}
	t := g.c.paths[slot].typ
	for i := range r.slots[slot].vals {
		v := &r.slots[slot].vals[i]
		switch fn {
		case FnSum, FnAvg:
			if v.kind != kindNumber {
				continue
			}
			f.n++
			if err := f.total.add(string(v.raw)); err != nil {
				return err
			}
		case FnMin, FnMax:
			x := exactOf(v, t)
			n := 1
			if f.best.kind != kindNull {
				n = x.compare(&f.best)
			}
			if f.best.kind == kindNull || fn == FnMin && n < 0 || fn == FnMax && n > 0 {
				g.bytes += len(x.text) - len(f.best.text)
				f.best = x
				f.best.keep()
			}
		}
	}
	return nil
}

// Rows returns the groups, in the order of their members. Without Group.By
// there is one, also of no documents.
func (g *Groups) Rows() []GroupRow {
	if len(g.c.by) == 0 && len(g.rows) == 0 {
		g.rows[""] = &groupRow{sums: make([]figure, len(g.c.sums))}
	}
	rows := slices.SortedFunc(maps.Values(g.rows), func(a, b *groupRow) int {
		for i := range a.by {
			if n := a.by[i].compare(&b.by[i]); n != 0 {
				return n
			}
		}
		return 0
	})
	out := make([]GroupRow, len(rows))
	for i, row := range rows {
		for j, x := range row.by {
			out[i].By = append(out[i].By, Member{g.c.query.Group.By[j], x.json()})
		}
		for j, a := range g.c.query.Group.Aggregate {
			out[i].Figures = append(out[i].Figures, Member{a.String(), row.sums[j].json(a.Fn)})
		}
	}
	return out
}

func (f *figure) json(fn Fn) json.RawMessage {
	switch fn {
	case FnCount:
		return json.RawMessage(fmt.Sprint(f.n))
	case FnSum:
		return json.RawMessage(f.total.decimal().String())
	case FnAvg:
		if f.n == 0 {
			return json.RawMessage("null")
		}
		return json.RawMessage(f.total.over(f.n).String())
	}
	return f.best.json()
}

// exact is a value of its own, compared without loss and by kinds: null, false
// and true, numbers, texts, times, objects.
type exact struct {
	kind kind
	text string // of a number its text
	num  number
	at   time.Time
}

func exactOf(v *value, t typ) exact {
	x := exact{kind: v.kind, text: string(v.raw)}
	switch {
	case v.kind == kindNumber:
		x.num = numberOf(x.text)
	case v.kind == kindObject:
		x.text = "{}"
	case v.kind == kindText && t == typTime:
		if at, err := time.Parse(time.RFC3339Nano, x.text); err == nil {
			x = exact{kind: kindTime, at: at.UTC(), text: timeText(at)}
		}
	}
	return x
}

// common is the smallest of the values of a slot.
func (s *slot) common(t typ) (least exact) {
	if s.null {
		return exact{}
	}
	for i := range s.vals {
		if x := exactOf(&s.vals[i], t); i == 0 || x.compare(&least) < 0 {
			least = x
		}
	}
	return least
}

func (x *exact) compare(y *exact) int {
	switch {
	case x.kind != y.kind:
		return int(x.kind) - int(y.kind)
	case x.kind == kindNumber:
		return x.num.compare(&y.num)
	case x.kind == kindTime:
		return x.at.Compare(y.at)
	}
	return strings.Compare(x.text, y.text) // false and true are in this order
}

// keep gives x the one text that all its equals share.
func (x *exact) keep() {
	if x.kind == kindNumber {
		x.text = decimalOf(x.text).String()
		x.num = numberOf(x.text)
	}
}

// appendKey appends what only equal values share.
func (x *exact) appendKey(b []byte) []byte {
	text := x.text
	if x.kind == kindNumber && !x.num.small {
		text = decimalOf(text).String()
	} else if x.kind == kindNumber && x.num.i == 0 {
		text = "0" // and not -0
	}
	return append(fmt.Appendf(b, "%d:%d:", x.kind, len(text)), text...)
}

func (x *exact) json() json.RawMessage {
	switch x.kind {
	case kindNull:
		return json.RawMessage("null")
	case kindText, kindTime:
		return bytes.Clone(appendText(nil, x.text))
	}
	return json.RawMessage(x.text)
}
