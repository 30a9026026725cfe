package modelspec_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/port"
)

var errPlain = errors.New("plain")

type job struct {
	ID    string    `json:"id"`
	State string    `json:"state"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	now   time.Time
	Who   string `json:"-"`
}

func specOf(t *testing.T, m modelspec.Interface) *modelspec.Spec {
	t.Helper()
	s, err := m.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHooksAndMoment(t *testing.T) {
	var ran []string
	m := modelspec.Model[job]{
		Name: "job",
		OnCreate: func(j *job) error {
			ran = append(ran, "create")
			j.State, j.By, j.At, j.ID = "new", j.Who, j.now, "mine"
			return nil
		},
		Validate: func(j *job) error { ran = append(ran, "validate"); return nil },
		OnUpdate: func(was, is *job) error {
			ran = append(ran, "update "+was.State+was.Who+" "+is.State)
			was.State = "changed"
			return nil
		},
		OnDelete: func(j *job) error { ran = append(ran, "delete"); return modelspec.Refuse("no") },
		OnUndone: func(j *job) error { ran = append(ran, "undone"); j.State = "undone"; return nil },
		Moment:   func(j *job, m modelspec.Moment) { j.now, j.Who = m.Now, m.Caller.Subject+m.Cause },
	}
	s := specOf(t, m)
	now := time.Unix(5, 0).UTC()
	who := &modelspec.Caller{Subject: "ann"}
	ask := func(c modelspec.Call) modelspec.Reply {
		c.ID, c.Now, c.Caller, c.Cause = "j1", now, who, "!"
		r, err := s.Handle(t.Context(), c)
		if err != nil && c.Op != modelspec.OpDelete {
			t.Fatal(err)
		}
		if c.Op == modelspec.OpDelete && modelspec.CodeOf(err) != modelspec.ErrRefused {
			t.Errorf("delete: %v", err)
		}
		return r
	}
	made := ask(modelspec.Call{Op: modelspec.OpNew, Doc: modelspec.Of(job{ID: "other"})}).Doc
	expect(t, made, `{"id":"j1","state":"new","by":"ann!","at":"1970-01-01T00:00:05Z"}`)
	if j, _ := modelspec.As[job](made); j.Who != "" || !j.now.IsZero() {
		t.Error("a document keeps what JSON does not carry")
	}
	next := ask(modelspec.Call{Op: modelspec.OpUpdate, Prev: made, Doc: modelspec.Of(job{State: "next"})}).Doc
	expect(t, next, `{"id":"j1","state":"next","by":"","at":"0001-01-01T00:00:00Z"}`)
	expect(t, made, `{"id":"j1","state":"new","by":"ann!","at":"1970-01-01T00:00:05Z"}`)
	expect(t, ask(modelspec.Call{Op: modelspec.OpUndone, Doc: next}).Doc, `{"id":"j1","state":"undone","by":"","at":"0001-01-01T00:00:00Z"}`)
	ask(modelspec.Call{Op: modelspec.OpDelete, Doc: next})
	if got := strings.Join(ran, ", "); got != "create, validate, update newann! next, validate, undone, validate, delete" {
		t.Error(got)
	}
}

func TestErrorsGetTheCodeOfTheirPlace(t *testing.T) {
	fail := func(*job) error { return errPlain }
	m := modelspec.Model[job]{Name: "job", OnCreate: fail, OnDelete: fail, OnUndone: fail, OnUpdate: func(_, _ *job) error { return errPlain },
		Ports: []modelspec.Port[job]{
			port.Command[job, port.None]{Name: "in", Handle: func(*job, context.Context, port.None) error { return errPlain }},
			port.Outbound[job, port.None, port.None]{Name: "out", Request: func(*job) port.None { return port.None{} }, Reply: func(*job, port.None) error { return errPlain }},
		}}
	s := specOf(t, m)
	v := modelspec.Model[job]{Name: "job", Validate: fail}
	valid := specOf(t, v)
	doc := modelspec.Of(job{})
	for _, c := range []struct {
		spec *modelspec.Spec
		call modelspec.Call
		want modelspec.Code
	}{
		{s, modelspec.Call{Op: modelspec.OpNew}, modelspec.ErrInvalid},
		{s, modelspec.Call{Op: modelspec.OpUpdate, Prev: doc}, modelspec.ErrRefused},
		{s, modelspec.Call{Op: modelspec.OpDelete}, modelspec.ErrRefused},
		{s, modelspec.Call{Op: modelspec.OpUndone}, modelspec.ErrRefused},
		{s, modelspec.Call{Op: modelspec.OpInvoke, Port: "in"}, modelspec.ErrRefused},
		{s, modelspec.Call{Op: modelspec.OpReply, Port: "out"}, modelspec.ErrRefused},
		{valid, modelspec.Call{Op: modelspec.OpUpdate, Prev: doc}, modelspec.ErrInvalid},
		{valid, modelspec.Call{Op: modelspec.OpNew}, modelspec.ErrInvalid},
	} {
		c.call.Doc = doc
		_, err := c.spec.Handle(t.Context(), c.call)
		if modelspec.CodeOf(err) != c.want || !errors.Is(err, errPlain) || !errors.Is(err, c.want) || err.Error() != "plain" {
			t.Errorf("%s: %v is %s, want %s", c.call.Op, err, modelspec.CodeOf(err), c.want)
		}
		if e := modelspec.AsError(err); e.Code != c.want || e.Message != "plain" {
			t.Errorf("%s: crosses as %+v", c.call.Op, e)
		}
	}
	for _, c := range []modelspec.Call{{Op: modelspec.OpInvoke, Port: "no"}, {Op: modelspec.OpProbe, Port: "no"}} {
		if _, err := s.Handle(t.Context(), c); modelspec.CodeOf(err) != modelspec.ErrNotFound {
			t.Errorf("%s: %v", c.Op, err)
		}
	}
	if _, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpProbe, Port: "in"}); err != nil {
		t.Error(err)
	}
	if _, err := s.Handle(t.Context(), modelspec.Call{Op: "else"}); modelspec.CodeOf(err) != modelspec.ErrUnimplemented {
		t.Error(err)
	}
	if _, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpNew, Doc: modelspec.FromJSON([]byte(`{"id":[]}`))}); modelspec.CodeOf(err) != modelspec.ErrInvalid {
		t.Error(err)
	}
}

func TestPanicsAreErrors(t *testing.T) {
	s := specOf(t, modelspec.Model[job]{
		Name: "job", OnCreate: func(*job) error { panic("the secret") }, Moment: func(j *job, m modelspec.Moment) { _ = m.Cause[5] },
		Ports: []modelspec.Port[job]{port.Command[job, port.None]{Name: "boom", Handle: func(*job, context.Context, port.None) error { panic(errPlain) }}},
	})
	for _, c := range []struct {
		call modelspec.Call
		want string
	}{
		{modelspec.Call{Op: modelspec.OpNew, Cause: "123456"}, "panic in new of job"},
		{modelspec.Call{Op: modelspec.OpInvoke, Port: "boom", Cause: "123456"}, "panic in port.invoke of job.boom"},
		{modelspec.Call{Op: modelspec.OpUpdate}, "panic in update of job"},
	} {
		_, err := s.Handle(t.Context(), c.call)
		p, ok := errors.AsType[*modelspec.Panic](err)
		if !ok || modelspec.CodeOf(err) != modelspec.ErrInternal || !errors.Is(err, modelspec.ErrInternal) || modelspec.AsError(err).Message != c.want {
			t.Errorf("%#v", err)
		} else if !strings.Contains(string(p.Stack), "model_test.go") || p.Value == nil {
			t.Errorf("%v: %s", p.Value, p.Stack)
		}
	}
}

func TestStatelessPortsHaveNoDocument(t *testing.T) {
	s := specOf(t, modelspec.Model[job]{
		Name: "job", Validate: func(*job) error { return errPlain },
		Ports: []modelspec.Port[job]{port.Func[job, int, int]{Name: "twice", Handle: func(_ context.Context, n int) (int, error) { return 2 * n, nil }}},
	})
	r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpInvoke, Port: "twice", Arg: modelspec.FromJSON([]byte("21"))})
	if err != nil || r.Doc != nil {
		t.Fatalf("%+v %v", r, err)
	}
	expect(t, r.Result, "42")
}

func TestRulesOfNativeReplies(t *testing.T) {
	s := specOf(t, orders)
	doc := modelspec.Of(seed)
	_, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpNew, ID: "o1", Doc: modelspec.Of(order{})})
	if got := faults(t, err); len(got) != 2 {
		t.Error(got)
	}
	other := seed
	other.CustomerID = "c2"
	_, err = s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpUpdate, ID: "o1", Prev: doc, Doc: modelspec.Of(other)})
	if got := faults(t, err); len(got) != 1 || !strings.HasPrefix(got[0], "/customerId immutable") {
		t.Error(got)
	}
	r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpInvoke, ID: "o1", Port: "touch", Doc: doc})
	if err != nil || !r.Doc.Native() {
		t.Errorf("%v: a native call met JSON", err)
	}
	if _, err := s.Index(r.Doc); err != nil || s.CheckInput(doc, r.Doc) != nil || !r.Doc.Native() {
		t.Error("rules made JSON")
	}
}

// liar answers whatever it is told to.
type liar struct {
	reply modelspec.Reply
	err   error
}

func (l liar) Handle(context.Context, modelspec.Call) (modelspec.Reply, error) { return l.reply, l.err }

func TestRT13RepliesAreChecked(t *testing.T) {
	desc := *specOf(t, orders).Descriptor()
	desc.Ports = append(desc.Ports, modelspec.PortDescriptor{Name: "count", Direction: modelspec.In, Response: &modelspec.Schema{Type: modelspec.Types{"integer"}}})
	const good = `{"id":"o1","customerId":"c1","items":[{}],"total":1,"status":""}`
	for _, c := range []struct {
		name, doc, result string
		code              modelspec.Code // "" for none
		want              string         // document, or a part of the error
	}{
		{"as it should be", good, "", "", good},
		{"null", "null", "", modelspec.ErrInternal, "must be an object, not null"},
		{"no object", "[]", "", modelspec.ErrInternal, "must be an object"},
		{"broken", `{"id":`, "", modelspec.ErrInternal, "json"},
		{"twice", `{"id":"o1","customerId":"c1","CustomerID":"c2","items":[{}]}`, "", modelspec.ErrInternal, "two members"},
		{"not UTF-8", "{\"id\":\"\xff\"}", "", modelspec.ErrInternal, "not UTF-8"},
		{"deep", `{"x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, "", modelspec.ErrInternal, "deeper"},
		{"other id", strings.Replace(good, "o1", "o2", 1), "", "", good},
		{"no id", `{ "customerId":"c1","items":[{}]}`, "", "", `{"id":"o1","customerId":"c1","items":[{}]}`},
		{"case of id", `{"Id":"o2","customerId":"c1","items":[{}]}`, "", modelspec.ErrInternal, "/id"},
		{"required", `{"id":"o1","customerId":"c1"}`, "", modelspec.ErrInvalid, "/items required"},
		{"immutable", strings.Replace(good, "c1", "c2", 1), "", modelspec.ErrInvalid, "/customerId immutable"},
		{"type", strings.Replace(good, `"total":1`, `"total":"1"`, 1), "", modelspec.ErrInvalid, "/total type"},
		{"unknown members are kept", strings.Replace(good, "{", `{"x":1,`, 1), "", "", strings.Replace(good, "{", `{"x":1,`, 1)},
		{"result", good, `"x"`, modelspec.ErrInternal, "result"},
		{"broken result", good, `{"a":1,"a":2}`, modelspec.ErrInternal, "two members"},
		{"good result", good, `7`, "", good},
	} {
		reply := modelspec.Reply{Doc: modelspec.FromJSON([]byte(c.doc))}
		if c.result != "" {
			reply.Result = modelspec.FromJSON([]byte(c.result))
		}
		s, err := modelspec.New(desc, liar{reply: reply})
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpInvoke, Port: "count", ID: "o1", Doc: modelspec.Of(seed)})
		if c.code == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			} else {
				expect(t, r.Doc, c.want)
			}
		} else if modelspec.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || r.Doc != nil {
			t.Errorf("%s: %v, %+v", c.name, err, r)
		}
	}
}

