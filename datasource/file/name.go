package file

import (
	"path"
	"strings"

	"github.com/org/aegis/datasource"
)

const (
	suffix     = ".json"
	tempPrefix = ".new." // no document's file begins with a dot
)

// Path is where a document is, below Config.Dir and with slashes: for who
// looks for a file, or makes one. It does not say whether there is one, and
// whether the names are any that a driver takes.
func Path(collection, id string) string { return path.Join(escape(collection), escape(id)+suffix) }

// escape makes of an id or the name of a collection the name of a file that
// every file system takes and keeps apart from all others:
//
//	a capital letter   is written small; which they were is said at the end, after "=", by a
//	                   bit per letter, the first one highest, five to a digit of 0-9 a-v
//	:                  is written +
//	.                  is written , in the first and the last place
//	con, aux, com1...  (also before a dot) is written %con: on Windows they are devices
//
// It has at most 28 bytes more than name.
func escape(name string) string {
	out := make([]byte, 0, len(name)+28)
	if device(name) {
		out = append(out, '%')
	}
	capital := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c, capital = c+'a'-'A', true
		case c == ':':
			c = '+'
		case c == '.' && (i == 0 || i == len(name)-1):
			c = ','
		}
		out = append(out, c)
	}
	if capital {
		out = appendCapitals(append(out, '='), name)
	}
	return string(out)
}

const digits = "0123456789abcdefghijklmnopqrstuv"

// appendCapitals ends with the last digit that is not 0.
func appendCapitals(out []byte, name string) []byte {
	end := len(out)
	for i := 0; i < len(name); i += 5 {
		bits := 0
		for j := range 5 {
			bits <<= 1
			if i+j < len(name) && name[i+j] >= 'A' && name[i+j] <= 'Z' {
				bits |= 1
			}
		}
		if out = append(out, digits[bits]); bits != 0 {
			end = len(out)
		}
	}
	return out[:end]
}

// unescape is the reverse of escape; it reports false for what escape does not
// write.
func unescape(file string) (string, bool) {
	text, capitals, _ := strings.Cut(strings.TrimPrefix(file, "%"), "=")
	name := []byte(text)
	for i := range name {
		switch c := &name[i]; {
		case *c == '+':
			*c = ':'
		case *c == ',':
			*c = '.'
		case isCapital(capitals, i) && *c >= 'a' && *c <= 'z':
			*c -= 'a' - 'A'
		}
	}
	return string(name), escape(string(name)) == file
}

func isCapital(capitals string, i int) bool {
	if i/5 >= len(capitals) {
		return false
	}
	bits := strings.IndexByte(digits, capitals[i/5])
	return bits >= 0 && bits>>(4-i%5)&1 == 1
}

// device reports whether Windows takes name for one of its devices.
func device(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	if len(base) != 3 && len(base) != 4 {
		return false
	}
	switch base = strings.ToLower(base); base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && base[3] >= '0' && base[3] <= '9' && (base[:3] == "com" || base[:3] == "lpt")
}

func fileName(id string) string { return escape(id) + suffix }

// idOf is the id of the document in that file. ours reports whether it is a
// file for this package at all: others may lie about, as editors leave them.
func idOf(file string) (id string, ours, ok bool) {
	text, ours := strings.CutSuffix(file, suffix)
	if !ours || strings.HasPrefix(file, ".") {
		return "", false, false
	}
	id, ok = unescape(text)
	return id, true, ok && datasource.ValidID(id) == nil
}
