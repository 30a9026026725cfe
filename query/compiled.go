package query

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/aegis/modelspec"
)

// Document is what a query looks at.
type Document struct {
	ID      string           // the member id
	Created time.Time        // the member createTime, where the schema has none
	Updated time.Time        // the member updateTime, likewise
	Data    *modelspec.Value // all others
}

// Compiled is a query that was checked against a schema, and is ready to run.
// It is the reference of what a query means: what a driver answers by itself
// must be what this answers. It is read-only and safe for concurrent use.
type Compiled struct {
	query Query
	paths []path // by slot
	names []string
	root  *node
	where test
	order []sorting
	// descID is the direction of ids, by which documents are sorted that are
	// equal in all keys: that of the last key.
	descID bool
	by     []int // slots of the members to group by
	sums   []int // slots of the aggregates; -1: of the count
	shown  *node
	print  [8]byte
	data   bool // something is asked of the data
	pool   *sync.Pool
}

// sorting is one sort key.
type sorting struct {
	slot int
	desc bool
}

// Compile checks a query against the schema of its documents; nil accepts any.
// The error is modelspec.ErrInvalid with a FieldError for each mistake. The
// query is not changed, and may be used again.
func Compile(q *Query, schema *modelspec.Schema) (*Compiled, error) {
	check := checker{root: schema}
	c := &Compiled{query: *q, root: &node{slot: -1}}
	if q.Where != nil {
		c.query.Where = check.expr(q.Where, 1)
	}
	check.query(q)
	if err := check.err(); err != nil {
		return nil, err
	}
	c.query.Sort, c.query.Fields = slices.Clone(q.Sort), slices.Clone(q.Fields)
	if q.Where != nil {
		c.where = c.test(schema, c.query.Where)
	}
	for _, o := range q.Sort {
		if c.descID = o.Desc; o.Path == hostID {
			break // nothing is equal to it
		}
		c.order = append(c.order, sorting{c.slot(schema, o.Path), o.Desc})
	}
	if g := q.Group; g != nil {
		c.groupSlots(schema, *g)
	}
	c.shown = shownBy(q.Fields)
	c.print = c.fingerprint()
	slots := len(c.paths)
	c.pool = &sync.Pool{New: func() any { return &reader{slots: make([]slot, slots)} }}
	if q.Cursor != "" {
		if _, err := c.resume(q.Cursor); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Query returns the query in the form in which it runs: values are of the types
// of the schema. It is shared.
func (c *Compiled) Query() *Query { return &c.query }

// slot returns the place of the values of a path.
func (c *Compiled) slot(root *modelspec.Schema, text string) int {
	if i := slices.Index(c.names, text); i >= 0 {
		return i
	}
	p, err := find(root, text)
	if err != nil { // cannot be: it was checked
		panic(err)
	}
	i := len(c.paths)
	c.paths, c.names = append(c.paths, p), append(c.names, text)
	if p.host {
		return i
	}
	n := c.root
	for _, name := range p.names {
		n = n.kid(name)
	}
	n.slot, c.data = i, true
	return i
}

// fingerprint is the same for queries that list the same documents in the same
// order.
func (c *Compiled) fingerprint() (p [8]byte) {
	var b strings.Builder
	if c.query.Where != nil {
		b.WriteString(c.query.Where.String())
	}
	for _, s := range c.order {
		fmt.Fprintf(&b, "\x00%s %t", c.names[s.slot], s.desc)
	}
	fmt.Fprintf(&b, "\x00%t", c.descID)
	sum := sha256.Sum256([]byte(b.String()))
	copy(p[:], sum[:])
	return p
}

// read takes from d what the query looks at. The caller gives the reader back.
func (c *Compiled) read(d *Document) (*reader, error) {
	r := c.pool.Get().(*reader)
	var raw []byte
	if c.data {
		b, err := d.Data.JSON()
		if err != nil {
			c.pool.Put(r)
			return nil, err
		}
		raw = b
	}
	if err := r.read(raw, c.root); err != nil {
		c.pool.Put(r)
		return nil, err
	}
	for i := range c.paths {
		if c.paths[i].host {
			r.host(i, c.names[i], d)
		}
	}
	return r, nil
}

// host fills a slot with a member that is the host's.
func (r *reader) host(slot int, name string, d *Document) {
	s := &r.slots[slot]
	var text string
	switch {
	case name == hostID:
		text = d.ID
	case name == hostCreated && !d.Created.IsZero():
		text = timeText(d.Created)
	case name == hostUpdated && !d.Updated.IsZero():
		text = timeText(d.Updated)
	default:
		return
	}
	s.null = false
	s.vals = append(s.vals[:0], value{[]byte(text), kindText, false})
}

// most values that a reader may keep for the next document.
const keepValues = 1024

func (c *Compiled) done(r *reader) {
	r.b = nil
	for i := range r.slots {
		if vals := r.slots[i].vals; cap(vals) > keepValues {
			r.slots[i].vals = nil
		} else {
			clear(vals) // documents are not held
		}
	}
	c.pool.Put(r)
}
