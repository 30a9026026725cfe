package flow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/org/aegis"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource/badger"
	"github.com/org/aegis/modelspec"
)

// The test binary is also the process that gets killed: it keeps its documents
// in a directory, and the outside lives in the parent, over loopback.
const (
	killedDir = "AEGIS_FLOW_CHILD_DIR"
	killedURL = "AEGIS_FLOW_CHILD_URL"
)

const (
	kills       = 12
	killOrders  = 160
	killAtOnce  = 3                     // orders that a client sells at a time
	killPause   = 50 * time.Millisecond // between what a client does
	leastCalls  = 20                    // that a process makes before it is killed
	shortest    = 50 * time.Millisecond
	longest     = 400 * time.Millisecond // from then on
	longestLife = 5 * time.Second
)

// A process that is killed at any moment, again and again, leaves nothing
// undone, twice done or untold behind.
func TestCrashKilled(t *testing.T) {
	if *oneSeed != 0 {
		return
	}
	began := time.Now()
	r := rand.New(rand.NewPCG(uint64(began.UnixNano()), 0))
	w := newWorld(map[string][]string{
		"ship": {"", lost, refuse, "", unknown, "", refuse}, "pay": {"", later, "", lost, refuse}, "pack": {"", refuse, lost},
		"reserve": {lost, "", notSent}, "scan": {"", unknown, lost}, "invoice": {unknown, ""}, "undo pay": {unknown, lost}, "gift": {refuse, ""},
	})
	p := &parent{w: w, c: newClient(&history{Orders: killOrders, Left: killOrders - 8}, w)}
	server := httptest.NewServer(p)
	defer server.Close()
	dir := t.TempDir()
	for range kills {
		p.round(t, dir, server.URL, shortest+time.Duration(r.Int64N(int64(longest-shortest))))
	}
	sold := times(bools(p.c.sold), "true")
	store := badger.New(badger.Config{Dir: dir, NoSync: true})
	defer store.Close()
	w.disk = store
	host, _ := w.boot(t, code{}, nil, fault{})
	defer host.Close()
	p.heal(t, host)
	v := verdict{t: t, h: said("killed"), w: w, c: p.c, host: host, left: p.c.h.Left}
	v.check()
	t.Logf("%d kills, %d calls and events, %d orders sold, %v", kills, p.calls.Load(), sold, time.Since(began).Round(time.Millisecond))
	if sold < killOrders/8 {
		t.Errorf("%d orders were sold before the last kill: too few to mean anything", sold)
	}
}

type said string

func (s said) String() string { return string(s) }

func bools(bs []bool) (out []string) {
	for _, b := range bs {
		out = append(out, fmt.Sprint(b))
	}
	return out
}

// parent is the outside of the processes that are killed, and keeps what their
// clients know.
type parent struct {
	w     *world
	c     *client
	calls atomic.Int64
}

// todo is what a client in the child shall do.
type todo struct {
	Make, Sell []int
	Answer     []string
}

type sent struct {
	Port, Key, Order string
	N                int
	Event            *broker.Event
	Text             string
}

// ServeHTTP is the outside, the subscriber that keeps ids and the clients'
// memory.
func (p *parent) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	p.calls.Add(1)
	var s sent
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&s); err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	var out any
	var err error
	switch r.URL.Path {
	case "/do":
		err = p.w.outside.do(r.Context(), s.Port, s.Key, s.Order)
	case "/undo":
		err = p.w.outside.undo(r.Context(), s.Port, s.Key, s.Order)
	case "/todo":
		out = p.todo()
	default:
		p.hear(r.URL.Path, s)
	}
	if err != nil {
		out = modelspec.AsError(err)
		rw.WriteHeader(http.StatusConflict)
	}
	json.NewEncoder(rw).Encode(out)
}

func (p *parent) hear(what string, s sent) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	switch what {
	case "/told":
		p.w.told = append(p.w.told, *s.Event)
	case "/odd":
		p.w.odd = append(p.w.odd, s.Text)
	case "/made":
		p.c.made[s.N] = true
	case "/sold":
		p.c.sold[s.N], p.c.over[s.N] = true, true
	}
}

