package flow

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash/maphash"
	"time"

	"github.com/org/aegis/modelspec"
)

// Receipt remembers the answer to a command: asked again by the same principal
// under the same key, it is answered with Result or Error and nothing is done.
type Receipt struct {
	Principal string
	Key       string
	Port      string
	Time      time.Time
	Result    *modelspec.Value
	Error     *Fault // it acted, failed and was taken back

	arg    *modelspec.Value // what digest is of
	digest string
}

// Digest identifies the command's argument. It is computed when first needed:
// a native argument meets no JSON before.
func (r *Receipt) Digest() string {
	if r.digest == "" && r.arg != nil {
		return digestOf(r.arg)
	}
	return r.digest
}

func digestOf(v *modelspec.Value) string {
	b, err := v.JSON()
	if err != nil {
		return "unreadable"
	}
	h := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(h[:12])
}

// same fails with ErrInvalid unless the command is the one r answers.
func (r *Receipt) same(port string, arg *modelspec.Value) error {
	if r.Port != port {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the idempotency key was used for " + r.Port + ": take a new key for another command"}
	}
	if r.Digest() != digestOf(arg) {
		return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "the idempotency key was used with another argument: take a new key for another command"}
	}
	return nil
}

// Receipts is an immutable list, newest first: adding one copies nothing but
// some sums. It is read for every command with a key, nearly always to find
// that there is none, and must not touch each receipt for that: a node holds
// the sums of its block, which is all that is looked at.
type Receipts struct {
	Receipt
	next  *Receipts
	n     int
	sums  [receiptBlock]uint32 // of the receipts of the block up to this one, oldest first
	older *Receipts            // the last of the block before
}

// receiptBlock is how many receipts share a look: their sums fill a cache line.
const receiptBlock = 16

// sums differ from process to process, so that nobody can choose keys that
// collide.
var sumSeed = maphash.MakeSeed()

func sumOf(key string) uint32 { return uint32(maphash.String(sumSeed, key)) }

func (l *Receipts) add(r Receipt) *Receipts {
	n := &Receipts{Receipt: r, next: l, n: 1}
	if l != nil {
		n.n += l.n
	}
	at := (n.n - 1) % receiptBlock
	if at == 0 {
		n.older = l
	} else {
		n.sums, n.older = l.sums, l.older
	}
	n.sums[at] = sumOf(r.Key)
	return n
}

func (l *Receipts) len() int {
	if l == nil {
		return 0
	}
	return l.n
}

func (l *Receipts) find(principal, key string) *Receipt {
	for sum := sumOf(key); l != nil; l = l.older {
		last := (l.n - 1) % receiptBlock
		for at := last; at >= 0; at-- {
			if l.sums[at] != sum {
				continue
			}
			r := l
			for range last - at {
				r = r.next
			}
			if r.Key == key && r.Principal == principal {
				return &r.Receipt
			}
		}
	}
	return nil
}

// only keeps the receipts of one port. A document that is made again keeps
// those of its deletions: asked once more, they must not delete the new one.
func (l *Receipts) only(port string) (out *Receipts) {
	var rs []Receipt
	for ; l != nil; l = l.next {
		if l.Port == port {
			rs = append(rs, l.Receipt)
		}
	}
	for i := len(rs) - 1; i >= 0; i-- {
		out = out.add(rs[i])
	}
	return out
}

// cut splits l into its newest n and the rest.
func (l *Receipts) cut(n int) (young, old *Receipts) {
	var rs []Receipt
	for ; l != nil && len(rs) < n; l = l.next {
		rs = append(rs, l.Receipt)
	}
	for i := len(rs) - 1; i >= 0; i-- {
		young = young.add(rs[i])
	}
	return young, l
}

type storedReceipt struct {
	Principal string           `json:"principal,omitempty"`
	Key       string           `json:"key"`
	Port      string           `json:"port"`
	Digest    string           `json:"digest"`
	Time      time.Time        `json:"time"`
	Result    *modelspec.Value `json:"result,omitempty"`
	Error     *Fault           `json:"error,omitempty"`
}

// MarshalJSON writes the receipt with its digest.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedReceipt{r.Principal, r.Key, r.Port, r.Digest(), r.Time, r.Result, r.Error})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Receipt) UnmarshalJSON(b []byte) error {
	var s storedReceipt
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*r = Receipt{Principal: s.Principal, Key: s.Key, Port: s.Port, Time: s.Time, Result: s.Result, Error: s.Error, digest: s.Digest}
	return nil
}

// MarshalJSON writes an array, newest first.
func (l *Receipts) MarshalJSON() ([]byte, error) {
	rs := make([]Receipt, 0, l.len())
	for ; l != nil; l = l.next {
		rs = append(rs, l.Receipt)
	}
	return json.Marshal(rs)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Receipts) UnmarshalJSON(b []byte) error {
	var rs []Receipt
	if err := json.Unmarshal(b, &rs); err != nil {
		return err
	}
	var out *Receipts
	for i := len(rs) - 1; i >= 0; i-- {
		out = out.add(rs[i])
	}
	if out != nil {
		*l = *out
	}
	return nil
}
