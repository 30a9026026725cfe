package aegistest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/org/aegis"
	"github.com/org/aegis/adapter"
	"github.com/org/aegis/aegistest"
	"github.com/org/aegis/broker"
	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/memory"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
	"github.com/org/aegis/wasm"
)

// note is a small model with every kind of misbehaviour a test may want.
type note struct {
	Text string   `json:"text"`
	Tags []string `json:"tags"`
	Of   string   `json:"of,omitempty"`
}

type send struct{ Tags []string }

type sent struct{ ID string }

var (
	parentOf = modelspec.BelongsTo[note, note]{Name: "parent", Model: "note", Key: "of"}
	mail     = port.Outbound[note, send, sent]{Name: "mail", Undo: true, On: []modelspec.EventRef{modelspec.EventName("note.posted")},
		Request: func(n *note) send { return send{n.Tags} }, Produces: modelspec.EventName("note.mailed")}
	bell = port.Outbound[note, port.None, port.None]{Name: "bell", On: []modelspec.EventRef{modelspec.EventName("note.mailed")},
		Request: func(*note) port.None { return port.None{} }}
	told = modelspec.Event[send]{Type: "note.told"}
	post = port.Command[note, send]{Name: "post", Produces: modelspec.EventName("note.posted"), Handle: func(*note, context.Context, send) error { return nil }}
)

// notes is a component of one model, with a handler for the command "do".
func notes(handle func(*note, context.Context, send) error) func() federation.Component {
	return func() federation.Component {
		m := modelspec.Model[note]{Name: "note", Relations: []modelspec.Relation[note]{parentOf}, Ports: []modelspec.Port[note]{mail, bell, post}, Publishes: []modelspec.EventRef{told}}
		if handle != nil {
			m.Ports = append(m.Ports, do(handle))
		}
		return federation.Component{Name: "notes", Models: []modelspec.Interface{m}}
	}
}

func do(handle func(*note, context.Context, send) error) port.Command[note, send] {
	return port.Command[note, send]{Name: "do", Handle: handle}
}

// written makes the note n1, with a parent.
func written(t *fake, h *aegistest.Host) {
	r := aegis.NewRepository(h.Host, modelspec.Model[note]{Name: "note"})
	if _, err := r.Create(t.Context(), "n0", note{Text: "parent", Tags: []string{"old"}}); err != nil {
		t.Fatalf("%v", err)
	}
	if _, err := r.Create(t.Context(), "n1", note{Text: "hello", Tags: []string{"a"}, Of: "n0"}); err != nil {
		t.Fatalf("%v", err)
	}
}

func TestExpectEvents(t *testing.T) {
	text := failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		aegistest.Stub(h, mail, sent{})
		written(t, h)
		h.ExpectEvents("note.created", "note.created")
		if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
			t.Errorf("%v", err)
		}
		if es := h.Events(); len(es) != 2 || es[1].Type != "note.mailed" || es[1].Subject != "n1" {
			t.Errorf("%+v", es)
		}
		h.ExpectEvents("note.written", "note.posted")
		h.ExpectNoEvents()
	})
	want := "aegistest: placement direct: events (- expected, + delivered):\n" +
		"\t- note.written\n\t  note.posted (note n1)\n\t+ note.mailed (note n1)\n" +
		"no adapter answers note.bell: Stub it, or flows wait there\n"
	if text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

func TestExpectNoEvents(t *testing.T) {
	wants(t, failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		written(t, h)
		h.ExpectNoEvents()
	}), "+ note.created (note n0)", "+ note.created (note n1)")
}

func TestTrouble(t *testing.T) {
	stuck := func(expect func(h *aegistest.Host)) string {
		return failing(t, func(t *fake) {
			h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
			aegistest.Stub(h, mail, sent{})
			aegistest.Fail(h, bell, modelspec.Refuse("no clapper"), -1)
			aegistest.FailUndo(h, mail, modelspec.Refuse("it is out"), -1)
			written(t, h)
			if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
				t.Errorf("%v", err)
			}
			h.Settle()
			expect(h)
		})
	}
	wants(t, stuck(func(*aegistest.Host) {}), "unexpected: flow.attention note n1", "it is out")
	wants(t, stuck(func(h *aegistest.Host) { h.ExpectTrouble("flow.attention note n1") }))
	wants(t, stuck(func(h *aegistest.Host) { h.ExpectTrouble() }), "trouble:\n\tflow.attention note n1\nexpected:\n\tnone")
	wants(t, failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		h.ExpectTrouble("flow.attention note n1")
	}), "trouble:\n\tnone\nexpected:\n\tflow.attention note n1")
}

