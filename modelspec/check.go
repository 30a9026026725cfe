package modelspec

import (
	"slices"
	"strconv"
	"strings"
)

// Mode says what a body is for.
type Mode int

// The modes.
const (
	ModeCreate   Mode = iota // of a whole new document
	ModeReplace              // of a whole document in place of another
	ModePatch                // a JSON Merge Patch (RFC 7396) of a document
	ModeArgument             // the request of a port

	// AllowID, or-ed to one of the first three, accepts the member id at the
	// root of the body, if the schema has it. Without AllowID it is refused as
	// readonly: the host chooses ids.
	AllowID Mode = 1 << 8
)

// CheckBody checks a body from outside: it must pass [CheckJSON], have no
// member that s does not know, keep the types and limits of s, name what is
// required (in a patch: not remove it) and, unless it is an argument, nothing
// that is readOnly. All that is wrong is in one *[Error], which is [ErrInvalid]
// with up to 32 fields. What cannot be said without the stored document, such
// as the immutable members of a patch, is left to the rules of the [Spec].
func (s *Schema) CheckBody(body []byte, m Mode) error {
	if at, what := scan(body); what != "" {
		if what == twice {
			return CheckJSON(body)
		}
		return notJSON("", at, what)
	}
	c := checker{root: s, outside: true, document: m&^AllowID != ModeArgument, allowID: m&AllowID != 0, path: make([]token, 0, 8)}
	body = trim(body)
	patch := m&^AllowID == ModePatch
	if c.document && (len(body) == 0 || body[0] != '{') {
		c.fail(FieldError{Rule: ruleType, Detail: "must be an object, not " + kindName(body)})
	} else {
		c.value(s, body, nil, patch)
	}
	return broken(c.fails)
}

func trim(b []byte) []byte {
	i := space(b, 0)
	return b[i:skip(b, i)]
}

// checker checks valid JSON against a schema.
type checker struct {
	root     *Schema
	outside  bool // the text comes from a client: nothing unknown
	document bool // it becomes a document: nothing that is the host's
	allowID  bool
	frozen   marked // what has members that are immutable
	path     []token
	fails    []FieldError
}

// token is one step down: a member, or an element if name is nil.
type token struct {
	name []byte
	n    int
}

func (c *checker) fail(f FieldError) {
	if len(c.fails) >= maxFields {
		return
	}
	var p strings.Builder
	for _, t := range c.path {
		if t.name != nil {
			p.WriteString(pointerTo(string(t.name)))
		} else {
			p.WriteString("/" + strconv.Itoa(t.n))
		}
	}
	f.Pointer = p.String()
	c.fails = append(c.fails, f)
}

func (c *checker) failAt(name string, f FieldError) {
	c.path = append(c.path, token{name: []byte(name)})
	c.fail(f)
	c.path = c.path[:len(c.path)-1]
}

// value checks v. was, if not nil, is what stood there before. In a patch an
// object is merged into what is stored.
func (c *checker) value(s *Schema, v, was []byte, patch bool) {
	s = s.resolve(c.root)
	if len(s.AnyOf) > 0 {
		if v[0] == 'n' && slices.ContainsFunc(s.AnyOf, (*Schema).null) {
			return
		}
		s = s.inner(c.root)
	}
	if s.Never {
		c.fail(FieldError{Rule: ruleType, Detail: "nothing is accepted here"})
		return
	}
	if len(c.fails) >= maxFields {
		return
	}
	if !typed(s.Type, v) {
		c.fail(FieldError{Rule: ruleType, Detail: "must be " + wanted(s.Type) + ", not " + kindName(v)})
		return
	}
	if s.Enum != nil && !listed(s.Enum, v) {
		c.fail(notOneOf(s.Enum))
		return
	}
	switch v[0] {
	case '{':
		c.object(s, v, was, patch)
	case '[':
		c.array(s, v)
	case '"':
		c.text(s, v)
	case 't', 'f', 'n':
	default:
		c.number(s, v)
	}
}

func (c *checker) object(s *Schema, v, was []byte, patch bool) {
	if !patch && !c.count(s, v) { // a patch's length says nothing about the result's
		return
	}
	var seen uint64 // of the first 64 required members
	if !c.frozen[s] {
		was = nil
	}
	before := membersOf(was)
	for cur := open(v); len(c.fails) < maxFields; {
		name, el, ok := cur.member()
		if !ok {
			break
		}
		for i, r := range s.Required {
			if i < 64 && r == string(name) {
				seen |= 1 << i
			}
		}
		c.path = append(c.path, token{name: name})
		c.member(s, name, el, before.get(name), patch)
		c.path = c.path[:len(c.path)-1]
	}
	if !patch {
		c.required(s, v, seen)
	}
	if was != nil {
		c.removed(s, v, was)
	}
}

