package wasm_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
)

// golden are the frames of testdata/frames as Go values. The files are what
// ABI.md promises to guests that are not written in Go: a change that makes
// this test fail is a change of the ABI.
var golden = map[string]any{
	"call-describe": modelspec.Call{Op: modelspec.OpDescribe},
	"call-probe":    modelspec.Call{Op: modelspec.OpProbe, Model: "order", Port: "approve", Deadline: until},
	"call-new": modelspec.Call{Op: modelspec.OpNew, Model: "order", ID: "o1", Now: now, Deadline: until, Caller: caller, Trace: trace, Cause: "c-1",
		Doc: raw(`{"sku":"A-1","count":2}`)},
	"call-update": modelspec.Call{Op: modelspec.OpUpdate, Model: "order", ID: "o1", Now: now, Deadline: until, Caller: caller, Trace: trace, Cause: "c-2",
		Doc: raw(`{"sku":"A-1","count":3}`), Prev: raw(`{"sku":"A-1","count":2}`)},
	"call-delete": modelspec.Call{Op: modelspec.OpDelete, Model: "order", ID: "o1", Now: now, Deadline: until, Doc: raw(`{"sku":"A-1","count":3}`)},
	"call-undone": modelspec.Call{Op: modelspec.OpUndone, Model: "order", ID: "o1", Now: now, Deadline: until, Doc: raw(`{"sku":"A-1","status":"approved"}`)},
	"call-port-request": modelspec.Call{Op: modelspec.OpRequest, Model: "order", Port: "shipOrder", ID: "o1", Now: now, Deadline: until,
		Doc: raw(`{"sku":"A-1","count":3}`)},
	"call-port-reply": modelspec.Call{Op: modelspec.OpReply, Model: "order", Port: "shipOrder", ID: "o1", Now: now, Deadline: until,
		Doc: raw(`{"sku":"A-1","count":3}`), Arg: raw(`{"track":"T-9"}`)},
	"call-port-invoke": modelspec.Call{Op: modelspec.OpInvoke, Model: "order", Port: "approve", ID: "o1", Key: "k-77", Now: now, Deadline: until, Caller: caller, Trace: trace, Cause: "c-3",
		Doc: raw(`{"sku":"A-1","count":3}`), Arg: raw(`{"by":"ann"}`)},
	"call-adapter-call": modelspec.Call{Op: modelspec.OpAdapt, Model: "order", Port: "shipOrder", Key: "k-78", Now: now, Deadline: until,
		Arg: raw(`{"sku":"A-1","count":3}`)},
	"call-adapter-undo": modelspec.Call{Op: modelspec.OpTakeBack, Model: "order", Port: "shipOrder", Key: "k-79", Undoes: "k-78", Now: now, Deadline: until,
		Answer: raw(`{"track":"T-9"}`), Arg: raw(`{"sku":"A-1","count":3}`)},

	"reply-nothing": modelspec.Reply{},
	"reply-describe": modelspec.Reply{Result: modelspec.Of(federation.Manifest{ABI: 1, Name: "carrier", Version: "1.4.0",
		Adapters: []federation.AdapterDescriptor{{Model: "order", Port: "shipOrder", Undo: true}}})},
	"reply-describe-model": modelspec.Reply{Result: modelspec.Of(federation.Manifest{ABI: 1, Name: "shop", Version: "2.0.0",
		Models: []modelspec.Descriptor{{Name: "order",
			Relations: []modelspec.RelationDescriptor{{Name: "customer", Model: "customer", Cardinality: modelspec.ManyToOne, Key: "customerId", Fields: []string{"tier"}}},
			Ports: []modelspec.PortDescriptor{
				{Name: "approve", Direction: modelspec.In},
				{Name: "shipOrder", Direction: modelspec.Out, On: []string{"order.approved"}, Undo: true, Policy: modelspec.Policy{Timeout: 5 * time.Second, Retries: 2}},
			},
			Publishes: []modelspec.EventDescriptor{{Type: "order.approved"}}}}})},
	"reply-doc":    modelspec.Reply{Doc: raw(`{"sku":"A-1","count":3,"status":"approved"}`), Result: raw(`{"position":4}`)},
	"reply-result": modelspec.Reply{Result: raw(`{"track":"T-9"}`)},
	"reply-error":  modelspec.Reply{Error: &modelspec.Error{Code: modelspec.ErrRefused, Message: "the order is shipped"}},
	"reply-error-fields": modelspec.Reply{Error: &modelspec.Error{Code: modelspec.ErrInvalid, Message: "invalid",
		Fields: []modelspec.FieldError{{Pointer: "/count", Rule: "min", Detail: "at least 1"}}}},
	"reply-error-not-sent": modelspec.Reply{Error: &modelspec.Error{Code: modelspec.ErrUnavailable, Message: "carrier: connection refused", NotSent: true}},

	"effect-call":    modelspec.Effect{Verb: modelspec.VerbCall, Target: "shipOrder", Arg: raw(`{"sku":"A-1","count":3}`)},
	"effect-undo":    modelspec.Effect{Verb: modelspec.VerbUndo, Target: "shipOrder"},
	"effect-get":     modelspec.Effect{Verb: modelspec.VerbGet, Target: "customer", Key: "c9"},
	"effect-list":    modelspec.Effect{Verb: modelspec.VerbList, Target: "invoices", Key: "o1"},
	"effect-publish": modelspec.Effect{Verb: modelspec.VerbPublish, Target: "order.approved", Arg: raw(`{"by":"ann"}`)},
	"effect-log":     modelspec.Effect{Verb: modelspec.VerbLog, Target: "INFO", Key: "approved", Arg: raw(`{"by":"ann"}`)},
}

