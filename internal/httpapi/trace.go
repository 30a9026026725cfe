package httpapi

import (
	"encoding/hex"
	"math/rand/v2"
)

// traceparent returns the valid W3C traceparent in header, or a new one
// (https://www.w3.org/TR/trace-context/#traceparent-header). Trace ids are no
// secret, so their randomness need not be either.
func traceparent(header string) string {
	if validTraceparent(header) {
		return header
	}
	var id [24]byte
	for i := 0; i < len(id); i += 8 {
		n := rand.Uint64() | 1 // never zero, which the format forbids
		for j := range 8 {
			id[i+j] = byte(n >> (8 * j))
		}
	}
	return "00-" + hex.EncodeToString(id[:16]) + "-" + hex.EncodeToString(id[16:]) + "-00"
}

// traceID returns the trace id of a traceparent.
func traceID(parent string) string { return parent[3:35] }

func validTraceparent(s string) bool {
	if len(s) < 55 || len(s) > 512 || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version := s[:2]
	if !isHex(version) || version == "ff" || version == "00" && len(s) != 55 || len(s) > 55 && s[55] != '-' {
		return false
	}
	for i := 55; i < len(s); i++ {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return isHex(s[3:35]) && !zeros(s[3:35]) && isHex(s[36:52]) && !zeros(s[36:52]) && isHex(s[53:55])
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func zeros(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}
