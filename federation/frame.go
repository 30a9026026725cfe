package federation

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// Frames are the JSON of modelspec.Call, Reply and Effect, written and read by
// hand because every call to a guest pays for them twice: what a Value holds
// is spliced in as it is, and comes out as a part of the frame.

// appendCall appends c. Its members come in the order of the Go type, and Arg,
// which is the largest, last.
func appendCall(b []byte, c *modelspec.Call) (_ []byte, err error) {
	b = appendString(append(b, `{"op":`...), string(c.Op))
	b = appendText(b, `,"model":`, c.Model)
	b = appendText(b, `,"port":`, c.Port)
	b = appendText(b, `,"id":`, c.ID)
	b = appendText(b, `,"key":`, c.Key)
	b = appendText(b, `,"undoes":`, c.Undoes)
	if b, err = appendTime(b, `,"now":`, c.Now); err != nil {
		return nil, err
	}
	if b, err = appendTime(b, `,"deadline":`, c.Deadline); err != nil {
		return nil, err
	}
	if b, err = appendCaller(b, c.Caller); err != nil {
		return nil, err
	}
	b = appendText(b, `,"trace":`, c.Trace)
	b = appendText(b, `,"cause":`, c.Cause)
	for _, m := range [...]struct {
		name string
		v    *modelspec.Value
	}{{`,"doc":`, c.Doc}, {`,"prev":`, c.Prev}, {`,"answer":`, c.Answer}, {`,"arg":`, c.Arg}} {
		if b, err = appendValue(b, m.name, m.v); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// sizeOfCall is about how long the frame of c is, so that it is made at once.
func sizeOfCall(c *modelspec.Call) int {
	n := 256 + len(c.Model) + len(c.Port) + len(c.ID) + len(c.Key) + len(c.Undoes) + len(c.Trace) + len(c.Cause)
	for _, v := range [...]*modelspec.Value{c.Doc, c.Prev, c.Answer, c.Arg} {
		if v != nil {
			raw, _ := v.JSON() // remembered; appendCall reports its error
			n += 16 + len(raw)
		}
	}
	return n
}

func appendReply(b []byte, r *modelspec.Reply) (_ []byte, err error) {
	start := len(b)
	if b, err = appendValue(b, `,"doc":`, r.Doc); err != nil {
		return nil, err
	}
	if b, err = appendValue(b, `,"result":`, r.Result); err != nil {
		return nil, err
	}
	if r.Error != nil {
		b = appendError(append(b, `,"error":`...), r.Error)
	}
	return closeObject(b, start), nil
}

func appendEffect(b []byte, e *modelspec.Effect) ([]byte, error) {
	b = appendString(append(b, `{"verb":`...), string(e.Verb))
	b = appendString(append(b, `,"target":`...), e.Target)
	b = appendText(b, `,"key":`, e.Key)
	b, err := appendValue(b, `,"arg":`, e.Arg)
	if err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

func appendError(b []byte, e *modelspec.Error) []byte {
	b = appendString(append(b, `{"code":`...), string(e.Code))
	b = appendText(b, `,"message":`, e.Message)
	for i, f := range e.Fields {
		if i == 0 {
			b = append(b, `,"fields":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"pointer":`...), f.Pointer)
		b = appendString(append(b, `,"rule":`...), f.Rule)
		b = append(appendText(b, `,"detail":`, f.Detail), '}')
	}
	if len(e.Fields) > 0 {
		b = append(b, ']')
	}
	if e.NotSent {
		b = append(b, `,"notSent":true`...)
	}
	return append(b, '}')
}

func appendCaller(b []byte, c *modelspec.Caller) ([]byte, error) {
	if c == nil {
		return b, nil
	}
	b = append(b, `,"caller":`...)
	start := len(b)
	b = appendText(b, `,"subject":`, c.Subject)
	b = appendText(b, `,"tenant":`, c.Tenant)
	if len(c.Claims) > 0 {
		claims, err := json.Marshal(c.Claims)
		if err != nil {
			return nil, invalid("claims of the caller: %v", err)
		}
		b = append(append(b, `,"claims":`...), claims...)
	}
	return closeObject(b, start), nil
}

// closeObject makes an object of the members from start on, each of which
// begins with a comma.
func closeObject(b []byte, start int) []byte {
	if len(b) == start {
		return append(b, `{}`...)
	}
	b[start] = '{'
	return append(b, '}')
}

func appendValue(b []byte, name string, v *modelspec.Value) ([]byte, error) {
	if v == nil {
		return b, nil
	}
	raw, err := v.JSON()
	if err != nil {
		return nil, err
	}
	b = append(b, name...)
	if len(raw) == 0 {
		return append(b, "null"...), nil
	}
	return append(b, raw...), nil
}

func appendTime(b []byte, name string, t time.Time) ([]byte, error) {
	if t.IsZero() {
		return b, nil
	}
	b, err := t.AppendText(append(append(b, name...), '"'))
	if err != nil {
		return nil, invalid("time %s: %v", t, err)
	}
	return append(b, '"'), nil
}

func appendText(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendString(append(b, name...), s)
}

// appendString appends s in quotes. What is not UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		n := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, n = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
		}
		b = append(b, s[from:i]...)
		b = appendEscape(b, c)
		i += n
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

const hex = "0123456789abcdef"

func appendEscape(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c < 0x20:
		return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(b, `\ufffd`...)
}
