package httpapi

import (
	"strings"

	"github.com/org/aegis/modelspec"
)

// replace makes the document that PUT leaves: what the client sent, and of the
// old one what a client cannot send. That is what only the host or hooks
// write, what nobody may read, and what this version of the model does not
// know, in nested objects, too.
func (m *resource) replace(was, body []byte) ([]byte, error) {
	if !isObject(was) {
		return body, nil
	}
	return replaceObject(m.schema, m.schema, was, body, m.shape.hosts)
}

func replaceObject(root, s *modelspec.Schema, was, body []byte, keep func(name []byte) bool) ([]byte, error) {
	sent, err := members(body)
	if err != nil {
		return nil, err
	}
	old, err := members(was)
	if err != nil {
		return nil, err
	}
	s = resolve(root, s)
	out := newObject(len(was) + len(body))
	before, now := newIndex(old), newIndex(sent)
	for _, is := range sent {
		prop := property(s, is.name)
		value := is.value
		if w, ok := before.find(is.name); ok && prop != nil && isObject(w.value) && isObject(value) {
			if value, err = replaceObject(root, prop, w.value, value, nil); err != nil {
				return nil, err
			}
		}
		out.add(is.key, value)
	}
	for _, w := range old {
		if _, ok := now.find(w.name); ok {
			continue
		}
		if keep != nil && keep(w.name) || unsendable(root, s, w.name) {
			out.add(w.key, w.value)
		}
	}
	return out.end(), nil
}

// unsendable reports members that survive a replacement which lacks them.
func unsendable(root, s *modelspec.Schema, name []byte) bool {
	prop := property(s, name)
	if prop == nil {
		return isClosed(s)
	}
	target := resolve(root, prop)
	return prop.ReadOnly || prop.WriteOnly || target != nil && (target.ReadOnly || target.WriteOnly)
}

// isClosed reports schemas of objects that list all members they know, in the
// sense of Schema.CheckBody: what it would refuse is never shown.
func isClosed(s *modelspec.Schema) bool {
	switch {
	case s == nil:
		return false
	case s.AdditionalProperties == nil:
		return len(s.Properties) > 0
	}
	return s.AdditionalProperties.Never
}

func property(s *modelspec.Schema, name []byte) *modelspec.Schema {
	if s == nil {
		return nil
	}
	return s.Properties[string(name)]
}

// resolve follows references to the root's definitions, and takes the one
// alternative of what may also be null.
func resolve(root, s *modelspec.Schema) *modelspec.Schema {
	for range 8 {
		switch {
		case s == nil:
			return nil
		case s.Ref == "#":
			s = root
		case s.Ref != "":
			s = root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		case len(s.AnyOf) > 0:
			s = notNull(s)
		default:
			return s
		}
	}
	return nil
}

// notNull returns the only alternative of s that is not null, if there is one.
func notNull(s *modelspec.Schema) (only *modelspec.Schema) {
	for _, a := range s.AnyOf {
		if len(a.Type) == 1 && a.Type[0] == "null" {
			continue
		}
		if only != nil {
			return nil
		}
		only = a
	}
	return only
}