func TestRT13NoDocumentIsUnchanged(t *testing.T) {
	s, err := modelspec.New(*specOf(t, orders).Descriptor(), liar{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpInvoke, Port: "touch", ID: "o1", Doc: modelspec.Of(seed)})
	if err != nil || r.Doc != nil {
		t.Errorf("%+v %v", r, err)
	}
	// What nobody has looked at keeps the rules all the same.
	_, err = s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpNew, ID: "o1", Doc: modelspec.FromJSON([]byte(`{"total":1}`))})
	if got := faults(t, err); len(got) != 2 {
		t.Error(got)
	}
	var reply modelspec.Reply
	if err := json.Unmarshal([]byte(`{"doc":null}`), &reply); err != nil || reply.Doc != nil {
		t.Errorf("%+v %v", reply, err)
	}
}

func TestRT13CodesOfTheHostAreMapped(t *testing.T) {
	for code, want := range map[modelspec.Code]modelspec.Code{
		modelspec.ErrUnauthenticated: modelspec.ErrInternal, modelspec.ErrDataLoss: modelspec.ErrInternal, modelspec.ErrUnknown: modelspec.ErrInternal,
		modelspec.ErrInternal: modelspec.ErrInternal, modelspec.ErrUnavailable: modelspec.ErrUnavailable, modelspec.ErrRefused: modelspec.ErrRefused, "odd": modelspec.ErrInternal,
	} {
		for _, l := range []liar{{err: &modelspec.Error{Code: code, Message: "x"}}, {reply: modelspec.Reply{Error: &modelspec.Error{Code: code, Message: "x"}}}} {
			s, _ := modelspec.New(modelspec.Descriptor{Name: "m"}, l)
			if _, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpNew}); modelspec.CodeOf(err) != want {
				t.Errorf("%s: %v", code, modelspec.CodeOf(err))
			}
			if _, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpAdapt}); code.Known() && modelspec.CodeOf(err) != code {
				t.Errorf("%s from an adapter: %v", code, modelspec.CodeOf(err))
			}
		}
	}
	s, _ := modelspec.New(modelspec.Descriptor{Name: "m"}, liar{err: errPlain})
	if _, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpAdapt}); modelspec.CodeOf(err) != modelspec.ErrUnknown {
		t.Error(err)
	}
}

