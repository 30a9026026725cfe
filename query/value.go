package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is what a value is. Values of different kinds are never equal, and none
// is greater.
type kind byte

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindText
	kindTime
	kindObject
)

// typ is the type that a schema gives to the values of a path.
type typ byte

const (
	typAny typ = iota
	typBool
	typInt
	typNumber
	typText
	typTime
	typObject
)

var wants = [...]string{
	typAny: "a text, number, true, false or null is wanted", typBool: "true or false is wanted", typInt: "a whole number is wanted",
	typNumber: "a number is wanted", typText: "a text is wanted", typTime: "a time as in 2006-01-02T15:04:05Z is wanted",
	typObject: "it is an object: name a member of it",
}

// plain makes one of nil, bool, string, json.Number and time.Time of v.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case json.Number:
		if !isNumber(string(v)) {
			return nil, errors.New("it is no number of JSON")
		}
		return v, nil
	case time.Time:
		return v, nil
	}
	switch r := reflect.ValueOf(v); {
	case r.Kind() == reflect.Bool:
		return r.Bool(), nil
	case r.Kind() == reflect.String:
		return r.String(), nil
	case r.CanInt():
		return json.Number(strconv.FormatInt(r.Int(), 10)), nil
	case r.CanUint():
		return json.Number(strconv.FormatUint(r.Uint(), 10)), nil
	case r.CanFloat():
		if f := r.Float(); math.IsInf(f, 0) || math.IsNaN(f) {
			return nil, errors.New("it is no finite number")
		}
		return json.Number(strconv.FormatFloat(r.Float(), 'g', -1, r.Type().Bits())), nil
	}
	return nil, fmt.Errorf("a %T is no value of a query", v)
}

// fit makes v one that members of the type are compared with: nil, bool,
// json.Number, string or time.Time.
func (t typ) fit(v any) (any, error) {
	v, err := plain(v)
	if err != nil {
		return nil, err
	}
	wrong := errors.New(wants[t])
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if t != typBool && t != typAny {
			return nil, wrong
		}
		return v, nil
	case json.Number:
		d := decimalOf(string(v))
		if t != typNumber && t != typAny && t != typInt || t == typInt && !d.whole() {
			return nil, wrong
		}
		return json.Number(d.String()), nil
	case time.Time:
		if v = v.UTC(); t == typTime {
			if !writable(v) {
				return nil, wrong
			}
			return v, nil
		}
		if t == typAny {
			return timeText(v), nil
		}
		return nil, wrong
	case string:
		return t.fitText(v, wrong)
	}
	return nil, wrong
}

// writable reports whether a time can be written as RFC 3339 in UTC.
func writable(t time.Time) bool { y := t.UTC().Year(); return y >= 0 && y <= 9999 }

func (t typ) fitText(s string, wrong error) (any, error) {
	switch {
	case !utf8.ValidString(s):
		return nil, errors.New("it is no UTF-8")
	case t == typText, t == typAny:
		return s, nil
	case t == typTime:
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil && writable(at) {
			return at.UTC(), nil
		}
	}
	return nil, wrong
}

// parse reads a value from the text of a URL.
func (t typ) parse(s string) (any, error) {
	switch t {
	case typBool:
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case typInt, typNumber:
		if isNumber(s) {
			return t.fit(json.Number(s))
		}
	case typText, typTime:
		return t.fitText(s, errors.New(wants[t]))
	case typAny:
		return t.fit(guess(s))
	}
	return nil, errors.New(wants[t])
}

// guess reads a value of no known type: as JSON where it is a number, true,
// false, null or a quoted text, else as it stands.
func guess(s string) any {
	switch {
	case s == "null":
		return nil
	case s == "true", s == "false":
		return s == "true"
	case isNumber(s):
		return json.Number(s)
	case strings.HasPrefix(s, `"`):
		var text string
		if json.Unmarshal([]byte(s), &text) == nil {
			return text
		}
	}
	return s
}

// isNumber reports whether s is a number of JSON.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && s[0]-'0' > 9 {
		return false
	}
	return json.Valid([]byte(s)) && s[len(s)-1]-'0' <= 9
}

// operand is a value, ready to be compared with.
type operand struct {
	kind kind
	is   bool
	text []byte
	num  number
	at   time.Time
}

// operandOf takes what fit returns.
func operandOf(v any) operand {
	switch v := v.(type) {
	case bool:
		return operand{kind: kindBool, is: v}
	case json.Number:
		return operand{kind: kindNumber, num: numberOf(string(v))}
	case string:
		return operand{kind: kindText, text: []byte(v)}
	case time.Time:
		return operand{kind: kindTime, at: v}
	}
	return operand{}
}