func TestDeadLetters(t *testing.T) {
	cfg := aegistest.Config{Component: notes(nil), Host: aegis.Config{Subscriptions: aegis.Subscriptions{{
		Name: "grumpy", Pattern: "note.created", Required: true, Handler: func(context.Context, broker.Event) error { return errors.New("no") },
	}}}}
	refused := func(t *fake) *aegistest.Host {
		h := aegistest.New(t, cfg)
		written(t, h)
		if _, err := aegis.NewRepository(h.Host, modelspec.Model[note]{Name: "note"}).Create(t.Context(), "a", note{Text: "last"}); err != nil {
			t.Fatalf("%v", err)
		}
		for range 25 {
			h.Pass(longer)
		}
		return h
	}
	wants(t, failing(t, func(t *fake) { refused(t) }), "unexpected: event.deadlettered note n0", "unexpected: event.deadlettered note n1")
	wants(t, failing(t, func(t *fake) {
		refused(t).ExpectTrouble("event.deadlettered note n1", "event.deadlettered note n0", "event.deadlettered note a")
	}))
}

func TestFailThenWork(t *testing.T) {
	wants(t, failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		aegistest.Stub(h, bell, port.None{})
		aegistest.Stub(h, mail, sent{"m1"})
		aegistest.Fail(h, mail, modelspec.ErrUnavailable, 2)
		written(t, h)
		if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
			t.Errorf("%v", err)
		}
		h.ExpectEvents("note.created", "note.created", "note.posted")
		h.Pass(longer)
		h.Pass(longer)
		h.ExpectEvents("note.mailed")
		calls := aegistest.Calls(h, mail)
		if len(calls) != 3 || calls[0].Key != calls[2].Key || calls[0].Err == nil || calls[2].Err != nil || calls[0].Undoes != "" {
			t.Errorf("%+v", calls)
		}
		if calls := aegistest.Calls(h, bell); len(calls) != 1 {
			t.Errorf("%+v", calls)
		}
	}))
}

func TestUsedWrongly(t *testing.T) {
	for _, c := range []struct {
		name string
		body func(t *fake)
		want string
	}{
		{"calls of what is not stubbed", func(t *fake) {
			aegistest.Calls(aegistest.New(t, aegistest.Config{Component: notes(nil)}), mail)
		}, "calls of port note.mail: it is not stubbed"},
		{"undo of what has none", func(t *fake) {
			aegistest.FailUndo(aegistest.New(t, aegistest.Config{Component: notes(nil)}), bell, nil, 1)
		}, "port note.bell has no Undo"},
		{"a stub for no port", func(t *fake) {
			other := mail
			other.Name = "male"
			aegistest.Stub(aegistest.New(t, aegistest.Config{Component: notes(nil)}), other, sent{})
		}, "model note has no such port"},
		{"codec without component", func(t *fake) {
			aegistest.New(t, aegistest.Config{Placements: []aegistest.Placement{aegistest.Codec}})
		}, "set Config.Component"},
		{"wasm without guest", func(t *fake) {
			aegistest.New(t, aegistest.Config{Placements: []aegistest.Placement{aegistest.Wasm}})
		}, "set Config.Guest"},
		{"no such placement", func(t *fake) {
			aegistest.New(t, aegistest.Config{Placements: []aegistest.Placement{"moon"}})
		}, "use Direct, Codec or Wasm"},
		{"a guest that is none", func(t *fake) {
			aegistest.New(t, aegistest.Config{Guest: "./nowhere"})
		}, "build guest ./nowhere"},
		{"a host that cannot be", func(t *fake) {
			m := modelspec.Model[note]{Name: "note"}
			aegistest.New(t, aegistest.Config{Host: aegis.Config{Models: aegis.Models{m, m}}})
		}, "placement direct"},
		{"two stores", func(t *fake) {
			aegistest.New(t, aegistest.Config{Host: aegis.Config{Datasource: memory.New()}, Store: func(testing.TB) datasource.Store { return memory.New() }})
		}, "not both"},
		{"not granted", func(t *fake) {
			aegistest.New(t, aegistest.Config{Component: notes(nil), Placements: []aegistest.Placement{aegistest.Codec}, Grant: &federation.Grant{}})
		}, "not granted"},
	} {
		t.Run(c.name, func(t *testing.T) { wants(t, failing(t, c.body), c.want) })
	}
}

