package badger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

type collection struct {
	s                        *session
	name                     string
	documents, dues, indexes []byte // prefixes of keys
}

func newCollection(s *session, name string) *collection {
	return &collection{s: s, name: name,
		documents: prefix(name, kindDocument), dues: prefix(name, kindDue), indexes: prefix(name, kindIndex)}
}

func (c *collection) what(verb, id string) string { return verb + " " + c.name + "/" + id }

func (c *collection) fail(code modelspec.Code, verb, id, cause string) error {
	return &modelspec.Error{Code: code, Message: "badger: " + c.what(verb, id) + ": " + cause}
}

// wrap gives an error of the engine its code.
func (c *collection) wrap(verb, id string, err error) error {
	switch {
	case errors.Is(err, engine.ErrDBClosed), errors.Is(err, engine.ErrBlockedWrites):
		return errClosed(c.what(verb, id))
	case errors.Is(err, engine.ErrTxnTooBig):
		return c.fail(modelspec.ErrExhausted, verb, id, "it is too much for one transaction: make it smaller or raise Config.MemTableSize")
	case modelspec.HasCode(err):
		return fmt.Errorf("badger: %s: %w", c.what(verb, id), err)
	}
	return &modelspec.Error{Code: modelspec.ErrUnknown, Message: "badger: " + c.what(verb, id) + ": " + err.Error()}
}

// Get returns the document: from memory if it was written or read lately.
func (c *collection) Get(ctx context.Context, id string) (datasource.Document, error) {
	if err := ctx.Err(); err != nil {
		return datasource.Document{}, c.wrap("get", id, err)
	}
	p := place{c, id}
	if d, ok := c.s.cache.get(p); ok && !c.s.closed.Load() { // nothing is given out after Close
		return d, nil
	}
	if !c.s.enter() {
		return datasource.Document{}, errClosed(c.what("get", id))
	}
	defer c.s.leave()
	d, found, err := c.s.load(p)
	if err != nil {
		return datasource.Document{}, c.wrap("get", id, err)
	}
	if !found {
		return datasource.Document{}, c.fail(modelspec.ErrNotFound, "get", id, "there is none")
	}
	return d, nil
}

// load reads p from the engine and keeps it in the cache.
func (s *session) load(p place) (d datasource.Document, found bool, err error) {
	lease, size := s.cache.lease(p), 0
	defer func() {
		if found && err == nil {
			s.cache.fill(p, lease, &d, size)
		} else {
			s.cache.fill(p, lease, nil, 0)
		}
	}()
	txn := s.db.NewTransaction(false)
	defer txn.Discard()
	d, size, err = p.collection.read(txn, p.id)
	if errors.Is(err, engine.ErrKeyNotFound) {
		return d, false, nil
	}
	return d, err == nil, err
}

func (c *collection) read(txn *engine.Txn, id string) (datasource.Document, int, error) {
	item, err := txn.Get(c.documentKey(id))
	if err != nil {
		return datasource.Document{}, 0, err
	}
	return decode(item)
}

func decode(item *engine.Item) (datasource.Document, int, error) {
	b, err := item.ValueCopy(nil)
	if err != nil {
		return datasource.Document{}, 0, err
	}
	d, err := datasource.Decode(b)
	return d, len(b), err
}

// Due returns what is due. See datasource.Collection.
func (c *collection) Due(ctx context.Context, until time.Time, from datasource.Mark, limit int) ([]datasource.Mark, error) {
	if err := ctx.Err(); err != nil {
		return nil, c.wrap("due", "", err)
	}
	if limit <= 0 {
		return nil, nil
	}
	if !c.s.enter() {
		return nil, errClosed(c.what("due", ""))
	}
	defer c.s.leave()
	txn := c.s.db.NewTransaction(false)
	defer txn.Discard()
	it := txn.NewIterator(engine.IteratorOptions{Prefix: c.dues})
	defer it.Close()
	start, last := c.dues, datasource.Nanos(until)
	if !from.At.IsZero() {
		start = append(c.dueKey(datasource.Nanos(from.At), from.ID), 0) // 00: behind it
		if from.ID == "" {
			start = start[:len(start)-1]
		}
	}
	var out []datasource.Mark
	for it.Seek(start); it.Valid() && len(out) < limit; it.Next() {
		at, id, ok := c.parseDue(it.Item().Key())
		if !ok {
			return nil, c.fail(modelspec.ErrDataLoss, "due", id, "a key cannot be read")
		}
		if at > last {
			break
		}
		out = append(out, datasource.Mark{At: time.Unix(0, at).UTC(), ID: id})
		if len(out)%256 == 0 && ctx.Err() != nil {
			return nil, c.wrap("due", "", ctx.Err())
		}
	}
	return out, nil
}

// List yields documents as they were when the walk began. See
// datasource.Collection.
func (c *collection) List(ctx context.Context, q datasource.Query) iter.Seq2[datasource.Document, error] {
	return func(yield func(datasource.Document, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(datasource.Document{}, c.wrap("list", q.Index, err))
			return
		}
		if !c.s.enter() {
			yield(datasource.Document{}, errClosed(c.what("list", q.Index)))
			return
		}
		defer c.s.leave()
		txn := c.s.db.NewTransaction(false)
		defer txn.Discard()
		w := walk{c: c, ctx: ctx, txn: txn, q: q, yield: yield}
		if q.Index == "" {
			w.documents()
			return
		}
		w.index()
	}
}
