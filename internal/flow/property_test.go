package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/datasourcetest"
	"github.com/org/aegis/internal/flow"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var (
	graphCount = flag.Int("graphs", 0, "how many random graphs of flows are compared with the reference; 0: 300, or 60 where races are looked for")
	graphOnly  = flag.Uint64("graph", 0, "the one random graph to look at, by its seed")
)

const graphFolder = "testdata/graphs"

// Random graphs of flows come to what a simple model of them says: each port's
// effects, what is taken back, the outcome of every flow, the marks in the
// documents and the events, over two and three models, with restarts between.
// A graph that failed is kept, made smaller, and tried first from then on.
func TestGraphs(t *testing.T) {
	kept, _ := filepath.Glob(graphFolder + "/*.json")
	for _, file := range kept {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var g graph
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			if diff := g.differs(t); diff != "" {
				t.Errorf("%v\n%s", g, diff)
			}
		})
	}
	if *graphOnly != 0 {
		tryGraph(t, *graphOnly)
		return
	}
	n := *graphCount
	if n == 0 {
		if n = 300; graphRaces {
			n = 60
		}
	}
	for seed := range n {
		if tryGraph(t, uint64(seed)+1); t.Failed() {
			return
		}
	}
}

func tryGraph(t *testing.T, seed uint64) {
	g := makeGraph(seed)
	diff := g.differs(t)
	if diff == "" {
		return
	}
	small := g.smaller(t)
	b, err := json.MarshalIndent(small, "", " ")
	if err == nil {
		err = errors.Join(os.MkdirAll(graphFolder, 0o755), os.WriteFile(filepath.Join(graphFolder, "seed-"+strconv.FormatUint(seed, 10)+".json"), b, 0o644))
	}
	t.Errorf("seed %d:\n%v\n%s\nsmaller:\n%v\n%s\nkept: %v", seed, g, diff, small, small.differs(t), err)
}

// differs runs the graph, and says where it does not come to what was foretold.
func (g graph) differs(t *testing.T) (diff string) {
	want, last, err := foretell(g)
	if err != nil {
		return err.Error()
	}
	synctest.Test(t, func(t *testing.T) {
		r := newGraphRun(t, g)
		defer func() { r.host.Close() }()
		diff = r.run(t, last).compare(want)
	})
	return diff
}

// graphRun is a graph at work.
type graphRun struct {
	g    graph
	s    *graphService
	disk datasource.Store
	ms   aegis.Models
	as   aegis.Adapters

	mu     sync.Mutex
	host   *aegis.Host
	got    map[string]*foretold
	events map[string]bool     // that were delivered, by source and id
	last   map[string][2]int64 // number of the last event, by document
	late   []string            // what is wrong with events
}

func newGraphRun(t *testing.T, g graph) *graphRun {
	r := &graphRun{g: g, disk: datasourcetest.Bytes(), got: map[string]*foretold{}, events: map[string]bool{}, last: map[string][2]int64{},
		s: &graphService{began: time.Now(), keys: map[string]graphKey{}}}
	r.s.reply = func(p *graphPort, m int, key string) { r.answer(t, p, m, key) }
	r.ms, r.as = g.build(r.s)
	for m := range g.Models {
		for _, d := range g.Models[m].Docs {
			r.got[fmt.Sprint("m", m, " ", d.ID)] = &foretold{Marks: map[string]int{}, Standing: map[string]int{}, Reversed: map[string]int{}, Told: map[string]int{}}
		}
	}
	r.boot(t)
	return r
}

