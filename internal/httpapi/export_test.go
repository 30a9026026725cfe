package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/org/aegis/broker"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

var (
	CleanRoot   = cleanRoot
	MergePatch  = mergePatch
	NotModified = notModified
	ParseKey    = parseKey
	Traceparent = traceparent
	Unclean     = unclean
	ValidID     = validID
)

// ParseTags returns the tags of an If-Match as text.
func ParseTags(header string) (tags []string, any, ok bool) {
	t, any, ok := parseTags([]string{header})
	for _, one := range t {
		tags = append(tags, string(one))
	}
	return tags, any, ok
}

// Names returns the names of the members that the scanner finds.
func Names(b []byte) (names []string, err error) {
	all, err := members(b)
	for _, m := range all {
		names = append(names, string(m.name))
	}
	return names, err
}

// ParseList parses a query of a list of the model.
func ParseList(spec *modelspec.Spec, query string) (flow.ListRequest, error) {
	return newResource(spec).parseList(query)
}

// Limiter is the rate limiter.
type Limiter struct{ l *limiter }

func NewLimiter(r Rate) Limiter { return Limiter{newLimiter(r)} }

// Take asks for a request of the caller or address.
func (l Limiter) Take(c *modelspec.Caller, remote string) (time.Duration, bool) {
	key, counted := l.l.callerKey(c, remote)
	if !counted {
		return 0, true
	}
	return l.l.take(key)
}

// Status returns the status of an error.
func Status(err error) int { return status(err) }

// IdempotencyKey reads the header.
func IdempotencyKey(h http.Header) (string, error) { return idempotencyKey(h) }

// NewDeadline returns a context and what ends it.
func NewDeadline(parent context.Context, at time.Time) (context.Context, func()) {
	d := newDeadline(parent, at)
	return d, d.end
}

// ParseArgument makes the argument of a port of a query.
func ParseArgument(s *modelspec.Schema, query string) ([]byte, error) {
	return parseArgument(s, query)
}

// The content modes of events.
const (
	Structured = structured
	Batch      = batch
	Binary     = binaryForm
)

// DecodeEvents reads the events of a request.
func DecodeEvents(form eventForm, h http.Header, body []byte) ([]broker.Event, error) {
	return decodeEvents(form, h, body, func(s string) bool { return s == "own" })
}
