// Package layering holds the one test that keeps the walls of the house: which
// package may import which. It parses the sources itself, so that a cached
// result cannot hide a break.
package layering

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/org/aegis"

// floors of the packages of the root module, by their folders. A package
// imports lower floors only.
var floors = map[string]int{
	"modelspec":                 0,
	"port":                      1,
	"broker":                    1,
	"query":                     1,
	"datasource":                1,
	"adapter":                   2,
	"federation":                3,
	"internal/policy":           4,
	"orchestration":             4,
	"wasm/guest":                4,
	"datasource/memory":         4,
	"datasource/badger":         4,
	"datasource/file":           4,
	"federation/source/file":    4,
	"federation/source/http":    4,
	"wasm":                      5,
	"internal/flow":             5,
	"internal/httpapi":          6,
	"":                          7,
	"datasource/datasourcetest": 8,
	"federation/federationtest": 8,
	"aegistest":                 8,
}

// elsewhere are folders whose packages stand outside the floors: they may
// import every public package, and nobody may import them but one another.
var elsewhere = []string{"cmd", "examples", "internal/shop", "internal/layering", "internal/bench", "internal/e2e", "wasm/wasmtest", "wasm/testdata", "wasm/internal"}

// thirdParty is what each package may import beside the standard library.
var thirdParty = map[string][]string{
	"broker":            {"github.com/expr-lang/expr"},
	"orchestration":     {"go.yaml.in/yaml/v4", "github.com/santhosh-tekuri/jsonschema/v6"},
	"datasource/memory": {"github.com/google/btree"},
	"datasource/file":   {"github.com/google/btree"},
	"datasource/badger": {"github.com/dgraph-io/badger/v4"},
	"wasm":              {"github.com/tetratelabs/wazero"},
}

// noNetwork are packages that are compiled into guests, or must stay as small.
var noNetwork = []string{"modelspec", "port", "adapter", "federation", "wasm/guest", "broker", "datasource", "query"}

// outsideCore are packages that the core must not reach, by whatever way.
var outsideCore = []string{"wasm", "wasm/guest", "datasource/badger", "datasource/file", "orchestration"}

func TestImports(t *testing.T) {
	imports := sources(t)
	for _, dir := range sorted(imports) {
		floor, listed := floors[dir]
		outside := under(dir, elsewhere)
		if !listed && !outside {
			t.Errorf("%s: has no floor: give it one in this test", show(dir))
			continue
		}
		for _, imp := range imports[dir] {
			switch local, own := strings.CutPrefix(imp, module); {
			case own && outside:
			case own:
				local = strings.TrimPrefix(local, "/")
				if f, ok := floors[local]; !ok || f >= floor {
					t.Errorf("%s (floor %d) imports %s (floor %d): a package imports lower floors only", show(dir), floor, show(local), f)
				}
			case !strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
				if slices.Contains(noNetwork, dir) && (imp == "net" || strings.HasPrefix(imp, "net/")) {
					t.Errorf("%s imports %s: it is compiled into guests", show(dir), imp)
				}
			case !outside && !slices.ContainsFunc(thirdParty[dir], func(m string) bool { return imp == m || strings.HasPrefix(imp, m+"/") }):
				t.Errorf("%s imports %s: the third-party modules of each package are listed in this test", show(dir), imp)
			}
		}
	}
}

// Whoever embeds the core pays for no engine and no driver.
func TestCoreReachesNoEngine(t *testing.T) {
	imports := sources(t)
	from := map[string]string{"": ""}
	queue := []string{""}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, imp := range imports[dir] {
			local, own := strings.CutPrefix(imp, module+"/")
			if _, seen := from[local]; !own || seen {
				continue
			}
			from[local] = dir
			queue = append(queue, local)
			if slices.Contains(outsideCore, local) {
				t.Errorf("the core reaches %s through %s", local, show(dir))
			}
		}
	}
	if len(from) < 8 {
		t.Fatalf("only %d packages were found: the test does not see the sources", len(from))
	}
}

// sources maps each folder of the root module to what its packages import,
// tests left out.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && (strings.HasPrefix(d.Name(), ".") || nested(p)) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(p))
		if err != nil {
			return err
		}
		dir := strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(rel)), "/")
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			all[dir] = append(all[dir], strings.Trim(i.Path.Value, `"`))
		}
		if len(f.Imports) == 0 && all[dir] == nil {
			all[dir] = []string{}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// nested reports whether the folder is a module of its own.
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func under(dir string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return dir == f || strings.HasPrefix(dir, f+"/") })
}

func sorted(m map[string][]string) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

func show(dir string) string {
	if dir == "" {
		return "package aegis"
	}
	return dir
}
