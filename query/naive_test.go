package query_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"github.com/org/aegis/query"
)

// naive answers a condition a second time, as plainly as it can be said: the
// document is a tree, a path is followed name by name, numbers are fractions.
type naive struct {
	id      string
	created time.Time
	tree    any
	times   map[string]bool // paths that are times
}

// reached is a value that a path reaches, and whether it stands in a list at
// the end of the path.
type reached struct {
	v    any
	elem bool
}

func (n naive) reach(path string) []reached {
	switch path {
	case "id":
		return []reached{{n.id, false}}
	case "createTime":
		if n.created.IsZero() {
			return []reached{{nil, false}}
		}
		return []reached{{n.created.UTC().Format(time.RFC3339Nano), false}}
	}
	out := follow(n.tree, strings.Split(path, "."), false)
	if len(out) == 0 {
		out = []reached{{nil, false}}
	}
	return out
}

func follow(v any, names []string, elem bool) (out []reached) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			out = append(out, follow(e, names, len(names) == 0)...)
		}
		return out
	}
	if len(names) == 0 {
		return []reached{{v, elem}}
	}
	m, _ := v.(map[string]any)
	return follow(m[names[0]], names[1:], false)
}

func (n naive) holds(e query.Expr) bool {
	switch e := e.(type) {
	case nil:
		return true
	case query.And:
		for _, k := range e {
			if !n.holds(k) {
				return false
			}
		}
		return true
	case query.Or:
		for _, k := range e {
			if n.holds(k) {
				return true
			}
		}
		return false
	case query.Not:
		return !n.holds(e.Expr)
	}
	c := e.(query.Compare)
	switch c.Op {
	case query.Ne:
		return !n.holds(query.Compare{Path: c.Path, Op: query.Eq, Values: c.Values})
	case query.Nin:
		return !n.holds(query.Compare{Path: c.Path, Op: query.In, Values: c.Values})
	}
	for _, r := range n.reach(c.Path) {
		if n.some(c, r) {
			return true
		}
	}
	return c.Op == query.Exists && len(c.Values) == 1 && c.Values[0] == false && !n.holds(query.Compare{Path: c.Path, Op: query.Exists})
}

func (n naive) some(c query.Compare, r reached) bool {
	if c.Op == query.Exists {
		return r.v != nil && (len(c.Values) == 0 || c.Values[0] == true)
	}
	for _, v := range c.Values {
		order, same := n.compare(r.v, v, n.times[c.Path])
		text, isText := r.v.(string)
		word, _ := v.(string)
		hit := false
		switch c.Op {
		case query.Eq, query.In:
			hit = same && order == 0
		case query.Gt:
			hit = same && order > 0
		case query.Gte:
			hit = same && order >= 0
		case query.Lt:
			hit = same && order < 0
		case query.Lte:
			hit = same && order <= 0
		case query.Contains:
			_, wordIsText := v.(string)
			hit = r.elem && same && order == 0 || !r.elem && isText && wordIsText && strings.Contains(text, word)
		case query.Starts:
			hit = isText && strings.HasPrefix(text, word)
		case query.Ends:
			hit = isText && strings.HasSuffix(text, word)
		}
		if hit {
			return true
		}
	}
	return false
}

// compare compares a value of a document with one of a query.
func (n naive) compare(a, b any, isTime bool) (order int, same bool) {
	if isTime {
		s, ok := a.(string)
		at, err := time.Parse(time.RFC3339Nano, s)
		if w, is := b.(time.Time); is && ok && err == nil {
			return at.Compare(w), true
		}
		return 0, a == nil && b == nil
	}
	switch a := a.(type) {
	case nil:
		return 0, b == nil
	case bool:
		b, ok := b.(bool)
		return map[bool]int{true: 1}[a] - map[bool]int{true: 1}[b], ok
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case json.Number:
		var x, y big.Rat
		w, ok := b.(json.Number)
		if !ok {
			return 0, false
		}
		x.SetString(string(a))
		y.SetString(string(w))
		return x.Cmp(&y), true
	}
	return 0, false
}

func treeOf(raw string) (v any) {
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	if d.Decode(&v) != nil {
		panic(raw)
	}
	return v
}
