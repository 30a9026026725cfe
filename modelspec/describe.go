package modelspec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The limits of what a model may say about itself.
const (
	maxSchema   = 256 << 10 // bytes of JSON
	maxNesting  = 32        // of a schema
	maxPorts    = 256
	maxTimeout  = 24 * time.Hour
	maxRetries  = 100
	maxRepeats  = 1000
	maxFailures = 1 << 20
)

// check finds all mistakes of a descriptor.
func (d *Descriptor) check() error {
	c := describer{d: d, names: map[string]string{}}
	if !isName(d.Name) {
		c.wrong("", "its name is %q: write a lower-case letter and then up to 63 letters, digits, _ or -", d.Name)
	}
	for _, n := range [][2]string{{"plural", d.Plural}, {"endpoint", d.Endpoint}} {
		if !isName(n[1]) {
			c.wrong(n[0], "%q: write a lower-case letter and then up to 63 letters, digits, _ or -", n[1])
		}
	}
	if d.Version < 0 {
		c.wrong("version", "%d: write a number from 0", d.Version)
	}
	if n := len(d.Ports) + len(d.Relations) + len(d.Publishes); n > maxPorts {
		c.wrong("", "%d ports, relations and events: %d at most", n, maxPorts)
		return errors.Join(c.bad...)
	}
	c.document()
	for i := range d.Relations {
		c.relation(&d.Relations[i])
	}
	for i := range d.Ports {
		c.port(&d.Ports[i])
	}
	c.events()
	if len(c.bad) == 0 {
		return nil
	}
	return &mistakes{errors.Join(c.bad...)}
}

// mistakes are those of a descriptor, under one code.
type mistakes struct{ error }

// Unwrap makes mistakes an [ErrInvalid].
func (m *mistakes) Unwrap() []error {
	return []error{&Error{Code: ErrInvalid, Message: m.error.Error()}, m.error}
}

type describer struct {
	d     *Descriptor
	names map[string]string // of ports and relations: what has the name
	bad   []error
}

func (c *describer) wrong(where, format string, args ...any) {
	if where != "" {
		where = " " + where + ":"
	}
	name := c.d.Name
	if len(name) > 64 {
		name = name[:64]
	}
	c.bad = append(c.bad, fmt.Errorf("model %s:%s "+format, append([]any{name, where}, args...)...))
}

