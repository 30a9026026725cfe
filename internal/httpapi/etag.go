package httpapi

import (
	"net/http"
	"strings"
)

// tag is one entity tag of a header, as it is written: W/"x" or "x".
type tag string

// opaque is the tag without its weakness.
func (t tag) opaque() string { return strings.TrimPrefix(string(t), "W/") }

// parseTags reads a list of entity tags (RFC 9110, section 8.8.3). any is
// true for *. ok is false where the header is malformed or too long.
func parseTags(values []string) (tags []tag, any, ok bool) {
	s := strings.TrimSpace(strings.Join(values, ","))
	if s == "*" {
		return nil, true, true
	}
	for s != "" {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			break
		}
		start := 0
		if strings.HasPrefix(s, "W/") {
			start = 2
		}
		if start >= len(s) || s[start] != '"' {
			return nil, false, false
		}
		end := start + 1
		for end < len(s) && isTagChar(s[end]) {
			end++
		}
		if end >= len(s) || s[end] != '"' || len(tags) == maxTags {
			return nil, false, false
		}
		tags = append(tags, tag(s[:end+1]))
		s = strings.TrimLeft(s[end+1:], " \t")
		if s != "" && s[0] != ',' {
			return nil, false, false
		}
	}
	return tags, false, len(tags) > 0
}

// isTagChar reports what may stand inside the quotes of an entity tag.
func isTagChar(c byte) bool { return c == 0x21 || c >= 0x23 && c != 0x7f }

// notModified evaluates If-None-Match of a read, by weak comparison. A header
// that cannot be read matches nothing: the client gets the document.
func notModified(h http.Header, etag string) bool {
	values := h["If-None-Match"]
	switch {
	case len(values) == 0:
		return false
	case len(values) == 1 && values[0] == etag:
		return true
	}
	tags, any, _ := parseTags(values)
	for _, t := range tags {
		if t.opaque() == etag {
			return true
		}
	}
	return any
}
