package wasm

import (
	"fmt"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// reader walks the binary format. The first failure sticks: from then on every
// read returns zero and more is false, so that callers check once at the end.
// https://webassembly.github.io/spec/core/binary/index.html
type reader struct {
	b   []byte // the whole module, so that offsets are those a reader of the file sees
	off int
	end int
	err *modelspec.Error
}

// fail records the first failure, at the offset at.
func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = invalid("module byte 0x%x: %s", at, fmt.Sprintf(format, args...))
	}
	r.off = r.end
}

func (r *reader) left() int { return r.end - r.off }

// more reports whether there are bytes left and nothing has failed.
func (r *reader) more() bool { return r.err == nil && r.off < r.end }

func (r *reader) byte(what string) byte {
	if r.left() < 1 {
		r.fail(r.off, "%s is cut off", what)
		return 0
	}
	r.off++
	return r.b[r.off-1]
}

func (r *reader) bytes(n uint32, what string) []byte {
	if uint64(n) > uint64(r.left()) {
		r.fail(r.off, "%s says %d bytes, but %d are left", what, n, r.left())
		return nil
	}
	r.off += int(n)
	return r.b[r.off-int(n) : r.off]
}

// u32 reads an unsigned LEB128 of at most 5 bytes.
func (r *reader) u32(what string) uint32 {
	at := r.off
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte(what)
		if r.err != nil {
			return 0
		}
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.fail(at, "%s is no 32-bit number", what)
	return 0
}

// skipLEB skips a signed LEB128 of at most n bytes. Its value does not matter
// here; that its last byte is in range is checked by the compiler.
func (r *reader) skipLEB(n int, what string) {
	at := r.off
	for range n {
		if c := r.byte(what); c < 0x80 {
			return
		}
	}
	r.fail(at, "%s is too long", what)
}

// count reads the length of a vector whose entries take at least size bytes
// each. It is what keeps an announced count from becoming an allocation.
func (r *reader) count(what string, size, limit int) int {
	at := r.off
	n := r.u32("count of " + what)
	switch {
	case r.err != nil:
		return 0
	case uint64(n)*uint64(size) > uint64(r.left()):
		r.fail(at, "%d %s announced, but %d bytes are left", n, what, r.left())
		return 0
	case uint64(n) > uint64(limit):
		r.fail(at, "%d %s, at most %d are allowed", n, what, limit)
		return 0
	}
	return int(n)
}

func (r *reader) name(what string) string {
	at := r.off
	b := r.bytes(r.u32("length of "+what), what)
	if !utf8.Valid(b) {
		r.fail(at, "%s is not UTF-8", what)
		return ""
	}
	return string(b)
}

// invalid makes the error of a module or setting that is wrong in itself.
func invalid(format string, args ...any) *modelspec.Error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "wasm: " + fmt.Sprintf(format, args...)}
}
