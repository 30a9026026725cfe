package httpapi

import (
	"errors"
	"net/http"
)

// maxKey is how long an idempotency key may be.
const maxKey = 255

var errKey = errors.New("Idempotency-Key must be one value of 1 to 255 visible ASCII characters, bare or in double quotes")

// idempotencyKey reads the header Idempotency-Key: a bare token, or the quoted
// string that draft-ietf-httpapi-idempotency-key-header asks for. Both forms
// of one key are the same key. No header is no key.
func idempotencyKey(h http.Header) (string, error) {
	values, ok := h["Idempotency-Key"]
	if !ok {
		return "", nil
	}
	if len(values) != 1 {
		return "", errKey
	}
	return parseKey(values[0])
}

func parseKey(s string) (string, error) {
	if s == "" || len(s) > 2*maxKey+2 {
		return "", errKey
	}
	if s[0] == '"' {
		var ok bool
		if s, ok = unquoteKey(s); !ok {
			return "", errKey
		}
	}
	if s == "" || len(s) > maxKey {
		return "", errKey
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return "", errKey
		}
	}
	return s, nil
}

// unquoteKey reads an sf-string (RFC 8941, section 3.3.3).
func unquoteKey(s string) (string, bool) {
	if len(s) < 2 || s[len(s)-1] != '"' {
		return "", false
	}
	s = s[1 : len(s)-1]
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return "", false
		case '\\':
			i++
			if i == len(s) || s[i] != '"' && s[i] != '\\' {
				return "", false
			}
			out = append(out, s[i])
		default:
			out = append(out, c)
		}
	}
	return string(out), true
}
