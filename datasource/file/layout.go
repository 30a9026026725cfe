package file

import (
	"bytes"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// maxLevels bounds how deep data is indented: deeper, it is mostly blanks.
const maxLevels = 64

// layOut writes an envelope, as datasource.Encode makes it, for people: a
// member a line, data and meta indented. What is indented stands behind a
// blank, ": ", and reading takes the white space out again. What has white
// space of its own, or is too deep, stands right behind its colon and is as it
// was given. An envelope that would become larger than any may be stays as it is.
func layOut(raw []byte) []byte {
	out := append(make([]byte, 0, len(raw)+len(raw)/2+64), "{\n"...)
	for i, m := range split(raw) {
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = append(out, "  "...)
		value := raw[m.value:m.end]
		switch name := string(raw[m.start:m.colon]); name {
		case `"format"`, `"id"`, `"inc"`, `"rev"`, `"by"`, `"created"`, `"updated"`, `"due"`, `"gone"`, `"schema"`, `"claim"`, `"index"`:
			out = append(append(append(out, name...), ": "...), value...)
		case `"data"`, `"meta"`:
			out = append(append(out, name...), ':')
			if dense(value) {
				out = indent(append(out, ' '), value, 1)
			} else {
				out = append(out, value...)
			}
		default:
			out = append(out, raw[m.start:m.end]...)
		}
		if len(out) > datasource.MaxSize-16 {
			return raw
		}
	}
	return append(out, "\n}\n"...)
}

// readBack is the document in the text of a file: as layOut or Encode wrote it,
// or a person, with any editor.
func readBack(text []byte) (datasource.Document, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	d, err := datasource.Decode(text)
	if err != nil {
		return d, err
	}
	for _, m := range split(text) {
		if text[m.value-1] == ':' {
			continue
		}
		switch string(text[m.start:m.colon]) {
		case `"data"`:
			d.Data = modelspec.FromJSON(compact(text[m.value:m.end]))
		case `"meta"`:
			d.Meta = modelspec.FromJSON(compact(text[m.value:m.end]))
		}
	}
	return d, nil
}

// span is a member of an object, by offsets: of its name in quotes, of what
// follows the name, of its value, and of its end.
type span struct{ start, colon, value, end int }

// split finds the members of an object that is known to be valid JSON.
func split(b []byte) (members []span) {
	i := skip(b, 0) + 1
	for {
		if i = skip(b, i); i >= len(b) || b[i] != '"' {
			return members
		}
		m := span{start: i}
		m.colon = pass(b, i)
		m.value = skip(b, skip(b, m.colon)+1)
		m.end = pass(b, m.value)
		members = append(members, m)
		if i = skip(b, m.end); i >= len(b) || b[i] != ',' {
			return members
		}
		i++
	}
}

// skip goes over white space.
func skip(b []byte, i int) int {
	for i < len(b) && blank(b[i]) {
		i++
	}
	return i
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// pass goes over the value that begins at i.
func pass(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			if i = passString(b, i); depth == 0 {
				return i
			}
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // a number or word ends where its object does
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || blank(c)):
			return i
		}
		i++
	}
	return i
}

func passString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// dense reports whether v has no white space outside of strings, so that
// compact undoes indent, and is not too deep.
func dense(v []byte) bool {
	depth := 0
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			i = passString(v, i) - 1
		case blank(c):
			return false
		case c == '{' || c == '[':
			if depth++; depth > maxLevels {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

// indent appends dense JSON with a line for each member and element. It gives
// up where the result is too large for anybody.
func indent(out, v []byte, level int) []byte {
	for i := 0; i < len(v) && len(out) <= datasource.MaxSize; i++ {
		switch c := v[i]; c {
		case '"':
			end := passString(v, i)
			out = append(out, v[i:end]...)
			i = end - 1
		case '{', '[':
			out = append(out, c)
			if v[i+1] == c+2 { // the closing one: nothing in it
				i++
				out = append(out, v[i])
				continue
			}
			level++
			out = newline(out, level)
		case '}', ']':
			level--
			out = append(newline(out, level), c)
		case ',':
			out = newline(append(out, c), level)
		case ':':
			out = append(out, ": "...)
		default:
			out = append(out, c)
		}
	}
	return out
}

func newline(out []byte, level int) []byte {
	out = append(out, '\n')
	for range level {
		out = append(out, "  "...)
	}
	return out
}

// compact takes the white space out of valid JSON. It changes nothing else.
func compact(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); {
		switch c := v[i]; {
		case c == '"':
			end := passString(v, i)
			out = append(out, v[i:end]...)
			i = end
		case blank(c):
			i++
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}
