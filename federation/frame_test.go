package federation_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

func fullCall() modelspec.Call {
	raw := func(s string) *modelspec.Value { return modelspec.FromJSON([]byte(s)) }
	return modelspec.Call{
		Op: modelspec.OpTakeBack, Model: "order", Port: "shipOrder", ID: "o\"1\\\n\x01<é\u2028>", Key: "k", Undoes: "u",
		Now: time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("", 3600)), Deadline: time.Date(2026, 11, 23, 12, 0, 1, 0, time.UTC),
		Caller: &modelspec.Caller{Subject: "s", Tenant: "t", Claims: map[string]any{"a": []any{1.5, "<b>"}}},
		Trace:  "00-1-2-03", Cause: "c",
		Doc: raw(`{"a": [1, "}\"{"]}`), Prev: raw(`[]`), Answer: raw(`"x\\"`), Arg: raw(`-1.5e3`),
	}
}

func fullError() *modelspec.Error {
	return &modelspec.Error{Code: modelspec.ErrInvalid, Message: "a \"b\"\tc", NotSent: true,
		Fields: []modelspec.FieldError{{Pointer: "/a", Rule: "min", Detail: "1"}, {Pointer: "", Rule: "type"}}}
}

func calls() []modelspec.Call {
	return []modelspec.Call{{}, {Op: "x", Caller: &modelspec.Caller{}}, {Arg: modelspec.Of([]int{1})}, fullCall()}
}

func replies() []modelspec.Reply {
	v := modelspec.FromJSON([]byte(`{"a":{"b":[]}}`))
	return []modelspec.Reply{{}, {Doc: v}, {Result: v}, {Doc: v, Result: modelspec.Of("x")}, {Error: fullError()}, {Error: &modelspec.Error{}}}
}

// plain turns Values into their JSON, so that frames can be compared.
func plain(t testing.TB, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out
}

func same(t testing.TB, what string, a, b any) {
	t.Helper()
	if x, y := plain(t, a), plain(t, b); !reflect.DeepEqual(x, y) {
		t.Errorf("%s:\n%v\n%v", what, x, y)
	}
}

// What is written by hand is what encoding/json would have written, and the
// other way about.
func TestFramesAreJSON(t *testing.T) {
	for _, c := range calls() {
		b, err := federation.AppendCall(nil, &c)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "call", c, json.RawMessage(b))
		std, _ := json.Marshal(c)
		for _, b := range [][]byte{b, std} {
			back, err := federation.ReadCall(b)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "call read", c, back)
		}
		if n := federation.SizeOfCall(&c); n < len(b) && c.Caller == nil {
			t.Errorf("size %d, frame %d", n, len(b))
		}
	}
	for _, r := range replies() {
		b, err := federation.AppendReply([]byte("keep"), &r)
		if err != nil || !strings.HasPrefix(string(b), "keep") {
			t.Fatal(err, string(b))
		}
		b = b[4:]
		same(t, "reply", r, json.RawMessage(b))
		std, _ := json.Marshal(r)
		for _, b := range [][]byte{b, std} {
			back, err := federation.ReadReply(b)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "reply read", r, back)
		}
	}
	for _, e := range []modelspec.Effect{{}, {Verb: modelspec.VerbLog, Target: "INFO", Key: "k\x00", Arg: modelspec.Of(map[string]int{"n": 1})}} {
		b, err := federation.AppendEffect(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "effect", e, json.RawMessage(b))
		back, err := federation.ReadEffect(b)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "effect read", e, back)
	}
}

func TestArgIsLast(t *testing.T) {
	c := fullCall()
	b, err := federation.AppendCall(nil, &c)
	if err != nil || !strings.HasSuffix(string(b), `,"arg":-1.5e3}`) || !strings.HasPrefix(string(b), `{"op":"adapter.undo","model":"order"`) {
		t.Errorf("%v: %s", err, b)
	}
}

