package orchestration_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/orchestration"
)

var update = flag.Bool("update", false, "write the want files anew")

// mute is the behavior of a model that is only described.
type mute struct{}

func (mute) Handle(context.Context, modelspec.Call) (modelspec.Reply, error) {
	return modelspec.Reply{}, modelspec.ErrUnimplemented
}

func services() []string { return []string{"mail", "warehouse"} }

// shop are the models of testdata/models.json.
func shop(t testing.TB) []*modelspec.Spec {
	t.Helper()
	raw, err := os.ReadFile("testdata/models.json")
	if err != nil {
		t.Fatal(err)
	}
	var ds []modelspec.Descriptor
	if err := json.Unmarshal(raw, &ds); err != nil {
		t.Fatal(err)
	}
	var out []*modelspec.Spec
	for _, d := range ds {
		s, err := modelspec.New(d, mute{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// documents are those of a folder of testdata, by their paths.
func documents(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, ending := range []string{"*.yaml", "*.json"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, ending))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if out[f], err = os.ReadFile(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("no documents in %s", folder)
	}
	return out
}

// golden compares got with the want file beside a document.
func golden(t *testing.T, file, got string) {
	t.Helper()
	name := file + ".want"
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// compile is what a document comes to, as text: the ports that it changes, and
// the bindings.
func compile(t *testing.T, d *orchestration.Document) string {
	t.Helper()
	specs := shop(t)
	p, err := d.Compile(specs, services())
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]modelspec.PortDescriptor{}
	for _, s := range specs {
		change := p.Overlay[s.Descriptor().Name]
		if change == nil {
			continue
		}
		next, err := s.With(change)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range next.Descriptor().Ports {
			was, _ := json.Marshal(s.Port(port.Name))
			is, err := json.Marshal(port)
			if err != nil {
				t.Fatal(err)
			}
			port.Request, port.Response = nil, nil
			if string(was) != string(is) {
				changed[s.Descriptor().Name+"."+port.Name] = port
			}
		}
	}
	out, err := json.MarshalIndent(map[string]any{"ports": changed, "bindings": p.Bindings}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

func TestCompile(t *testing.T) {
	for file, data := range documents(t, "good") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			d, err := orchestration.Parse(data, filepath.Base(file))
			if err != nil {
				t.Fatal(err)
			}
			if d.Name() != filepath.Base(file) {
				t.Errorf("name %s", d.Name())
			}
			golden(t, file, compile(t, d))
		})
	}
}

// Every mistake is told with its line, and nothing else is.
func TestBroken(t *testing.T) {
	for _, folder := range []string{"syntax", "shape", "meaning"} {
		for file, data := range documents(t, folder) {
			t.Run(folder+"/"+filepath.Base(file), func(t *testing.T) {
				d, err := orchestration.Parse(data, filepath.Base(file))
				if (err == nil) != (folder == "meaning") {
					t.Fatalf("parse: %v", err)
				}
				if err == nil {
					_, err = d.Compile(shop(t), services())
				}
				if !errors.Is(err, modelspec.ErrInvalid) || modelspec.CodeOf(err) != modelspec.ErrInvalid {
					t.Fatalf("%v (%s)", err, modelspec.CodeOf(err))
				}
				golden(t, file, err.Error()+"\n")
				last := 0
				for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
					e, ok := e.(*orchestration.Error)
					if !ok {
						t.Fatalf("%T", e)
					}
					if e.Line < last || e.Line > strings.Count(string(data), "\n")+1 {
						t.Errorf("line %d after %d", e.Line, last)
					}
					last = e.Line
				}
			})
		}
	}
}

// The schema and the code agree on the shape of documents.
func TestSchema(t *testing.T) {
	s := compileSchema(t)
	for folder, want := range map[string]bool{"good": true, "meaning": true, "shape": false} {
		for file, data := range documents(t, folder) {
			raw, ok := orchestration.Value(data)
			if !ok {
				t.Errorf("%s: cannot be read", file)
				continue
			}
			if err := validate(s, raw); (err == nil) != want {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	again := orchestration.Schema()
	again[0] = 'x'
	if orchestration.Schema()[0] != '{' {
		t.Error("the schema can be changed")
	}
}

// Each line of a document of shape mistakes is one by itself, to the schema
// too.
func TestSchemaSeesEachMistake(t *testing.T) {
	s := compileSchema(t)
	for name, port := range map[string]string{
		"on": `{"on": "a"}`, "all": `{"all": "yes"}`, "delay": `{"delay": 5}`, "produces": `{"produces": 7}`, "policy": `{"policy": 3}`,
		"optional": `{"optional": 1}`, "repeats": `{"repeats": "many"}`, "disabled": `{"disabled": null}`, "event": `{"on": [5]}`,
		"no event": `{"on": [{}]}`, "empty": `{"on": [""]}`, "await": `{"await": []}`, "methods": `{"methods": "POST"}`, "keys": `{"keys": [1]}`,
		"path": `{"path": {}}`, "fallback": `{"fallback": null}`, "port": `[]`, "timeout": `{"policy": {"timeout": "soon"}}`, "retries": `{"policy": {"retries": -1}}`,
		"backoff": `{"undoPolicy": {"backoff": 1.5}}`, "failures": `{"policy": {"breaker": {"failures": 1.5}}}`, "code": `{"policy": {"breaker": {"codes": [{"code": "x"}]}}}`,
		"huge": `{"repeats": 99999999999}`, "unknown": `{"x": 1}`, "both": `{"fallback": "a", "default": 1}`, "negative": `{"delay": "-5m"}`, "blank": `{"delay": ""}`,
	} {
		doc := `{"version": 1, "models": {"m": {"ports": {"p": ` + port + `}}}}`
		_, err := orchestration.Parse([]byte(doc), "x")
		if bad := validate(s, []byte(doc)); err == nil || bad == nil {
			t.Errorf("%s: parse: %v, schema: %v", name, err, bad)
		}
	}
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(orchestration.Schema())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, raw []byte) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	return s.Validate(v)
}
