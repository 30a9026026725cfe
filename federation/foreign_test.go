package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/org/aegis/adapter"
	"github.com/org/aegis/federation"
	"github.com/org/aegis/federation/federationtest"
	"github.com/org/aegis/modelspec"
)

// script is a Conn that answers as it is told.
type script struct {
	answer func(modelspec.Call) ([]byte, error)
	closed int
}

func (s *script) Exchange(_ context.Context, frame []byte, _ func(context.Context, []byte) []byte) ([]byte, error) {
	var c modelspec.Call
	if err := json.Unmarshal(frame, &c); err != nil {
		return nil, err
	}
	return s.answer(c)
}

func (s *script) Close() error {
	s.closed++
	return nil
}

func describes(manifests ...string) *script {
	n := 0
	return &script{answer: func(c modelspec.Call) ([]byte, error) {
		n++
		return []byte(`{"result":` + manifests[min(n, len(manifests))-1] + `}`), nil
	}}
}

func TestOpenRefuses(t *testing.T) {
	many := func(n int, one string) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]" }
	for name, c := range map[string]struct {
		conn *script
		a    federation.Artifact
		want string
		code modelspec.Code
	}{
		"gone":            {conn: &script{answer: func(modelspec.Call) ([]byte, error) { return nil, modelspec.ErrUnavailable }}, want: "describe", code: modelspec.ErrUnavailable},
		"panicking":       {conn: &script{answer: func(modelspec.Call) ([]byte, error) { panic("bang") }}, want: "panic in exchange", code: modelspec.ErrInternal},
		"no manifest":     {conn: describes(`null`), want: "no name", code: modelspec.ErrInvalid},
		"not a manifest":  {conn: describes(`[1]`), want: "not a manifest", code: modelspec.ErrInvalid},
		"another ABI":     {conn: describes(`{"abi":2,"name":"c"}`), want: "speaks ABI 2, this host 1", code: modelspec.ErrInvalid},
		"no ABI":          {conn: describes(`{"name":"c"}`), want: "speaks ABI 0", code: modelspec.ErrInvalid},
		"another name":    {conn: describes(`{"abi":1,"name":"c"}`), a: federation.Artifact{Name: "d"}, want: "d: the module says that it is component c", code: modelspec.ErrInvalid},
		"another version": {conn: describes(`{"abi":1,"name":"c","version":"1.0.0"}`), a: federation.Artifact{Version: "1.0.1"}, want: `version "1.0.0", not "1.0.1"`, code: modelspec.ErrInvalid},
		"a lie":           {conn: describes(`{"abi":1,"name":"c"}`, `{"abi":1,"name":"c","adapters":[{"model":"order","port":"pay"}]}`), want: "in two ways", code: modelspec.ErrInvalid},
		"too long":        {conn: describes(`{"abi":1,"name":"c","more":"` + strings.Repeat("x", 1<<20) + `"}`), want: "at most 1048576", code: modelspec.ErrInvalid},
		"too many":        {conn: describes(`{"abi":1,"name":"c","adapters":` + many(1025, `{"model":"m","port":"p"}`) + `}`), want: "1025 adapters", code: modelspec.ErrInvalid},
		"an adapter twice": {conn: describes(`{"abi":1,"name":"c","adapters":` + many(2, `{"model":"m","port":"p"}`) + `}`),
			want: "two adapters of port m.p", code: modelspec.ErrInvalid},
		"a bare adapter": {conn: describes(`{"abi":1,"name":"c","adapters":[{"port":"p"}]}`), want: "names a model and a port", code: modelspec.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := federation.Open(t.Context(), c.conn, c.a)
			if err == nil || !strings.Contains(err.Error(), c.want) || modelspec.CodeOf(err) != c.code {
				t.Errorf("%v (%s)\nwant %s (%s)", err, modelspec.CodeOf(err), c.want, c.code)
			}
			if c.conn.closed != 1 {
				t.Errorf("closed %d times", c.conn.closed)
			}
		})
	}
	other := describes(`{"abi":1,"name":"c"}`, ` {"name":"c", "abi":1}`) // in another order
	if m, err := federation.Open(t.Context(), other, federation.Artifact{Name: "c"}); err != nil {
		t.Errorf("the same manifest, written in two ways: %v", err)
	} else if err := errors.Join(m.Close(), m.Close()); err != nil || other.closed != 1 {
		t.Errorf("closed %d times: %v", other.closed, err)
	}
}