func TestFrameOfWhatCannotBeWritten(t *testing.T) {
	for name, c := range map[string]modelspec.Call{
		"value":  {Arg: modelspec.Of(make(chan int))},
		"year":   {Now: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"claims": {Caller: &modelspec.Caller{Claims: map[string]any{"f": func() {}}}},
	} {
		if b, err := federation.AppendCall(nil, &c); err == nil {
			t.Errorf("%s: %s", name, b)
		}
	}
}

func TestBadUTF8IsMended(t *testing.T) {
	b, err := federation.AppendCall(nil, &modelspec.Call{ID: "a\xffb"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := federation.ReadCall(b); err != nil || c.ID != "a\ufffdb" {
		t.Errorf("%q, %v", c.ID, err)
	}
}

// Replies come from code that is not trusted.
func TestStrictReplies(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for frame, ok := range map[string]bool{
		``:                                  false,
		`null`:                              false,
		`[]`:                                false,
		`"doc"`:                             false,
		`{}`:                                true,
		" {\n} ":                            true,
		`{"doc":{},"later":{"a":1}}`:        true,
		`{"doc":{}}x`:                       false,
		`{"doc":{}}{}`:                      false,
		`{"doc":{},"doc":{}}`:               false,
		`{"doc":{},"Doc":{}}`:               false,
		`{"Doc":{}}`:                        false,
		`{"\u0064oc":{},"doc":{}}`:          false,
		`{"doc":{"a":1,"A":2}}`:             false,
		"{\"result\":\"\xff\"}":             false,
		`{"result":"\ud800"}`:               false,
		`{"result":` + deep(63) + `}`:       true,
		`{"result":` + deep(64) + `}`:       false,
		`{"result":01}`:                     false,
		`{"result":}`:                       false,
		`{"error":"no"}`:                    false,
		`{"error":{"code":1}}`:              false,
		`{"error":{"Code":"internal"}}`:     false,
		`{"error":{"notSent":1}}`:           false,
		`{"error":{"code":"x","fields":1}}`: false,
		`{"error":null}`:                    true,
		`{"result":1,`:                      false,
	} {
		if _, err := federation.ReadReply([]byte(frame)); (err == nil) != ok {
			t.Errorf("%s: %v", frame, err)
		}
	}
	r, err := federation.ReadReply([]byte(`{"doc":null,"result":null}`))
	if err != nil || r.Doc == nil || r.Result != nil {
		t.Errorf("a null document must not read as none: %+v, %v", r, err)
	}
	r, err = federation.ReadReply([]byte(`{"\u0064oc":{"a":1}}`))
	if b, _ := r.Doc.JSON(); err != nil || string(b) != `{"a":1}` {
		t.Errorf("an escaped name: %s, %v", b, err)
	}
}

func FuzzReadCall(f *testing.F) {
	for _, c := range calls() {
		b, _ := federation.AppendCall(nil, &c)
		f.Add(b)
	}
	f.Add([]byte(`{"now":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := federation.ReadCall(b)
		if err != nil {
			return
		}
		var std modelspec.Call
		if err := json.Unmarshal(b, &std); err != nil {
			t.Fatalf("encoding/json does not read it: %v", err)
		}
		same(t, "read", std, c)
		again, err := federation.AppendCall(nil, &c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := federation.ReadCall(again)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "written and read", c, back)
	})
}

func FuzzReadReply(f *testing.F) {
	for _, r := range replies() {
		b, _ := federation.AppendReply(nil, &r)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := federation.ReadReply(b)
		if err != nil {
			return
		}
		var std modelspec.Reply
		if err := json.Unmarshal(b, &std); err != nil {
			t.Fatalf("encoding/json does not read it: %v", err)
		}
		if d, _ := r.Doc.JSON(); string(d) == "null" {
			r.Doc = nil // kept apart on purpose
		}
		same(t, "read", std, r)
		again, err := federation.AppendReply(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := federation.ReadReply(again)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "written and read", r, back)
	})
}

func FuzzReadEffect(f *testing.F) {
	f.Add([]byte(`{"verb":"call","target":"shipOrder","arg":{"a":[1,"b"]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := federation.ReadEffect(b)
		if err != nil {
			return
		}
		var std modelspec.Effect
		if err := json.Unmarshal(b, &std); err != nil {
			t.Fatalf("encoding/json does not read it: %v", err)
		}
		same(t, "read", std, e)
	})
}

// BenchmarkCodec is what a call with 1 KiB each way pays for frames at the
// host's end.
func BenchmarkCodec(b *testing.B) {
	text, _ := json.Marshal(strings.Repeat("x", 1022))
	object, _ := json.Marshal(map[string]any{"lines": strings.Split(strings.Repeat("twelve bytes,", 70), ",")})
	for name, payload := range map[string][]byte{"string": text, "object": object} {
		c := modelspec.Call{Op: modelspec.OpAdapt, Model: "order", Port: "shipOrder", Key: "0123456789abcdef", Arg: modelspec.FromJSON(payload)}
		reply, _ := federation.AppendReply(nil, &modelspec.Reply{Result: c.Arg})
		b.Run(name+"/both", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = federation.AppendCall(make([]byte, 0, federation.SizeOfCall(&c)), &c)
				if _, err := federation.ReadReply(reply); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/write", func(b *testing.B) {
			for b.Loop() {
				_, _ = federation.AppendCall(make([]byte, 0, federation.SizeOfCall(&c)), &c)
			}
		})
		b.Run(name+"/read", func(b *testing.B) {
			for b.Loop() {
				_, _ = federation.ReadReply(reply)
			}
		})
		b.Run(name+"/check", func(b *testing.B) {
			for b.Loop() {
				_ = modelspec.CheckJSON(reply)
			}
		})
	}
}
