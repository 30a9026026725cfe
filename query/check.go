package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/aegis/modelspec"
)

// mostFaults is how many mistakes one error names.
const mostFaults = 16

// checker collects what is wrong with a query, and what it costs.
type checker struct {
	root  *modelspec.Schema
	fails []modelspec.FieldError

	nodes, bytes int
	over         bool // a limit of the whole has been told
}

func (c *checker) fail(pointer, detail string) {
	if len(c.fails) < mostFaults {
		c.fails = append(c.fails, modelspec.FieldError{Pointer: pointer, Rule: "query", Detail: detail})
	}
}

func (c *checker) err() error {
	if len(c.fails) == 0 {
		return nil
	}
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the query cannot be answered", Fields: c.fails}
}

// pointerTo is a JSON Pointer's token (RFC 6901), with its slash.
func pointerTo(name string) string {
	name = clip(name)
	if strings.ContainsAny(name, "~/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	return "/" + name
}

// pointer names a comparison as the URL would.
func (e Compare) pointer() string {
	if e.Op == Eq || e.Op == "" {
		return pointerTo(e.Path)
	}
	return pointerTo(e.Path + "__" + string(e.Op))
}

// compare checks one comparison, and makes its values what the schema says
// they are.
func (c *checker) compare(e Compare) (Compare, error) {
	p, err := find(c.root, e.Path)
	if err != nil {
		return e, err
	}
	if err := arity(e); err != nil {
		return e, err
	}
	want := p.typ
	switch e.Op {
	case Exists:
		if len(e.Values) == 0 {
			return e, nil
		}
		want = typBool
	case Eq, Ne, In, Nin:
	case Gt, Gte, Lt, Lte:
		if want == typObject || e.Values[0] == nil {
			return e, fmt.Errorf("%s: nothing is before or after null and objects", e.Op)
		}
	case Contains:
		if !p.list && want != typText && want != typAny || want == typObject {
			return e, fmt.Errorf("contains is for texts, and for lists of what is no object")
		}
	case Starts, Ends:
		if want != typText && want != typAny {
			return e, fmt.Errorf("%s is for texts", e.Op)
		}
		want = typText
	default:
		return e, fmt.Errorf("there is no operator %s%s", clip(string(e.Op)), meant(string(e.Op), ops))
	}
	e.Values = slices.Clone(e.Values)
	for i, v := range e.Values {
		if e.Values[i], err = want.fit(v); err != nil {
			return e, err
		}
		if e.Values[i] == nil && e.Op != Eq && e.Op != Ne && e.Op != In && e.Op != Nin {
			return e, fmt.Errorf("%s: null is for eq, ne, in and nin", e.Op)
		}
	}
	return e, nil
}

// arity checks how many values there are.
func arity(e Compare) error {
	switch n := len(e.Values); {
	case e.Op == In || e.Op == Nin:
		if n == 0 {
			return fmt.Errorf("%s has no values", e.Op)
		}
		if n > MaxIn {
			return fmt.Errorf("%s has %d values: %d are the most", e.Op, n, MaxIn)
		}
	case e.Op == Exists:
		if n > 1 {
			return fmt.Errorf("exists has %d values: true or false is wanted", n)
		}
	case n != 1:
		return fmt.Errorf("%s has %d values: one is wanted", clip(string(e.Op)), n)
	}
	return nil
}

// expr checks a condition and returns it in the one form that all that mean the
// same by their structure share: lists in lists of one kind are one list, lists
// of one are that one, and exists has no value.
func (c *checker) expr(e Expr, depth int) Expr {
	c.nodes++
	if c.nodes > MaxNodes || depth > MaxDepth {
		c.tooMuch(fmt.Sprintf("over %d conditions, or nested deeper than %d", MaxNodes, MaxDepth))
	}
	if c.over {
		return nil
	}
	switch e := e.(type) {
	case And:
		return c.list(e, depth, bindAnd)
	case Or:
		return c.list(e, depth, bindOr)
	case Not:
		if inner := c.expr(e.Expr, depth+1); inner != nil {
			return Not{inner}
		}
		return nil
	case Compare:
		return c.leaf(e)
	}
	c.fail("/__where", "a condition is missing")
	return nil
}

func (c *checker) list(es []Expr, depth, bind int) Expr {
	if len(es) == 0 {
		c.fail("/__where", "and, or: there is nothing in it")
		return nil
	}
	var out []Expr
	for _, e := range es {
		k := c.expr(e, depth+1)
		if c.over {
			return nil
		}
		if a, ok := k.(And); ok && bind == bindAnd {
			out = append(out, a...)
		} else if o, ok := k.(Or); ok && bind == bindOr {
			out = append(out, o...)
		} else if k != nil {
			out = append(out, k)
		}
	}
	switch {
	case len(out) == 0:
		return nil
	case len(out) == 1:
		return out[0]
	case bind == bindOr:
		return Or(out)
	}
	return And(out)
}

func (c *checker) leaf(e Compare) Expr {
	out, err := c.compare(e)
	if err != nil {
		c.fail(e.pointer(), err.Error())
		return nil
	}
	for _, v := range out.Values {
		switch v := v.(type) {
		case string:
			c.bytes += len(v)
		case interface{ String() string }: // a number or a time
			c.bytes += len(v.String())
		}
		c.bytes += 4
	}
	if c.bytes > MaxValues {
		c.tooMuch(fmt.Sprintf("over %d bytes of values", MaxValues))
		return nil
	}
	if out.Op != Exists {
		return out
	}
	no := len(out.Values) == 1 && out.Values[0] == false
	if out.Values = nil; no {
		return Not{out}
	}
	return out
}

func (c *checker) tooMuch(detail string) {
	if !c.over {
		c.over = true
		c.fail("/__where", detail)
	}
}

// query checks all but the condition.
func (c *checker) query(q *Query) {
	if q.Limit < 0 || q.Limit > MaxLimit {
		c.fail("/__limit", fmt.Sprintf("1 to %d is wanted", MaxLimit))
	}
	if q.Offset < 0 || q.Offset > MaxOffset {
		c.fail("/__skip", fmt.Sprintf("0 to %d is wanted: go on with __cursor", MaxOffset))
	}
	if len(q.Cursor) > MaxCursor {
		c.fail("/__cursor", "is not of this list: begin again without it")
	}
	c.sort(q.Sort)
	if len(q.Fields) > MaxFields {
		c.fail("/__fields", fmt.Sprintf("over %d members", MaxFields))
		return
	}
	for _, f := range q.Fields {
		if _, err := find(c.root, f); err != nil {
			c.fail("/__fields", err.Error())
		}
	}
	if q.Group != nil {
		c.group(q)
	}
}

func (c *checker) sort(sort []Order) {
	if len(sort) > MaxSort {
		c.fail("/__sort", fmt.Sprintf("over %d sort keys", MaxSort))
		return
	}
	seen := map[string]bool{}
	for _, o := range sort {
		if seen[o.Path] {
			c.fail("/__sort", clip(o.Path)+" is given twice")
		}
		seen[o.Path] = true
		c.single("/__sort", o.Path)
	}
}

// single checks a path that must reach one value.
func (c *checker) single(pointer, text string) path {
	p, err := find(c.root, text)
	switch {
	case err != nil:
		c.fail(pointer, err.Error())
	case p.many:
		c.fail(pointer, clip(text)+" goes through a list: there is no one value in it")
	case p.typ == typObject:
		c.fail(pointer, clip(text)+" is an object: name a member of it")
	}
	return p
}

func (c *checker) group(q *Query) {
	g := q.Group
	if len(q.Sort) > 0 || q.Limit != 0 || q.Offset != 0 || q.Cursor != "" || len(q.Fields) > 0 || q.Count {
		c.fail("/__group", "an answer in groups has all of them, in their order: leave out __sort, __limit, __skip, __cursor, __fields and __count")
	}
	if len(g.By) > MaxBy {
		c.fail("/__group", fmt.Sprintf("over %d members", MaxBy))
		return
	}
	if len(g.Aggregate) > MaxTerms {
		c.fail("/__aggregate", fmt.Sprintf("over %d figures", MaxTerms))
		return
	}
	for i, by := range g.By {
		if slices.Contains(g.By[:i], by) {
			c.fail("/__group", clip(by)+" is given twice")
		}
		c.single("/__group", by)
	}
	for i, a := range g.Aggregate {
		if slices.Contains(g.Aggregate[:i], a) {
			c.fail("/__aggregate", clip(a.String())+" is given twice")
		}
		c.aggregate(a)
	}
}

func (c *checker) aggregate(a Aggregate) {
	const at = "/__aggregate"
	switch a.Fn {
	case FnCount:
		if a.Path != "" {
			c.fail(at, "count is of documents: it has no member")
		}
		return
	case FnSum, FnMin, FnMax, FnAvg:
	default:
		fns := []string{string(FnCount), string(FnSum), string(FnMin), string(FnMax), string(FnAvg)}
		c.fail(at, "there is no "+clip(string(a.Fn))+meant(string(a.Fn), fns)+": there are count, sum:, min:, max: and avg: with a member")
		return
	}
	p, err := find(c.root, a.Path)
	switch {
	case err != nil:
		c.fail(at, clip(a.String())+": "+err.Error())
	case p.typ == typObject:
		c.fail(at, clip(a.String())+": it is an object: name a member of it")
	case (a.Fn == FnSum || a.Fn == FnAvg) && p.typ != typInt && p.typ != typNumber && p.typ != typAny:
		c.fail(at, clip(a.String())+": it is no number")
	}
}
