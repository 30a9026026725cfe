package federation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// delayed makes the port p of a model wait.
func delayed(d time.Duration) func(*modelspec.Descriptor) error {
	return func(m *modelspec.Descriptor) error {
		for i := range m.Ports {
			if m.Ports[i].Name == "p" {
				m.Ports[i].On, m.Ports[i].Delay = []string{m.Name + ".x"}, d
			}
		}
		return nil
	}
}

// specOf is what the table shows of m, for a document.
func specOf(t *testing.T, tab *federation.Table, id string) *modelspec.Spec {
	t.Helper()
	s, g, err := tab.Model("m", id)
	if err != nil {
		t.Fatal(err)
	}
	g.Unpin()
	return s
}

func delay(t *testing.T, tab *federation.Table) time.Duration {
	t.Helper()
	return specOf(t, tab, "k").Port("p").Delay
}

func TestOverlay(t *testing.T) {
	tab := newTable(t)
	m := func() map[string]federation.Component {
		return map[string]federation.Component{"c": model("m", outbound("p", ""))}
	}
	if err := tab.Overlay(federation.Overlay{"m": delayed(time.Minute)}); err != nil {
		t.Fatal("before its model has come:", err)
	}
	if err := show(t, tab, m()); err != nil {
		t.Fatal(err)
	}
	first := specOf(t, tab, "k")
	if d := delay(t, tab); d != time.Minute {
		t.Errorf("a model that came later: %v", d)
	}
	if got := tab.Snapshot().Models()[0]; got != first {
		t.Error("the list has another spec")
	}
	if got := tab.Snapshot().Declared(); len(got) != 1 || got[0].Port("p").Delay != 0 {
		t.Error("what is declared is not what the code says")
	}
	if err := show(t, tab, map[string]federation.Component{"d": model("n")}); err != nil || specOf(t, tab, "k") != first {
		t.Errorf("a change elsewhere made a new spec: %v", err)
	}
	if err := show(t, tab, m()); err != nil || specOf(t, tab, "k") == first || delay(t, tab) != time.Minute {
		t.Errorf("a new generation: %v, %v", delay(t, tab), err)
	}
	seq := tab.Snapshot().Seq
	if err := tab.Overlay(federation.Overlay{"m": delayed(time.Hour)}); err != nil || delay(t, tab) != time.Hour {
		t.Errorf("another overlay: %v, %v", delay(t, tab), err)
	}
	if got := tab.Snapshot().Seq; got != seq+1 {
		t.Errorf("%d changes, want one", got-seq)
	}
	if err := tab.Overlay(nil); err != nil || delay(t, tab) != 0 {
		t.Errorf("none: %v, %v", delay(t, tab), err)
	}
	if first.Port("p").Delay != time.Minute {
		t.Error("what was pinned has changed")
	}
}

// An overlay that does not fit changes nothing, and says where it does not.
func TestOverlayIsRefused(t *testing.T) {
	change := func(f func(d *modelspec.Descriptor)) federation.Overlay {
		return federation.Overlay{"m": func(d *modelspec.Descriptor) error { f(d); return nil }}
	}
	for name, c := range map[string]struct {
		o    federation.Overlay
		want string
	}{
		"an error":       {federation.Overlay{"m": func(*modelspec.Descriptor) error { return errSick }}, `component c (version ""): model m does not fit the overlay: sick`},
		"a panic":        {change(func(*modelspec.Descriptor) { panic("bang") }), "panic in overlay: bang"},
		"a bad value":    {change(func(d *modelspec.Descriptor) { d.Ports[0].Repeats = -1 }), "port p: repeats -1"},
		"a circle":       {change(func(d *modelspec.Descriptor) { d.Ports[0].On, d.Ports[0].Produces = []string{"m.x"}, "m.x" }), "m.p -[m.x]-> m.p"},
		"a trigger":      {change(func(d *modelspec.Descriptor) { d.Ports[0].From = []modelspec.Trigger{{Event: "n.x", Key: "subject"}} }), "event n.x: no component has a model n"},
		"another name":   {change(func(d *modelspec.Descriptor) { d.Name = "x" }), "leave them as they are"},
		"another port":   {change(func(d *modelspec.Descriptor) { d.Ports[0].Name = "x" }), "port p: its name"},
		"other port":     {change(func(d *modelspec.Descriptor) { d.Ports = d.Ports[:1] }), "the list of ports"},
		"an undo":        {change(func(d *modelspec.Descriptor) { d.Ports[0].Undo = true }), "port p: its name"},
		"another schema": {change(func(d *modelspec.Descriptor) { d.Schema = &modelspec.Schema{} }), "leave them as they are"},
	} {
		t.Run(name, func(t *testing.T) {
			tab := newTable(t)
			if err := show(t, tab, map[string]federation.Component{"c": model("m", outbound("p", ""), outbound("q", ""))}); err != nil {
				t.Fatal(err)
			}
			if err := tab.Overlay(federation.Overlay{"m": delayed(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			before := tab.Snapshot()
			err := tab.Overlay(c.o)
			if !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "federation: overlay: ") {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if tab.Snapshot() != before {
				t.Error("refused, and shown")
			}
			if err := tab.Swap(federation.Change{}); err != nil || delay(t, tab) != time.Minute {
				t.Errorf("the overlay before: %v, %v", delay(t, tab), err)
			}
		})
	}
}

// A version that does not fit the overlay any more does not take the place of
// one that does.
func TestSwapAgainstAnOverlay(t *testing.T) {
	tab := newTable(t)
	needs := func(d *modelspec.Descriptor) error {
		if len(d.Ports) == 0 {
			return errors.New("no port p")
		}
		return delayed(time.Minute)(d)
	}
	if err := show(t, tab, map[string]federation.Component{"c": model("m", outbound("p", ""))}); err != nil {
		t.Fatal(err)
	}
	if err := tab.Overlay(federation.Overlay{"m": needs}); err != nil {
		t.Fatal(err)
	}
	g := prepare(t, tab, "c", model("m"))
	err := tab.Swap(federation.Change{"c": {{Gen: g}}})
	if !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "model m does not fit the overlay: no port p") {
		t.Errorf("swap: %v", err)
	}
	if delay(t, tab) != time.Minute {
		t.Error("refused, and shown")
	}
	none := federation.Overlay{}
	if err := tab.Show(federation.Change{"c": {{Gen: g}}}, &none); err != nil {
		t.Error("both in one step:", err)
	}
	if specOf(t, tab, "k").Port("p") != nil {
		t.Error("the old version is shown")
	}
}

// Each arm has its own spec under an overlay, and keeps it while shares change.
func TestOverlayOfArms(t *testing.T) {
	tab := newTable(t)
	c := func() federation.Component { return model("m", outbound("p", "")) }
	one, two := prepare(t, tab, "c", c()), prepare(t, tab, "c", c())
	if err := tab.Overlay(federation.Overlay{"m": delayed(time.Minute)}); err != nil {
		t.Fatal(err)
	}
	seen := map[*modelspec.Spec]bool{}
	for _, share := range []uint32{500, 100, 900} {
		if err := tab.Swap(federation.Change{"c": {{Gen: one, Share: share}, {Gen: two}}}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"} {
			seen[specOf(t, tab, id)] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("%d specs of two arms", len(seen))
	}
}
