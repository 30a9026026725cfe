package file_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/org/aegis/datasource"
	"github.com/org/aegis/datasource/file"
)

func TestPath(t *testing.T) {
	for _, c := range []struct{ collection, id, want string }{
		{"orders", "o1", "orders/o1.json"},
		{"orders", "2026-05~x_1@y.z", "orders/2026-05~x_1@y.z.json"},
		{"orders", "a:b", "orders/a+b.json"},
		{"Orders", "OrderA1", "orders=g/ordera1=gg.json"},
		{"a.", ".", "a,/,.json"},
		{".", "..", ",/,,.json"},
		{"...", "...", ",.,/,.,.json"},
		{"con", "con", "%con/%con.json"},
		{"CON", "Aux.x", "%con=s/%aux.x=g.json"},
		{"com1.a", "lpt0", "%com1.a/%lpt0.json"},
		{"console", "com", "console/com.json"},
		{"A", "a", "a=g/a.json"},
	} {
		if got := file.Path(c.collection, c.id); got != c.want {
			t.Errorf("Path(%q, %q) = %q, want %q", c.collection, c.id, got, c.want)
		}
	}
	for _, long := range []string{strings.Repeat("A", 128), "COM1." + strings.Repeat("aA", 61) + "A"} {
		if name := file.Escape(long); len(name) > datasource.MaxName+28 {
			t.Errorf("%q has %d bytes", name, len(name))
		}
	}
	for _, name := range []string{"", "A", "a=", "a=0", "a=G", "a=g0", "a=gg", "con", "%a", "%", "a.", ".a", "a:b", "a==g", "1=g", "a,b", "a=g=g", "%con=", "%%con"} {
		if id, ok := file.Unescape(name); ok && name != "" {
			t.Errorf("%q is read as %q", name, id)
		}
	}
}

var portable = regexp.MustCompile(`^[a-z0-9._~@+,%=-]+$`)

// devices of Windows, also with an extension.
var devices = regexp.MustCompile(`^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

func checkName(t *testing.T, name string) {
	t.Helper()
	got := file.Escape(name)
	if back, ok := file.Unescape(got); !ok || back != name {
		t.Errorf("%q is written %q and read %q, %t", name, got, back, ok)
	}
	if !portable.MatchString(got) || devices.MatchString(got) || devices.MatchString(got+".json") ||
		strings.HasPrefix(got, ".") || strings.HasSuffix(got, ".") || len(got) > 200 {
		t.Errorf("%q is written %q", name, got)
	}
}

// Each id has a file of its own, on every file system, and only there.
func FuzzName(f *testing.F) {
	for _, seed := range [][2]string{{"o1", "O1"}, {".", ".."}, {"CON", "con"}, {"a:b", "a@b"}, {"A.", "a."}, {"aB", "Ab"}, {"nul.json", "%nul"}, {"a=g", "A"}, {"a+b", "a,b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if id, ok := file.Unescape(a); ok && file.Escape(id) != a {
			t.Errorf("%q is read as %q, which is written %q", a, id, file.Escape(id))
		}
		if datasource.ValidID(a) != nil || datasource.ValidID(b) != nil {
			return
		}
		checkName(t, a)
		checkName(t, b)
		if a != b && strings.EqualFold(file.Escape(a), file.Escape(b)) {
			t.Errorf("%q and %q share %q", a, b, file.Escape(a))
		}
	})
}

// All names of up to three bytes of those that matter, against each other.
func TestNamesDiffer(t *testing.T) {
	const alphabet = "aAcCoOnNzZ019.:_~@-"
	seen := map[string]string{}
	var try func(prefix string, left int)
	try = func(prefix string, left int) {
		if prefix != "" {
			checkName(t, prefix)
			name := file.Escape(prefix)
			if other, ok := seen[name]; ok {
				t.Fatalf("%q and %q share %q", prefix, other, name)
			}
			seen[name] = prefix
		}
		for i := 0; left > 0 && i < len(alphabet); i++ {
			try(prefix+alphabet[i:i+1], left-1)
		}
	}
	try("", 3)
}