func isName(s string) bool {
	if len(s) == 0 || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func isEventType(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 128
}

// name takes a name for a port or relation.
func (c *describer) name(kind, name string) bool {
	where := kind + " " + name
	switch other, taken := c.names[name]; {
	case !isName(name):
		c.wrong(fmt.Sprintf("%s %q", kind, name), "write a name of a lower-case letter and then up to 63 letters, digits, _ or -")
		return false
	case name == "service":
		c.wrong(where, "the name is the host's: choose another")
	case taken && other == kind:
		c.wrong(where, "there are two of that name: rename one")
	case taken:
		c.wrong(where, "a %s has that name too: rename one", other)
	}
	c.names[name] = kind
	return true
}

func (c *describer) relation(r *RelationDescriptor) {
	if !c.name("relation", r.Name) {
		return
	}
	where := "relation " + r.Name
	if !isName(r.Model) {
		c.wrong(where, "model %q: write the name of the other model", r.Model)
	}
	switch r.Cardinality {
	case ManyToOne:
		if p := c.d.Schema.inner(c.d.Schema).Properties[r.Key]; p == nil || !typedText(p.inner(c.d.Schema)) {
			c.wrong(where, "key %q: write the JSON name of a string field of %s", r.Key, c.d.Name)
		}
	case OneToOne, OneToMany:
		if r.Key == "" {
			c.wrong(where, "has no key: write the JSON name of the field of %s that holds this model's id", r.Model)
		}
	case Contains:
		if strings.Count(r.Key, "*") != 1 || !strings.HasPrefix(r.Key, "/") || !strings.Contains(r.Key+"/", "/*/") {
			c.wrong(where, "key %q: write a JSON Pointer with one *, such as /items/*/sku", r.Key)
		}
	default:
		c.wrong(where, "cardinality %q: write manyToOne, oneToOne, oneToMany or containsMany", r.Cardinality)
	}
}

func typedText(s *Schema) bool { return len(s.Type) == 0 || slices.Contains(s.Type, "string") }

func (c *describer) port(p *PortDescriptor) {
	if !c.name("port", p.Name) {
		return
	}
	where := "port " + p.Name
	c.schema(where+": request", p.Request)
	c.schema(where+": response", p.Response)
	if p.Produces != "" && !isEventType(p.Produces) {
		c.wrong(where, "produces %q: an event type is 1 to 128 of A-Z a-z 0-9 . _ -", p.Produces)
	}
	c.policy(where, &p.Policy)
	switch p.Direction {
	case In:
		c.inbound(where, p)
	case Out:
		c.outbound(where, p)
	default:
		c.wrong(where, "direction %q: write inbound or outbound", p.Direction)
	}
}

func (c *describer) inbound(where string, p *PortDescriptor) {
	if len(p.On) > 0 {
		c.wrong(where, "on: events run outbound ports only: take it out, or make an outbound port")
	}
	if p.Undo || p.Exclusive || p.Optional || p.Repeats != 0 {
		c.wrong(where, "undo, exclusive, optional and repeats are for outbound ports: take them out")
	}
	if p.Policy.Retries != 0 || p.Policy.Backoff != 0 || p.Policy.Breaker != (Breaker{}) {
		c.wrong(where, "policy: a handler acts, so it is not run again, and a breaker stands before adapters: leave only Timeout")
	}
	if p.Stateless && p.Produces != "" {
		c.wrong(where, "produces %s: an event goes out with a document, and a stateless port has none", p.Produces)
	}
}

func (c *describer) outbound(where string, p *PortDescriptor) {
	for i, e := range p.On {
		if !isEventType(e) {
			c.wrong(where, "on %q: an event type is 1 to 128 of A-Z a-z 0-9 . _ -", e)
		}
		if slices.Contains(p.On[:i], e) {
			c.wrong(where, "on %s: twice: take one out", e)
		}
	}
	if p.Stateless {
		c.wrong(where, "stateless is for inbound ports: take it out")
	}
	if p.Repeats < 0 || p.Repeats > maxRepeats {
		c.wrong(where, "repeats %d: write 0 to %d", p.Repeats, maxRepeats)
	}
}

func (c *describer) policy(where string, p *Policy) {
	for _, t := range []struct {
		name string
		d    time.Duration
	}{{"timeout", p.Timeout}, {"backoff", p.Backoff}, {"breaker.open", p.Breaker.Open}} {
		if t.d < 0 || t.d > maxTimeout {
			c.wrong(where, "policy: %s %v: write 0 to 24h", t.name, t.d)
		}
	}
	if p.Retries < 0 || p.Retries > maxRetries {
		c.wrong(where, "policy: retries %d: write 0 to %d", p.Retries, maxRetries)
	}
	if p.Breaker.Failures > maxFailures {
		c.wrong(where, "policy: breaker.failures %d: write 0 to %d", p.Breaker.Failures, maxFailures)
	}
	if p.Breaker.Failures == 0 && p.Breaker.Open != 0 {
		c.wrong(where, "policy: breaker.open without breaker.failures is no breaker: write after how many failures it opens")
	}
}

func (c *describer) events() {
	seen := map[string]bool{}
	for _, e := range c.d.Publishes {
		if !isEventType(e.Type) {
			c.wrong(fmt.Sprintf("event %q", e.Type), "an event type is 1 to 128 of A-Z a-z 0-9 . _ -")
			continue
		}
		if seen[e.Type] {
			c.wrong("event "+e.Type, "is published twice: take one out")
		}
		seen[e.Type] = true
		c.schema("event "+e.Type, e.Schema)
	}
}
