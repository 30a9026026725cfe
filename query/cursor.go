package query

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/org/aegis/modelspec"
)

// cursorVersion is the first byte of a cursor.
const cursorVersion = 1

// Cursor returns what [Query].Cursor must be to go on behind the place: the
// place itself and a fingerprint of condition and order. Documents that come,
// go and change meanwhile shift nothing: whoever stands behind the place then is
// listed.
func (c *Compiled) Cursor(k Key) string {
	b := append([]byte{cursorVersion}, c.print[:]...)
	for _, s := range append(k.Sort[:len(k.Sort):len(k.Sort)], k.ID) {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// After returns the place behind which the query begins; ok is false where it
// begins at the beginning.
func (c *Compiled) After() (k Key, ok bool) {
	if c.query.Cursor == "" {
		return Key{}, false
	}
	k, err := c.resume(c.query.Cursor)
	return k, err == nil
}

func (c *Compiled) resume(text string) (k Key, err error) {
	foreign := checker{}
	foreign.fail("/__cursor", "is not of this list: begin again without it")
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(text) > MaxCursor || len(b) < 9 || b[0] != cursorVersion || string(b[1:9]) != string(c.print[:]) {
		return Key{}, foreign.err()
	}
	b = b[9:]
	for i := 0; i <= len(c.order); i++ {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return Key{}, foreign.err()
		}
		s := string(b[size : size+int(n)])
		if b = b[size+int(n):]; i < len(c.order) {
			k.Sort = append(k.Sort, s)
		} else {
			k.ID = s
		}
	}
	if len(b) > 0 || modelspec.CheckID(k.ID) != nil {
		return Key{}, foreign.err()
	}
	return k, nil
}