var (
	now    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	until  = now.Add(30 * time.Second)
	caller = &modelspec.Caller{Subject: "ann", Tenant: "acme", Claims: map[string]any{"role": "clerk"}}
	trace  = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
)

func raw(s string) *modelspec.Value { return modelspec.FromJSON([]byte(s)) }

const frames = "testdata/frames"

func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGoldenFrames(t *testing.T) {
	files, err := filepath.Glob(frames + "/*.json")
	if err != nil || len(files) != len(golden) {
		t.Fatalf("%d files for %d frames, %v", len(files), len(golden), err)
	}
	for name, v := range golden {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(frames, name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			want := compact(t, file)
			got, err := json.Marshal(v)
			if err != nil || string(got) != want {
				t.Errorf("encoded:\n%s\nwant:\n%s\n%v", got, want, err)
			}
			dec := json.NewDecoder(bytes.NewReader(file))
			dec.DisallowUnknownFields()
			var back any
			switch kind, _, _ := strings.Cut(name, "-"); kind {
			case "call":
				back = new(modelspec.Call)
			case "reply":
				back = new(modelspec.Reply)
			default:
				back = new(modelspec.Effect)
			}
			if err := dec.Decode(back); err != nil {
				t.Fatal(err)
			}
			again, err := json.Marshal(back)
			if err != nil || string(again) != want {
				t.Errorf("decoded and encoded:\n%s\nwant:\n%s\n%v", again, want, err)
			}
		})
	}
}

// Every frame that ABI.md shows is one of the golden ones.
func TestABIShowsGoldenFrames(t *testing.T) {
	abi, err := os.ReadFile("ABI.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	files, _ := filepath.Glob(frames + "/*.json")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		known[compact(t, b)] = true
	}
	shown := 0
	for _, block := range strings.Split(string(abi), "```json\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			shown++
			if !known[compact(t, []byte(line))] {
				t.Errorf("not a golden frame: %s", line)
			}
		}
	}
	if shown < 10 {
		t.Errorf("%d frames shown", shown)
	}
}
