package query

import "slices"

// Plan says how a query is answered by walking one index. What it walks holds
// every document that matches; [Run] looks at each of them, so that no plan
// changes an answer.
type Plan struct {
	Index  string  // the member whose index is walked; empty: all documents, by id
	Ranges []Range // the parts of it, in order and apart; none: nothing can match
	Desc   bool    // backwards
	// Sorted is how many of the sort keys the walk is in the order of, and
	// Ordered that it is in the order of the query altogether, ids included:
	// then it ends with the page. Otherwise what matches is sorted in memory.
	Sorted  int
	Ordered bool
	Rest    Expr // what the walk does not decide by itself; nil: nothing
	// Budget, if not zero, is how many documents to try this with: where there
	// are more, Else is the better way.
	Budget int
	Else   *Plan

	c *Compiled
}

// tryFirst is the Budget of a walk that is not in the order of the query, where
// there is one that is. Of what a condition lets through nobody knows how much
// it is before looking.
const tryFirst = 1000

// Plan chooses a way to answer the query by the indexes that keys knows; nil is
// none. It relies on this: an index holds one entry of each document, under the
// key of the member, or that of null where there is none; an index of a unique
// member has no entries for null and the empty text; and documents are of their
// schema, as they were when their entries were made.
func (c *Compiled) Plan(keys Keys) *Plan {
	walk := c.walk(keys)
	best, rank := c.best(keys)
	if best == nil {
		return walk
	}
	all := c.query.Count || c.query.Group != nil // all that matches is looked at anyway
	if !all && !best.Ordered && rank > rankOne && walk.Index != best.Index && (walk.Ordered || walk.Sorted > best.Sorted) {
		best.Budget, best.Else = tryFirst, walk
	}
	return best
}

// How promising a part of an index is.
const (
	rankNone  = iota // it is empty
	rankOne          // single documents
	rankPoint        // single keys
	rankRange        //
)

// best returns the most promising way that the condition offers.
func (c *Compiled) best(keys Keys) (best *Plan, rank int) {
	for _, name := range pathsOf(c.query.Where, nil) {
		p, s, ok := c.cut(keys, name)
		if !ok || s.all() {
			continue
		}
		r := rankRange
		switch {
		case len(s.ranges) == 0:
			r = rankNone
		case s.points() && p.unique:
			r = rankOne
		case s.points():
			r = rankPoint
		}
		plan := c.plan(name, p.host, s)
		if best == nil || r < rank || r == rank && (plan.Ordered && !best.Ordered || plan.Sorted > best.Sorted) {
			best, rank = plan, r
		}
	}
	return best, rank
}

// walk returns the way in the order of the query, or the nearest to it.
func (c *Compiled) walk(keys Keys) *Plan {
	if len(c.order) > 0 {
		name := c.names[c.order[0].slot]
		if _, s, ok := c.cut(keys, name); ok {
			return c.plan(name, false, s)
		}
	}
	_, s, _ := c.cut(keys, hostID)
	return c.plan(hostID, true, s)
}

// cut returns the part of the index of the member that holds all that matches.
// ok is false where there is no such index, or some document is not in it.
func (c *Compiled) cut(keys Keys, name string) (p path, s span, ok bool) {
	p = path{typ: typText, host: true, unique: true, exact: true} // of the id
	if name != hostID {
		p = c.paths[slices.Index(c.names, name)]
	}
	if !p.exact || !p.host && (keys == nil || !keys.HasIndex(name)) {
		return p, s, false
	}
	s = everything
	if c.query.Where != nil {
		s = (&cutter{keys, p, name}).cut(c.query.Where)
	}
	if p.unique && !p.host {
		for _, r := range s.ranges {
			if r.Has(nullKey) || r.Has(textKey) {
				return p, s, false
			}
		}
	}
	return p, s, true
}

// pathsOf lists the members of a condition.
func pathsOf(e Expr, out []string) []string {
	switch e := e.(type) {
	case And:
		for _, k := range e {
			out = pathsOf(k, out)
		}
	case Or:
		for _, k := range e {
			out = pathsOf(k, out)
		}
	case Compare:
		if !slices.Contains(out, e.Path) {
			out = append(out, e.Path)
		}
	}
	return out
}

func (c *Compiled) plan(name string, host bool, s span) *Plan {
	p := &Plan{Index: name, Ranges: s.ranges, c: c}
	if host {
		p.Index = ""
	}
	one := len(s.ranges) == 1 && s.points() // within one key, documents are in the order of ids
	switch {
	case len(c.order) == 0 && (host || one):
		p.Desc, p.Ordered = c.descID, true
	case len(c.order) > 0 && c.names[c.order[0].slot] == name:
		p.Desc, p.Sorted = c.order[0].desc, 1
		p.Ordered = len(c.order) == 1 && c.descID == p.Desc
	}
	p.Rest = rest(c.query.Where, name, s, c, host)
	return p
}

// rest returns what of the condition the part of the index leaves open.
func rest(e Expr, name string, s span, c *Compiled, host bool) Expr {
	if e == nil || s.exact {
		return nil
	}
	all, ok := e.(And)
	if !ok {
		return e
	}
	var out And
	for _, k := range all {
		if cmp, ok := k.(Compare); ok && cmp.Path == name && c.decided(cmp, host) {
			continue
		}
		out = append(out, k)
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// decided reports whether an index decides the comparison without a look at the
// document. Keys of numbers and of long texts do not.
func (c *Compiled) decided(e Compare, host bool) bool {
	p := c.paths[slices.Index(c.names, e.Path)]
	if !host && (p.typ == typInt || p.typ == typNumber) {
		return false
	}
	switch e.Op {
	case Eq, In:
		return true
	case Gt, Gte, Lt, Lte, Starts:
		s, text := e.Values[0].(string)
		return !text || len(s) <= wholeKey
	case Exists:
		return true
	}
	return false
}

// Position is a place in an index: by (Key, ID). Key is empty where the index
// is that of ids.
type Position struct{ Key, ID string }

// Step is one part of a walk.
type Step struct {
	Index string
	Range Range
	Desc  bool
	After Position // where to go on behind; zero: from the beginning of Range
}

// Steps are the parts of the walk in the order in which to walk them, without
// those that the cursor of the query is behind.
func (p *Plan) Steps() []Step {
	ranges := slices.Clone(p.Ranges)
	if p.Desc {
		slices.Reverse(ranges)
	}
	at, resumed := p.c.After()
	resumed = resumed && !p.c.query.Count // what is before it is counted too
	var out []Step
	for _, r := range ranges {
		s := Step{Index: p.Index, Range: r, Desc: p.Desc}
		if !resumed || s.resume(p, at) {
			out = append(out, s)
		}
	}
	return out
}

// resume cuts off what the cursor is behind; false: all of it.
func (s *Step) resume(p *Plan, at Key) bool {
	key := at.ID
	switch {
	case p.Sorted > 0:
		key = at.Sort[0]
	case !p.Ordered:
		return true // it is in no order that the cursor knows
	case p.Index != "":
		key = s.Range.From // its only one
	}
	if p.Desc && key < s.Range.From || !p.Desc && s.Range.To != "" && key >= s.Range.To {
		return false
	}
	if !s.Range.Has(key) {
		return true
	}
	switch {
	case p.Ordered && p.Index == "":
		s.After = Position{ID: at.ID}
	case p.Ordered:
		s.After = Position{key, at.ID}
	case p.Desc:
		s.Range.To = key + "\x00"
	default:
		s.Range.From = key
	}
	return true
}
