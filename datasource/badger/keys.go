package badger

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/org/aegis/datasource"
)

// The layout of keys, see the package's documentation. Names have no byte
// below '-', so a zero byte ends them and no name is a prefix of another.
const (
	layoutKey = "\x00aegis"
	layout    = "1"

	kindDocument = 'd'
	kindDue      = 't'
	kindIndex    = 'i'
)

// prefix begins all keys of a kind of a collection.
func prefix(collection string, kind byte) []byte {
	return append(append([]byte(collection), 0), kind)
}

func (c *collection) documentKey(id string) []byte {
	b := make([]byte, 0, len(c.documents)+len(id))
	return append(append(b, c.documents...), id...)
}

// dueKey sorts as (nanos, id): big endian, with the sign turned.
func (c *collection) dueKey(nanos int64, id string) []byte {
	b := make([]byte, 0, len(c.dues)+8+len(id))
	b = append(b, c.dues...)
	return append(binary.BigEndian.AppendUint64(b, uint64(nanos)^1<<63), id...)
}

func (c *collection) parseDue(key []byte) (nanos int64, id string, ok bool) {
	rest, ok := bytes.CutPrefix(key, c.dues)
	if !ok || len(rest) < 8 {
		return 0, "", false
	}
	return int64(binary.BigEndian.Uint64(rest) ^ 1<<63), string(rest[8:]), true
}

// indexPrefix begins all keys of an index.
func (c *collection) indexPrefix(name string) []byte {
	b := make([]byte, 0, len(c.indexes)+len(name)+1)
	return append(append(append(b, c.indexes...), name...), 0)
}

// indexKey sorts as (key, id).
func (c *collection) indexKey(e *datasource.Entry, id string) []byte {
	return append(appendKey(c.indexPrefix(e.Name), e.Key), id...)
}

// appendKey writes key so that it sorts as before and ends where it ends: 00
// becomes 00 FF, and 00 01 is the end.
func appendKey(b []byte, key string) []byte {
	for {
		i := strings.IndexByte(key, 0)
		if i < 0 {
			return append(append(b, key...), 0, 1)
		}
		b = append(append(b, key[:i]...), 0, 0xff)
		key = key[i+1:]
	}
}

// parseKey is the inverse of appendKey, followed by an id.
func parseKey(b []byte) (key, id string, ok bool) {
	var out []byte
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 >= len(b) {
			return "", "", false
		}
		out = append(out, b[:i]...)
		switch b[i+1] {
		case 1:
			return string(out), string(b[i+2:]), true
		case 0xff:
			out = append(out, 0)
		default:
			return "", "", false
		}
		b = b[i+2:]
	}
}

// after is the first key behind all that begin with prefix. No prefix of ours
// ends in FF.
func after(prefix []byte) []byte {
	b := bytes.Clone(prefix)
	b[len(b)-1]++
	return b
}
