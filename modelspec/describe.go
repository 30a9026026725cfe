package modelspec

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
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
	maxCauses   = 64 // events of a port
	maxWait     = 366 * 24 * time.Hour
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
	if n := len(d.Ports) + len(d.Relations) + len(d.Publishes) + len(d.Intake); n > maxPorts {
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
	c.intake()
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
	c.causes(where, p)
	c.http(where, p)
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
	if p.Undo || p.Await != nil || p.Fallback != "" || p.Default != nil || len(p.Keys) > 0 || !reflect.DeepEqual(p.UndoPolicy, Policy{}) {
		c.wrong(where, "undo, await, fallback, default, keys and undoPolicy are for outbound ports: take them out")
	}
	if p.Policy.Retries != 0 || p.Policy.Backoff != 0 || !reflect.DeepEqual(p.Policy.Breaker, Breaker{}) {
		c.wrong(where, "policy: a handler acts, so it is not run again, and a breaker stands before adapters: leave only Timeout")
	}
	if p.Stateless && p.Produces != "" {
		c.wrong(where, "produces %s: an event goes out with a document, and a stateless port has none", p.Produces)
	}
	if p.Stateless && len(p.On)+len(p.From) > 0 {
		c.wrong(where, "on: a stateless port has no document that an event could concern: take it out")
	}
}

func (c *describer) outbound(where string, p *PortDescriptor) {
	if p.Stateless {
		c.wrong(where, "stateless is for inbound ports: take it out")
	}
	if !p.Undo && !reflect.DeepEqual(p.UndoPolicy, Policy{}) {
		c.wrong(where, "undoPolicy: the port has no undo: take it out")
	}
	c.policy(where+": undo", &p.UndoPolicy)
	if p.Fallback != "" && p.Default != nil {
		c.wrong(where, "fallback and default: one of them")
	}
	if q := c.find(p.Fallback); p.Fallback != "" && (q == nil || q.Direction != Out || q == p || q.Undo != p.Undo || q.Await != nil || p.Await != nil) {
		c.wrong(where, "fallback %s: write the name of another outbound port of the model that has undo where this one has it, and that neither of the two awaits", p.Fallback)
	}
	for _, k := range p.Keys {
		if own := c.d.Schema.inner(c.d.Schema).Properties; own != nil && own[k] == nil {
			c.wrong(where, "keys: the model has no member %s%s", k, meant(k, slices.Sorted(maps.Keys(own))))
		}
		if p.Response != nil {
			if of := p.Response.inner(p.Response).Properties; of != nil && of[k] == nil {
				c.wrong(where, "keys: the answer has no member %s%s", k, meant(k, slices.Sorted(maps.Keys(of))))
			}
		}
	}
	if w := p.Await; w != nil {
		c.await(where, w)
	}
}

func (c *describer) find(port string) *PortDescriptor {
	for i := range c.d.Ports {
		if c.d.Ports[i].Name == port {
			return &c.d.Ports[i]
		}
	}
	return nil
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
