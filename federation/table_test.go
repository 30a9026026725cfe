package federation_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

var errSick = errors.New("sick")

func TestAThousandSwapsUnderLoad(t *testing.T) {
	tab := federation.NewTable()
	gauges := make([]*gauge, 1001)
	put := func(i int) *federation.Generation {
		gauges[i] = &gauge{}
		g := prepare(t, tab, "c", component(gauges[i], i))
		if err := tab.Swap(federation.Change{"c": {{Gen: g}}}); err != nil {
			t.Fatal(err)
		}
		return g
	}
	first := put(0)
	var calls, stale atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			last := -1
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := say(tab, strconv.Itoa(w))
				if err != nil {
					t.Error(err)
					return
				}
				if n < last {
					stale.Add(1)
				}
				last = n
				calls.Add(1)
			}
		})
	}
	failed := 0
	for i := 1; i <= 1000; i++ {
		if i%7 == 0 {
			refuseBad(t, tab)
			failed++
		}
		put(i)
	}
	close(stop)
	wg.Wait()
	<-first.Drained()
	if err := tab.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, g := range gauges {
		if g.closed.Load() != 1 || g.abused.Load() != 0 {
			t.Fatalf("generation %d: closed %d times, %d while in use", i, g.closed.Load(), g.abused.Load())
		}
	}
	if stale.Load() > 0 {
		t.Errorf("%d calls went back in time", stale.Load())
	}
	t.Logf("%d calls during 1000 swaps and %d refused generations", calls.Load(), failed)
}

// refuseBad tries to show a generation that is sick, and one that is in
// conflict with the table. The old one stays and the bad one is closed.
func refuseBad(t *testing.T, tab *federation.Table) {
	t.Helper()
	bad := &gauge{}
	m := native(t, component(bad, -1))
	_, err := tab.Prepare(t.Context(), "c", m, federation.Preparation{Probe: func(context.Context, federation.Module) error { return errSick }})
	if !errors.Is(err, errSick) || bad.closed.Load() != 1 {
		t.Fatalf("a failed probe must fail and close: %v, closed %d times", err, bad.closed.Load())
	}
	worse := &gauge{}
	g := prepare(t, tab, "d", component(worse, -1))
	if err := tab.Swap(federation.Change{"d": {{Gen: g}}}); err == nil {
		t.Fatal("two components with one model")
	}
	g.Discard()
	<-g.Drained()
	if worse.closed.Load() != 1 {
		t.Fatal("a discarded generation was not closed")
	}
}

func TestSplit(t *testing.T) {
	tab := newTable(t)
	a, b := prepare(t, tab, "c", component(&gauge{}, 0)), prepare(t, tab, "c", component(&gauge{}, 1))
	was := map[string]int{}
	for _, share := range []uint32{1000, 900, 500, 100, 0} {
		if err := tab.Swap(federation.Change{"c": {{Gen: a, Share: share}, {Gen: b}}}); err != nil {
			t.Fatal(err)
		}
		if a.Sole() || b.Sole() {
			t.Error("two arms, and one is alone")
		}
		toB := 0
		for i := range 20000 {
			k := "order-" + strconv.Itoa(i)
			n, err := say(tab, k)
			if err != nil {
				t.Fatal(err)
			}
			if n < was[k] {
				t.Fatalf("%s went back to the old generation", k)
			}
			was[k] = n
			toB += n
		}
		if want := float64(1000-share) / 1000 * 20000; float64(toB) < want*0.95-20 || float64(toB) > want*1.05+20 {
			t.Errorf("share of the new arm: %d of 20000 documents, want about %.0f", toB, want)
		}
		if got := tab.Snapshot().Components(); got[0].Share != share || got[1].Share != 1000-share {
			t.Errorf("components: %+v", got)
		}
	}
}

