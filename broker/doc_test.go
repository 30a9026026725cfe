package broker_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each guarantee of the package's documentation has a test of its name.
func TestGuaranteesHaveTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "// # Guarantees")
	text, _, _ = strings.Cut(text, "// # ")
	names := regexp.MustCompile(`(?m)^//\n// ([A-Z][a-z ]{2,20})\. `).FindAllStringSubmatch(text, -1)
	if len(names) != 11 {
		t.Errorf("found %d guarantees: %q", len(names), names)
	}
	tests := declared(t)
	for _, name := range names {
		test := "Test"
		for word := range strings.FieldsSeq(name[1]) {
			test += strings.ToUpper(word[:1]) + word[1:]
		}
		if !strings.Contains(tests, " "+test) {
			t.Errorf("%s has no test: name one %s, or something longer", name[1], test)
		}
	}
}

// declared lists the tests of this folder, with a space before each.
func declared(t *testing.T) string {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				out.WriteString(" " + fn.Name.Name)
			}
		}
	}
	return out.String()
}
