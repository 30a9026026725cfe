package aegis_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

const outside = "https://shop"

// counting is a model that counts the events that it takes.
type counting struct {
	ID   string `json:"id"`
	Tag  string `json:"tag,omitempty" aegis:"index"`
	Took int    `json:"took"`
	Last int    `json:"last"`
	Back bool   `json:"back,omitempty"` // an event came after a later one
}

type numbered struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

// ticket is a model whose every tick is an event with a number.
type ticket struct {
	ID string `json:"id"`
	N  int    `json:"n"`
}

var ticked = modelspec.EventName("ticket.ticked")

var tick = port.Command[ticket, port.None]{Name: "tick", Model: "ticket", Produces: ticked, Handle: func(k *ticket, _ context.Context, _ port.None) error { k.N++; return nil }}

func counts(from port.From) modelspec.Model[counting] {
	return modelspec.Model[counting]{Name: "counting", Ports: []modelspec.Port[counting]{port.Command[counting, numbered]{Name: "take", On: []modelspec.EventRef{from},
		Handle: func(c *counting, _ context.Context, e numbered) error {
			c.Took++
			c.Back = c.Back || e.N != c.Last+1
			c.Last = e.N
			return nil
		}}}}
}

// 10,000 events in a burst reach the documents of another model: all of them,
// once, in the order of their subjects, and the host does not swell.
func TestEventStorm(t *testing.T) {
	const docs, each = 100, 100
	tickets, m := modelspec.Model[ticket]{Name: "ticket", Ports: []modelspec.Port[ticket]{tick}}, counts(port.From{Event: ticked, Key: modelspec.Subject})
	synctest.Test(t, func(t *testing.T) {
		w := &witness{}
		h, err := aegis.New(aegis.Config{Logger: quiet, Observer: w.observe, Models: aegis.Models{tickets, m}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ks, cs := aegis.NewRepository(h, tickets), aegis.NewRepository(h, m)
		for _, id := range ids("k", docs) {
			ks.Create(t.Context(), id, ticket{})
			cs.Create(t.Context(), id, counting{})
		}
		h.Start(t.Context())
		before := heap()
		var wg sync.WaitGroup
		for _, id := range ids("k", docs) {
			wg.Go(func() {
				for range each {
					if err := tick.Invoke(t.Context(), h, id, none); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		most := runtime.NumGoroutine()
		grown := int(heap()) - int(before)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, id := range ids("k", docs) {
			if c, err := cs.Find(t.Context(), id); err != nil || c.Took != each || c.Back {
				t.Errorf("%+v, %v", c, err)
			}
		}
		if w.count(flow.DeadLettered) != 0 {
			t.Error(w.seen, w.cause(flow.DeadLettered))
		}
		if most > 400 || grown > 64<<20 {
			t.Errorf("%d goroutines, %d MiB more", most, grown>>20)
		}
		t.Logf("%d goroutines, %d KiB more in the burst, %d KiB after", most, grown>>10, (int(heap())-int(before))>>10)
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// 10,000 events from outside for one document, from many at once: Publish
// returns when they are taken, and each is taken once, though it comes twice.
func TestEventStormFromOutside(t *testing.T) {
	const senders, each = 8, 1250
	m := counts(port.From{Event: modelspec.EventName("shop.sold"), Source: outside, Key: "/id"})
	synctest.Test(t, func(t *testing.T) {
		h, err := aegis.New(aegis.Config{Logger: quiet, Models: aegis.Models{m}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		cs := aegis.NewRepository(h, m)
		cs.Create(t.Context(), "c", counting{})
		h.Start(t.Context())
		var wg sync.WaitGroup
		for s := range senders {
			wg.Go(func() {
				for n := range each {
					for range 2 {
						e := broker.Event{ID: fmt.Sprint(s, "/", n), Source: outside, Type: "shop.sold", Data: modelspec.Of(numbered{ID: "c", N: n})}
						err := h.Publish(t.Context(), e)
						for tries := 0; err != nil && tries < 100; tries++ { // as a sender does, later
							time.Sleep(100 * time.Millisecond)
							err = h.Publish(t.Context(), e)
						}
						if err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(10 * time.Minute)
		if c, err := cs.Find(t.Context(), "c"); err != nil || c.Took != senders*each {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// Events that concern nothing, or say what makes no sense.
func TestEventsThatDoNotFit(t *testing.T) {
	from := func(typ, key, field string) port.From {
		return port.From{Event: modelspec.EventName(typ), Source: outside, Key: key, Field: field}
	}
	m := counts(from("shop.byID", "/id", ""))
	take := m.Ports[0].(port.Command[counting, numbered])
	take.On = append(take.On, from("shop.byTag", "/tag", "tag"))
	m.Ports[0] = take
	m.CreateOn = []port.From{from("shop.opened", modelspec.Subject, "")}
	m.UpdateOn = []port.From{from("shop.changed", "/id", "")}
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		typ     string
		subject string
		data    any
		dead    bool // a dead letter; else it concerns nothing
		err     error
	}{
		"a document that never was":    {"shop.byID", "", numbered{ID: "nobody"}, false, nil},
		"a document that is gone":      {"shop.byID", "", numbered{ID: "gone"}, false, nil},
		"an update of what is gone":    {"shop.changed", "", numbered{ID: "gone"}, false, nil},
		"no such value":                {"shop.byTag", "", map[string]any{"tag": "nobody"}, false, nil},
		"no value at all":              {"shop.byTag", "", map[string]any{}, false, nil},
		"null":                         {"shop.byTag", "", map[string]any{"tag": nil}, false, nil},
		"no data":                      {"shop.byTag", "", nil, false, nil},
		"the value is an object":       {"shop.byTag", "", map[string]any{"tag": map[string]any{"a": 1}}, true, nil},
		"the value is a list":          {"shop.byID", "", map[string]any{"id": []int{1}}, true, nil},
		"the id is 1 MiB long":         {"shop.byID", "", map[string]any{"id": long}, true, nil},
		"the value is 1 MiB long":      {"shop.byTag", "", map[string]any{"tag": long}, false, nil},
		"the id is none":               {"shop.byID", "", map[string]any{"id": "a/b"}, true, nil},
		"the subject is long":          {"shop.opened", long, map[string]any{}, false, modelspec.ErrInvalid},
		"what is created does not fit": {"shop.opened", "new", map[string]any{"took": "many"}, true, nil},
		"what is created is no object": {"shop.opened", "new", []int{1}, true, nil},
		"what is created is there":     {"shop.opened", "c", map[string]any{"tag": "t"}, true, nil},
		"what is changed does not fit": {"shop.changed", "", map[string]any{"id": "c", "last": []int{1}}, true, nil},
		"what is asked does not fit":   {"shop.byID", "", map[string]any{"id": "c", "n": "x"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &witness{}
				h, err := aegis.New(aegis.Config{Logger: quiet, Observer: w.observe, Datasource: datasourcetest.Bytes(), Models: aegis.Models{m}})
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				cs := aegis.NewRepository(h, m)
				cs.Create(t.Context(), "c", counting{Tag: "t"})
				cs.Create(t.Context(), "gone", counting{})
				if err := cs.Delete(t.Context(), "gone"); err != nil {
					t.Fatal(err)
				}
				h.Start(t.Context())
				e := broker.Event{ID: "1", Source: outside, Type: c.typ, Subject: c.subject}
				if c.data != nil {
					e.Data = modelspec.Of(c.data)
				}
				if err := h.Publish(t.Context(), e); !errors.Is(err, c.err) {
					t.Errorf("%v, want %v", err, c.err)
				}
				time.Sleep(time.Minute)
				if n := w.count(flow.DeadLettered); n > 1 || (n == 1) != c.dead {
					t.Errorf("dead letters: %v %v", w.seen, w.cause(flow.DeadLettered))
				}
				d, err := cs.Find(t.Context(), "c")
				if want := (counting{ID: "c", Tag: "t"}); err != nil || d != want {
					t.Errorf("%+v, %v", d, err)
				}
				if _, err := cs.Find(t.Context(), "new"); !errors.Is(err, modelspec.ErrNotFound) {
					t.Error(err)
				}
				if err := h.Publish(t.Context(), broker.Event{ID: "2", Source: outside, Type: "shop.byTag", Data: modelspec.Of(map[string]any{"id": "x", "tag": "t", "n": 1})}); err != nil {
					t.Errorf("the next event: %v", err)
				}
				time.Sleep(time.Minute)
				if d, _ := cs.Find(t.Context(), "c"); d.Took != 1 {
					t.Errorf("the next event: %+v", d)
				}
			})
		})
	}
}

// A document with as many open flows as it may have takes no event that opens
// another one. It waits, in its order, and comes when there is room.
func TestEventsWaitForRoom(t *testing.T) {
	wait := port.Outbound[counting, port.None, port.None]{Name: "wait", Model: "counting", On: []modelspec.EventRef{port.From{Event: ticked, Key: modelspec.Subject}},
		Request: func(*counting) port.None { return none }, Reply: func(c *counting, _ port.None) error { c.Took++; return nil }}
	tickets, m := modelspec.Model[ticket]{Name: "ticket", Ports: []modelspec.Port[ticket]{tick}}, modelspec.Model[counting]{Name: "counting", Ports: []modelspec.Port[counting]{wait}}
	synctest.Test(t, func(t *testing.T) {
		w := &witness{}
		var open atomic.Bool
		h, err := aegis.New(aegis.Config{Logger: quiet, Observer: w.observe, Datasource: datasourcetest.Bytes(), Models: aegis.Models{tickets, m},
			Adapters: aegis.Adapters{adapter.Bind(wait, func(context.Context, port.None) (port.None, error) {
				if !open.Load() {
					return none, &modelspec.Error{Code: modelspec.ErrUnavailable, NotSent: true}
				}
				return none, nil
			})}})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ks, cs := aegis.NewRepository(h, tickets), aegis.NewRepository(h, m)
		for _, id := range []string{"full", "other"} {
			ks.Create(t.Context(), id, ticket{})
			cs.Create(t.Context(), id, counting{})
		}
		h.Start(t.Context())
		for range 40 {
			if err := tick.Invoke(t.Context(), h, "full", none); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Minute)
		fs, err := h.Flows(t.Context(), "counting", "full")
		if err != nil || len(fs) != flow.MaxOpenFlows {
			t.Errorf("%d flows, %v", len(fs), err)
		}
		open.Store(true)
		tick.Invoke(t.Context(), h, "other", none)
		time.Sleep(time.Second)
		if c, _ := cs.Find(t.Context(), "other"); c.Took != 1 {
			t.Errorf("another document: %+v", c)
		}
		time.Sleep(time.Hour)
		if c, _ := cs.Find(t.Context(), "full"); c.Took != 40 || w.count(flow.DeadLettered) != 0 {
			t.Errorf("%+v, %v", c, w.seen)
		}
	})
}
