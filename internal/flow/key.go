package flow

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	mrand "math/rand/v2"
	"strconv"

	"github.com/org/aegis/modelspec"
)

// hashed makes a key of parts that cannot run into each other: each part is
// preceded by its length. 128 bits, in base64url.
func hashed(parts ...string) string {
	var buf [256]byte
	b := buf[:0]
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	h := sha256.Sum256(b)
	var out [22]byte
	base64.RawURLEncoding.Encode(out[:], h[:16])
	return string(out[:])
}

// principal is who a key belongs to: two callers never share one.
func principal(c *modelspec.Caller) string {
	switch {
	case c == nil:
		return ""
	case c.Tenant == "":
		return c.Subject
	}
	return c.Tenant + "\x00" + c.Subject
}

// newKey is the key of a command whose caller gave none.
func newKey() string { return rand.Text() }

// newInc is a fresh incarnation.
func newInc() string { return rand.Text()[:13] }

// nonce tells whose write a stored revision is. Its beginning names the
// process that made it.
func (e *Engine) nonce() string {
	var buf [40]byte
	return string(e.appendNonce(buf[:0]))
}

func (e *Engine) appendNonce(b []byte) []byte {
	return strconv.AppendUint(append(append(b, e.life...), '.'), mrand.Uint64(), 32)
}

// callKey is the key of the n-th call of a port by one command.
func (e *Engine) callKey(model, id, inc, who, command, port string, n int) string {
	return hashed("call", e.Namespace, model, id, inc, who, command, port, strconv.Itoa(n))
}

// stepKey is the key of the n-th run of a port in one flow.
func (e *Engine) stepKey(model, id, inc, flow, port string, n int) string {
	return hashed("step", e.Namespace, model, id, inc, flow, port, strconv.Itoa(n))
}

// flowID names the flow that a command began.
func (e *Engine) flowID(model, id, inc, who, command string) string {
	return hashed("flow", e.Namespace, model, id, inc, who, command)
}
