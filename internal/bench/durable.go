package main

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/modelspec"
)

// stepsTimed is how many whole steps of a flow are measured: from one leg's
// call of its adapter to the next one's.
const stepsTimed = 4

// durableLine is a step of a flow, from the call of one step's adapter to the
// call of the next one's: the answer is folded in, the event made and the next
// step with its request, all of it written, then read again by the next step.
// The flows stay open, since their last step waits: what is done once for each
// flow, at its end, is in the last row.
//
// The baseline is a read, and a write of an envelope that such a step wrote, in
// one transaction of the engine alone, opened as its makers have it.
func durableLine(ctx context.Context, p plan) (_ []row, err error) {
	dir, err := os.MkdirTemp("", "aegis-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	written, err := envelopes(ctx)
	if err != nil {
		return nil, err
	}
	db, err := engine.Open(engine.DefaultOptions(filepath.Join(dir, "baseline")).WithLogger(nil).WithMetricsEnabled(false))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	baseline, err := rewrite(db, written)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []struct {
		name     string
		required bool
		whole    bool
	}{{"durable step, on Badger without sync", false, false}, {"  the same, its event required by a subscriber", true, false}, {"  a whole flow of a command and 5 steps, per write", false, true}} {
		r, err := durable(ctx, p, filepath.Join(dir, strconv.Itoa(len(rows))), c.required, c.whole, measured(baseline))
		if err != nil {
			return nil, err
		}
		x := atMost(c.name, r, 4)
		if len(rows) > 0 {
			x.goal, x.verdict = "", noted
		}
		rows = append(rows, x)
	}
	return rows, nil
}

func durable(ctx context.Context, p plan, dir string, required, whole bool, baseline side) (_ result, err error) {
	cfg := aegis.Config{Datasource: badger.New(badger.Config{Dir: dir, NoSync: true}), Subscriptions: aegis.Subscriptions{{
		Name: "bench", Pattern: "trip.>", Required: required, Handler: func(context.Context, broker.Event) error { return nil }}}}
	c, err := convoyOf(ctx, cfg, !whole && !required)
	if err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if whole {
		return compare(ctx, p, func(n int) (cost, error) { return c.flows(ctx, n) }, baseline)
	}
	return compare(ctx, p, func(n int) (cost, error) { return c.steps(ctx, n) }, baseline)
}

// convoy sends one trip after the other.
type convoy struct {
	*road
	made        int
	first, last time.Time // of the trip under way: when its first and last leg was asked for
	done        chan struct{}
}

// convoyOf starts a host with a chain of legs, of which the last waits to be
// told, or not.
func convoyOf(ctx context.Context, cfg aegis.Config, waits bool) (*convoy, error) {
	c := &convoy{done: make(chan struct{}, 1)}
	ports, adapters := []modelspec.Port[trip]{}, []adapter.Adapter{}
	on := modelspec.EventRef(departed)
	for i := range stepsTimed + 1 {
		l := legOf(i, on)
		on = left(i)
		ports, adapters = append(ports, l), append(adapters, adapter.Bind(l, c.carry))
	}
	if waits {
		a := arrival(on)
		ports = append(ports, a)
		adapters = append(adapters, adapter.Ask(a, func(context.Context, hop) error { c.done <- struct{}{}; return nil }))
	} else {
		cfg.Observer = func(o aegis.Observation) {
			if o.Kind == "flow.ended" {
				c.done <- struct{}{}
			}
		}
	}
	var err error
	c.road, err = travel(ctx, cfg, trips(ports...), adapters...)
	return c, err
}

// carry is the carrier of all legs, which come one after the other.
func (c *convoy) carry(_ context.Context, h hop) (stop, error) {
	switch h.Leg {
	case 0:
		c.first = time.Now()
	case stepsTimed:
		c.last = time.Now()
	}
	return stop{At: "Oslo"}, nil
}

// next sends a trip, and returns when its last step was asked, or is done.
func (c *convoy) next(ctx context.Context) error {
	c.made++
	if err := c.send(ctx, "t"+strconv.Itoa(c.made)); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// steps makes n steps. What is before and after them in their flows does not
// count.
func (c *convoy) steps(ctx context.Context, n int) (cost, error) {
	trips, spent := (n+stepsTimed-1)/stepsTimed, time.Duration(0)
	for range trips {
		if err := c.next(ctx); err != nil {
			return cost{}, err
		}
		spent += c.last.Sub(c.first)
	}
	return cost{took: spent * time.Duration(n) / time.Duration(trips*stepsTimed)}, nil
}

// flows makes n writes, in flows from the document's creation to their end: one
// for the document, one for the command, and one for each step.
func (c *convoy) flows(ctx context.Context, n int) (cost, error) {
	const writes = 2 + stepsTimed + 1
	trips, start := (n+writes-1)/writes, time.Now()
	for range trips {
		if err := c.next(ctx); err != nil {
			return cost{}, err
		}
	}
	return cost{took: time.Since(start) * time.Duration(n) / time.Duration(trips*writes)}, nil
}

// envelopes returns what the timed steps of one flow wrote.
func envelopes(ctx context.Context) ([][]byte, error) {
	store := &recorder{Store: memory.New()}
	c, err := convoyOf(ctx, aegis.Config{Datasource: store}, true)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.next(ctx), c.Close()); err != nil {
		return nil, err
	}
	const before = 2 // the document, and the command
	if len(store.written) < before+stepsTimed {
		return nil, errors.New("a flow of so many steps made fewer writes")
	}
	return store.written[before : before+stepsTimed], nil
}

// recorder keeps what is written to one collection, by one after the other.
type recorder struct {
	datasource.Store
	written [][]byte
}

type recording struct {
	datasource.Collection
	to *recorder
}

func (r *recorder) Collection(name string) (datasource.Collection, error) {
	c, err := r.Store.Collection(name)
	if err != nil || name != "trip" {
		return c, err
	}
	return recording{c, r}, nil
}

func (r recording) Put(ctx context.Context, d datasource.Document) error {
	b, err := datasource.Encode(d)
	if err != nil {
		return err
	}
	r.to.written = append(r.to.written, b)
	return r.Collection.Put(ctx, d)
}

// rewrite reads and writes n envelopes, one after the other.
func rewrite(db *engine.DB, envelopes [][]byte) (func(n int) error, error) {
	var keys [][]byte
	for i := range uint64(1024) {
		keys = append(keys, binary.BigEndian.AppendUint64([]byte("trip/"), i))
	}
	for _, k := range keys {
		if err := db.Update(func(txn *engine.Txn) error { return txn.Set(k, envelopes[0]) }); err != nil {
			return nil, err
		}
	}
	at := 0
	return func(n int) error {
		for range n {
			at++
			err := db.Update(func(txn *engine.Txn) error {
				key := keys[at%len(keys)]
				item, err := txn.Get(key)
				if err != nil {
					return err
				}
				if _, err := item.ValueCopy(nil); err != nil {
					return err
				}
				next := append([]byte(nil), envelopes[at%len(envelopes)]...)
				next[len(next)-1] = '}'
				return txn.Set(key, next)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}, nil
}
