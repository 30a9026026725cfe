package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/org/aegis/modelspec"
)

// ParseJSON reads a query from its JSON, strictly, and gives values the types
// of the schema. The error is modelspec.ErrInvalid; the Pointer of each
// FieldError is the place in the JSON.
func ParseJSON(b []byte, schema *modelspec.Schema) (*Query, error) {
	c := checker{root: schema}
	q := c.decode(b, c.compare)
	if len(c.fails) == 0 {
		c.query(&q)
		if q.Where != nil {
			q.Where = c.expr(q.Where, 1)
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return &q, nil
}

// UnmarshalJSON reads what MarshalJSON writes, strictly. Values are as they are
// written; their types, and that the members exist, are checked when the query
// is compiled.
func (q *Query) UnmarshalJSON(b []byte) error {
	c := checker{}
	out := c.decode(b, func(e Compare) (Compare, error) { return e, nil })
	if err := c.err(); err != nil {
		return err
	}
	*q = out
	return nil
}

// MarshalJSON writes q in the form that the package's documentation gives.
func (q Query) MarshalJSON() ([]byte, error) {
	out := struct {
		Where   any      `json:"where,omitempty"`
		Sort    []string `json:"sort,omitempty"`
		Limit   int      `json:"limit,omitempty"`
		Skip    int      `json:"skip,omitempty"`
		Cursor  string   `json:"cursor,omitempty"`
		Fields  []string `json:"fields,omitempty"`
		Count   bool     `json:"count,omitempty"`
		Group   any      `json:"group,omitempty"`
		Explain bool     `json:"explain,omitempty"`
	}{Limit: q.Limit, Skip: q.Offset, Cursor: q.Cursor, Fields: q.Fields, Count: q.Count, Explain: q.Explain}
	for _, o := range q.Sort {
		out.Sort = append(out.Sort, o.String())
	}
	if q.Where != nil {
		out.Where = tree(q.Where)
	}
	if g := q.Group; g != nil {
		group := map[string][]string{}
		if len(g.By) > 0 {
			group["by"] = g.By
		}
		for _, a := range g.Aggregate {
			group["aggregate"] = append(group["aggregate"], a.String())
		}
		out.Group = group
	}
	return json.Marshal(out)
}

func tree(e Expr) any {
	all := func(es []Expr) []any {
		out := make([]any, len(es))
		for i, e := range es {
			out[i] = tree(e)
		}
		return out
	}
	switch e := e.(type) {
	case And:
		return map[string]any{"and": all(e)}
	case Or:
		return map[string]any{"or": all(e)}
	case Not:
		return map[string]any{"not": tree(e.Expr)}
	case Compare:
		m := map[string]any{"path": e.Path, "op": e.Op}
		if e.Op == In || e.Op == Nin {
			vs := make([]any, len(e.Values))
			for i, v := range e.Values {
				vs[i] = written(v)
			}
			m["values"] = vs
		} else if len(e.Values) == 1 {
			m["value"] = written(e.Values[0])
		}
		return m
	}
	return nil
}

func written(v any) any {
	if t, ok := v.(time.Time); ok {
		return timeText(t)
	}
	if p, err := plain(v); err == nil {
		return p
	}
	return v
}

// decode reads a query. leaf checks each comparison.
func (c *checker) decode(b []byte, leaf func(Compare) (Compare, error)) (q Query) {
	if len(b) > MaxJSON {
		c.fail("", fmt.Sprintf("the query is over %d bytes", MaxJSON))
		return q
	}
	var v any
	err := modelspec.CheckJSON(b)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.UseNumber()
		err = dec.Decode(&v)
	}
	if err != nil {
		e := modelspec.AsError(err)
		if c.fails = append(c.fails, e.Fields...); len(e.Fields) == 0 {
			c.fail("", e.Message)
		}
		return q
	}
	d := decoder{c, leaf, 0}
	members, ok := v.(map[string]any)
	if !ok {
		c.fail("", "a query is an object")
		return q
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		d.member(&q, name, members[name])
	}
	return q
}

type decoder struct {
	*checker
	leaf  func(Compare) (Compare, error)
	count int // of conditions
}

func (d *decoder) member(q *Query, name string, v any) {
	at := pointerTo(name)
	switch name {
	case "where":
		q.Where = d.tree(v, at, 1)
	case "sort":
		for _, s := range d.strings(v, at, MaxSort) {
			q.Sort = append(q.Sort, parseOrder(s))
		}
	case "limit":
		q.Limit = d.int(v, at, 1, MaxLimit)
	case "skip":
		q.Offset = d.int(v, at, 0, MaxOffset)
	case "cursor":
		q.Cursor = d.text(v, at)
	case "fields":
		q.Fields = d.strings(v, at, MaxFields)
	case "count":
		q.Count = d.bool(v, at)
	case "explain":
		q.Explain = d.bool(v, at)
	case "group":
		q.Group = d.groups(v, at)
	default:
		d.unknown(at, name, "where", "sort", "limit", "skip", "cursor", "fields", "count", "group", "explain")
	}
}

func (d *decoder) unknown(at, name string, known ...string) {
	d.fail(at, "there is no such member"+meant(name, known))
}

func (d *decoder) groups(v any, at string) *Group {
	g := &Group{}
	members, ok := v.(map[string]any)
	if !ok {
		d.fail(at, "an object is wanted")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		switch at := at + pointerTo(name); name {
		case "by":
			g.By = d.strings(members[name], at, MaxBy)
		case "aggregate":
			for _, s := range d.strings(members[name], at, MaxTerms) {
				g.Aggregate = append(g.Aggregate, parseAggregate(s))
			}
		default:
			d.unknown(at, name, "by", "aggregate")
		}
	}
	return g
}

// tree reads a condition; nil after a mistake.
func (d *decoder) tree(v any, at string, depth int) Expr {
	if d.count++; d.count > MaxNodes || depth > MaxDepth {
		d.tooMuch(fmt.Sprintf("over %d conditions, or nested deeper than %d", MaxNodes, MaxDepth))
	}
	if d.over {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.fail(at, "a condition is an object")
		return nil
	}
	for _, word := range []string{"and", "or", "not"} {
		inner, ok := m[word]
		if !ok {
			continue
		}
		if len(m) > 1 {
			d.fail(at, word+" stands alone")
			return nil
		}
		if word == "not" {
			return Not{d.tree(inner, at+"/not", depth+1)}
		}
		return d.list(word, inner, at+"/"+word, depth)
	}
	return d.compare(m, at)
}

func (d *decoder) list(word string, v any, at string, depth int) Expr {
	vs, ok := v.([]any)
	if !ok || len(vs) == 0 {
		d.fail(at, "a list of conditions is wanted")
		return nil
	}
	var out []Expr
	for i, v := range vs {
		out = append(out, d.tree(v, at+"/"+strconv.Itoa(i), depth+1))
		if d.over {
			return nil
		}
	}
	if word == "or" {
		return Or(out)
	}
	return And(out)
}

func (d *decoder) compare(m map[string]any, at string) Expr {
	var e Compare
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v, in := m[name], at+pointerTo(name)
		switch name {
		case "path":
			e.Path = d.text(v, in)
		case "op":
			e.Op = Op(d.text(v, in))
		case "value":
			e.Values = []any{d.scalar(v, in)}
		case "values":
			vs, ok := v.([]any)
			if !ok || len(vs) > MaxIn {
				d.fail(in, fmt.Sprintf("a list of at most %d values is wanted", MaxIn))
				return nil
			}
			for i, v := range vs {
				e.Values = append(e.Values, d.scalar(v, in+"/"+strconv.Itoa(i)))
			}
		default:
			d.unknown(in, name, "path", "op", "value", "values", "and", "or", "not")
			return nil
		}
	}
	_, one := m["value"]
	_, list := m["values"]
	if one && list || one && (e.Op == In || e.Op == Nin) || list && e.Op != In && e.Op != Nin {
		d.fail(at, "values is for in and nin, value for all others")
		return nil
	}
	if !slices.Contains(ops, string(e.Op)) {
		d.fail(at+"/op", "there is no operator "+clip(string(e.Op))+meant(string(e.Op), ops))
		return nil
	}
	err := arity(e)
	if err == nil {
		e, err = d.leaf(e)
	}
	if err != nil {
		d.fail(at, err.Error())
		return nil
	}
	return e
}

func (d *decoder) scalar(v any, at string) any {
	switch v.(type) {
	case map[string]any, []any:
		d.fail(at, "a text, number, true, false or null is wanted")
		return nil
	}
	return v
}

func (d *decoder) text(v any, at string) string {
	s, ok := v.(string)
	if !ok {
		d.fail(at, "a text is wanted")
	}
	return s
}

func (d *decoder) bool(v any, at string) bool {
	b, ok := v.(bool)
	if !ok {
		d.fail(at, "true or false is wanted")
	}
	return b
}

func (d *decoder) int(v any, at string, low, high int) int {
	n, _ := v.(json.Number)
	out, err := whole(string(n), low, high)
	if err != nil {
		d.fail(at, err.Error())
	}
	return out
}

func (d *decoder) strings(v any, at string, most int) (out []string) {
	vs, ok := v.([]any)
	if !ok || len(vs) > most {
		d.fail(at, fmt.Sprintf("a list of at most %d texts is wanted", most))
		return nil
	}
	for i, v := range vs {
		out = append(out, d.text(v, at+"/"+strconv.Itoa(i)))
	}
	return out
}
