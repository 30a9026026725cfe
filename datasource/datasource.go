package datasource

import (
	"context"
	"iter"
	"time"

	"github.com/org/aegis/modelspec"
)

// Format is the version of the envelope that this package writes. A document
// of a newer format is read, and refused to be written.
const Format = 1

// Document is the envelope that a driver stores. All that must change together
// is in it, so one conditional Put is all the atomicity that is asked of a
// driver. Drivers store it with [Encode] and [Decode], which carry over the
// members that this version does not know, or keep the Go value itself.
type Document struct {
	Format   int
	ID       string
	Inc      string    // incarnation: random, made at creation; another one after delete and create
	Revision int64     // 1 at creation, one more each Put; a re-creation goes on counting
	By       string    // nonce of the write: tells whose a stored revision is
	Created  time.Time //
	Updated  time.Time // of the last change of Data
	Due      time.Time // when the host must look again; zero: never. Drivers index it
	Gone     bool      // a tombstone: deleted, kept until purged
	Schema   int       // version of Data's schema
	Claim    Claim     // empty with one host
	Index    []Entry   // written by the same Put
	Data     *modelspec.Value
	Meta     *modelspec.Value // the host's: flows, outbox, receipts. Opaque to drivers

	extra []byte // members of the stored envelope that this version does not know
}

// Claim says which host works on a document.
type Claim struct {
	Host  string    `json:"host,omitempty"`
	Epoch int64     `json:"epoch,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Entry is one key under which a document is found. A Put of a Unique entry
// fails with modelspec.ErrExists where another document of the collection
// holds the same (Name, Key).
type Entry = modelspec.IndexEntry

// Store opens collections. It is a driver's entry.
type Store interface {
	// Collection returns the collection of that name, made if need be. Names
	// are 1 to 128 bytes of A-Z a-z 0-9 . _ -. The result is cheap to get and
	// safe for concurrent use.
	Collection(name string) (Collection, error)
	// Close flushes and releases what Store opened. Nothing is lost.
	Close() error
}

// Collection is one model's documents. It is what a driver implements. All
// methods are safe for concurrent use and honour ctx.
type Collection interface {
	// Get returns the document, also if it is Gone, or modelspec.ErrNotFound.
	// It is linearizable per document.
	Get(ctx context.Context, id string) (Document, error)
	// Put stores d if the stored revision is d.Revision-1 (0 when there is no
	// document) and returns modelspec.ErrConflict if not. It is atomic with
	// the index and durable on return. After any error but ErrConflict and
	// ErrExists the caller does not know whether it happened, and a driver
	// that retries may answer ErrConflict to a write that did: see Document.By.
	Put(ctx context.Context, d Document) error
	// Due returns documents whose Due is set and not after until, ordered by
	// (Due, ID) and after the cursor, at most limit. It may lag behind Put but
	// never forgets.
	Due(ctx context.Context, until time.Time, after Mark, limit int) ([]Mark, error)
	// List yields documents that are not Gone, in the order of q. A change
	// while it runs is seen or not; no document is yielded twice.
	List(ctx context.Context, q Query) iter.Seq2[Document, error]
	// Purge removes a tombstone if its revision is still that one, else
	// returns modelspec.ErrConflict. Purging what is not there succeeds.
	Purge(ctx context.Context, id string, revision int64) error
}

// Mark is a place in the order of Due. The zero Mark is before all.
type Mark struct {
	At time.Time
	ID string
}

// Query says which documents List yields and in which order.
type Query struct {
	// Index names the entries to walk. Empty: all documents, by id.
	Index string
	// Key, if not nil, keeps only entries with this key.
	Key *string
	// After is where to go on: yields what comes after it in the order.
	// Zero: from the beginning.
	After Position
	// Desc walks backwards.
	Desc bool
}

// Position is a place in the order of List: by (Key, ID); Key is empty when
// Index is.
type Position struct{ Key, ID string }

// IsZero reports whether p is the beginning.
func (p Position) IsZero() bool { return p == Position{} }
