package query

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// The members that the host adds to every document. The id is always its own;
// the times give way to members of the schema.
const (
	hostID      = "id"
	hostCreated = "createTime"
	hostUpdated = "updateTime"
)

// path is a member that a query names, as the schema describes it.
type path struct {
	names []string
	typ   typ
	many  bool // it goes through a list, or is one
	list  bool // it is one
	host  bool // it is no member of the data

	declared bool // the schema names it
	unique   bool
	exact    bool // its values are scalars of one type, so that an index of it holds them in order
}

// find looks a path up. The error is for people.
func find(root *modelspec.Schema, text string) (path, error) {
	p := path{names: namesOf(text), declared: true}
	switch {
	case text == "":
		return p, errors.New("a path is missing")
	case len(text) > MaxPath:
		return p, fmt.Errorf("the path is over %d bytes", MaxPath)
	case !utf8.ValidString(text) || strings.ContainsAny(text, "`\x00"):
		return p, errors.New("a path is UTF-8 without backticks and zero bytes")
	case slices.Contains(p.names, ""):
		return p, errors.New("a name between dots is missing")
	}
	if root == nil {
		root = &modelspec.Schema{}
	}
	w := walker{root: root}
	here := w.open(root)
	switch {
	case text == hostID:
		return path{names: p.names, typ: typText, host: true, declared: true, unique: true, exact: true}, nil
	case (text == hostCreated || text == hostUpdated) && !w.declares(here, text):
		return path{names: p.names, typ: typTime, host: true, declared: true}, nil
	}
	for i, name := range p.names {
		w.declared = false
		next := w.step(here, name)
		p.declared = p.declared && w.declared
		if w.secret {
			return p, fmt.Errorf("%s is write-only: nobody may ask by it", strings.Join(p.names[:i+1], "."))
		}
		if len(next) == 0 {
			return p, &unknownMember{root, here, p.names[:i+1]}
		}
		if here = next; i == len(p.names)-1 {
			w.settle(&p, here)
		}
	}
	p.many = w.many
	p.exact = p.exact && !p.many
	return p, nil
}

func namesOf(path string) []string { return strings.Split(path, ".") }

// unknownMember says that there is no such member. What it says is found out
// when somebody asks.
type unknownMember struct {
	root  *modelspec.Schema
	in    []*modelspec.Schema
	names []string
}

func (u *unknownMember) Error() string {
	at, name := strings.Join(u.names[:len(u.names)-1], "."), u.names[len(u.names)-1]
	known := (&walker{root: u.root}).known(u.in)
	detail := "there is no member " + clip(name)
	if at != "" {
		detail += " in " + clip(at)
	} else {
		known = append(known, hostID, hostCreated, hostUpdated)
	}
	slices.Sort(known)
	return detail + meant(name, slices.Compact(known))
}

// walker goes down a schema, on all ways that it leaves open.
type walker struct {
	root         *modelspec.Schema
	many, secret bool
	declared     bool // the last step was to a member that some schema names
}

// open returns what s may be: references followed, alternatives side by side,
// null left out. Lists are left as they are.
func (w *walker) open(s *modelspec.Schema) []*modelspec.Schema {
	var out, seen []*modelspec.Schema
	w.gather(s, &out, &seen)
	return out
}

func (w *walker) gather(s *modelspec.Schema, out, seen *[]*modelspec.Schema) {
	if s == nil || slices.Contains(*out, s) || slices.Contains(*seen, s) {
		return
	}
	w.secret = w.secret || s.WriteOnly
	if s.Ref == "" && len(s.AnyOf) == 0 {
		if !s.Never && (len(s.Type) != 1 || s.Type[0] != "null") {
			*out = append(*out, s)
		}
		return
	}
	*seen = append(*seen, s)
	switch {
	case s.Ref == "#":
		w.gather(w.root, out, seen)
	case s.Ref != "":
		name, _ := strings.CutPrefix(s.Ref, "#/$defs/")
		w.gather(w.root.Defs[name], out, seen)
	}
	for _, a := range s.AnyOf {
		w.gather(a, out, seen)
	}
}