func TestEachNeedsItsOwn(t *testing.T) {
	for _, c := range []struct {
		cfg aegistest.Config
		ok  bool
	}{
		{aegistest.Config{}, true},
		{aegistest.Config{Host: aegis.Config{Datasource: memory.New()}}, true}, // one host
		{aegistest.Config{Component: notes(nil)}, true},
		{aegistest.Config{Component: notes(nil), Placements: []aegistest.Placement{}}, true},
		{aegistest.Config{Component: notes(nil), Host: aegis.Config{Datasource: memory.New()}}, false},
		{aegistest.Config{Component: notes(nil), Host: aegis.Config{Datasources: map[string]datasource.Store{"note": memory.New()}}}, false},
		{aegistest.Config{Component: notes(nil), Host: aegis.Config{Runtimes: aegis.Runtimes{wasm.New(wasm.Config{})}}}, false},
		{aegistest.Config{Component: notes(nil), Placements: []aegistest.Placement{aegistest.Direct}, Host: aegis.Config{Datasource: memory.New()}}, true},
	} {
		if err := c.cfg.CheckEach(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

// A process builds a guest once.
func TestBuildOnce(t *testing.T) {
	one, err := aegistest.Build("../internal/shop/guest")
	if err != nil {
		t.Fatal(err)
	}
	two, err := aegistest.Build("../internal/shop/guest")
	if err != nil || &one[0] != &two[0] {
		t.Errorf("built twice, %v", err)
	}
}

// closing is a store that says when it is closed.
type closing struct {
	datasource.Store
	closed *int
}

func (c closing) Close() error {
	*c.closed++
	return c.Store.Close()
}

func TestStoreOfEachHost(t *testing.T) {
	made, closed := 0, 0
	t.Run("each", func(t *testing.T) {
		aegistest.Each(t, aegistest.Config{Component: notes(nil), Store: func(testing.TB) datasource.Store {
			made++
			return closing{memory.New(), &closed}
		}}, func(t *testing.T, host *aegistest.Host) {
			if string(host.Placement()) != t.Name()[len("TestStoreOfEachHost/each/"):] {
				t.Errorf("placement %s", host.Placement())
			}
		})
	})
	if made != 2 || closed != 2 {
		t.Errorf("%d made, %d closed", made, closed)
	}
}

func TestStarted(t *testing.T) {
	aegistest.Each(t, aegistest.Config{Component: notes(nil)}, func(t *testing.T, host *aegistest.Host) {
		t.Parallel()
		aegistest.Stub(host, mail, sent{})
		aegistest.Stub(host, bell, port.None{})
		other := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		if err := errors.Join(host.Start(t.Context()), other.Start(t.Context())); err != nil {
			t.Fatal(err)
		}
		r := aegis.NewRepository(host.Host, modelspec.Model[note]{Name: "note"})
		if _, err := r.Create(t.Context(), "n1", note{Text: "hello"}); err != nil {
			t.Fatal(err)
		}
		if err := post.Invoke(t.Context(), host, "n1", send{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectEvents("note.created", "note.posted", "note.mailed")
		other.ExpectNoEvents()
		aegistest.Fail(host, bell, modelspec.Refuse("no clapper"), 1)
		aegistest.FailUndo(host, mail, modelspec.Refuse("it is out"), 1)
		if err := post.Invoke(t.Context(), host, "n1", send{}); err != nil {
			t.Fatal(err)
		}
		host.ExpectTrouble("flow.attention note n1")
	})
}

func TestUse(t *testing.T) {
	wants(t, failing(t, func(t *fake) {
		h := aegistest.New(t, aegistest.Config{Component: notes(nil)})
		svc := aegistest.NewService(func(send) (sent, error) { return sent{"s1"}, nil })
		h.Use(adapter.BindUndo(mail, svc.Do, svc.Undo))
		written(t, h)
		if err := post.Invoke(t.Context(), h, "n1", send{}); err != nil {
			t.Errorf("%v", err)
		}
		h.Settle()
		if es := svc.Effects(); len(es) != 1 || es[0].Request.Tags[0] != "a" || es[0].Key == "" {
			t.Errorf("%+v", es)
		}
	}))
}
