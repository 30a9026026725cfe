package httpapi

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
)

// shape is how documents of a model look to clients.
type shape struct {
	known map[string]bool // members of the schema; nil: all are shown
	own   map[string]bool // host members that the model defines itself
	tail  string          // ,"modelName":"order"
}

func newShape(d *modelspec.Descriptor) shape {
	s := shape{own: map[string]bool{}}
	root := resolve(d.Schema, d.Schema)
	if isClosed(root) {
		s.known = make(map[string]bool, len(root.Properties))
		for name := range root.Properties {
			s.known[name] = true
		}
	}
	for _, name := range hostMembers {
		s.own[name] = property(root, []byte(name)) != nil
	}
	if !s.own["modelName"] {
		s.tail = string(appendString([]byte(`,"modelName":`), d.Name))
	}
	return s
}

// hosts reports whether the member is the host's, and not the model's: id
// always is.
func (s *shape) hosts(name []byte) bool {
	switch string(name) {
	case "id":
		return true
	case hostMembers[0], hostMembers[1], hostMembers[2]:
		return !s.own[string(name)]
	}
	return false
}

// render appends e as clients see it: id, the members that the schema knows
// and that are not write-only, times and the model's name. What a later
// version of the model left in the document is not shown: this one cannot know
// whether it is a secret.
func (s *shape) render(b []byte, spec *modelspec.Spec, e flow.Entry) ([]byte, error) {
	raw, err := spec.Outward(e.Data)
	if err != nil {
		return nil, err
	}
	b = appendString(append(b, `{"id":`...), e.ID)
	m := scan(raw)
	for m.next() {
		if s.known != nil && !s.known[string(m.name)] || s.hosts(m.name) {
			continue
		}
		b = append(append(b, ','), m.key...)
		b = append(append(b, ':'), m.value...)
	}
	if m.err != nil {
		return nil, &modelspec.Error{Code: modelspec.ErrDataLoss, Message: "httpapi: show " + e.Model + " " + e.ID + ": " + m.err.Error()}
	}
	if !s.own["createTime"] {
		b = appendTime(b, `,"createTime":`, e.Created)
	}
	if !s.own["updateTime"] {
		b = appendTime(b, `,"updateTime":`, e.Updated)
	}
	return append(append(b, s.tail...), '}'), nil
}

func appendTime(b []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(append(b, key...), '"')
	return append(t.UTC().AppendFormat(b, time.RFC3339Nano), '"')
}

// appendString appends s as JSON.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			if err != nil { // cannot be: it is a string
				quoted = strconv.AppendQuoteToASCII(nil, "")
			}
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
