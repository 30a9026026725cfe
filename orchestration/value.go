package orchestration

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// value is a node with the way to it.
type value struct {
	*node
	path string
	c    *collector
}

func (v value) wrong(suggestion, format string, args ...any) {
	v.c.wrong(v.node, v.path, suggestion, format, args...)
}

// in is v with its mistakes told to another.
func (v value) in(c *collector) value { return value{v.node, v.path, c} }

// is reports whether v is of the kind, and says so if not.
func (v value) is(k kind, write string) bool {
	if v.kind == k {
		return true
	}
	v.wrong("", "it is %s: write %s", v.kind, write)
	return false
}

// fields gives each member to what reads it. A member that nobody reads is a
// mistake.
func (v value) fields(known map[string]func(value)) bool {
	if !v.is(object, "a mapping") {
		return false
	}
	v.members(func(m value, key *node) {
		read := known[key.text]
		if read == nil {
			m.node = key
			names := slices.Sorted(maps.Keys(known))
			near := nearest(key.text, names)
			if near == "" {
				m.wrong("", "no such key: write %s", listed(names))
				return
			}
			m.wrong(near, "no such key")
			return
		}
		read(m)
	})
	return true
}

// members gives each member and its key, in their order.
func (v value) members(f func(m value, key *node)) {
	for i, k := range v.keys {
		f(value{v.items[i], under(v.path, k.text), v.c}, k)
	}
}

// under is the path of a member.
func under(path, key string) string {
	plain := key != ""
	for i := range len(key) {
		if c := key[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			plain = false
		}
	}
	switch {
	case !plain:
		return path + "[" + strconv.Quote(clip(key, 64)) + "]"
	case path == "":
		return clip(key, 64)
	}
	return path + "." + clip(key, 64)
}

// each gives each element of a list.
func (v value) each(what string, f func(value)) {
	if !v.is(list, what) {
		return
	}
	for i, n := range v.items {
		f(value{n, v.path + "[" + strconv.Itoa(i) + "]", v.c})
	}
}

// word is text that is not empty.
func (v value) word() (string, bool) {
	if !v.is(text, "text") {
		return "", false
	}
	if v.text == "" {
		v.wrong("", "it is empty: write a name, or take it out")
	}
	return v.text, v.text != ""
}

func (v value) words() (out []string) {
	v.each("a list of names", func(e value) {
		if w, ok := e.word(); ok {
			out = append(out, w)
		}
	})
	return out
}

func (v value) flag() (on, ok bool) {
	return v.text == "true" || v.text == "True" || v.text == "TRUE", v.is(boolean, "true or false")
}

// most is the largest number that is understood.
const most = 1 << 31

// count is a whole number from 0.
func (v value) count() (int, bool) {
	if !v.is(number, "a number") {
		return 0, false
	}
	n, err := strconv.ParseUint(v.text, 10, 32)
	if err != nil || n > most {
		v.wrong("", "%s: write a whole number from 0 to %d", clip(v.text, 64), most)
		return 0, false
	}
	return int(n), true
}

var durations = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`)

// duration is as Go writes it.
func (v value) duration() (time.Duration, bool) {
	if v.kind != text && v.kind != number {
		v.wrong("", "it is %s: write a duration such as 90s, 5m or 1h30m", v.kind)
		return 0, false
	}
	d, err := time.ParseDuration(v.text)
	if v.kind != text || err != nil || !durations.MatchString(v.text) {
		v.wrong("", "%q is no duration: write it with its unit, such as 90s, 5m or 1h30m", clip(v.text, 64))
		return 0, false
	}
	return d, true
}

// json is v as JSON.
func (v value) json() ([]byte, bool) {
	var b bytes.Buffer
	ok := v.write(&b)
	return b.Bytes(), ok
}

func (v value) write(b *bytes.Buffer) bool {
	ok := true
	switch v.kind {
	case null:
		b.WriteString("null")
	case boolean:
		on, _ := v.flag()
		b.WriteString(strconv.FormatBool(on))
	case number:
		if !json.Valid([]byte(v.text)) {
			v.wrong("", "%s: write numbers as JSON does, or in quotes", clip(v.text, 64))
			return false
		}
		b.WriteString(v.text)
	case text:
		t, _ := json.Marshal(v.text)
		b.Write(t)
	case list:
		b.WriteByte('[')
		sep := ""
		v.each("", func(e value) {
			b.WriteString(sep)
			sep, ok = ",", e.write(b) && ok
		})
		b.WriteByte(']')
	case object:
		b.WriteByte('{')
		sep := ""
		v.members(func(m value, key *node) {
			t, _ := json.Marshal(key.text)
			b.WriteString(sep)
			b.Write(t)
			b.WriteByte(':')
			sep, ok = ",", m.write(b) && ok
		})
		b.WriteByte('}')
	}
	return ok
}

func listed(names []string) string {
	out := ""
	for i, n := range names {
		switch {
		case i > 0 && i == len(names)-1:
			out += " or "
		case i > 0:
			out += ", "
		}
		out += n
	}
	return out
}
