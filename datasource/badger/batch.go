package badger

import (
	"fmt"
	"slices"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// write is the only writer of the directory. What comes while a batch goes to
// the disk makes up the next one, so that all who wait share one sync. It ends
// when close says so and nothing is left to do.
func (s *session) write() {
	for {
		select {
		case r := <-s.requests:
			s.batch(r)
		case <-s.stop:
			for len(s.requests) > 0 { // asked for by callers that went away
				s.batch(<-s.requests)
			}
			return
		}
	}
}

// batch writes r and what else is waiting.
func (s *session) batch(r *request) {
	b := newBatch(s)
	for r != nil {
		b.admit(r)
		select {
		case r = <-s.requests:
		default:
			r = nil
		}
		if b.count >= maxBatch {
			b.commit()
		}
	}
	b.commit()
}

// maxBatch bounds how many wait for one sync.
const maxBatch = 256

// batch is a set of requests that do not touch one another, so that each can
// be judged by what is committed. It becomes one transaction.
type batch struct {
	s        *session
	requests []*request
	places   map[place]bool
	keys     map[indexPlace]bool // entries that come or go
	count    int
	changes  int64
	size     int64
}

type indexPlace struct {
	collection *collection
	name, key  string
}

func newBatch(s *session) *batch {
	return &batch{s: s, places: map[place]bool{}, keys: map[indexPlace]bool{}}
}

// admit judges r and takes it in, or answers it.
func (b *batch) admit(r *request) {
	if b.touches(r) {
		b.commit()
	}
	if err := b.judge(r); err != nil {
		r.done <- err
		return
	}
	n, limit := int64(len(r.changes)), b.s.db.MaxBatchSize()-1<<10
	if b.size+r.size > limit || b.changes+n >= b.s.db.MaxBatchCount() {
		b.commit()
	}
	if r.size > limit || n >= b.s.db.MaxBatchCount() {
		r.done <- r.place.collection.wrap("put", r.place.id, engine.ErrTxnTooBig)
		return
	}
	b.requests = append(b.requests, r)
	b.count++
	b.changes += n
	b.size += r.size
	b.places[r.place] = true
	b.mark(r.old, r)
	b.mark(&r.doc, r)
}

// touches reports whether r must be judged by what b is about to write.
func (b *batch) touches(r *request) bool {
	if b.places[r.place] {
		return true
	}
	for i := range r.doc.Index {
		if e := &r.doc.Index[i]; e.Unique && b.keys[indexPlace{r.place.collection, e.Name, e.Key}] {
			return true
		}
	}
	return false
}

func (b *batch) mark(d *datasource.Document, r *request) {
	if d == nil || r.old != nil && slices.Equal(r.old.Index, r.doc.Index) {
		return
	}
	for i := range d.Index {
		b.keys[indexPlace{r.place.collection, d.Index[i].Name, d.Index[i].Key}] = true
	}
}

// judge checks r against what is committed and says what it changes.
func (b *batch) judge(r *request) error {
	c, id := r.place.collection, r.place.id
	if err := r.ctx.Err(); err != nil {
		return c.wrap("put", id, err)
	}
	old, found, err := b.s.stored(r.place)
	if err != nil {
		return c.wrap("put", id, err)
	}
	if found {
		r.old = &old
	}
	if r.raw == nil {
		return r.purge()
	}
	if old.Revision != r.doc.Revision-1 { // 0 if there is none
		return c.fail(modelspec.ErrConflict, "put", id, fmt.Sprintf("revision %d is stored: %d cannot follow", old.Revision, r.doc.Revision))
	}
	if !slices.Equal(old.Index, r.doc.Index) {
		if err := b.s.unique(c, &r.doc); err != nil {
			return err
		}
	}
	r.put()
	return nil
}

// stored is the newest committed revision.
func (s *session) stored(p place) (datasource.Document, bool, error) {
	if d, ok := s.cache.get(p); ok {
		return d, true, nil
	}
	return s.load(p)
}

// unique looks for other documents under d's unique keys.
func (s *session) unique(c *collection, d *datasource.Document) error {
	for i := range d.Index {
		e := &d.Index[i]
		if !e.Unique {
			continue
		}
		holder, err := s.holder(c, e, d.ID)
		if err != nil {
			return c.wrap("put", d.ID, err)
		}
		if holder != "" {
			return c.fail(modelspec.ErrExists, "put", d.ID, fmt.Sprintf("%s has the same key %.80q of the unique index %s", holder, e.Key, e.Name))
		}
	}
	return nil
}

func (s *session) holder(c *collection, e *datasource.Entry, id string) (string, error) {
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	prefix := appendKey(c.indexPrefix(e.Name), e.Key)
	it := txn.NewIterator(engine.IteratorOptions{Prefix: prefix})
	defer it.Close()
	for it.Seek(prefix); it.Valid(); it.Next() {
		if other := string(it.Item().Key()[len(prefix):]); other != id {
			return other, nil
		}
	}
	return "", nil
}

// commit writes the batch and answers everybody in it; b is empty afterwards.
func (b *batch) commit() {
	if len(b.requests) == 0 {
		return
	}
	for _, r := range b.requests {
		b.s.cache.begin(r.place)
	}
	err := b.s.commit(b.requests)
	for _, r := range b.requests {
		if err != nil {
			b.s.cache.finish(r.place, nil, 0)
			r.done <- r.place.collection.wrap("put", r.place.id, err)
			continue
		}
		if r.raw == nil {
			b.s.cache.finish(r.place, nil, 0)
		} else {
			b.s.cache.finish(r.place, &r.doc, len(r.raw))
		}
		r.done <- nil
	}
	*b = *newBatch(b.s)
}

func (s *session) commit(requests []*request) error {
	txn := s.db.NewTransaction(true)
	defer txn.Discard()
	for _, r := range requests {
		for _, x := range r.changes {
			var err error
			if x.remove {
				err = txn.Delete(x.key)
			} else {
				err = txn.Set(x.key, x.value)
			}
			if err != nil {
				return err
			}
		}
	}
	return txn.Commit()
}
