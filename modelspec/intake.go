package modelspec

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Accepts checks a value from somebody who may know more than s does: members
// that s does not know are left alone. The error is [ErrInvalid].
func (s *Schema) Accepts(v *Value) error {
	raw, err := v.JSON()
	if err != nil {
		return err
	}
	if err := CheckJSON(raw); err != nil {
		return err
	}
	if s == nil {
		return nil
	}
	k := checker{root: s}
	k.value(s, trim(raw), nil, false)
	return broken(k.fails)
}

// Input makes the input of a document of what an event says: its members that
// a caller may set. The others are left out.
func (s *Spec) Input(data *Value) (*Value, error) {
	all, err := memberMap(data)
	if err != nil {
		return nil, err
	}
	root := s.desc.Schema.inner(s.desc.Schema)
	for name := range all {
		p, known := root.Properties[name]
		if name == "id" || !known && len(root.Properties) > 0 || p != nil && p.ReadOnly {
			delete(all, name)
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return FromJSON(b), nil
}

// Merge puts the members of patch into doc, in place of its own.
func Merge(doc, patch *Value) (*Value, error) {
	all, err := memberMap(doc)
	if err != nil {
		return nil, err
	}
	more, err := memberMap(patch)
	if err != nil {
		return nil, err
	}
	for name, v := range more {
		all[name] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return FromJSON(b), nil
}

func memberMap(v *Value) (map[string]json.RawMessage, error) {
	raw, err := v.JSON()
	if err != nil {
		return nil, err
	}
	if err := CheckJSON(raw); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil || all == nil {
		return nil, &Error{Code: ErrInvalid, Message: "the data is no object"}
	}
	return all, nil
}

// TextAt reads the string, number or boolean at a JSON Pointer of v, as text.
// What is not there is "".
func TextAt(v *Value, pointer string) (string, error) {
	raw, err := v.JSON()
	if err != nil {
		return "", err
	}
	at := raw
	for seg := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		seg = strings.NewReplacer("~1", "/", "~0", "~").Replace(seg)
		next, err := child(at, seg)
		if err != nil || next == nil {
			return "", err
		}
		at = next
	}
	var text any
	d := json.NewDecoder(strings.NewReader(string(at)))
	d.UseNumber()
	if err := d.Decode(&text); err != nil {
		return "", &Error{Code: ErrInvalid, Message: "the value at " + pointer + " cannot be read"}
	}
	switch x := text.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	case bool:
		return strconv.FormatBool(x), nil
	}
	return "", &Error{Code: ErrInvalid, Message: "the value at " + pointer + " is neither text nor a number"}
}

// child is the member, or the element, of that name; nil if there is none.
func child(raw []byte, name string) ([]byte, error) {
	switch raw = trim(raw); {
	case len(raw) > 0 && raw[0] == '{':
		var all map[string]json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, &Error{Code: ErrInvalid, Message: "the data is no JSON"}
		}
		return all[name], nil
	case len(raw) > 0 && raw[0] == '[':
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, &Error{Code: ErrInvalid, Message: "the data is no JSON"}
		}
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(all) {
			return all[i], nil
		}
	}
	return nil, nil
}
