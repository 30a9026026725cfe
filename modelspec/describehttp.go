package modelspec

import (
	"slices"
	"strings"
)

// http checks how a port is called by HTTP.
func (c *describer) http(where string, p *PortDescriptor) {
	for i, m := range p.Methods {
		switch m {
		case "POST", "PUT", "PATCH", "DELETE":
		case "GET":
			if !p.Stateless {
				c.wrong(where, "methods: GET changes nothing, so it calls stateless ports only")
			}
		default:
			c.wrong(where, "methods: %q: write GET, POST, PUT, PATCH or DELETE", m)
		}
		if slices.Contains(p.Methods[:i], m) {
			c.wrong(where, "methods: %s: twice: take one out", m)
		}
	}
	if p.Path == "" {
		return
	}
	if p.Direction == Out && len(p.Methods) == 0 {
		c.wrong(where, "path: an outbound port is called by HTTP only where methods says so")
	}
	ids := 0
	for seg := range strings.SplitSeq(strings.TrimPrefix(p.Path, "/"), "/") {
		switch {
		case seg == "{id}":
			ids++
		case !isSegment(seg):
			c.wrong(where, "path %q: write segments of A-Z a-z 0-9 . _ ~ - with / between them, and {id} for the document", p.Path)
			return
		}
	}
	if ids > 1 || p.Stateless && ids != 0 || !p.Stateless && ids != 1 {
		c.wrong(where, "path %q: a port of a document has {id} once, and a stateless one has none", p.Path)
	}
	switch first, _, _ := strings.Cut(strings.TrimPrefix(p.Path, "/"), "/"); first {
	case "models", "components", "config", "flows", "incidents", "unbound", "subscriptions", "events", "replies", "deadletters", "openapi.json":
		c.wrong(where, "path %q: /%s is the host's: begin otherwise", p.Path, first)
	}
}

func isSegment(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' && c != '.' && c != '~' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 128 && s != "." && s != ".."
}
