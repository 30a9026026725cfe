package query

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// controls are the terms that are no conditions on members.
var controls = []string{"__where", "__sort", "__limit", "__skip", "__cursor", "__fields", "__count", "__aggregate", "__group", "__explain"}

// ParseURL reads a query from the terms of a URL (a url.Values is one), as the
// package's documentation describes them. Values get the types that the schema
// gives them. The error is modelspec.ErrInvalid, with a FieldError for each
// term that is wrong; its Pointer is the term's name.
func ParseURL(terms map[string][]string, schema *modelspec.Schema) (*Query, error) {
	u := urlParser{checker: checker{root: schema}}
	if len(terms) > MaxTerms {
		u.fail("", fmt.Sprintf("over %d terms", MaxTerms))
		return nil, u.err()
	}
	for _, name := range slices.Sorted(maps.Keys(terms)) {
		u.term(name, terms[name])
	}
	switch len(u.where) {
	case 0:
	case 1:
		u.q.Where = u.where[0]
	default:
		u.q.Where = And(u.where)
	}
	if len(u.fails) > 0 {
		return nil, u.err()
	}
	u.query(&u.q)
	if u.q.Where != nil {
		u.q.Where = u.expr(u.q.Where, 1)
	}
	if err := u.err(); err != nil {
		return nil, err
	}
	return &u.q, nil
}

type urlParser struct {
	checker
	q     Query
	where []Expr
}

func (u *urlParser) term(name string, values []string) {
	pointer := pointerTo(name)
	bytes := 0
	for _, v := range values {
		if bytes += len(v); !utf8.ValidString(v) {
			u.fail(pointer, "the value is no UTF-8")
			return
		}
	}
	switch {
	case bytes > MaxText:
		u.fail(pointer, fmt.Sprintf("the value is over %d bytes", MaxText))
	case slices.Contains(controls, name):
		if len(values) != 1 {
			u.fail(pointer, fmt.Sprintf("is given %d times: once is enough", len(values)))
			return
		}
		if err := u.control(name, values[0]); err != nil {
			u.fail(pointer, err.Error())
		}
	case strings.HasPrefix(name, "__"):
		u.fail(pointer, "there is no such term"+meant(name, controls)+": there are "+strings.Join(controls, ", "))
	default:
		e, err := u.condition(name, values)
		if err != nil {
			u.fail(pointer, err.Error())
			return
		}
		u.where = append(u.where, e)
	}
}

// condition reads field=, field__gt= and the like.
func (u *urlParser) condition(name string, values []string) (Expr, error) {
	c, p, err := u.split(name)
	if err != nil {
		return nil, err
	}
	if c.Op == In || c.Op == Nin {
		var all []string
		for _, v := range values {
			all = append(all, list(v)...)
		}
		values = all
	} else if len(values) != 1 {
		return nil, fmt.Errorf("is given %d times: for any of them write %s__in=a,b", len(values), clip(c.Path))
	}
	if len(values) > MaxIn {
		return nil, fmt.Errorf("%s has %d values: %d are the most", c.Op, len(values), MaxIn)
	}
	want := p.typ
	switch c.Op {
	case Exists:
		want = typBool
	case Starts, Ends:
		want = typText
	}
	for _, s := range values {
		if c.Op == Exists && s == "" {
			s = "true"
		}
		v, err := want.parse(s)
		if err != nil {
			return nil, err
		}
		c.Values = append(c.Values, v)
	}
	return u.compare(c)
}

// split finds path and operator in the name of a term. A member whose own name
// ends like an operator is that member.
func (u *urlParser) split(name string) (Compare, path, error) {
	p, whole := find(u.root, name)
	at := strings.LastIndex(name, "__")
	if at <= 0 || whole == nil && !slices.Contains(ops, name[at+2:]) {
		return Compare{Path: name, Op: Eq}, p, whole
	}
	field, op := name[:at], name[at+2:]
	q, err := find(u.root, field)
	switch {
	case whole == nil && (err != nil || p.declared):
		return Compare{Path: name, Op: Eq}, p, nil
	case err != nil:
		return Compare{}, q, err
	case !slices.Contains(ops, op):
		return Compare{}, q, fmt.Errorf("there is no operator %s%s: there are %s", clip(op), meant(op, ops), strings.Join(ops, ", "))
	}
	return Compare{Path: field, Op: Op(op)}, q, nil
}

func (u *urlParser) control(name, text string) (err error) {
	q := &u.q
	switch name {
	case "__where":
		if e := u.text(text, "/__where", u.compare); e != nil {
			u.where = append(u.where, e)
		}
	case "__sort":
		if text == "" {
			return errors.New("name a member, with - before it for descending")
		}
		for _, s := range strings.Split(text, ",") {
			q.Sort = append(q.Sort, parseOrder(s))
		}
	case "__limit":
		q.Limit, err = whole(text, 1, MaxLimit)
	case "__skip":
		q.Offset, err = whole(text, 0, MaxOffset)
	case "__cursor":
		if q.Cursor = text; text == "" {
			return errors.New("is empty: take it from next of the page before, or leave it out")
		}
	case "__fields":
		q.Fields = strings.Split(text, ",")
	case "__count":
		if q.Count, err = flag(text); text == "all" {
			q.Count, err = true, nil
		}
	case "__explain":
		q.Explain, err = flag(text)
	case "__group":
		u.group().By = strings.Split(text, ",")
	case "__aggregate":
		for _, s := range strings.Split(text, ",") {
			u.group().Aggregate = append(u.group().Aggregate, parseAggregate(s))
		}
	}
	return err
}

func (u *urlParser) group() *Group {
	if u.q.Group == nil {
		u.q.Group = &Group{}
	}
	return u.q.Group
}

func whole(text string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%d to %d is wanted", low, high)
	}
	return n, nil
}

func flag(text string) (bool, error) {
	switch text {
	case "true", "":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("true or false is wanted")
}

// list cuts a list at its commas. A backslash before a comma or a backslash
// takes it for itself.
func list(s string) (out []string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == ',' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == ',':
			out = append(out, b.String())
			b.Reset()
		default:
			b.WriteByte(s[i])
		}
	}
	return append(out, b.String())
}
