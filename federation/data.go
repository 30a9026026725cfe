package federation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/org/aegis/modelspec"
)

// data is what is known of a value: a schema, and the root that its references
// are resolved in. Without a schema nothing is known.
type data struct{ root, at *modelspec.Schema }

func dataOf(s *modelspec.Schema) data { return data{s, s} }

// presence says whether a value has a member.
type presence uint8

const (
	maybe presence = iota
	has
	lacksIt
)

// maxRefs bounds how many references are followed in a row.
const maxRefs = 64

// inner follows references, and finds the schema of values other than null.
func (d data) inner() data {
	for range maxRefs {
		switch {
		case d.at == nil:
			return data{}
		case d.at.Ref == "#":
			d.at = d.root
		case d.at.Ref != "":
			d.at = d.root.Defs[strings.TrimPrefix(d.at.Ref, "#/$defs/")]
		case len(d.at.AnyOf) > 0:
			next := d.at.AnyOf[0]
			if len(d.at.AnyOf) > 1 && next != nil && slices.Equal(next.Type, modelspec.Types{"null"}) {
				next = d.at.AnyOf[1]
			}
			d.at = next
		default:
			return d
		}
	}
	return data{}
}

// types are those of values other than null; none: any.
func (d data) types() []string {
	if d = d.inner(); d.at == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone([]string(d.at.Type)), func(t string) bool { return t == "null" })
}

// overlap reports whether a value can be of one of each list.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(t string) bool {
		return slices.Contains(b, t) || t == "integer" && slices.Contains(b, "number") || t == "number" && slices.Contains(b, "integer")
	})
}

// member looks for a member of an object or an element of an array.
func (d data) member(name string) (data, presence) {
	d = d.inner()
	if d.at == nil {
		return data{}, maybe
	}
	if d.at.Never {
		return data{}, lacksIt
	}
	if _, err := strconv.ParseUint(name, 10, 31); err == nil && len(d.at.Type) > 0 && d.at.Type.Has("array") {
		return data{d.root, d.at.Items}, maybe
	}
	more := d.at.AdditionalProperties
	switch p := d.at.Properties[name]; {
	case p != nil:
		return data{d.root, p}, has
	case !d.at.Type.Has("object"), more != nil && more.Never, more == nil && len(d.at.Properties) > 0:
		return data{}, lacksIt
	default:
		return data{d.root, more}, maybe
	}
}

// lookup follows a JSON Pointer (RFC 6901).
func (d data) lookup(pointer string) (data, presence) {
	least := has
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next, p := d.member(strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
		if p == lacksIt {
			return next, p
		}
		d, least = next, min(least, p)
	}
	return d, least
}

// names are the members that d is known to have.
func (d data) names() []string {
	var out []string
	if d = d.inner(); d.at != nil {
		for n := range d.at.Properties {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out
}

// maxFit bounds how deep two schemas are compared; they may be recursive.
const maxFit = 16

// unfit says why a value that d describes cannot be what want describes, or
// nothing: at is a JSON Pointer. What either of them leaves open fits.
func (d data) unfit(want data, at string, depth int) (where, why string) {
	d, want = d.inner(), want.inner()
	if d.at == nil || want.at == nil || depth > maxFit {
		return "", ""
	}
	if have, need := d.types(), want.types(); !overlap(have, need) {
		return at, "is " + strings.Join(have, " or ") + " and must be " + strings.Join(need, " or ")
	}
	for _, name := range want.at.Required {
		if _, p := d.member(name); p == lacksIt {
			return at + "/" + name, "is missing and required" + meant(name, d.names())
		}
	}
	return d.clash(want, at, depth)
}

// clash is unfit for what both have, whether or not it is required.
func (d data) clash(want data, at string, depth int) (where, why string) {
	d, want = d.inner(), want.inner()
	if d.at == nil || want.at == nil {
		return "", ""
	}
	for _, name := range want.names() {
		if m, p := d.member(name); p == has {
			if where, why := m.unfit(data{want.root, want.at.Properties[name]}, at+"/"+name, depth+1); why != "" {
				return where, why
			}
		}
	}
	if d.at.Items != nil && want.at.Items != nil {
		return data{d.root, d.at.Items}.unfit(data{want.root, want.at.Items}, at+"/*", depth+1)
	}
	return "", ""
}
