package badger

import (
	"bytes"
	"context"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/modelspec"
)

// walk is one List, on the state of one transaction.
type walk struct {
	c     *collection
	ctx   context.Context
	txn   *engine.Txn
	q     datasource.Query
	yield func(datasource.Document, error) bool
	steps int
}

func (w *walk) fail(id string, err error) bool {
	w.yield(datasource.Document{}, w.c.wrap("list", id, err))
	return false
}

// proceed looks at the context now and then.
func (w *walk) proceed() bool {
	if w.steps++; w.steps%64 == 0 && w.ctx.Err() != nil {
		return w.fail(w.q.Index, w.ctx.Err())
	}
	return true
}

// each calls visit for the keys with the prefix, in the walk's direction, from
// start on, which is left out itself; nil: from the beginning.
func (w *walk) each(prefix, start []byte, visit func(*engine.Item) bool) {
	it := w.txn.NewIterator(engine.IteratorOptions{Prefix: prefix, Reverse: w.q.Desc})
	defer it.Close()
	seek := start
	if seek == nil {
		if seek = prefix; w.q.Desc {
			seek = after(prefix)
		}
	}
	it.Seek(seek)
	for ; it.Valid() && w.proceed(); it.Next() {
		if start != nil && bytes.Equal(it.Item().Key(), start) {
			continue
		}
		if !visit(it.Item()) {
			return
		}
	}
}

func (w *walk) documents() {
	var start []byte
	if !w.q.After.IsZero() {
		start = w.c.documentKey(w.q.After.ID)
	}
	w.each(w.c.documents, start, func(item *engine.Item) bool {
		d, _, err := decode(item)
		if err != nil {
			return w.fail(string(item.Key()[len(w.c.documents):]), err)
		}
		return d.Gone || w.yield(d, nil)
	})
}

func (w *walk) index() {
	all := w.c.indexPrefix(w.q.Index)
	prefix := all
	var start []byte
	if !w.q.After.IsZero() {
		start = append(appendKey(bytes.Clone(all), w.q.After.Key), w.q.After.ID...)
	}
	if w.q.Key != nil {
		prefix = appendKey(bytes.Clone(all), *w.q.Key)
		if start != nil && !bytes.HasPrefix(start, prefix) {
			if (bytes.Compare(start, prefix) > 0) != w.q.Desc {
				return // the walk is past the key
			}
			start = nil
		}
	}
	w.each(prefix, start, func(item *engine.Item) bool {
		key, id, ok := parseKey(item.Key()[len(all):])
		if !ok {
			return w.fail(w.q.Index, w.c.fail(modelspec.ErrDataLoss, "list", w.q.Index, "a key cannot be read"))
		}
		d, _, err := w.c.read(w.txn, id)
		if err != nil {
			return w.fail(id, err)
		}
		return !w.q.Yields(&d, key) || w.yield(d, nil)
	})
}
