package orchestration_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/org/aegis/federation"
	"github.com/org/aegis/modelspec"
	"github.com/org/aegis/orchestration"
)

func parse(t testing.TB, text string) *orchestration.Document {
	t.Helper()
	d, err := orchestration.Parse([]byte(text), "flows.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What is too large, too deep or too much ends with one clear error.
func TestLimits(t *testing.T) {
	keys := func(n int) string {
		var b strings.Builder
		b.WriteString("version: 1\nmodels:\n")
		for i := range n {
			fmt.Fprintf(&b, "  m%d: {}\n", i)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, want string }{
		"bytes":          {"version: 1\n#" + strings.Repeat("x", orchestration.MaxBytes), "flows.yaml: the document has 1048588 bytes: at most 1048576"},
		"values":         {keys(orchestration.MaxNodes / 2), "flows.yaml:10000:10: more than 20000 values: split the document"},
		"values in JSON": {"{\"version\": 1,\n\"models\": {\"m\": [" + strings.Repeat("1,", orchestration.MaxNodes) + "1]}}", "flows.yaml:2:40004: more than 20000 values: split the document"},
		"a long list":    {"[" + strings.Repeat("a,", orchestration.MaxBytes/2-1) + "]", "more than 20000 values"},
		"depth":          {"version: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "flows.yaml:1:41: nested deeper than 32"},
		"depth of lists": {strings.Repeat("- ", 9000) + "a", "nested deeper than 32"},
		"depth in JSON":  {`{"version": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, "flows.yaml:1:44: nested deeper than 32"},
		"all depth":      {strings.Repeat("[", 50_000), "not YAML: exceeded max depth of 10000"},
		"not UTF-8":      {"version: 1\nmodels: \xff", "flows.yaml:2:1: not UTF-8"},
		"UTF-16":         {"\xff\xfev\x00", "flows.yaml:1:1: not UTF-8"},
		"NUL":            {"version: 1\x00", "not YAML: control characters are not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := orchestration.Parse([]byte(c.text), "flows.yaml")
			if !errors.Is(err, modelspec.ErrInvalid) || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("%.200v\nwant %s", err, c.want)
			}
		})
	}
	if _, err := parse(t, keys(orchestration.MaxNodes/2-10)).Compile(nil, nil); strings.Count(fmt.Sprint(err), "\n") != 49 {
		t.Errorf("%.200v", err)
	}
}

// JSON is read as what it is, whatever YAML thinks of it, and with its places.
func TestJSON(t *testing.T) {
	const text = "{\r\n\t\"version\": 1,\n\t\"flows\": {\n\t\t\"a\": {\"model\": \"order\", \"start\": \"order.\\u0061proved\",\n\t\t\t\"steps\": [\"pick\",\"sh\\u0069pp\"]}}}"
	_, err := parse(t, text).Compile(shop(t), nil)
	want := "flows.yaml:4:36: flows.a.start: nobody publishes order.aproved: did you mean order.approved?\nflows.yaml:5:21: flows.a.steps[1]: model order has no such port: did you mean ship?"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// A plan goes into a table as one change, and says by its line what a later
// version of a model lacks.
func TestPlanInATable(t *testing.T) {
	tab := federation.NewTable()
	defer func() {
		if err := tab.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	show := func(name string, specs ...*modelspec.Spec) error {
		c := federation.Component{Name: name}
		for _, s := range specs {
			c.Models = append(c.Models, s)
		}
		m, err := federation.Native(c)
		if err != nil {
			t.Fatal(err)
		}
		g, err := tab.Prepare(t.Context(), name, m, federation.Preparation{})
		if err != nil {
			t.Fatal(err)
		}
		if err = tab.Swap(federation.Change{name: {{Gen: g}}}); err != nil {
			g.Discard()
		}
		return err
	}
	specs := shop(t)
	if err := show("shop", specs...); err != nil {
		t.Fatal(err)
	}
	apply := func(file string) {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := parse(t, string(text)).Compile(tab.Snapshot().Declared(), services())
		if err != nil {
			t.Fatal(err)
		}
		if err := tab.Overlay(plan.Overlay); err != nil {
			t.Fatal(err)
		}
	}
	ship := func() *modelspec.PortDescriptor {
		for _, s := range tab.Snapshot().Models() {
			if s.Descriptor().Name == "order" {
				return s.Port("ship")
			}
		}
		return nil
	}
	apply("testdata/good/flows.yaml")
	if p := ship(); p.On[0] != "order.fulfil.pick" || !p.Optional {
		t.Errorf("%+v", p)
	}
	apply("testdata/good/ports.yaml") // another document: nothing of the first is left
	if p := ship(); p.On[0] != "order.authorized" || p.Repeats != 3 {
		t.Errorf("%+v", p)
	}
	apply("testdata/good/flows.yaml")
	less := *specs[0].Descriptor()
	less.Ports = nil
	for _, p := range specs[0].Descriptor().Ports {
		if p.Name != "ship" {
			less.Ports = append(less.Ports, p)
		}
	}
	next, err := modelspec.New(less, mute{})
	if err != nil {
		t.Fatal(err)
	}
	err = show("shop", next, specs[1], specs[2])
	if !errors.Is(err, modelspec.ErrRefused) || !strings.Contains(err.Error(), "model order does not fit the overlay: flows.yaml:5:7: models.order.ports.ship: model order has no such port") {
		t.Errorf("a version without the port: %v", err)
	}
	if ship() == nil {
		t.Error("refused, and shown")
	}
	apply("testdata/good/empty.yaml")
	if p := ship(); p.On[0] != "order.authorized" || p.Optional || p.Repeats != 0 {
		t.Errorf("%+v", p)
	}
}

// Nothing of a document or of a model is written to.
func TestConcurrentUse(t *testing.T) {
	text, err := os.ReadFile("testdata/meaning/names.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bad, specs := parse(t, string(text)), shop(t)
	text, err = os.ReadFile("testdata/good/first.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := parse(t, string(text))
	_, want := bad.Compile(specs, services())
	plan, err := good.Compile(specs, services())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := bad.Compile(specs, services()); err == nil || err.Error() != want.Error() {
					t.Error(err)
				}
				if _, err := good.Compile(specs, services()); err != nil {
					t.Error(err)
				}
				if _, err := specs[0].With(plan.Overlay["order"]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// What is wrong beside the document is not its business.
func TestCompileLooksAtWhatIsTouched(t *testing.T) {
	d := modelspec.Descriptor{Name: "late", Ports: []modelspec.PortDescriptor{
		{Name: "p", Direction: modelspec.Out, From: []modelspec.Trigger{{Event: "nobody.came", Key: "subject"}}},
		{Name: "q", Direction: modelspec.Out},
	}}
	s, err := modelspec.New(d, mute{})
	if err != nil {
		t.Fatal(err)
	}
	specs := append(shop(t), s)
	for text, want := range map[string]string{
		"q: {delay: 0s}": "",
		"p: {delay: 5m}": "", // a table shows it already
		"p: {on: [{event: nobody.came, key: subject}]}": "flows.yaml:2:42: models.late.ports.p.on[0].event: no model nobody is loaded",
	} {
		_, err := parse(t, "version: 1\nmodels: {late: {ports: {"+text+"}}}").Compile(specs, nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
	const order = "version: 1\nmodels: {order: {ports: {ship: {produces: order.sent}}}}"
	_, err = parse(t, order).Compile(specs, nil)
	if err == nil || !strings.Contains(err.Error(), "flows.yaml:2:43: models.order.ports.ship.produces: model invoice: port send: event order.shipped: model order does not publish it") {
		t.Errorf("another model waits for it: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, folder := range []string{"good", "syntax", "shape", "meaning"} {
		for _, data := range documents(f, folder) {
			f.Add(data)
		}
	}
	f.Add([]byte("version: 1\n\"a\\x00b\": ''\n"))
	specs, s := shop(f), compileSchema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := orchestration.Parse(data, "x")
		if err == nil {
			raw, ok := orchestration.Value(data)
			if !ok {
				t.Fatal("accepted, and not JSON")
			}
			if err := validate(s, raw); err != nil {
				t.Fatalf("accepted, and the schema says %v", err)
			}
			_, err = d.Compile(specs, services())
		}
		if err == nil {
			return
		}
		list := err.(interface{ Unwrap() []error }).Unwrap()
		if len(list) == 0 || len(list) > 50 {
			t.Fatalf("%d mistakes", len(list))
		}
		last := 0
		for _, e := range list {
			e := e.(*orchestration.Error)
			if e.Line < last || e.Line > bytes.Count(data, []byte("\n"))+bytes.Count(data, []byte("\r"))+bytes.Count(data, []byte("\u2028"))+bytes.Count(data, []byte("\u2029"))+bytes.Count(data, []byte("\u0085"))+1 || e.Line > 0 && e.Column < 1 || e.Message == "" {
				t.Fatalf("%+v after line %d", e, last)
			}
			last = e.Line
		}
	})
}
