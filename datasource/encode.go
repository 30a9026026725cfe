package datasource

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/org/aegis/modelspec"
)

// Encode returns the envelope of d as JSON: see the package's documentation
// for its format. Members that a newer version wrote and [Decode] kept come
// last, byte for byte. What Decode would refuse is refused here too, so that
// nothing is stored that cannot be read: modelspec.ErrInvalid, or
// modelspec.ErrExhausted for more than [MaxSize] bytes.
func Encode(d Document) ([]byte, error) {
	if err := Prepare(&d); err != nil {
		return nil, err
	}
	data, err := rawOf(d.ID, "data", d.Data)
	if err != nil {
		return nil, err
	}
	meta, err := rawOf(d.ID, "meta", d.Meta)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, headSize(&d)+len(data)+len(meta)+len(d.extra))
	b = appendHead(b, &d)
	if len(d.Index) > 0 {
		b = appendIndex(append(b, `,"index":`...), d.Index)
	}
	if data != nil {
		b = append(append(b, `,"data":`...), data...)
	}
	if meta != nil {
		b = append(append(b, `,"meta":`...), meta...)
	}
	b = append(append(b, d.extra...), '}')
	if len(b) > MaxSize {
		return nil, &modelspec.Error{Code: modelspec.ErrExhausted, NotSent: true,
			Message: fmt.Sprintf("datasource: encode document %s: it has %d bytes, more than %d: split it", d.ID, len(b), MaxSize)}
	}
	return b, nil
}

// rawOf is v's JSON, checked: a Value made by FromJSON may hold anything.
func rawOf(id, member string, v *modelspec.Value) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	raw, err := v.JSON()
	if err != nil {
		return nil, fmt.Errorf("datasource: encode document %s: %s: %w", id, member, err)
	}
	s := scanner{b: raw}
	if s.only() != nil {
		return nil, invalid("encode document %s: %s is not JSON: %s", id, member, s.err)
	}
	return raw, nil
}

// headSize is about how much room all but data, meta and extra needs.
func headSize(d *Document) int {
	n := 280 + len(d.ID) + len(d.Inc) + len(d.By) + len(d.Claim.Host)
	for i := range d.Index {
		n += 32 + len(d.Index[i].Name) + len(d.Index[i].Key)*2
	}
	return n
}

func appendHead(b []byte, d *Document) []byte {
	b = strconv.AppendInt(append(b, `{"format":`...), int64(d.Format), 10)
	b = append(append(append(b, `,"id":"`...), d.ID...), '"') // an id needs no escapes
	b = appendMember(b, `,"inc":`, d.Inc)
	b = strconv.AppendInt(append(b, `,"rev":`...), d.Revision, 10)
	b = appendMember(b, `,"by":`, d.By)
	b = appendTime(b, `,"created":"`, d.Created)
	b = appendTime(b, `,"updated":"`, d.Updated)
	b = appendTime(b, `,"due":"`, d.Due)
	if d.Gone {
		b = append(b, `,"gone":true`...)
	}
	if d.Schema != 0 {
		b = strconv.AppendInt(append(b, `,"schema":`...), int64(d.Schema), 10)
	}
	if d.Claim != (Claim{}) {
		b = appendClaim(append(b, `,"claim":`...), d.Claim)
	}
	return b
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return append(t.AppendFormat(append(b, name...), time.RFC3339Nano), '"')
}

func appendClaim(b []byte, c Claim) []byte {
	n := len(b)
	b = appendMember(b, `,"host":`, c.Host)
	if c.Epoch != 0 {
		b = strconv.AppendInt(append(b, `,"epoch":`...), c.Epoch, 10)
	}
	b = appendTime(b, `,"until":"`, c.Until)
	b[n] = '{' // in place of the first comma
	return append(b, '}')
}

// appendIndex writes a key that is not UTF-8 as base64: JSON has no bytes.
func appendIndex(b []byte, index []Entry) []byte {
	n := len(b)
	for i := range index {
		e := &index[i]
		b = appendString(append(b, `,{"name":`...), e.Name)
		if utf8.ValidString(e.Key) {
			b = appendString(append(b, `,"key":`...), e.Key)
		} else {
			b = append(b, `,"bytes":"`...)
			b = append(base64.StdEncoding.AppendEncode(b, []byte(e.Key)), '"')
		}
		if e.Unique {
			b = append(b, `,"unique":true`...)
		}
		b = append(b, '}')
	}
	b[n] = '[' // in place of the first comma
	return append(b, ']')
}

// appendString writes valid UTF-8 as a JSON string, escaping what must be.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		} else {
			b = append(b, '\\', c)
		}
		from = i + 1
	}
	return append(append(b, s[from:]...), '"')
}
