package aegis

import (
	"crypto/sha256"
	"encoding/hex"
)

// digest names what an artifact is: computed, never believed.
func digest(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	s := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(s[:])
}
