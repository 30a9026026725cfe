package modelspec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxFields is how many broken rules one error lists.
const maxFields = 32

// The rules, as FieldError names them.
const (
	ruleRequired  = "required"
	ruleImmutable = "immutable"
	ruleReadonly  = "readonly"
	ruleUnknown   = "unknown"
	ruleType      = "type"
	ruleMin       = "min"
	ruleMax       = "max"
	ruleMinlen    = "minlen"
	ruleMaxlen    = "maxlen"
	ruleOneof     = "oneof"
	ruleFormat    = "format"
)

// broken is the error of rules that do not hold, or nil.
func broken(fields []FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Code: ErrInvalid, Message: "invalid", Fields: fields[:min(len(fields), maxFields)]}
}

// The checks below return the rule that is broken and what would mend it, at
// no pointer, or nothing. Native and JSON rules share them.

func missing() FieldError { return FieldError{Rule: ruleRequired, Detail: "must be given"} }
func frozen() FieldError {
	return FieldError{Rule: ruleImmutable, Detail: "was set before and cannot change"}
}
func hostOnly() FieldError {
	return FieldError{Rule: ruleReadonly, Detail: "is set by the model: leave it as it is"}
}

// limits are the rules of one value's size.
type limits struct {
	min, max       *float64
	minlen, maxlen *int
	unit           string // of the lengths
}

func (l *limits) number(n float64) (FieldError, bool) {
	switch {
	case l.min != nil && n < *l.min:
		return FieldError{Rule: ruleMin, Detail: "must be at least " + plainNumber(*l.min)}, false
	case l.max != nil && n > *l.max:
		return FieldError{Rule: ruleMax, Detail: "must be at most " + plainNumber(*l.max)}, false
	}
	return FieldError{}, true
}

// count writes "1 element" and "2 elements".
func count(n int, unit string) string {
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return strconv.Itoa(n) + " " + unit
}

func plainNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (l *limits) length(n int) (FieldError, bool) {
	switch {
	case l.minlen != nil && n < *l.minlen:
		return FieldError{Rule: ruleMinlen, Detail: "must have at least " + count(*l.minlen, l.unit)}, false
	case l.maxlen != nil && n > *l.maxlen:
		return FieldError{Rule: ruleMaxlen, Detail: "must have at most " + count(*l.maxlen, l.unit)}, false
	}
	return FieldError{}, true
}

// text counts the characters of s, as JSON Schema does, if it has to.
func (l *limits) text(s string) (FieldError, bool) {
	if l.minlen == nil && l.maxlen == nil {
		return FieldError{}, true
	}
	return l.length(utf8.RuneCountInString(s))
}

func notOneOf(values []any) FieldError {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		if v == "" {
			v = `""`
		}
		fmt.Fprint(&b, v)
	}
	return FieldError{Rule: ruleOneof, Detail: "must be one of " + b.String()}
}

// formatted reports whether s, if it is not empty, has the format. Formats that
// are not checked are hints.
func formatted(format, s string) bool {
	if s == "" {
		return true
	}
	switch format {
	case "email":
		user, host, ok := strings.Cut(s, "@")
		return ok && user != "" && host != "" && len(s) <= 254 && !strings.ContainsAny(s, " \t\r\n<>\"(),:;[]\\") && !strings.Contains(host, "@") &&
			!strings.HasPrefix(host, ".") && !strings.HasSuffix(host, ".") && !strings.Contains(host, "..")
	case "uuid":
		return isUUID(s)
	case "uri":
		return isURI(s)
	case "date-time":
		_, err := time.Parse(time.RFC3339Nano, s)
		return err == nil
	}
	return true
}

// isUUID knows the form of RFC 9562, section 4.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash {
			if s[i] != '-' {
				return false
			}
		} else if c := s[i]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// isURI asks for a scheme and a rest of characters that RFC 3986 allows.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" || scheme == "" || scheme[0]|0x20 < 'a' || scheme[0]|0x20 > 'z' {
		return false
	}
	for _, c := range scheme {
		if !(c < utf8.RuneSelf && (c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("+-.", c))) {
			return false
		}
	}
	for _, c := range rest {
		if c <= ' ' || c >= 0x7F || strings.ContainsRune("<>\"{}|\\^`", c) {
			return false
		}
	}
	return true
}

func badFormat(format string) FieldError {
	return FieldError{Rule: ruleFormat, Detail: "must be a valid " + format}
}

// unknown suggests what may have been meant.
func unknown(name string, s *Schema) FieldError {
	known := make([]string, 0, len(s.Properties))
	for k := range s.Properties {
		known = append(known, k)
	}
	slices.Sort(known)
	return FieldError{Rule: ruleUnknown, Detail: "there is no such member" + meant(name, known)}
}
