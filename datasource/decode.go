package datasource

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/org/aegis/modelspec"
)

// Decode reads what [Encode] wrote, also what a newer version of it wrote.
// Members that this version does not know are kept and written back by Encode,
// byte for byte. Decode keeps b: the caller must not change it again.
//
// The error is modelspec.ErrDataLoss and says what is wrong and where: no
// JSON, more than [MaxSize] bytes, a member of another type or twice, a
// document that [Prepare] refuses.
func Decode(b []byte) (Document, error) {
	var d Document
	if len(b) > MaxSize {
		return d, lost("it has %d bytes, more than %d", len(b), MaxSize)
	}
	e := decoder{scanner: scanner{b: b}, d: &d}
	e.envelope()
	if e.err != nil {
		return Document{}, lost("%s", e.err)
	}
	if d.Format < 1 {
		return Document{}, lost("it has no format, or one below 1")
	}
	if err := Prepare(&d); err != nil {
		return Document{}, lost("%s", err)
	}
	return d, nil
}

func lost(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "datasource: decode document: " + fmt.Sprintf(format, args...)}
}

type decoder struct {
	scanner
	d    *Document
	seen member // bits of the members met
}

// member is a bit per member of the envelope.
type member uint

const (
	memberFormat member = 1 << iota
	memberID
	memberInc
	memberRev
	memberBy
	memberCreated
	memberUpdated
	memberDue
	memberGone
	memberSchema
	memberClaim
	memberIndex
	memberData
	memberMeta
)

func memberOf(name string) member {
	switch name {
	case "format":
		return memberFormat
	case "id":
		return memberID
	case "inc":
		return memberInc
	case "rev":
		return memberRev
	case "by":
		return memberBy
	case "created":
		return memberCreated
	case "updated":
		return memberUpdated
	case "due":
		return memberDue
	case "gone":
		return memberGone
	case "schema":
		return memberSchema
	case "claim":
		return memberClaim
	case "index":
		return memberIndex
	case "data":
		return memberData
	case "meta":
		return memberMeta
	}
	return 0
}

func (e *decoder) envelope() {
	if e.peek() != '{' {
		e.need('{')
		return
	}
	for more := e.enter('}'); more && e.err == nil; more = e.next('}') {
		e.member()
	}
	e.end()
}

func (e *decoder) member() {
	if e.peek() != '"' {
		e.need('"')
		return
	}
	start := e.pos
	name, plain := e.str()
	e.need(':')
	if e.err != nil {
		return
	}
	m := memberOf(string(name))
	if !plain && memberOf(string(e.unescape(name))) != 0 {
		e.fail("member %q is written with escapes", name) // others would read it as ours
	}
	if m&e.seen != 0 {
		e.fail("member %q for the second time", name)
	}
	if e.err != nil {
		return
	}
	e.seen |= m
	if m == 0 {
		e.unknown(start)
		return
	}
	e.known(m)
}

// unknown keeps the member that starts there, as it is written.
func (e *decoder) unknown(start int) {
	if e.value(); e.err == nil {
		e.d.extra = append(append(e.d.extra, ','), e.b[start:e.pos]...)
	}
}

func (e *decoder) known(m member) {
	d := e.d
	switch m {
	case memberFormat:
		d.Format = int(e.integer())
	case memberID:
		d.ID = e.text()
	case memberInc:
		d.Inc = e.text()
	case memberRev:
		d.Revision = e.integer()
	case memberBy:
		d.By = e.text()
	case memberCreated:
		d.Created = e.time()
	case memberUpdated:
		d.Updated = e.time()
	case memberDue:
		d.Due = e.time()
	case memberGone:
		d.Gone = e.boolean()
	case memberSchema:
		d.Schema = int(e.integer())
	case memberClaim:
		d.Claim = e.claim()
	case memberIndex:
		d.Index = e.index()
	case memberData:
		d.Data = e.raw()
	case memberMeta:
		d.Meta = e.raw()
	}
}

func (e *decoder) raw() *modelspec.Value {
	b := e.value()
	if e.err != nil {
		return nil
	}
	return modelspec.FromJSON(b)
}

func (e *decoder) integer() int64 {
	e.space()
	b := e.value()
	if e.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		e.fail("%.40q is not a whole number of 64 bits,", b)
	}
	return n
}

func (e *decoder) boolean() bool {
	switch b := e.value(); {
	case e.err != nil:
	case string(b) == "true":
		return true
	case string(b) != "false":
		e.fail("%.40q is neither true nor false", b)
	}
	return false
}

func (e *decoder) time() time.Time {
	if e.peek() != '"' {
		e.need('"')
		return time.Time{}
	}
	b, _ := e.str()
	if e.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		e.fail("%.40q is no RFC 3339 time", b)
	}
	return t.UTC()
}

// fields walks an object whose members are all known. One of another name is
// skipped: a claim and the index are made anew by whoever writes them.
func (e *decoder) fields(read func(name string) bool) {
	if e.peek() != '{' {
		e.need('{')
		return
	}
	for more := e.enter('}'); more && e.err == nil; more = e.next('}') {
		if e.peek() != '"' {
			e.need('"')
			return
		}
		name, _ := e.str()
		e.need(':')
		if e.err == nil && !read(string(name)) {
			e.value()
		}
	}
}

func (e *decoder) claim() (c Claim) {
	e.fields(func(name string) bool {
		switch name {
		case "host":
			c.Host = e.text()
		case "epoch":
			c.Epoch = e.integer()
		case "until":
			c.Until = e.time()
		default:
			return false
		}
		return true
	})
	return c
}

func (e *decoder) index() (all []Entry) {
	if e.peek() != '[' {
		e.need('[')
		return nil
	}
	for more := e.enter(']'); more && e.err == nil; more = e.next(']') {
		if all = append(all, e.entry()); len(all) > MaxIndex {
			e.fail("more than %d index entries", MaxIndex)
		}
	}
	return all
}

func (e *decoder) entry() (x Entry) {
	e.fields(func(name string) bool {
		switch name {
		case "name":
			x.Name = e.text()
		case "key":
			x.Key = e.text()
		case "bytes":
			x.Key = e.bytes()
		case "unique":
			x.Unique = e.boolean()
		default:
			return false
		}
		return true
	})
	return x
}

func (e *decoder) bytes() string {
	text := e.text()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		e.fail("%.40q is not base64", text)
	}
	return string(b)
}