func TestEventsOfAModel(t *testing.T) {
	for want, e := range map[string]modelspec.EventRef{
		"order.created": orders.Created(), "order.updated": orders.Updated(), "order.deleted": orders.Deleted(), "order.undone": orders.Undone(), "order.attention": orders.Attention(),
	} {
		if e.EventType() != want {
			t.Errorf("%s: %s", want, e.EventType())
		}
	}
}

// bomb panics wherever it is asked.
type bomb struct{ n int }

func (b bomb) MarshalText() ([]byte, error) {
	if b.n == 1 {
		panic("marshal")
	}
	return []byte("b"), nil
}
func (b *bomb) UnmarshalText([]byte) error { panic("unmarshal") }
func (b bomb) Equal(bomb) bool             { panic("equal") }

func TestPanicsOfMethodsAreErrors(t *testing.T) {
	type doc struct {
		B bomb `json:"b" aegis:"immutable,readonly,index"`
	}
	s := specOf(t, modelspec.Model[doc]{Name: "doc"})
	armed, read := modelspec.Of(doc{bomb{1}}), modelspec.FromJSON([]byte(`{"b":"x"}`))
	quiet := modelspec.Of(doc{bomb{2}})
	for name, f := range map[string]func() error{
		"JSON":       func() error { _, err := armed.JSON(); return err },
		"As":         func() error { _, err := modelspec.As[doc](read); return err },
		"Own":        func() error { _, _, err := modelspec.Own[doc](read); return err },
		"Index":      func() error { _, err := s.Index(armed); return err },
		"CheckInput": func() error { return s.CheckInput(quiet, quiet) },
		"Handle": func() error {
			_, err := s.Handle(t.Context(), modelspec.Call{Op: modelspec.OpUpdate, Prev: quiet, Doc: quiet})
			return err
		},
		"Outward": func() error { _, err := s.Outward(modelspec.Of(doc{bomb{1}})); return err },
	} {
		err := f()
		if _, ok := errors.AsType[*modelspec.Panic](err); !ok || modelspec.CodeOf(err) != modelspec.ErrInternal {
			t.Errorf("%s: %v", name, err)
		}
	}
}