func (p *parent) todo() (t todo) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	for i := range p.c.made {
		if !p.c.made[i] && len(t.Make) < killAtOnce {
			t.Make = append(t.Make, i)
		}
		if !p.c.over[i] && len(t.Sell) < killAtOnce {
			t.Sell = append(t.Sell, i)
		}
	}
	for _, e := range p.w.waiting() {
		t.Answer = append(t.Answer, e.Key)
	}
	return t
}

// round runs a child until it is at work, and kills it a moment later.
func (p *parent) round(t *testing.T, dir, url string, d time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashChild$")
	cmd.Env = append(os.Environ(), killedDir+"="+dir, killedURL+"="+url)
	var text strings.Builder
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until, from := time.Now().Add(longestLife), p.calls.Load(); p.calls.Load() < from+leastCalls && time.Now().Before(until); {
		<-tick.C
	}
	<-time.After(d)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v\n%s", err, text.String())
	}
}

// heal does in this process, with time running fast, what is left.
func (p *parent) heal(t *testing.T, host *aegis.Host) {
	t.Helper()
	at := time.Now()
	for i := range 20 {
		p.c.ask(t.Context(), host)
		p.c.answer(t.Context(), host)
		if at = at.Add(10 * time.Minute); i >= 12 {
			at = at.Add(7 * time.Hour)
		}
		if err := host.Settle(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrashChild is the process that gets killed; by itself it is nothing.
func TestCrashChild(t *testing.T) {
	dir, url := os.Getenv(killedDir), os.Getenv(killedURL)
	if dir == "" {
		return
	}
	r := remote{url: url}
	host, err := aegis.New(aegis.Config{Models: models(code{Quick: true}), Adapters: answers(r, code{Quick: true}, nil), Logger: silent, Observer: r.observe,
		Datasource:    badger.New(badger.Config{Dir: dir, NoSync: true}),
		Subscriptions: aegis.Subscriptions{{Name: "book", Pattern: ">", Required: true, Handler: r.hear}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for t.Context().Err() == nil {
		if err := r.work(t.Context(), host); err != nil {
			t.Fatal(err)
		}
	}
}

// remote is the outside, as the child sees it.
type remote struct{ url string }

func (r remote) post(ctx context.Context, path string, s sent, out any) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusConflict {
		e := &modelspec.Error{}
		return errors.Join(json.NewDecoder(res.Body).Decode(e), e)
	}
	return json.NewDecoder(res.Body).Decode(out)
}

func (r remote) do(ctx context.Context, port, key, order string) error {
	return r.post(ctx, "/do", sent{Port: port, Key: key, Order: order}, new(any))
}

func (r remote) undo(ctx context.Context, port, key, order string) error {
	return r.post(ctx, "/undo", sent{Port: port, Key: key, Order: order}, new(any))
}

func (r remote) hear(ctx context.Context, e broker.Event) error {
	return r.post(ctx, "/told", sent{Event: &e}, new(any))
}

func (r remote) observe(o aegis.Observation) {
	if o.Kind == "document.quarantined" || o.Kind == "event.deadlettered" {
		r.post(context.Background(), "/odd", sent{Text: o.Kind + " " + o.Model + " " + o.ID + ": " + errText(o.Err)}, new(any))
	}
}

// work does once what clients have to do.
func (r remote) work(ctx context.Context, host *aegis.Host) error {
	var todo todo
	if err := r.post(ctx, "/todo", sent{}, &todo); err != nil {
		return err
	}
	c := newClient(&history{Orders: killOrders, Left: killOrders - 8}, nil)
	c.makeStock(ctx, host)
	for _, i := range todo.Make {
		if c.create(ctx, host, i) == nil {
			r.post(ctx, "/made", sent{N: i}, new(any))
		}
	}
	for _, i := range todo.Sell {
		if c.sellOne(ctx, host, i); c.sold[i] {
			r.post(ctx, "/sold", sent{N: i}, new(any))
		}
	}
	for _, key := range todo.Answer {
		invoice.Complete(ctx, host, key, slip{key})
	}
	<-time.After(killPause)
	return nil
}