// objects calls visit with all that from may be that has members, elements of
// lists among it.
func (w *walker) objects(from []*modelspec.Schema, visit func(*modelspec.Schema)) {
	queue := slices.Clone(from)
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		if slices.Contains(queue[:i], s) {
			continue
		}
		if isList(s) {
			w.many = true
			queue = append(queue, w.elements(s)...)
		}
		if s.Type.Has("object") && (len(s.Type) > 0 || !isList(s)) {
			visit(s)
		}
	}
}

// step goes to the member of that name, on all ways; none: there is no such
// member.
func (w *walker) step(from []*modelspec.Schema, name string) (next []*modelspec.Schema) {
	w.objects(from, func(s *modelspec.Schema) {
		switch p := s.Properties[name]; {
		case p != nil:
			w.declared = true
			next = append(next, w.open(p)...)
		case s.AdditionalProperties != nil:
			next = append(next, w.open(s.AdditionalProperties)...)
		case len(s.Properties) == 0:
			next = append(next, anything)
		}
	})
	return next
}

// known are the members there are, of which nobody is told the secret ones.
func (w *walker) known(from []*modelspec.Schema) (names []string) {
	w.objects(from, func(s *modelspec.Schema) {
		for name, p := range s.Properties {
			if other := (walker{root: w.root}); other.shows(p) {
				names = append(names, name)
			}
		}
	})
	return names
}

// shows reports whether s is not secret.
func (w *walker) shows(s *modelspec.Schema) bool {
	w.open(s)
	return !w.secret
}

// anything is a schema that says nothing.
var anything = &modelspec.Schema{}

func isList(s *modelspec.Schema) bool {
	return slices.Contains(s.Type, "array") || len(s.Type) == 0 && s.Items != nil
}

func (w *walker) elements(s *modelspec.Schema) []*modelspec.Schema {
	if s.Items == nil {
		return []*modelspec.Schema{anything}
	}
	return w.open(s.Items)
}

func (w *walker) declares(at []*modelspec.Schema, name string) bool {
	return slices.ContainsFunc(at, func(s *modelspec.Schema) bool { return s.Properties[name] != nil })
}

// settle finds the type of the values of a path that ends at the schemas.
func (w *walker) settle(p *path, at []*modelspec.Schema) {
	var types []typ
	p.exact = len(at) == 1 && len(scalars(at[0])) == 1 && !isList(at[0])
	p.unique = slices.ContainsFunc(at, func(s *modelspec.Schema) bool { return s.Unique })
	seen := map[*modelspec.Schema]bool{}
	for queue := slices.Clone(at); len(queue) > 0; {
		s := queue[0]
		queue = queue[1:]
		if seen[s] {
			continue
		}
		seen[s] = true
		if isList(s) {
			p.list, w.many = true, true
			queue = append(queue, w.elements(s)...)
			if !slices.ContainsFunc(s.Type, func(t string) bool { return t != "array" && t != "null" }) {
				continue
			}
		}
		types = append(types, typeOf(s))
	}
	slices.Sort(types)
	if types = slices.Compact(types); len(types) == 1 {
		p.typ = types[0]
	}
	p.exact = p.exact && p.typ != typAny && p.typ != typObject
}

// scalars are the types of s beside null.
func scalars(s *modelspec.Schema) (out []string) {
	for _, t := range s.Type {
		if t != "null" {
			out = append(out, t)
		}
	}
	return out
}

func typeOf(s *modelspec.Schema) typ {
	types := scalars(s)
	types = slices.DeleteFunc(types, func(t string) bool { return t == "array" })
	if len(types) == 2 && slices.Contains(types, "integer") && slices.Contains(types, "number") {
		return typNumber
	}
	if len(types) != 1 {
		return typAny
	}
	switch types[0] {
	case "boolean":
		return typBool
	case "integer":
		return typInt
	case "number":
		return typNumber
	case "object":
		return typObject
	case "string":
		if s.Format == "date-time" {
			return typTime
		}
		return typText
	}
	return typAny
}