func (r *graphRun) boot(t *testing.T) {
	cfg := aegis.Config{Logger: slog.New(slog.DiscardHandler), Datasource: graphDisk{r.disk}, Models: r.ms, Adapters: r.as, Observer: r.observe}
	if r.g.Watched {
		cfg.Subscriptions = aegis.Subscriptions{{Name: "watcher", Pattern: ">", Required: true, Handler: r.watch}}
	}
	h, err := aegis.New(cfg)
	if err == nil {
		err = h.Start(t.Context())
	}
	if err != nil {
		t.Fatalf("%v\n%v", err, r.g)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.host = h
}

// graphDisk outlives its host.
type graphDisk struct{ datasource.Store }

func (graphDisk) Close() error { return nil }

func (r *graphRun) observe(o aegis.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.got[o.Model+" "+o.ID]
	switch o.Kind {
	case flow.FlowEnded:
		d.Completed++
	case flow.UndoCompleted:
		d.Undone++
		d.Completed--
	case flow.FlowAttention:
		d.Attention++
	case flow.Quarantined, flow.DeadLettered:
		r.late = append(r.late, fmt.Sprint(o.Kind, " ", o.Model, " ", o.ID, ": ", o.Err))
	}
}

// watch sees that events come in order, and at least once.
func (r *graphRun) watch(_ context.Context, e broker.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Source == graphSource || strings.HasPrefix(e.Type, flow.HostEvents) || r.events[e.Source+e.ID] {
		return nil
	}
	r.events[e.Source+e.ID] = true
	k := e.Source + " " + e.Subject
	r.got[k].Told[strings.TrimPrefix(e.Type, e.Source+".")]++
	part := strings.Split(e.ID, ".")
	rev, _ := strconv.ParseInt(part[1], 10, 64)
	n, _ := strconv.ParseInt(part[2], 10, 64)
	if was := r.last[k]; rev < was[0] || rev == was[0] && n <= was[1] {
		r.late = append(r.late, "event "+e.ID+" of "+k+" came after a later one")
	}
	r.last[k] = [2]int64{rev, n}
	return nil
}

func (r *graphRun) current() *aegis.Host {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host
}

// answer brings the answer that somebody waits for, or does not any more.
func (r *graphRun) answer(t *testing.T, p *graphPort, m int, key string) {
	ref := port.Ref{Model: fmt.Sprint("m", m), Port: p.Name}
	told := modelspec.Of(graphTold{key, p.Name})
	bring := func(event bool) error {
		if event {
			typ := "yes."
			if p.Await.Refuse {
				typ = "no."
			}
			return r.current().Publish(t.Context(), broker.Event{ID: "to " + key, Source: graphSource, Type: typ + p.Name, Data: told})
		}
		if p.Await.Refuse {
			return r.current().CompletePort(t.Context(), ref, key, nil, modelspec.ErrRefused)
		}
		return r.current().CompletePort(t.Context(), ref, key, told, nil)
	}
	err := bring(p.Await.Event)
	if err != nil && !errors.Is(err, modelspec.ErrNotFound) {
		r.s.complain("answer to %s: %v", p.Name, err)
	}
	if !p.Await.Twice {
		return
	}
	if err := bring(false); !errors.Is(err, modelspec.ErrNotFound) {
		r.s.complain("second answer to %s: %v", p.Name, err)
	}
	if err := bring(p.Await.Event); p.Await.Event && err != nil {
		r.s.complain("third answer to %s: %v", p.Name, err)
	}
}

// run lets the graph run to its end.
func (r *graphRun) run(t *testing.T, last int) *graphRun {
	for m := range r.g.Models {
		repo := r.repo(m)
		for _, d := range r.g.Models[m].Docs {
			if _, err := repo.Create(t.Context(), d.ID, d); err != nil {
				r.s.complain("create: %v", err)
			}
		}
	}
	r.s.began = time.Now()
	for slot := range 90 {
		for _, s := range r.g.Starts {
			if s.At == slot {
				if _, err := r.host.InvokePort(t.Context(), port.Ref{Model: fmt.Sprint("m", s.Model), Port: "begin"}, s.Doc, modelspec.Of(graphDoc{})); err != nil {
					r.s.complain("begin: %v", err)
				}
			}
		}
		time.Sleep(graphSlot / 2)
		if slices.Contains(r.g.Restarts, slot) {
			synctest.Wait()
			if err := r.host.Close(); err != nil {
				r.s.complain("close: %v", err)
			}
			r.boot(t)
		}
		time.Sleep(graphSlot - graphSlot/2)
	}
	if last >= refDeadline {
		time.Sleep(48 * time.Hour)
	}
	synctest.Wait()
	return r
}

func (r *graphRun) repo(m int) aegis.Repository[graphDoc] {
	return aegis.NewRepository(r.host, r.ms[m].(modelspec.Model[graphDoc]))
}

// compare says where what is there is not what was foretold.
func (r *graphRun) compare(want map[string]*foretold) string {
	r.s.count(r.got)
	wrong := slices.Concat(r.s.wrong, r.late)
	for m := range r.g.Models {
		repo := r.repo(m)
		for _, was := range r.g.Models[m].Docs {
			k := fmt.Sprint("m", m, " ", was.ID)
			d, err := repo.Find(context.Background(), was.ID)
			if err != nil {
				wrong = append(wrong, err.Error())
			}
			for _, mark := range d.Marks {
				r.got[k].Marks[mark]++
			}
			r.got[k].Back = d.Back
			if !r.g.Watched {
				r.got[k].Told, want[k].Told = nil, nil
			}
			if is, must := fmt.Sprintf("%+v", *r.got[k]), fmt.Sprintf("%+v", *want[k]); is != must {
				fs, _ := r.host.Flows(context.Background(), fmt.Sprint("m", m), was.ID)
				b, _ := json.Marshal(fs)
				wrong = append(wrong, k+"\n  is   "+is+"\n  must "+must+"\n  "+string(b))
			}
		}
	}
	return strings.Join(wrong, "\n")
}
