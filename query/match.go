package query

import (
	"bytes"
	"slices"
	"time"

	"github.com/org/aegis/modelspec"
)

// test is a condition, ready to run.
type test struct {
	op   Op // "" for those with kids
	bind int
	kids []test

	slot int
	typ  typ
	to   operand
	set  *set // of In
}

// set holds the values of an In.
type set struct {
	null, yes, no bool
	texts         map[string]struct{}
	numbers       []number
	times         []time.Time
}

// test makes a condition that was checked ready to run. Ne and Nin become the
// Not of Eq and In.
func (c *Compiled) test(root *modelspec.Schema, e Expr) test {
	all := func(bind int, es ...Expr) test {
		t := test{bind: bind, kids: make([]test, len(es))}
		for i, e := range es {
			t.kids[i] = c.test(root, e)
		}
		return t
	}
	switch e := e.(type) {
	case And:
		return all(bindAnd, e...)
	case Or:
		return all(bindOr, e...)
	case Not:
		return all(bindNot, e.Expr)
	}
	cmp := e.(Compare)
	switch cmp.Op {
	case Ne:
		return all(bindNot, Compare{cmp.Path, Eq, cmp.Values})
	case Nin:
		return all(bindNot, Compare{cmp.Path, In, cmp.Values})
	}
	t := test{op: cmp.Op, slot: c.slot(root, cmp.Path)}
	t.typ = c.paths[t.slot].typ
	switch cmp.Op {
	case Exists:
	case In:
		t.set = setOf(cmp.Values)
	default:
		t.to = operandOf(cmp.Values[0])
	}
	return t
}

func setOf(values []any) *set {
	s := &set{texts: map[string]struct{}{}}
	for _, v := range values {
		switch o := operandOf(v); o.kind {
		case kindNull:
			s.null = true
		case kindBool:
			s.yes, s.no = s.yes || o.is, s.no || !o.is
		case kindText:
			s.texts[string(o.text)] = struct{}{}
		case kindNumber:
			s.numbers = append(s.numbers, o.num)
		case kindTime:
			s.times = append(s.times, o.at)
		}
	}
	slices.SortFunc(s.numbers, func(a, b number) int { return a.compare(&b) })
	slices.SortFunc(s.times, time.Time.Compare)
	return s
}

// Match reports whether the condition holds for d. The error is
// modelspec.ErrDataLoss where d is no JSON, or that of d.Data.
func (c *Compiled) Match(d Document) (bool, error) {
	if c.query.Where == nil {
		return true, nil
	}
	r, err := c.read(&d)
	if err != nil {
		return false, err
	}
	ok := c.where.holds(r)
	c.done(r)
	return ok, nil
}

func (t *test) holds(r *reader) bool {
	switch t.bind {
	case bindAnd:
		for i := range t.kids {
			if !t.kids[i].holds(r) {
				return false
			}
		}
		return true
	case bindOr:
		for i := range t.kids {
			if t.kids[i].holds(r) {
				return true
			}
		}
		return false
	case bindNot:
		return !t.kids[0].holds(r)
	}
	s := &r.slots[t.slot]
	if s.null && (t.op == Eq && t.to.kind == kindNull || t.op == In && t.set.null) {
		return true
	}
	for i := range s.vals {
		if t.some(&s.vals[i]) {
			return true
		}
	}
	return false
}

// some reports whether the comparison holds for the value, which is not null.
func (t *test) some(v *value) bool {
	switch t.op {
	case Exists:
		return true
	case In:
		return t.set.has(v, t.typ)
	case Contains:
		if !v.elem {
			return v.kind == kindText && t.to.kind == kindText && bytes.Contains(v.raw, t.to.text)
		}
		return t.to.equal(v)
	case Starts:
		return v.kind == kindText && bytes.HasPrefix(v.raw, t.to.text)
	case Ends:
		return v.kind == kindText && bytes.HasSuffix(v.raw, t.to.text)
	case Eq:
		return t.to.equal(v)
	}
	n, ok := t.to.compare(v)
	switch t.op {
	case Gt:
		return ok && n < 0
	case Gte:
		return ok && n <= 0
	case Lt:
		return ok && n > 0
	case Lte:
		return ok && n >= 0
	}
	return false
}

func (o *operand) equal(v *value) bool {
	n, ok := o.compare(v)
	return ok && n == 0
}

// compare says how o stands to v; ok is false where they are of different
// kinds.
func (o *operand) compare(v *value) (n int, ok bool) {
	switch o.kind {
	case kindText:
		if v.kind != kindText {
			return 0, false
		}
		return bytes.Compare(o.text, v.raw), true
	case kindNumber:
		if v.kind != kindNumber {
			return 0, false
		}
		x := numberOf(string(v.raw))
		return o.num.compare(&x), true
	case kindTime:
		if v.kind != kindText {
			return 0, false
		}
		at, err := time.Parse(time.RFC3339Nano, string(v.raw))
		return o.at.Compare(at), err == nil
	case kindBool:
		if v.kind != kindBool {
			return 0, false
		}
		is := v.raw[0] == 't'
		switch {
		case o.is == is:
			return 0, true
		case is:
			return -1, true
		}
		return 1, true
	}
	return 0, false
}

func (s *set) has(v *value, t typ) bool {
	switch v.kind {
	case kindBool:
		return v.raw[0] == 't' && s.yes || v.raw[0] == 'f' && s.no
	case kindNumber:
		if len(s.numbers) == 0 {
			return false
		}
		_, ok := slices.BinarySearchFunc(s.numbers, numberOf(string(v.raw)), func(a, b number) int { return a.compare(&b) })
		return ok
	case kindText:
		if t == typTime {
			at, err := time.Parse(time.RFC3339Nano, string(v.raw))
			_, ok := slices.BinarySearchFunc(s.times, at, time.Time.Compare)
			return err == nil && ok
		}
		_, ok := s.texts[string(v.raw)]
		return ok
	}
	return false
}