func TestProbe(t *testing.T) {
	c := boxes(handler("act", func(*Box, context.Context) (string, error) { return "", nil }))
	c.Adapters = []adapter.Adapter{undoable(answer("box", "pack", 1)), answer("x", "y", 1)}
	c.Probe = func(context.Context) error { return nil }
	m, conn := load(t, c)
	var asked []string
	say := func(code string) {
		asked = nil
		conn.Tamper(func(c modelspec.Call, reply []byte) []byte {
			asked = append(asked, c.Model+"."+c.Port)
			if code == "" || c.Model != "x" {
				return reply
			}
			return []byte(`{"error":{"code":"` + code + `"}}`)
		})
	}
	for code, ok := range map[string]bool{"": true, "unimplemented": true, "not_found": false, "unavailable": false} {
		say(code)
		if err := m.Probe(t.Context()); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "x.y") {
			t.Errorf("%q: %v", code, err)
		}
		if got := strings.Join(asked, " "); got != ". box. box.act box.pack x.y" {
			t.Errorf("asked for %s", got)
		}
	}
	sick := boxes()
	sick.Probe = func(context.Context) error { return errSick }
	m, _ = load(t, sick)
	if err := m.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "sick") {
		t.Errorf("a sick component: %v", err)
	}
}

// What a module's errors become, by who is asked.
func TestForeignErrors(t *testing.T) {
	c := boxes(handler("act", func(*Box, context.Context) (string, error) { return "", nil }))
	c.Adapters = []adapter.Adapter{undoable(answer("box", "pack", 1))}
	m, conn := load(t, c)
	a := m.Adapters()[0]
	for frame, want := range map[string]modelspec.Error{
		`{"error":{"code":"failed_precondition","message":"no"}}`: {Code: modelspec.ErrRefused, Message: "no"},
		`{"error":{"code":"out_of_range"}}`:                       {Code: modelspec.ErrUnknown},
		`{"error":{}}`:                                            {Code: modelspec.ErrUnknown},
		`{"error":{"code":"canceled"}}`:                           {Code: modelspec.ErrUnknown},
		`{"error":{"code":"data_loss"}}`:                          {Code: modelspec.ErrInternal},
		`{"error":{"code":"unauthenticated"}}`:                    {Code: modelspec.ErrDenied},
		`{"error":{"code":"unavailable","notSent":true}}`:         {Code: modelspec.ErrUnavailable, NotSent: true},
		`{"result":1} `:                                           {},
		`{"result":1,}`:                                           {Code: modelspec.ErrInternal},
	} {
		conn.Tamper(func(modelspec.Call, []byte) []byte { return []byte(frame) })
		for _, ask := range []func() error{
			func() error { _, err := a.Call(t.Context(), nil); return err },
			func() error { return a.Undo(t.Context(), nil, nil) },
		} {
			err := ask()
			if want.Code == "" {
				if err != nil {
					t.Errorf("%s: %v", frame, err)
				}
				continue
			}
			if modelspec.CodeOf(err) != want.Code || modelspec.NotSent(err) != want.NotSent {
				t.Errorf("%s: %v (%s), not sent %t", frame, err, modelspec.CodeOf(err), modelspec.NotSent(err))
			}
		}
	}
	conn.Tamper(func(modelspec.Call, []byte) []byte { return []byte(`{"error":{"code":"unavailable","notSent":true}}`) })
	if _, err := invoke(t.Context(), m, "act"); err == nil || modelspec.NotSent(err) {
		t.Errorf("a handler says that it was not sent: %v", err)
	}
	long := `{"error":{"code":"failed_precondition","message":"` + strings.Repeat("é", 1<<16) + `"}}`
	conn.Tamper(func(modelspec.Call, []byte) []byte { return []byte(long) })
	if _, err := a.Call(t.Context(), nil); err == nil || len(err.Error()) > 8<<10 || strings.ContainsRune(err.Error(), '\ufffd') {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// A reply without a document leaves the document as it is, and one whose
// document is null is refused.
func TestRT13ReplyWithoutDocument(t *testing.T) {
	m, conn := load(t, boxes(handler("act", func(*Box, context.Context) (string, error) { return "", nil })))
	conn.Tamper(func(modelspec.Call, []byte) []byte { return []byte(`{"result":"x"}`) })
	r, err := invoke(t.Context(), m, "act")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := r.Doc.JSON(); r.Doc != nil && string(b) != `{"id":"b1"}` {
		t.Errorf("no document became %s", b)
	}
	conn.Tamper(func(modelspec.Call, []byte) []byte { return []byte(`{"doc":null,"result":"x"}`) })
	if r, err := invoke(t.Context(), m, "act"); err == nil {
		b, _ := r.Doc.JSON()
		t.Errorf("a document that is null became %s", b)
	}
}

func TestConnFailures(t *testing.T) {
	m, conn := load(t, federation.Component{Name: "c", Adapters: []adapter.Adapter{answer("m", "p", 1)}})
	for name, c := range map[string]struct {
		err     error
		code    modelspec.Code
		notSent bool
	}{
		"gone":     {&modelspec.Error{Code: modelspec.ErrUnavailable, Message: "trap"}, modelspec.ErrUnavailable, false},
		"full":     {&modelspec.Error{Code: modelspec.ErrExhausted, NotSent: true}, modelspec.ErrExhausted, true},
		"uncoded":  {errSick, modelspec.ErrUnavailable, false},
		"deadline": {context.DeadlineExceeded, modelspec.ErrDeadline, false},
	} {
		conn.Fail(func(modelspec.Call) error { return c.err })
		_, err := m.Adapters()[0].Call(t.Context(), nil)
		if modelspec.CodeOf(err) != c.code || modelspec.NotSent(err) != c.notSent {
			t.Errorf("%s: %v (%s)", name, err, modelspec.CodeOf(err))
		}
	}
	conn.Fail(nil)
	if _, err := m.Adapters()[0].Call(t.Context(), nil); err != nil {
		t.Error("afterwards:", err)
	}
}

func TestServer(t *testing.T) {
	bad := federation.Component{Name: "c", Adapters: []adapter.Adapter{route("a", "b", inbound("q", ""), "n")}}
	if _, err := federation.NewServer(bad); err == nil || !strings.Contains(err.Error(), "is a route") {
		t.Errorf("a route: %v", err)
	}
	if _, err := federation.NewServer(federation.Component{}); err == nil || !strings.Contains(err.Error(), "no name") {
		t.Errorf("no name: %v", err)
	}
	c := boxes(handler("bang", func(*Box, context.Context) (string, error) { panic("bang") }))
	c.Adapters = []adapter.Adapter{{Model: "x", Port: "bang", Call: func(context.Context, *modelspec.Value) (*modelspec.Value, error) { panic("bang") }}}
	s, err := federation.NewServer(c)
	if err != nil {
		t.Fatal(err)
	}
	for frame, want := range map[string]modelspec.Code{
		``:                          modelspec.ErrInvalid,
		`{"op":"describe"} x`:       modelspec.ErrInvalid,
		`{"op":"describe","op":""}`: modelspec.ErrInvalid,
		`{"op":"describe"}`:         "",
		`{"op":"dance"}`:            modelspec.ErrUnimplemented,
		`{"op":"port.invoke","model":"nobody","port":"p"}`:               modelspec.ErrNotFound,
		`{"op":"port.invoke","model":"box","port":"bang","doc":{}}`:      modelspec.ErrInternal,
		`{"op":"adapter.call","model":"x","port":"bang"}`:                modelspec.ErrInternal,
		`{"op":"adapter.undo","model":"x","port":"bang"}`:                modelspec.ErrUnimplemented,
		`{"op":"adapter.call","model":"x","port":"y"}`:                   modelspec.ErrNotFound,
		`{"op":"probe","model":"box","port":"nope"}`:                     modelspec.ErrNotFound,
		`{"op":"probe","model":"box","port":"pack"}`:                     "",
		`{"op":"probe","deadline":"2026-11-23"}`:                         modelspec.ErrInvalid,
		`{"op":"probe","caller":{"subject":"a","claims":{"x":[1]}}}`:     "",
		`{"op":"probe","model":"box","caller":{"subject":"a","more":1}}`: "",
	} {
		var r modelspec.Reply
		if err := json.Unmarshal(s.Serve(t.Context(), []byte(frame), nil), &r); err != nil {
			t.Fatal(err)
		}
		if r.Error == nil && want != "" || r.Error != nil && r.Error.Code != want {
			t.Errorf("%s: %v", frame, r.Error)
		}
	}
}

func TestWatch(t *testing.T) {
	tab := newTable(t)
	inner, _ := load(t, boxes(handler("act", func(*Box, context.Context) (string, error) { return "x", nil })))
	w, err := federationtest.Watch(inner)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tab.Prepare(t.Context(), "", w, federation.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	if g.Name != "boxes" || g.Version != "1.0.0" {
		t.Errorf("%s %s", g.Name, g.Version)
	}
	if err := tab.Swap(federation.Change{"boxes": {{Gen: g}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := invoke(t.Context(), w, "act"); err != nil {
		t.Error(err)
	}
	if err := tab.Swap(federation.Change{"boxes": nil}); err != nil {
		t.Fatal(err)
	}
	<-g.Drained()
	if w.Closed() != 1 || w.Abused() != 0 || w.InUse() != 0 {
		t.Errorf("closed %d, abused %d, in use %d", w.Closed(), w.Abused(), w.InUse())
	}
	_, _ = invoke(t.Context(), w, "act")
	if w.Abused() != 1 {
		t.Error("a call after Close went unseen")
	}
}