// count checks how many members v has.
func (c *checker) count(s *Schema, v []byte) bool {
	if s.MinProperties == nil && s.MaxProperties == nil {
		return true
	}
	n := 0
	for cur := open(v); ; n++ {
		if _, _, ok := cur.member(); !ok {
			break
		}
	}
	l := limits{minlen: s.MinProperties, maxlen: s.MaxProperties, unit: "members"}
	f, ok := l.length(n)
	if !ok {
		c.fail(f)
	}
	return ok
}

// required finds members that must be there. Those of the host, and those that
// only hooks set, are not the client's to name.
func (c *checker) required(s *Schema, v []byte, seen uint64) {
	for i, name := range s.Required {
		if i < 64 && seen&(1<<i) != 0 {
			continue
		}
		if i >= 64 {
			if _, there := find(v, name); there {
				continue
			}
		}
		p := s.Properties[name]
		if c.outside && c.document && (len(c.path) == 0 && name == "id" || p != nil && p.ReadOnly) {
			continue
		}
		c.failAt(name, missing())
	}
}

// removed finds immutable members that were there and are no more.
func (c *checker) removed(s *Schema, v, was []byte) {
	is := membersOf(v)
	for cur := open(was); ; {
		name, old, ok := cur.member()
		if !ok {
			return
		}
		if p := s.Properties[string(name)]; p != nil && p.Immutable && !c.empty(p, old) {
			if is.get(name) == nil {
				c.failAt(string(name), frozen())
			}
		}
	}
}

// member checks the member v of an object that s describes; old is what it was.
func (c *checker) member(s *Schema, name, v, old []byte, patch bool) {
	p, id := s.Properties[string(name)], len(c.path) == 1 && string(name) == "id"
	switch {
	case p == nil:
		c.other(s, name, v, old, patch)
		return
	case c.outside && c.document && (p.ReadOnly || id && !c.allowID):
		f := hostOnly()
		if id {
			f.Detail = "is given by the host: leave it out"
		}
		c.fail(f)
		return
	case patch && v[0] == 'n':
		if slices.Contains(s.Required, string(name)) {
			c.fail(FieldError{Rule: ruleRequired, Detail: "cannot be removed"})
		}
		return
	case c.outside && c.document && id:
		if text, ok := stringOf(v); ok && CheckID(text) != nil {
			c.fail(FieldError{Rule: ruleFormat, Detail: idRule})
			return
		}
	}
	if p.Immutable && old != nil && !c.empty(p, old) && !c.same(p, old, v) {
		c.fail(frozen())
		return
	}
	if slices.Contains(s.Required, string(name)) && c.missing(p, v) {
		c.fail(missing())
		return
	}
	c.value(p, v, old, patch)
}

// missing reports whether a required member is there but as good as not: null
// or empty where the schema says so.
func (c *checker) missing(p *Schema, v []byte) bool {
	p = p.resolve(c.root)
	least := func(n *int) bool { return n != nil && *n > 0 }
	switch string(v) {
	case "null":
		return !typed(p.Type, v) && len(p.AnyOf) == 0
	case `""`:
		return least(p.MinLength)
	}
	if first, last := v[0], v[len(v)-1]; space(v, 1) == len(v)-1 {
		return first == '[' && last == ']' && least(p.MinItems) || first == '{' && last == '}' && least(p.MinProperties)
	}
	return false
}

// other checks a member that s does not name.
func (c *checker) other(s *Schema, name, v, old []byte, patch bool) {
	switch a := s.AdditionalProperties; {
	case a == nil && (len(s.Properties) == 0 || !c.outside):
	case a == nil || a.Never:
		if c.outside {
			c.fail(unknown(string(name), s))
		}
	case patch && v[0] == 'n':
	default:
		c.value(a, v, old, patch)
	}
}

func (c *checker) array(s *Schema, v []byte) {
	if s.MinItems != nil || s.MaxItems != nil {
		n := 0
		for cur := open(v); ; n++ {
			if _, ok := cur.element(); !ok {
				break
			}
		}
		l := limits{minlen: s.MinItems, maxlen: s.MaxItems, unit: "elements"}
		if f, ok := l.length(n); !ok {
			c.fail(f)
			return
		}
	}
	if s.Items == nil {
		return
	}
	for cur, n := open(v), 0; len(c.fails) < maxFields; n++ {
		el, ok := cur.element()
		if !ok {
			return
		}
		c.path = append(c.path, token{n: n})
		c.value(s.Items, el, nil, false)
		c.path = c.path[:len(c.path)-1]
	}
}