// A rollback to a generation that has been retired is refused: it must be
// prepared again. Nothing spins.
func TestRT10RollbackToTheRetired(t *testing.T) {
	tab := newTable(t)
	g1, g2 := prepare(t, tab, "c", component(&gauge{}, 1)), prepare(t, tab, "c", component(&gauge{}, 2))
	if err := tab.Swap(federation.Change{"c": {{Gen: g1}}}); err != nil {
		t.Fatal(err)
	}
	_, pinned, err := tab.Model("thing", "x") // retired, and still open
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.Swap(federation.Change{"c": {{Gen: g2}}}); err != nil {
		t.Fatal(err)
	}
	if d := tab.Draining(); len(d) != 1 || d[0] != g1 {
		t.Errorf("draining: %v", d)
	}
	for range 2 {
		if err := tab.Swap(federation.Change{"c": {{Gen: g1}}}); !errors.Is(err, modelspec.ErrRefused) {
			t.Errorf("rollback to the retired: %v", err)
		}
		if n, err := say(tab, "x"); n != 2 || err != nil {
			t.Errorf("say: %d, %v", n, err)
		}
		select {
		case <-g1.Drained():
		default:
			pinned.Unpin()
			<-g1.Drained()
		}
	}
	if n := len(tab.Draining()); n != 0 {
		t.Errorf("%d still draining", n)
	}
}

func TestBatchIsOneSwitch(t *testing.T) {
	tab := newTable(t)
	out := outbound("ask", "")
	two := func(n int) (federation.Component, federation.Component) {
		return model("asker", out), federation.Component{Adapters: []adapter.Adapter{answer("asker", "ask", n)}}
	}
	m, a := two(0)
	if err := show(t, tab, map[string]federation.Component{"m": m, "a": a}); err != nil {
		t.Fatal(err)
	}
	ref := tab.PortRef("asker", "ask")
	if again := tab.PortRef("asker", "ask"); again != ref {
		t.Error("the same port has two refs")
	}
	for n := range 100 {
		m, a := two(n)
		if err := show(t, tab, map[string]federation.Component{"m": m, "a": a}); err != nil {
			t.Fatal(err)
		}
		ad, g, err := ref.Pin("k")
		if err != nil {
			t.Fatal(err)
		}
		v, _ := ad.Call(t.Context(), nil)
		g.Unpin()
		if got, _ := modelspec.As[int](v); *got != n {
			t.Fatalf("swap %d: the port answers %d", n, *got)
		}
	}
}

func TestMissing(t *testing.T) {
	tab := newTable(t)
	if _, _, err := tab.Model("nobody", "x"); !errors.Is(err, modelspec.ErrNotFound) {
		t.Errorf("model: %v", err)
	}
	ref := tab.PortRef("asker", "ask")
	_, _, err := ref.Pin("x")
	if !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) || !strings.Contains(err.Error(), "port asker.ask has no adapter") {
		t.Errorf("port: %v", err)
	}
	if err := show(t, tab, map[string]federation.Component{"m": model("asker", outbound("ask", ""))}); err != nil {
		t.Fatal(err)
	}
	if got := tab.Snapshot().Unbound(); len(got) != 1 || got[0] != "asker.ask" {
		t.Errorf("unbound: %v", got)
	}
	if err := show(t, tab, map[string]federation.Component{"a": {Adapters: []adapter.Adapter{answer("asker", "ask", 7)}}}); err != nil {
		t.Fatal(err)
	}
	_, g, err := ref.Pin("x")
	if err != nil {
		t.Fatal("a ref from before the adapter came:", err)
	}
	if c := tab.Snapshot().Components(); c[0].Inflight != 1 || c[1].Inflight != 0 {
		t.Errorf("inflight: %+v", c)
	}
	g.Unpin()
	if err := tab.Swap(federation.Change{"a": nil}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ref.Pin("x"); !modelspec.NotSent(err) {
		t.Errorf("after the adapter went: %v", err)
	}
}

func TestCloseIsBounded(t *testing.T) {
	tab := federation.NewTable()
	if err := show(t, tab, map[string]federation.Component{"c": component(&gauge{}, 1)}); err != nil {
		t.Fatal(err)
	}
	waiting := prepare(t, tab, "d", federation.Component{})
	_, g, err := tab.Model("thing", "x")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tab.Close(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "still in use: c") {
		t.Errorf("close with a call under way: %v", err)
	}
	<-g.Context().Done() // the call is told
	select {
	case <-g.Drained():
		t.Fatal("closed in use")
	default:
	}
	g.Unpin()
	if err := tab.Close(t.Context()); err != nil {
		t.Errorf("second close: %v", err)
	}
	<-waiting.Drained()
	if err := tab.Swap(federation.Change{}); !errors.Is(err, modelspec.ErrUnavailable) {
		t.Errorf("swap after close: %v", err)
	}
	late := &gauge{}
	if _, err := tab.Prepare(t.Context(), "c", native(t, component(late, 1)), federation.Preparation{}); err == nil || late.closed.Load() != 1 {
		t.Errorf("prepare after close: %v, closed %d times", err, late.closed.Load())
	}
	if _, _, err := tab.Model("thing", "x"); err == nil {
		t.Error("a closed table has models")
	}
}

