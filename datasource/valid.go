package datasource

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// Limits of what a driver stores. [Prepare] and [Encode] refuse what is over
// them with modelspec.ErrInvalid, or modelspec.ErrExhausted for MaxSize.
const (
	MaxSize  = 16 << 20 // bytes of an encoded envelope
	MaxName  = 128      // bytes of an id, and of the name of a collection or index
	MaxKey   = 1 << 10  // bytes of the key of an index entry
	MaxIndex = 1 << 10  // index entries of one document
	MaxDepth = 10_000   // nesting of Data and Meta
)

// ValidID reports what is wrong with the id of a document: ids are 1 to 128
// bytes of A-Z a-z 0-9 . _ ~ : @ - The error is modelspec.ErrInvalid.
func ValidID(id string) error {
	if n := len(id); n == 0 || n > MaxName {
		return invalid("id %.40q has %d bytes, not 1 to %d", id, n, MaxName)
	}
	for i := range len(id) {
		if !idByte(id[i]) {
			return invalid("id %q has %q, which is none of A-Z a-z 0-9 . _ ~ : @ -", id, id[i])
		}
	}
	return nil
}

// ValidCollection reports what is wrong with the name of a collection: names
// are 1 to 128 bytes of A-Z a-z 0-9 . _ - The error is modelspec.ErrInvalid.
func ValidCollection(name string) error { return validName("collection", name) }

func validName(what, name string) error {
	if n := len(name); n == 0 || n > MaxName {
		return invalid("%s %.40q has %d bytes, not 1 to %d", what, name, n, MaxName)
	}
	for i := range len(name) {
		if c := name[i]; !idByte(c) || c == '~' || c == ':' || c == '@' {
			return invalid("%s %q has %q, which is none of A-Z a-z 0-9 . _ -", what, name, c)
		}
	}
	return nil
}

func idByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 'A' && c <= 'Z':
		return true
	}
	return c == '-' || c == '_' || c == '.' || c == '~' || c == ':' || c == '@'
}

// Prepare checks what every driver checks of a document before it stores it,
// and brings d into the shape in which all drivers return it: Format is set,
// times are UTC, and a tombstone has no index entries. Drivers call it first
// in Put. It does not look into Data and Meta. The error is
// modelspec.ErrInvalid and says which member is wrong: nothing was stored.
func Prepare(d *Document) error {
	if err := ValidID(d.ID); err != nil {
		return err
	}
	if d.Revision < 1 {
		return invalid("document %s has revision %d: the first is 1", d.ID, d.Revision)
	}
	if d.Format < 0 || d.Schema < 0 {
		return invalid("document %s has format %d and schema %d: neither is negative", d.ID, d.Format, d.Schema)
	}
	if d.Format == 0 {
		d.Format = Format
	}
	if d.Gone {
		d.Index = nil
	}
	if err := validText(d); err != nil {
		return err
	}
	if err := validIndex(d); err != nil {
		return err
	}
	return prepareTimes(d)
}

// validText keeps what is not UTF-8 out of the envelope: JSON would change it.
func validText(d *Document) error {
	if len(d.Inc) > MaxName || len(d.By) > MaxName || len(d.Claim.Host) > MaxKey {
		return invalid("document %s: inc and by have at most %d bytes, claim.host %d", d.ID, MaxName, MaxKey)
	}
	if !utf8.ValidString(d.Inc) || !utf8.ValidString(d.By) || !utf8.ValidString(d.Claim.Host) {
		return invalid("document %s: inc, by or claim.host is not UTF-8", d.ID)
	}
	return nil
}

func validIndex(d *Document) error {
	if n := len(d.Index); n > MaxIndex {
		return invalid("document %s has %d index entries, more than %d", d.ID, n, MaxIndex)
	}
	for i := range d.Index {
		e := &d.Index[i]
		if err := validName("index", e.Name); err != nil {
			return err
		}
		if n := len(e.Key); n > MaxKey {
			return invalid("document %s: a key of index %s has %d bytes, more than %d", d.ID, e.Name, n, MaxKey)
		}
	}
	return nil
}

// Due is ordered by its Unix nanoseconds, which is what int64 bounds; the
// other times are bounded by RFC 3339.
var (
	minDue = time.Unix(0, -1<<63+1)
	maxDue = time.Unix(0, 1<<63-1)
)

func prepareTimes(d *Document) error {
	if !d.Due.IsZero() && (d.Due.Before(minDue) || d.Due.After(maxDue)) {
		return invalid("document %s is due in the year %d: years from 1678 to 2261 can be stored", d.ID, d.Due.Year())
	}
	for _, t := range [...]*time.Time{&d.Created, &d.Updated, &d.Due, &d.Claim.Until} {
		if t.IsZero() {
			*t = time.Time{}
			continue
		}
		*t = t.Round(0).UTC() // Round drops the monotonic reading, which no disk keeps
		if y := t.Year(); y < 0 || y > 9999 {
			return invalid("document %s has a time in the year %d: years from 0 to 9999 can be stored", d.ID, y)
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "datasource: " + fmt.Sprintf(format, args...)}
}