func TestKillAndErr(t *testing.T) {
	tab := newTable(t)
	c := federation.Component{OnClose: func() error { panic("bang") }}
	g := prepare(t, tab, "c", c)
	g.Kill(errSick)
	if !errors.Is(context.Cause(g.Context()), errSick) {
		t.Error("cause:", context.Cause(g.Context()))
	}
	if g.Err() != nil {
		t.Error("an error before the end:", g.Err())
	}
	g.Discard()
	g.Discard()
	<-g.Drained()
	if err := g.Err(); !errors.Is(err, modelspec.ErrInternal) || !strings.Contains(err.Error(), "bang") {
		t.Errorf("closing panicked: %v", err)
	}
}

// A reader that looked before the change and pins after it.
func TestPinOfTheLate(t *testing.T) {
	tab := newTable(t)
	g := prepare(t, tab, "c", component(&gauge{}, 1))
	if err := tab.Swap(federation.Change{"c": {{Gen: g}}}); err != nil {
		t.Fatal(err)
	}
	if !g.Pin() {
		t.Fatal("no pin of what is shown")
	}
	if err := tab.Swap(federation.Change{"c": nil}); err != nil {
		t.Fatal(err)
	}
	if !g.Pin() {
		t.Error("no pin of what is retired and open")
	}
	g.Unpin()
	g.Unpin()
	<-g.Drained()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if g.Pin() {
					t.Error("a pin of what is closed")
					return
				}
			}
		})
	}
	wg.Wait()
	if n := g.Inflight(); n != 0 {
		t.Errorf("%d calls under way in what is closed", n)
	}
}

// Whatever goes wrong, a read ends. Here somebody gave the table's own claim
// back, so that it shows what is closed.
func TestReadsAreBounded(t *testing.T) {
	tab := federation.NewTable()
	c := component(&gauge{}, 1)
	c.Models = append(c.Models, model("m", outbound("p", "")).Models...)
	c.Adapters = adapters(answer("m", "p", 1)).Adapters
	g := prepare(t, tab, "c", c)
	if err := tab.Swap(federation.Change{"c": {{Gen: g}}}); err != nil {
		t.Fatal(err)
	}
	g.Unpin()
	<-g.Drained()
	if _, _, err := tab.Model("thing", "x"); !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) {
		t.Errorf("model: %v", err)
	}
	if _, _, err := tab.PortRef("m", "p").Pin("x"); !errors.Is(err, modelspec.ErrUnavailable) || !modelspec.NotSent(err) {
		t.Errorf("port: %v", err)
	}
}

// A port that is not called must not keep the modules of an old snapshot.
func TestPortsLetGo(t *testing.T) {
	tab := newTable(t)
	if err := show(t, tab, map[string]federation.Component{"m": model("m", outbound("p", "")), "a": adapters(answer("m", "p", 1))}); err != nil {
		t.Fatal(err)
	}
	ref := tab.PortRef("m", "p")
	_, g, err := ref.Pin("x")
	if err != nil {
		t.Fatal(err)
	}
	g.Unpin()
	if !ref.Remembers() {
		t.Error("nothing is remembered")
	}
	if err := tab.Swap(federation.Change{"a": nil}); err != nil {
		t.Fatal(err)
	}
	if ref.Remembers() {
		t.Error("the old snapshot is kept")
	}
}

func TestUnpinWithoutPin(t *testing.T) {
	tab := newTable(t)
	g := prepare(t, tab, "c", federation.Component{})
	g.Discard()
	<-g.Drained()
	defer func() {
		if recover() == nil {
			t.Error("an Unpin too many went unseen")
		}
	}()
	g.Unpin()
}
